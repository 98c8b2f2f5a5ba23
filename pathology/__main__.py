"""`python -m pathology COMMAND`: each subcommand is a module of `pathology.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from pathology.commands import focus, info, tiles, unwrap, wrap
from pathology.errors import SlideError

COMMANDS: Final[tuple[ModuleType, ...]] = (info, wrap, unwrap, tiles, focus)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; 0 where it did its work, 1 with a line on standard error where it could not."""
    parser = argparse.ArgumentParser(prog="python -m pathology", description="Whole-slide images of every scanner.")
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = choices.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except SlideError as error:
        print(f"cannot read {chosen.file}: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
