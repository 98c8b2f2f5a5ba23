"""A printed twelve-lead tracing on pink paper, from beats drawn as bells: what a clinic would scan and send."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

Samples = NDArray[np.float64]

RATE, SECONDS = 250, 10
SPEED, GAIN = 25.0, 10.0
"""Paper speed in mm/s and gain in mm/mV."""
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Rhythm:
    """Rates in 1/min; `escape` is the ventricles' own rate in complete block; `every` counts beats to an ectopic."""

    rate: float = 72
    fibrillating: bool = False
    escape: float = 0
    every: int = 0
    changes: str = ""


KINDS: dict[str, Rhythm] = {
    "sinus": Rhythm(),
    "bradycardia": Rhythm(rate=41),
    "atrial-fibrillation": Rhythm(rate=96, fibrillating=True),
    "anterior-infarction": Rhythm(rate=94, changes="anterior"),
    "complete-block": Rhythm(rate=88, escape=37, changes="wide"),
    "ventricular-ectopics": Rhythm(rate=74, every=5),
    "right-bundle-branch-block": Rhythm(changes="right"),
    "left-ventricular-hypertrophy": Rhythm(rate=68, changes="left"),
}

# Waves: time from the R peak in ms, width in ms, millivolts in I, II, V1 to V6 (the other limb leads follow from I and II).
P_WAVE = (-160.0, 22.0, (0.08, 0.14, 0.06, 0.07, 0.08, 0.08, 0.08, 0.08))
NORMAL = (
    (-24.0, 7.0, (-0.06, -0.08, 0.0, 0.0, 0.0, -0.05, -0.10, -0.10)),
    (0.0, 10.0, (0.65, 1.05, 0.22, 0.42, 0.75, 1.35, 1.40, 1.05)),
    (26.0, 10.0, (-0.10, -0.16, -0.90, -1.30, -0.75, -0.40, -0.16, -0.06)),
    (275.0, 48.0, (0.18, 0.28, -0.05, 0.32, 0.42, 0.40, 0.32, 0.24)),
)
WIDE = (
    (10.0, 34.0, (0.75, -0.70, -0.80, -0.95, -0.60, 0.30, 0.85, 0.95)),
    (70.0, 30.0, (0.25, -0.45, -0.50, -0.60, -0.35, 0.20, 0.40, 0.40)),
    (320.0, 70.0, (-0.28, 0.32, 0.35, 0.42, 0.28, -0.15, -0.30, -0.32)),
)
CHANGES = {
    "": (),
    "wide": (),
    "anterior": (
        (-14.0, 12.0, (0.0, 0.0, -0.35, -0.75, -0.85, -0.5, 0.0, 0.0)),
        (150.0, 95.0, (0.04, -0.10, 0.26, 0.42, 0.45, 0.32, 0.10, 0.0)),
    ),
    "right": (
        (62.0, 17.0, (-0.28, -0.14, 1.05, 0.70, 0.10, -0.22, -0.34, -0.36)),
        (275.0, 50.0, (0.0, 0.0, -0.22, -0.55, -0.25, 0.0, 0.0, 0.0)),
    ),
    "left": (
        (0.0, 11.0, (0.35, 0.1, 0.0, 0.0, 0.2, 0.6, 1.25, 1.05)),
        (28.0, 11.0, (0.0, 0.0, -1.05, -1.2, -0.5, 0.0, 0.0, 0.0)),
        (265.0, 60.0, (-0.30, -0.18, 0.12, 0.10, 0.0, -0.25, -0.55, -0.48)),
        (150.0, 70.0, (-0.06, -0.03, 0.06, 0.08, 0.0, -0.05, -0.10, -0.10)),
    ),
}  # fmt: skip


def tracing(kind: str, seed: int) -> Samples:
    """Millivolts, shape (12, RATE * SECONDS), leads as in LEADS. Raises KeyError for an unknown kind."""
    rhythm, rng = KINDS[kind], np.random.default_rng([seed, 12])
    times = np.arange(RATE * SECONDS) / RATE
    eight = np.zeros((8, times.size))
    for peak, waves in _beats(rhythm, rng):
        for offset, width, volts in waves:
            bell = np.exp(-(((times - peak - offset / 1000) / (width / 1000)) ** 2) / 2)
            eight += np.array(volts)[:, None] * bell
    if rhythm.fibrillating:
        wave = 0.06 * np.sin(2 * np.pi * 6.4 * times + 2.5 * np.sin(2 * np.pi * 0.7 * times))
        eight += wave * np.array([0.4, 0.8, 1.4, 0.7, 0.4, 0.3, 0.3, 0.3])[:, None]
    eight += rng.normal(0, 0.009, eight.shape) + 0.05 * np.sin(2 * np.pi * 0.24 * times + rng.uniform(0, 6, (8, 1)))
    one, two = eight[0], eight[1]
    return np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *eight[2:]])


Wave = tuple[float, float, tuple[float, ...]]


def _beats(rhythm: Rhythm, rng: np.random.Generator) -> Iterator[tuple[float, tuple[Wave, ...]]]:
    """Times in seconds and waves of all beats."""
    ventricular = (*NORMAL, *CHANGES[rhythm.changes])
    interval, at, number = 60 / rhythm.rate, 0.35, 0
    while at < SECONDS + 1:
        if rhythm.escape:
            yield at, (P_WAVE,)
        elif rhythm.fibrillating:
            yield at, ventricular
        elif rhythm.every and number % rhythm.every == rhythm.every - 1:
            yield at - 0.32 * interval, WIDE
        else:
            yield at, (P_WAVE, *ventricular)
        number += 1
        at += interval * (rng.uniform(0.62, 1.45) if rhythm.fibrillating else rng.normal(1, 0.015))
    at = 0.6
    while rhythm.escape and at < SECONDS + 1:
        yield at, WIDE
        at += 60 / rhythm.escape


def ecg_pdf(kind: str, seed: int, title: str) -> bytes:
    """One landscape A4 page: 3 x 4 leads and lead II below, 25 mm/s and 10 mm/mV, calibration pulse, `title` (Latin) on top."""
    out = BytesIO()
    page = Canvas(out, pagesize=landscape(A4), invariant=1)
    left, bottom, width, height = 18 * mm, 12 * mm, 260 * mm, 175 * mm
    _draw_grid(page, left, bottom, width, height)
    page.setFont("Helvetica", 9)
    page.drawString(left, bottom + height + 6, title)
    page.drawRightString(left + width, bottom - 12, "25 mm/s   10 mm/mV   0.05-150 Hz")
    volts = tracing(kind, seed)
    page.setStrokeColor(HexColor("#1a1a1a"))
    page.setLineWidth(0.55)
    for row in range(4):
        baseline = bottom + height - (26 + 43 * row) * mm
        _draw_calibration(page, left, baseline)
        for column in range(4 if row < 3 else 1):
            lead = column * 3 + row if row < 3 else LEADS.index("II")
            span = 2.5 if row < 3 else float(SECONDS)
            first = int(column * span * RATE)
            start = left + 9 * mm + column * 2.5 * SPEED * mm
            page.drawString(start + 2, baseline + 14 * mm, LEADS[lead])
            _draw_line(page, volts[lead, first : first + int(span * RATE)], start, baseline)
    page.showPage()
    page.save()
    return out.getvalue()


def _draw_grid(page: Canvas, left: float, bottom: float, width: float, height: float) -> None:
    for step, colour, line in ((1, "#f6cfd2", 0.2), (5, "#e9a3a9", 0.5)):
        page.setStrokeColor(HexColor(colour))
        page.setLineWidth(line)
        xs = [left + n * step * mm for n in range(int(width / mm / step) + 1)]
        ys = [bottom + n * step * mm for n in range(int(height / mm / step) + 1)]
        page.grid(xs, ys)


def _draw_calibration(page: Canvas, left: float, baseline: float) -> None:
    corners = ((0, 0), (1.5, 0), (1.5, GAIN), (6.5, GAIN), (6.5, 0), (8, 0))
    path = page.beginPath()
    path.moveTo(left, baseline)
    for x, y in corners:
        path.lineTo(left + x * mm, baseline + y * mm)
    page.drawPath(path)


def _draw_line(page: Canvas, volts: Samples, start: float, baseline: float) -> None:
    path = page.beginPath()
    path.moveTo(start, baseline + float(volts[0]) * GAIN * mm)
    for number, value in enumerate(volts[1:], start=1):
        path.lineTo(start + number * SPEED / RATE * mm, baseline + float(value) * GAIN * mm)
    page.drawPath(path)
