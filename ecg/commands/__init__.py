"""Subcommands of `python -m ecg`: one module each, with NAME, HELP, `arguments(parser)` and `run(arguments)`."""
