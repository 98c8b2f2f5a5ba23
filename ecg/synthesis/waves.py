"""Ventricles without beats: vectors in mV, shape (3, n), at times in seconds after the waves began."""

from __future__ import annotations

from typing import Final

import numpy as np

from ecg.synthesis.heart import Floats

CHAOS_MV: Final = 0.35
CHAOS_HZ: Final = (4.5, 6.5)
"""Waves of early fibrillation, 270 to 390 a minute."""

TWIST_HZ: Final = 3.5
TWIST_SECONDS: Final = 2.5
"""Half a turn of the axis: the waves of a lead are highest, vanish, and come back upside down."""


def ventricular_chaos(at: Floats, dice: np.random.Generator) -> Floats:
    """Three waves in directions of their own, whose phase and size drift."""
    total = np.zeros((3, at.size))
    knots = np.arange(-1.0, (at[-1] if at.size else 0.0) + 2, 0.4)
    for _ in range(3):
        drift = np.interp(at, knots, np.cumsum(dice.normal(0, 0.7, knots.size)))
        size = np.interp(at, knots, dice.uniform(0.4, 1.2, knots.size))
        wave = np.sin(2 * np.pi * dice.uniform(*CHAOS_HZ) * at + drift)
        total += np.outer(dice.normal(0, 0.6, 3), CHAOS_MV * size * wave)
    return total


def twisting(at: Floats, dice: np.random.Generator) -> Floats:
    """Wide waves about 210 a minute around an axis that turns."""
    phase = 2 * np.pi * TWIST_HZ * at + dice.uniform(0, 2 * np.pi)
    wave = np.sin(phase) + 0.25 * np.sin(2 * phase + 0.6)
    turn = np.pi * at / TWIST_SECONDS
    turned: Floats = np.stack([0.5 * np.cos(turn), 0.9 * np.cos(turn + 0.4), 0.6 * np.sin(turn)]) * wave
    return turned
