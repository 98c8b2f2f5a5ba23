"""`python -m ecg COMMAND`: each subcommand is a module of `ecg.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from ecg.commands import analyse, convert, draw, info
from ecg.recording import UnreadableECG

COMMANDS: Final[tuple[ModuleType, ...]] = (info, analyse, draw, convert)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; 0 where it did its work, 1 with a line on standard error where it could not."""
    parser = argparse.ArgumentParser(prog="python -m ecg", description="Electrocardiograms in every cart's format.")
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = choices.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except UnreadableECG as error:
        print(f"cannot read {chosen.file}: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
