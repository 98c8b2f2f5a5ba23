"""Subcommands of `python -m pathology`: one module each, with NAME, HELP, `arguments(parser)` and `run(arguments)`."""
