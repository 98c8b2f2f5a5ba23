"""`python -m lab COMMAND FILE|-`: each subcommand is a module of `lab.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from lab.commands import bench, check, parse
from lab.errors import LabError

COMMANDS: Final[tuple[ModuleType, ...]] = (parse, check, bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; 0 where it did its work, 1 with a sentence on standard error where it could not."""
    parser = argparse.ArgumentParser(prog="python -m lab", description="Laboratory messages: HL7 v2 and ASTM.")
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = choices.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        sub.add_argument("file", help="a message, a batch or a captured ASTM line; - for standard input")
        sub.add_argument("--character-set", help="in place of MSH-18, or of the instrument's profile")
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except LabError as error:
        print(f"{chosen.file}: {error.reason}", file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
