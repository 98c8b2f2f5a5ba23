"""ECG paper and calibration: what makes a tracing measurable with a ruler."""

from __future__ import annotations

from typing import Final

import numpy as np

from ecg.drawing.primitives import Lines, Points, Polyline

SPEEDS: Final = (12.5, 25.0, 50.0)
"""Paper speeds in mm/s."""

GAINS: Final = (5.0, 10.0, 20.0)
"""Gains in mm/mV."""

SMALL, BOLD = 1.0, 5.0
"""Distance of grid lines in mm."""

PULSE_MV: Final = 1.0
PULSE_S: Final = 0.2
"""The calibration pulse (IEC 60601-2-25: 1 mV for 200 ms)."""

PULSE_LEAD_MM: Final = 1.5
"""Zero line before and after the pulse."""


def grid(left: float, top: float, width: float, height: float) -> tuple[Lines, Lines]:
    """Fine and bold grid lines over an area whose sides are whole multiples of 5 mm."""
    return (
        Lines(_crossing(left, top, width, height, SMALL, skip=BOLD), "grid"),
        Lines(_crossing(left, top, width, height, BOLD, skip=None), "grid-bold"),
    )


def _crossing(left: float, top: float, width: float, height: float, step: float, skip: float | None) -> Points:
    lines = []
    for along, length, across in ((left, width, "x"), (top, height, "y")):
        for n in range(round(length / step) + 1):
            if skip is not None and n * step % skip == 0:
                continue
            at = along + n * step
            lines.append((at, top, at, top + height) if across == "x" else (left, at, left + width, at))
    return np.array(lines, dtype=np.float64)


def calibration_pulse(x: float, y: float, speed: float, gain: float) -> Polyline:
    """A rectangle of 1 mV and 200 ms on the zero line `y`, beginning with a short zero line at `x`."""
    width, height = PULSE_S * speed, PULSE_MV * gain
    rise, fall = x + PULSE_LEAD_MM, x + PULSE_LEAD_MM + width
    points = [(x, y), (rise, y), (rise, y - height), (fall, y - height), (fall, y), (fall + PULSE_LEAD_MM, y)]
    return Polyline(np.array(points), "calibration")


def pulse_width(speed: float) -> float:
    """Room that a calibration pulse takes, in mm."""
    return PULSE_S * speed + 2 * PULSE_LEAD_MM
