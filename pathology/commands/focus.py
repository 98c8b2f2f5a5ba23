"""`pathology focus FILE`: how much of the slide's tissue is in focus, and the verdict."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import pathology
from pathology.focus import assess

NAME: Final = "focus"
HELP: Final = "focus and tissue, cell by cell: ok, look or rescan"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="a slide in any known format")
    parser.add_argument("--png", type=Path, help="write the grid as a picture")


def run(chosen: argparse.Namespace) -> None:
    """Assess and print as JSON."""
    with pathology.open_slide(chosen.file) as slide:
        found = assess(slide)
    if chosen.png:
        chosen.png.write_bytes(found.picture())
    print(json.dumps(found.as_json(), indent=2))
