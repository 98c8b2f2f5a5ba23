"""Features of a beat that tell its class: timing, likeness to the patient's own normal beats, width, P wave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter, uniform_filter1d

from ecg.analysis.morphology import BeatWindows
from ecg.analysis.templates import Templates, likeness

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

LOCAL_BEATS, NORMAL_BEATS, IRREGULAR_BEATS = 21, 21, 41
SHAPES = ("like", "like_local", "like_best", "size", "spread", "width", "p", "p_repeats", "p_size", "t")
NORMAL_PREMATURITY = 0.85
"""a template whose beats come earlier than this share of the local RR cannot be the patient's normal one"""
COMMON, NARROWER = 0.2, 0.7
"""of templates with at least this share of the beats, one much wider than another (by this factor) is not normal"""


LEAST_SPREAD = 0.01
"""of a window; only a shape without any slope is narrower"""


@dataclass(frozen=True, slots=True)
class Timing:
    """RR of every beat in seconds: to the beat before and after, and the median of the beats around."""

    before: Doubles
    after: Doubles
    local: Doubles


def timing(beats: Indices, rate: float) -> Timing:
    """Needs two beats at least."""
    intervals = np.diff(beats) / rate
    before = np.concatenate((intervals[:1], intervals))
    after = np.concatenate((intervals, intervals[-1:]))
    if len(before) < LOCAL_BEATS:
        return Timing(before, after, np.full(len(before), max(float(np.median(intervals)), 0.1)))
    return Timing(before, after, np.maximum(median_filter(before, LOCAL_BEATS, mode="nearest"), 0.1))


def features(beats: Indices, rate: float, templates: Templates, chunks: Callable[[], Iterable[BeatWindows]]) -> dict[str, Floats]:
    """Features of every beat by name, each (n,); the names are explained in `bench/ecg_train_classes.py`.

    Kept as float32: of a day's beats they are the largest part that the analysis holds beside the signal.
    """
    rr = timing(beats, rate)
    found = _kept(_timing_features(rr)) | _kept(_template_features(rr, templates))
    dominant = dominant_template(rr, templates)
    shapes = {name: np.zeros(len(beats), np.float32) for name in SHAPES}
    for windows in chunks():
        span = slice(windows.first, windows.first + len(windows.qrs))
        for name, values in _shape_features(windows, templates.labels[span] == dominant, templates, dominant).items():
            shapes[name][span] = values
    normal = templates.labels == dominant
    found |= shapes
    found["kind_p"] = _by_kind(shapes["p"], templates)
    for name in ("spread", "width"):
        found[f"{name}_ratio"] = np.log(shapes[name] / np.float32(max(float(np.median(shapes[name][normal])), 1.0)))
    found["p_usual"] = np.full(len(beats), np.median(shapes["p"][normal]), np.float32)
    return found


def _kept(values: dict[str, Doubles]) -> dict[str, Floats]:
    return {name: value.astype(np.float32) for name, value in values.items()}


def dominant_template(rr: Timing, templates: Templates) -> int:
    """Number of the patient's normal template: of the common ones the most frequent that is neither early nor wide."""
    sizes = templates.sizes[: max(1, len(templates.shapes))].astype(np.float64)
    early = rr.before / rr.local
    timely = np.array([size > 0 and np.median(early[templates.labels == k]) > NORMAL_PREMATURITY for k, size in enumerate(sizes)])
    common = timely & (sizes >= COMMON * len(rr.before))
    if common.any():
        spreads = templates.spreads
        common &= spreads <= spreads[common].min() / NARROWER
        return int(np.argmax(sizes * common))
    return int(np.argmax(sizes * timely + sizes * 1e-6))


def _timing_features(rr: Timing) -> dict[str, Doubles]:
    early = rr.before / rr.local
    previous = np.concatenate((rr.before[:1], rr.before[:-1]))
    change = np.abs(np.diff(rr.before, prepend=rr.before[0]))
    return {
        "early": early,
        "late_next": rr.after / rr.local,
        "pause_ratio": np.log(rr.before / rr.after),
        "drop": np.log(rr.before / previous),
        "early_previous": np.concatenate((early[:1], early[:-1])),
        "early_all": rr.before / np.median(rr.before),
        "irregular": median_filter(change, IRREGULAR_BEATS, mode="nearest") / rr.local,
    }


def _template_features(rr: Timing, templates: Templates) -> dict[str, Doubles]:
    labels, sizes = templates.labels, templates.sizes
    early, late = rr.before / rr.local, rr.after / rr.local
    present = np.flatnonzero(sizes)
    kind_early, kind_late = np.ones(len(sizes)), np.ones(len(sizes))
    for k in present:
        kind_early[k], kind_late[k] = np.median(early[labels == k]), np.median(late[labels == k])
    dominant = dominant_template(rr, templates)
    spreads = np.append(templates.spreads, templates.spreads[dominant])
    return {
        "kind_wide": np.log(np.maximum(spreads, LEAST_SPREAD) / max(spreads[dominant], LEAST_SPREAD))[labels],
        "kind_share": np.log(sizes[labels] / len(labels)),
        "kind_early": kind_early[labels],
        "kind_late": kind_late[labels],
        "kind_normal": (labels == dominant).astype(np.float64),
    }


def _by_kind(values: Floats, templates: Templates) -> Floats:
    """The median of each beat's template; a beat that is like no template keeps its own value."""
    usual = values.copy()
    for kind in range(len(templates.shapes)):
        members = templates.labels == kind
        if members.any():
            usual[members] = np.median(values[members])
    return usual


def _shape_features(windows: BeatWindows, normal: npt.NDArray[np.bool_], templates: Templates, dominant: int) -> dict[str, Doubles]:
    index = np.flatnonzero(normal)
    if len(index) == 0:
        index = np.arange(len(normal))
    nearest = np.clip(np.searchsorted(index, np.arange(len(normal))), 0, len(index) - 1)
    flat = windows.qrs.reshape(len(windows.qrs), -1)
    usual = _running_mean(windows.qrs, index)[nearest].reshape(len(flat), -1)
    usual /= np.linalg.norm(usual, axis=1, keepdims=True) + 1e-6
    activity = windows.activity
    share = np.cumsum(activity, axis=1)
    share /= share[:, -1:] + 1e-9
    high = np.sort(activity, axis=1)[:, -2:-1]
    p_usual, t_usual = _running_mean(windows.p, index)[nearest], _running_mean(windows.t, index)[nearest]
    p_before = np.concatenate((windows.p[1:2], windows.p[:-1]))
    to_ms = 1000.0 / windows.rate
    return {
        "like": likeness(windows, templates.shapes[dominant : dominant + 1])[:, 0].astype(np.float64),
        "like_local": np.max([(lag * usual).sum(axis=1) for lag in windows.lags], axis=0).astype(np.float64),
        "like_best": _likeness_of_the_best_lead(windows, usual),
        "size": np.log((np.linalg.norm(flat, axis=1) + 1.0) / (float(templates.norms[dominant]) + 1.0)),
        "spread": np.maximum(((share > 0.1) & (share < 0.9)).sum(axis=1) * to_ms, to_ms),
        "width": np.maximum((activity > 0.2 * high).sum(axis=1) * to_ms, to_ms),
        "p": _correlation(windows.p, p_usual),
        "p_repeats": _correlation(windows.p, p_before) if len(p_before) == len(windows.p) else np.zeros(len(flat)),
        "p_size": np.log((_norm(windows.p) + 5.0) / (_norm(p_usual) + 5.0)),
        "t": _correlation(windows.t, t_usual),
    }


def _likeness_of_the_best_lead(windows: BeatWindows, usual: Floats) -> Doubles:
    """Correlation with the usual QRS in the lead where it is highest, (n,): a disturbance of one electrode leaves another lead as
    it was, a ventricular beat changes all of them."""
    shape = windows.qrs.shape
    leads = usual.reshape(shape)
    sizes = np.linalg.norm(leads, axis=2) + 1e-6
    best = np.full(shape[:2], -1.0, np.float32)
    for lag in windows.lags:
        lead = lag.reshape(shape)
        np.maximum(best, (lead * leads).sum(axis=2) / (np.linalg.norm(lead, axis=2) + 1e-6) / sizes, out=best)
    return np.asarray(best.max(axis=1), np.float64)


def _running_mean(windows: Floats, index: npt.NDArray[np.intp]) -> Floats:
    """Means of the windows of NORMAL_BEATS normal beats around each normal beat."""
    return np.asarray(uniform_filter1d(windows[index], NORMAL_BEATS, axis=0, mode="nearest"), np.float32)


def _correlation(left: Floats, right: Floats) -> Doubles:
    energy = np.sqrt((left**2).sum(axis=(1, 2)) * (right**2).sum(axis=(1, 2)) + 1e-6)
    return np.asarray((left * right).sum(axis=(1, 2)) / energy, np.float64)


def _norm(windows: Floats) -> Doubles:
    return np.asarray(np.linalg.norm(windows.reshape(len(windows), -1), axis=1), np.float64)
