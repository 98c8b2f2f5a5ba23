"""`pathology unwrap FOLDER OUT`: the scanner's file out of what `wrap` wrote."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from pathology.source import FileSource
from pathology.wsi import unwrap

NAME: Final = "unwrap"
HELP: Final = "make the scanner's file again, proved by its SHA-256"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", type=Path, metavar="folder", help="the folder that `wrap` wrote")
    parser.add_argument("out", type=Path, help="the file to write; it must not be there yet")


def run(chosen: argparse.Namespace) -> None:
    """Unwrap into a file beside the wanted one, and give it its name once it is proved."""
    if chosen.out.exists():
        raise FileExistsError(f"{chosen.out} is there already")
    part = chosen.out.with_name(chosen.out.name + ".part")
    with ExitStack() as stack:
        sources = [stack.enter_context(FileSource(path)) for path in sorted(chosen.file.glob("level-*.dcm"))]
        try:
            with part.open("xb") as out:
                digest = unwrap(sources, chosen.file / "remainder.bin", out)
            part.rename(chosen.out)
        finally:
            part.unlink(missing_ok=True)
    print(f"SHA-256 {digest}")
