"""`pathology info FILE`: what a slide is, without a word that a person wrote into it."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

from rich.console import Console
from rich.table import Table

import pathology

NAME: Final = "info"
HELP: Final = "format, size, levels, scale, scanner; pictures beside the slide by name only"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="a slide in any known format; a DICOM file stands for its series")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(chosen: argparse.Namespace) -> None:
    """Read and print."""
    with pathology.open_slide(chosen.file) as slide:
        said = facts(slide)
    if chosen.json:
        print(json.dumps(said, ensure_ascii=False, indent=2))
        return
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in said.items():
        table.add_row(name, "\n".join(map(_line, value)) if isinstance(value, list) else _line(value))
    Console(highlight=False, width=120).print(table)


def facts(slide: pathology.Slide) -> dict[str, Any]:
    """A slide as plain data."""
    device = slide.device
    return {
        "format": slide.format,
        "width": slide.width,
        "height": slide.height,
        "mpp": slide.mpp,
        "mpp_source": slide.mpp_source,
        "objective": slide.objective,
        "levels": [
            {
                "width": level.width,
                "height": level.height,
                "tile": f"{level.tile_width} x {level.tile_height}",
                "coding": "another library's" if level.coding is None else str(level.coding.compression),
                "not stored": level.missing,
                "cut off": slide.cut_off(number),
            }
            for number, level in enumerate(slide.levels)
        ],
        "focal_planes": slide.focal_planes,
        "channels": slide.channels,
        "icc_profile": len(slide.icc_profile),
        "beside": [f"{picture.name} {picture.width} x {picture.height}" for picture in slide.associated],
        "scanner": " ".join(filter(None, (device.manufacturer, device.model, device.serial, device.software))),
        "acquired": device.acquired.isoformat() if device.acquired else None,
        "notes": list(slide.notes),
    }


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return "-" if value is None or value == "" else str(value)
