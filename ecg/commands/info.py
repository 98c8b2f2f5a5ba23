"""`ecg info FILE`: what a file holds."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

import numpy as np

import ecg

NAME: Final = "info"
HELP: Final = "what a file holds: format, leads, rate, length, patient, device, the device's own interpretation"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="an ECG in any known format; a WFDB record by its .hea file")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(chosen: argparse.Namespace) -> None:
    """Print it."""
    found = described(ecg.read(chosen.file))
    if chosen.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for name, value in found.items():
        if value not in ("", None, [], {}):
            print(f"{name.replace('_', ' ') + ':':<14}{_line(value)}")


def described(recording: ecg.Recording) -> dict[str, Any]:
    """Return the facts of a recording as plain data."""
    patient, device = recording.patient, recording.device
    samples = recording.samples
    return {
        "format": recording.format,
        "leads": list(recording.leads),
        "rate": f"{recording.rate:g} Hz",
        "length": f"{recording.duration:.1f} s",
        "missing": f"{100 * float(np.isnan(samples).mean()):.2f} % of samples" if np.isnan(samples).any() else "",
        "start": recording.start.isoformat(" ") if recording.start else None,
        "patient": " ".join(part for part in (patient.id, patient.name, patient.sex, patient.birth_date) if part),
        "device": " ".join(part for part in (device.manufacturer, device.model, device.serial) if part),
        "institution": device.institution,
        "filters": recording.filters,
        "reported": dict(recording.reported),
        "statements": list(recording.statements),
    }


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    if isinstance(value, list):
        return "; ".join(value) if any(" " in text for text in value) else " ".join(value)
    return str(value)
