"""`ecg draw FILE OUT`: a sheet of calibrated paper as SVG, PDF or JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import ecg
from ecg.drawing import FILTERS, GAINS, LAYOUTS, SPEEDS, Header, Sheet, draw, to_json, to_pdf, to_svg, with_notch

NAME: Final = "draw"
HELP: Final = "draw a sheet of calibrated paper: .svg, .pdf or .json by the name of the file to write"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="an ECG in any known format")
    parser.add_argument("out", type=Path, help="the file to write: .svg, .pdf or .json")
    parser.add_argument("--layout", choices=LAYOUTS, default="3x4+1")
    parser.add_argument("--speed", type=float, choices=SPEEDS, default=25.0, help="mm/s")
    parser.add_argument("--gain", type=float, choices=GAINS, default=10.0, help="mm/mV")
    parser.add_argument("--filter", choices=FILTERS, default="diagnostic")
    parser.add_argument("--notch", type=float, choices=(50.0, 60.0), help="mains frequency to take out, Hz")
    parser.add_argument("--begin", type=float, default=0.0, help="first second to draw")
    parser.add_argument("--title", default="")
    parser.add_argument("--font", type=Path, help="TrueType font for the PDF's text")


def run(chosen: argparse.Namespace) -> None:
    """Read, lay out, and write."""
    recording = ecg.read(chosen.file)
    base = FILTERS[chosen.filter]
    sheet = Sheet(
        layout=chosen.layout,
        speed=chosen.speed,
        gain=chosen.gain,
        filter=with_notch(base, chosen.notch) if chosen.notch else base,
        begin=chosen.begin,
    )
    patient, reported = recording.patient, recording.reported
    header = Header(
        title=chosen.title,
        patient=[(name, value) for name, value in (("ID", patient.id), ("", patient.name)) if value],
        measurements=[(name, f"{value:g}") for name, value in reported.items()],
        statements=recording.statements,
    )
    drawing = draw(recording, sheet, header)
    if chosen.out.suffix == ".pdf":
        chosen.out.write_bytes(to_pdf([drawing], font=chosen.font))
    elif chosen.out.suffix == ".svg":
        chosen.out.write_text(to_svg(drawing), encoding="utf-8")
    elif chosen.out.suffix == ".json":
        chosen.out.write_text(json.dumps(to_json(drawing)), encoding="utf-8")
    else:
        raise ValueError(f"{chosen.out.name}: end the name in .svg, .pdf or .json")
