"""Subcommands of `python -m lab`: one module each, with NAME, HELP, `arguments(parser)` and `run(arguments)`."""
