"""Noise as electrodes pick it up, so that leads keep their identities: III = II - I holds in noise too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.leads import CHEST, LIMB

Floats = npt.NDArray[np.float64]

ELECTRODES: Final = ("RA", "LA", "LL", *CHEST)


@dataclass(frozen=True, slots=True)
class Noise:
    """Microvolts (root mean square) at each electrode: baseline wander, mains at `mains` Hz, and muscle."""

    wander: float = 25.0
    hum: float = 2.0
    muscle: float = 5.0
    mains: float = 50.0


QUIET: Final = Noise(0.0, 0.0, 0.0)
POOR: Final = Noise(180.0, 35.0, 35.0)


def electrode_noise(noise: Noise, samples: int, rate: float, dice: np.random.Generator) -> Floats:
    """Noise at every electrode in microvolts, shape (electrodes, samples)."""
    at = np.arange(samples) / rate
    out = np.zeros((len(ELECTRODES), samples))
    for row in out:
        for breath in (0.09, 0.17, 0.27):
            speed = breath * dice.uniform(0.85, 1.15)
            row += noise.wander * 0.8 * np.sin(2 * np.pi * speed * at + dice.uniform(0, 2 * np.pi))
        row += noise.hum * np.sqrt(2) * np.sin(2 * np.pi * noise.mains * at + dice.uniform(0, 0.6))
        white = dice.standard_normal(samples + 1)
        row += noise.muscle * np.diff(white) / np.sqrt(2)
    return out


def from_electrodes(potentials: Floats) -> dict[str, Floats]:
    """The twelve leads from potentials at RA, LA, LL and C1 to C6: Einthoven, Goldberger, Wilson."""
    right, left, foot = potentials[:3]
    centre = (right + left + foot) / 3
    limb = (left - right, foot - right, foot - left)
    augmented = tuple((electrode - centre) * 1.5 for electrode in (right, left, foot))
    leads = dict(zip(LIMB, (*limb, *augmented), strict=True))
    return leads | {name: row - centre for name, row in zip(CHEST, potentials[3:], strict=True)}
