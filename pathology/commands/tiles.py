"""`pathology tiles FILE OUT`: the slide as Deep Zoom, `OUT.dzi` and `OUT_files/level/column_row.jpeg`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import pathology

NAME: Final = "tiles"
HELP: Final = "write the slide as Deep Zoom; stored tiles as they are"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="a slide in any known format")
    parser.add_argument("out", type=Path, help="name without suffix: OUT.dzi and OUT_files are made")
    parser.add_argument("--level", type=int, action="append", help="only this Deep Zoom level (may be given several times)")


def run(chosen: argparse.Namespace) -> None:
    """Write all tiles; say how many went out as they were stored."""
    written = passed = damaged = 0
    with pathology.open_slide(chosen.file) as slide:
        zoom = pathology.DeepZoom(slide)
        for level in chosen.level or range(zoom.level_count):
            columns, rows = zoom.tiles(level)
            folder = chosen.out.parent / f"{chosen.out.name}_files" / str(level)
            folder.mkdir(parents=True, exist_ok=True)
            for row in range(rows):
                for column in range(columns):
                    try:
                        content = zoom.tile(level, column, row)
                    except pathology.DamagedTile:
                        damaged += 1
                        continue
                    (folder / f"{column}_{row}.jpeg").write_bytes(content)
                    written += 1
                    passed += bool(zoom.places(level, column, row))
        (chosen.out.parent / f"{chosen.out.name}.dzi").write_bytes(zoom.descriptor())
    print(f"{written} tiles, {passed} of them as they were stored, {damaged} damaged and left out")
