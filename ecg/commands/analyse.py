"""`ecg analyse FILE`: beats, intervals, rhythm, quality; of a long recording the Holter report."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

import ecg
from ecg.analysis.critical import CriticalValue

NAME: Final = "analyse"
HELP: Final = "beats, intervals, rhythm and quality; of a long recording the Holter report"
HOLTER_SECONDS: Final = 600.0
"""recordings from this length on are analysed as Holter"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="an ECG in any known format; a WFDB record by its .hea file")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(chosen: argparse.Namespace) -> None:
    """Read, analyse, print."""
    recording = ecg.read(chosen.file)
    found = long_analysis(recording) if recording.duration >= HOLTER_SECONDS else short_analysis(recording)
    if chosen.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False)
    console.width = max(console.width, LEAST_WIDTH)
    for title, content in found.items():
        console.print(f"[bold]{title}[/bold]")
        console.print(_table(content) if content else "  none")


def short_analysis(recording: ecg.Recording) -> dict[str, Any]:
    """A resting ECG as plain data."""
    beats = ecg.find_beats(recording)
    numbers = ecg.measure(recording, beats)
    rhythm = ecg.rhythm(recording, beats, numbers)
    measured = {name: getattr(numbers, name) for name in MEASURED}
    return {
        "measurements": {name: _rounded(value) for name, value in measured.items()},
        "st (mV at J + 60 ms)": {lead: _rounded(value, 3) for lead, value in numbers.st.items()},
        "statements": {
            statement.code: {name: _rounded(value, 3) for name, value in statement.evidence.items()} for statement in rhythm.statements
        },
        "critical values": _critical(ecg.critical_values(numbers, rhythm)),
        "suspected reversals": {
            " - ".join(found.electrodes): {name: _rounded(value, 3) for name, value in found.evidence.items()}
            for found in ecg.lead_reversal(recording, beats)
        },
        "quality": _quality(recording),
    }


LEAST_WIDTH: Final = 100
"""columns of the widest table; narrower terminals wrap lines rather than cut numbers"""

MEASURED: Final = (
    "rate", "p_duration", "pr", "qrs_duration", "qt", "qtc_bazett", "qtc_fridericia", "axis", "p_axis", "t_axis",
    "confidence", "beats", "measured",
)  # fmt: skip


def long_analysis(recording: ecg.Recording) -> dict[str, Any]:
    """A Holter recording as plain data."""
    report = ecg.holter(recording)
    kinds = list(dict.fromkeys(event.kind for event in report.events))
    hrv = report.variability
    return {
        "beats": {"all": len(report.beats), **{name: report.count(name) for name in "NSVFQ" if report.count(name)}},
        "hours": [
            {
                "from": f"{int(hour.start // 3600):02d}:00",
                "beats": hour.beats,
                "lowest": _rounded(hour.lowest, 0),
                "mean": _rounded(hour.mean, 0),
                "highest": _rounded(hour.highest, 0),
                "V": hour.ventricular,
                "S": hour.supraventricular,
                "pauses": hour.pauses,
                "runs": hour.runs,
                "AF s": _rounded(hour.fibrillation_seconds, 0),
                "missing s": _rounded(hour.missing_seconds, 0),
            }
            for hour in report.hours
        ],
        "events": {
            kind: {
                "count": len(report.of_kind(kind)),
                "longest s": _rounded(max(event.seconds for event in report.of_kind(kind))),
                "fastest 1/min": _rounded(max(event.rate for event in report.of_kind(kind)), 0),
            }
            for kind in kinds
        },
        "atrial fibrillation": {"episodes": len(report.fibrillation), "burden %": _rounded(100 * report.burden)},
        "variability": {name: _rounded(getattr(hrv, name)) for name in VARIABILITY},
        "templates": {str(number): int(size) for number, size in enumerate(report.templates.sizes) if size},
        "critical values": _critical(ecg.critical_values(None, report)),
        "quality": _quality(recording),
    }


VARIABILITY: Final = ("mean_nn", "sdnn", "sdann", "rmssd", "pnn50", "vlf", "lf", "hf", "lf_hf")


def _critical(hits: list[CriticalValue]) -> dict[str, str]:
    return {hit.limit.code: f"{hit.value:.4g} {hit.limit.unit}".strip() for hit in hits}


def _quality(recording: ecg.Recording) -> dict[str, str]:
    return {lead.lead: lead.grade + (f" ({', '.join(lead.reasons)})" if lead.reasons else "") for lead in ecg.signal_quality(recording)}


def _rounded(value: float | None, digits: int = 1) -> float | int | None:
    if value is None or (isinstance(value, float | np.floating) and not math.isfinite(value)):
        return None
    rounded = round(float(value), digits)
    return int(rounded) if digits == 0 or isinstance(value, int) else rounded


def _table(content: Any) -> Table:
    table = Table(show_header=isinstance(content, list), box=None, padding=(0, 2))
    if isinstance(content, list):
        for name in content[0] if content else ():
            table.add_column(name, justify="right")
        for row in content:
            table.add_row(*(_text(value) for value in row.values()))
        return table
    for name, value in content.items():
        table.add_row(name, _text(value))
    return table


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(number)}" for name, number in value.items())
    return "-" if value is None else str(value)
