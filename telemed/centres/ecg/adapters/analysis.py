"""Reads and analyses one ECG recording with the `ecg` library, in a process of a pool: numbers, statements, samples for screens."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from telemed.centres.ecg.domain import Edit

HOLTER_SECONDS: Final = 600.0
"""Recordings from this length on are read hour by hour."""

SAMPLES, RESULTS, STATE, BEATS = "samples", "results.json", "state.npz", "beats"
"""Objects below a tracing's key; the last two only of long recordings."""

MEASURED: Final = (
    "rate", "p_duration", "pr", "qrs_duration", "qt", "qtc_bazett", "qtc_fridericia", "axis", "p_axis", "t_axis", "confidence",
    "beats", "measured",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of the table of critical values that is reached."""

    code: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of a recording; its objects lie in the folder that was given. `reason` says why it cannot be read."""

    kind: str
    format: str
    reason: str = ""
    started_at: datetime | None = None
    duration: float = 0.0
    rate: float = 0.0
    samples: int = 0
    leads: tuple[str, ...] = ()
    proposal: Mapping[str, Any] | None = None
    critical: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose recording a file says it is; texts are empty where it is silent."""

    number: str
    name: str
    sex: str
    birth_date: str
    started_at: datetime | None


def identify(path: Path) -> Identity | str:
    """Whose recording it is, or why it cannot be read."""
    import ecg

    try:
        recording = ecg.read(path)
    except ecg.UnreadableECG as error:
        return str(error)
    patient = recording.patient
    return Identity(patient.id, patient.name, patient.sex, patient.birth_date, _naive(recording.start))


def analyse(path: Path, folder: Path, critical: Mapping[str, Mapping[str, float] | None]) -> Analysis:
    """Read the file, write its objects into `folder`. `critical`: the region's changes to the table of critical values."""
    import ecg
    from ecg import pyramid

    try:
        recording = ecg.read(path)
        if recording.samples.size == 0:
            raise ecg.UnreadableECG(recording.format, 0, "no samples")
        with (folder / SAMPLES).open("wb") as file:
            file.writelines(pyramid.pieces(recording.samples))
        limits = _limits(critical)
        is_long = recording.duration >= HOLTER_SECONDS
        proposal, hits = _long(recording, folder, limits) if is_long else _short(recording, folder, limits)
    except (ecg.UnreadableECG, ValueError) as error:  # a rate below 50 Hz is a ValueError of the analysis
        return Analysis("unreadable", getattr(error, "format", ""), str(error)[:500])
    return Analysis(
        kind="holter" if is_long else "resting",
        format=recording.format,
        started_at=_naive(recording.start),
        duration=recording.duration,
        rate=recording.rate,
        samples=recording.samples.shape[1],
        leads=recording.leads,
        proposal=_as_sent(recording) | proposal,
        critical=tuple(Hit(hit.limit.code, float(hit.value), hit.limit.unit) for hit in hits),
    )


def _naive(moment: datetime | None) -> datetime | None:
    """As the device's clock had it."""
    return moment.replace(tzinfo=None) if moment is not None else None


def _limits(changes: Mapping[str, Mapping[str, float] | None]) -> Any:
    from dataclasses import replace

    from ecg.analysis.critical import default_limits, limits_with

    rows = {limit.code: limit for limit in default_limits()}
    wanted = {}
    for code, change in changes.items():
        if code in rows:  # a row that this version does not know must not stop the analysis
            wanted[code] = None if change is None else replace(rows[code], at_least=change.get("at_least"), at_most=change.get("at_most"))
    return limits_with(wanted)


def _as_sent(recording: Any) -> dict[str, Any]:
    """Return the device's own statements."""
    return {
        "patient": asdict(recording.patient),
        "device": asdict(recording.device),
        "device_statements": [line[:300] for line in recording.statements[:50]],
        "device_measurements": {name: number(value) for name, value in recording.reported.items()},
        "device_filters": recording.filters,
    }


def _short(recording: Any, folder: Path, limits: Any) -> tuple[dict[str, Any], Any]:
    import ecg

    beats = ecg.find_beats(recording)
    numbers = ecg.measure(recording, beats)
    rhythm = ecg.rhythm(recording, beats, numbers)
    rate = recording.rate
    results = {
        "kind": "resting",
        "beats": [[round(int(at) / rate, 4), str(name)] for at, name in zip(rhythm.beats, rhythm.classes, strict=True)],
        "median": _median(recording, beats),
    }
    (folder / RESULTS).write_text(json.dumps(results, allow_nan=False), encoding="utf-8")
    measured = {name: number(getattr(numbers, name)) for name in MEASURED}
    proposal = {
        "measurements": measured,
        "st": {lead: number(value, 3) for lead, value in numbers.st.items()},
        "statements": [
            {
                "code": statement.code,
                "evidence": {name: number(value, 3) for name, value in statement.evidence.items()},
                "spans": [[round(first / rate, 3), round(last / rate, 3)] for first, last in statement.spans[:50]],
            }
            for statement in rhythm.statements
        ],
        "reversals": [
            {"electrodes": list(found.electrodes), "evidence": {name: number(value) for name, value in found.evidence.items()}}
            for found in ecg.lead_reversal(recording, beats)
        ],
        "quality": _quality(recording),
    }
    return proposal, ecg.critical_values(numbers, rhythm, limits)


def _median(recording: Any, beats: Any) -> dict[str, Any] | None:
    """The median beat in microvolts at its own rate, and where its waves begin and end; None without one."""
    from ecg.analysis.delineation import delineate
    from ecg.analysis.median_beat import RATE, median_beat

    beat = median_beat(recording, beats)
    bounds = delineate(beat) if beat is not None else None
    if beat is None or bounds is None:
        return None
    marks = {name: getattr(bounds, name) for name in ("p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_offset")}
    samples = [[round(float(value)) for value in lead] for lead in beat.plain]
    return {"rate": RATE, "leads": list(beat.leads), "samples": samples, "marks": {k: v for k, v in marks.items() if v is not None}}


def _long(recording: Any, folder: Path, limits: Any) -> tuple[dict[str, Any], Any]:
    import ecg
    from telemed.centres.ecg.adapters.holter_results import beats_of, results_of, revised, state_of

    report = ecg.holter(recording)
    state = state_of(report, recording)
    (folder / STATE).write_bytes(state)
    (folder / BEATS).write_bytes(beats_of(report))
    _, pictures = revised(state, report.edits)
    results = results_of(report, pictures)
    (folder / RESULTS).write_text(json.dumps(results, allow_nan=False), encoding="utf-8")
    rates = [hour.mean for hour in report.hours if hour.mean is not None]
    readable = report.duration - float(report.missing.sum())
    proposal = {
        "measurements": {"rate": number(60.0 * len(report.beats) / readable) if rates and readable > 0 else None},
        "beats": len(report.beats),
        "templates": int(report.templates.labels.max()) + 1 if len(report.beats) else 0,
        "quality": _quality(recording),
    }
    return proposal, ecg.critical_values(None, report, limits)


def revise(state: bytes, edits: Sequence[Edit]) -> bytes:
    """The results of a long recording after a reader's edits, as JSON."""
    from telemed.centres.ecg.adapters.holter_results import results_of, revised, template_edits

    return json.dumps(results_of(*revised(state, template_edits(edits))), allow_nan=False).encode()


def _quality(recording: Any) -> list[dict[str, Any]]:
    import ecg

    return [{"lead": lead.lead, "grade": lead.grade, "reasons": list(lead.reasons)} for lead in ecg.signal_quality(recording)]


def number(value: Any, digits: int = 2) -> float | int | None:
    """A number that JSON can hold; None for what is none."""
    if value is None or isinstance(value, int):
        return value
    return round(float(value), digits) if math.isfinite(value) else None
