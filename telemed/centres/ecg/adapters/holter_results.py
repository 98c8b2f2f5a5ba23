"""A Holter report as plain data for pages and paper, and the arrays from which it is made again after a reader's edit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import ecg
from ecg.analysis.hrv import LEAST_INTERVALS, SEGMENT, HeartRateVariability, normal_intervals
from ecg.analysis.st import MINUTE, StTrend
from ecg.analysis.templates import TemplateEdits, Templates
from ecg.analysis.ventricular_waves import Waves
from telemed.centres.ecg.domain import Edit, EditKind

MAX_EVENTS: Final = 4000
"""Events of one recording that are listed, the longest of each kind first where there are more."""
SHAPE_BEATS: Final = 60
"""Beats of a template whose median is its picture."""
SHAPE_SECONDS: Final = (0.3, 0.5)
"""Before and after the beat."""
EXAMPLES: Final = 12

WAVE_NUMBERS: Final = ("first", "last", "rate", "occupied", "leakage", "regularity")

Arrays = dict[str, npt.NDArray[Any]]


def state_of(report: ecg.HolterReport, recording: ecg.Recording) -> bytes:
    """Return the state that `results_of` needs, as an npz file."""
    arrays: Arrays = {
        "rate": np.array(report.rate),
        "duration": np.array(report.duration),
        "beats": report.beats,
        "automatic": report.automatic.astype("U1"),
        "labels": report.templates.labels,
        "shapes": report.templates.shapes,
        "norms": report.templates.norms,
        "leads": np.array(report.templates.leads),
        "likeness": report.likeness,
        "gaps": report.gaps,
        "missing": report.missing,
        "pictures": _pictures(report, recording),
    }
    if report.waves:
        arrays["waves"] = np.array([[getattr(wave, name) for name in WAVE_NUMBERS] for wave in report.waves])
        arrays["wave_kinds"] = np.array([wave.kind for wave in report.waves])
    if report.st is not None:
        arrays |= {"st_level": report.st.level, "st_minutes": report.st.minutes, "st_leads": np.array(report.st.leads)}
        arrays["st_points"] = np.array([report.st.j_after, report.st.zero_before])
    kept = io.BytesIO()
    np.savez_compressed(kept, **arrays)  # type: ignore[arg-type]  # the stub takes the flag allow_pickle for an array
    return kept.getvalue()


def _pictures(report: ecg.HolterReport, recording: ecg.Recording) -> npt.NDArray[np.float32]:
    """The median beat of each template in microvolts, (templates, leads, samples); NaN where all its beats are cut off."""
    before, after = (round(seconds * report.rate) for seconds in SHAPE_SECONDS)
    found = np.full((len(report.templates.sizes), len(recording.leads), before + after), np.nan, np.float32)
    inside = (report.beats >= before) & (report.beats < recording.samples.shape[1] - after)
    for number in range(len(found)):
        members = report.beats[inside & (report.templates.labels == number)]
        if len(members):
            chosen = members[np.linspace(0, len(members) - 1, min(SHAPE_BEATS, len(members))).astype(int)]
            windows = recording.samples[:, chosen[:, None] + np.arange(-before, after)]
            found[number] = np.nanmedian(windows - np.nanmedian(windows, axis=2, keepdims=True), axis=1)
    return found


def beats_of(report: ecg.HolterReport) -> bytes:
    """Beats for the screen: uint32 samples, then one letter and one template number (uint8) a beat, little-endian."""
    names = np.frombuffer("".join(report.automatic).encode("ascii"), np.uint8)
    return report.beats.astype("<u4").tobytes() + names.tobytes() + report.templates.labels.astype(np.uint8).tobytes()


def template_edits(edits: Sequence[Edit]) -> TemplateEdits:
    """The edits that count, as the library takes them."""
    made = TemplateEdits()
    for edit in edits:
        if not edit.counts or edit.kind is EditKind.STRIP:
            continue
        name = str(edit.detail["name"])
        is_template = edit.kind is EditKind.TEMPLATE
        made = made.relabel(edit.detail["template"], name) if is_template else made.relabel_beat(edit.detail["beat"], name)
    return made


def revised(state: bytes, edits: TemplateEdits) -> tuple[ecg.HolterReport, npt.NDArray[np.float32]]:
    """The report after the edits, and the templates' pictures. Raises ValueError for an edit that fits nothing."""
    with np.load(io.BytesIO(state), allow_pickle=False) as kept:
        arrays: Arrays = {name: kept[name] for name in kept.files}
    st = None
    if "st_level" in arrays:
        j_after, zero_before = arrays["st_points"].tolist()
        st = StTrend(tuple(arrays["st_leads"].tolist()), arrays["st_minutes"], arrays["st_level"], j_after, zero_before)
    plain = ecg.HolterReport(
        rate=float(arrays["rate"]),
        duration=float(arrays["duration"]),
        beats=arrays["beats"],
        classes=arrays["automatic"],
        automatic=arrays["automatic"],
        templates=Templates(arrays["shapes"], arrays["norms"], arrays["labels"], int(arrays["leads"])),
        edits=TemplateEdits(),
        likeness=arrays["likeness"],
        gaps=arrays["gaps"],
        missing=arrays["missing"],
        hours=(),
        events=(),
        fibrillation=(),
        burden=0.0,
        variability=HeartRateVariability(),
        st=st,
        waves=_waves(arrays),
    )
    return ecg.revise(plain, edits), arrays["pictures"]


def _waves(arrays: Arrays) -> tuple[Waves, ...]:
    """None in what was kept before they were looked for."""
    if "waves" not in arrays:
        return ()
    rows = (dict(zip(WAVE_NUMBERS, row, strict=True)) for row in arrays["waves"].tolist())
    return tuple(
        Waves(int(row.pop("first")), int(row.pop("last")), str(kind), **row) for row, kind in zip(rows, arrays["wave_kinds"], strict=True)
    )


def results_of(report: ecg.HolterReport, pictures: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Everything a page or the printed report shows, as JSON takes it. Times in seconds from the beginning."""
    rate = report.rate
    return {
        "kind": "holter",
        "beats": len(report.beats),
        "classes": {name: report.count(name) for name in "NSVFQ"},
        "hours": [{name: _number(value) for name, value in asdict(hour).items()} for hour in report.hours],
        "events": _events(report),
        "fibrillation": [
            {"start": round(span.first / rate, 3), "end": round(span.last / rate, 3), "rate": _number(span.rate)}
            for span in report.fibrillation
        ],
        "burden": _number(report.burden, 5),
        "variability": {name: _number(value, 1) for name, value in asdict(report.variability).items()},
        "trend": _rate_trend(report),
        "hrv": _hrv_trend(report),
        "st": _st_trend(report.st),
        "templates": _templates(report, pictures),
        "missing": _number(float(report.missing.sum())),
    }


def _number(value: Any, digits: int = 2) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    number = float(value)
    return round(number, digits) if np.isfinite(number) else None


def _numbers(values: npt.NDArray[Any], digits: int) -> list[float | int | None]:
    return [_number(float(value), digits) for value in values]


def _events(report: ecg.HolterReport) -> list[dict[str, Any]]:
    longest = sorted(report.events, key=lambda event: -event.seconds)
    kept = sorted(islice(longest, MAX_EVENTS), key=lambda event: event.start)
    return [
        {
            "kind": event.kind,
            "start": round(event.start / report.rate, 3),
            "end": round(event.end / report.rate, 3),
            "seconds": _number(event.seconds, 3),
            "rate": _number(event.rate, 1),
            "beats": event.beats,
            "first": event.first,
        }
        for event in kept
    ]


def _rate_trend(report: ecg.HolterReport) -> dict[str, Any]:
    """Lowest, mean and highest heart rate of every minute, over single intervals without a gap; None without any."""
    times, intervals = report.beats[1:] / report.rate, np.diff(report.beats) / report.rate
    good = ~report.gaps[1:] & (intervals > 0)
    minutes = max(1, int(np.ceil(report.duration / MINUTE)))
    place = (times[good] / MINUTE).astype(np.int64).clip(0, minutes - 1)
    kept = intervals[good]
    count, total = np.bincount(place, minlength=minutes), np.bincount(place, kept, minutes)
    shortest, longest = np.full(minutes, np.inf), np.zeros(minutes)
    np.minimum.at(shortest, place, kept)
    np.maximum.at(longest, place, kept)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, low, high = 60 * count / total, 60 / longest, 60 / shortest
    for values in (mean, low, high):
        values[count == 0] = np.nan
    return {"step": MINUTE, "mean": _numbers(mean, 0), "low": _numbers(low, 0), "high": _numbers(high, 0)}


def _hrv_trend(report: ecg.HolterReport) -> dict[str, Any]:
    """SDNN and RMSSD (ms) of every five minutes; None where too little is normal."""
    times, intervals, joined = normal_intervals(report.beats, report.rate, report.classes)
    segments = max(1, int(np.ceil(report.duration / SEGMENT)))
    sdnn, rmssd = np.full(segments, np.nan), np.full(segments, np.nan)
    edges = np.searchsorted(times, np.arange(segments + 1) * SEGMENT)
    for number in range(segments):
        here = intervals[edges[number] : edges[number + 1]] * 1000
        if len(here) < LEAST_INTERVALS:
            continue
        steps = np.diff(here)[joined[edges[number] + 1 : edges[number + 1]]]
        sdnn[number] = here.std(ddof=1)
        rmssd[number] = np.sqrt((steps**2).mean()) if len(steps) else np.nan
    return {"step": SEGMENT, "sdnn": _numbers(sdnn, 1), "rmssd": _numbers(rmssd, 1)}


def _st_trend(trend: StTrend | None) -> dict[str, Any] | None:
    if trend is None:
        return None
    return {"step": MINUTE, "leads": list(trend.leads), "level": [_numbers(level, 3) for level in trend.level]}


def _templates(report: ecg.HolterReport, pictures: npt.NDArray[np.float32]) -> list[dict[str, Any]]:
    """Templates with beats, the largest first: class after edits, size, picture in microvolts, examples by beat number."""
    found = []
    for number, size in enumerate(report.templates.sizes):
        if not size:
            continue
        members = np.flatnonzero(report.templates.labels == number)
        names, counts = np.unique(report.classes[members], return_counts=True)
        chosen = members[np.linspace(0, len(members) - 1, min(EXAMPLES, len(members))).astype(int)]
        found.append(
            {
                "number": number,
                "size": int(size),
                "name": str(names[counts.argmax()]),
                "classes": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
                "unlike": number == len(report.templates.shapes),
                "picture": [_numbers(lead, 0) for lead in pictures[number]],
                "examples": [[int(beat), int(report.beats[beat])] for beat in chosen],
            }
        )
    return sorted(found, key=lambda template: -template["size"])
