"""The heart as one moving dipole: vectors over time for each kind of beat, and the leads that see them.

Axes are Frank's: x to the left, y down, z to the back, in millivolts. Times are milliseconds after QRS onset. The
numbers are chosen by eye for textbook shapes; none is measured from a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Vector = tuple[float, float, float]

DOWER: Final[Mapping[str, Vector]] = {
    "I": (0.632, -0.235, 0.059),
    "II": (0.235, 1.066, -0.132),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}
"""Leads from Frank's x, y, z (G. Dower et al., "On deriving the electrocardiogram from vectorcardiographic leads",
Clinical Cardiology 3, 1980). The other limb leads follow from I and II."""

MIN_TAIL: Final = 4.0
"""Widths after which a bell is taken as zero."""


@dataclass(frozen=True, slots=True)
class Bell:
    """A bell-shaped deflection: centre and widths before and after it in ms, and its vector at the top in mV."""

    centre: float
    before: float
    after: float
    vector: Vector


@dataclass(frozen=True, slots=True)
class Plateau:
    """A deflection that stands from `begin` to `end` ms: an injured ST segment."""

    begin: float
    end: float
    vector: Vector


@dataclass(frozen=True, slots=True)
class Beat:
    """One kind of ventricular beat: its QRS, its T vector (mV), the QT interval at 60 a minute (ms), its ST segment.

    `label` is the beat's symbol in MIT-BIH annotations; `peak` is the fiducial point's time after QRS onset.
    """

    label: str
    qrs: tuple[Bell, ...]
    t_vector: Vector
    peak: float = 46.0
    qt: float = 400.0
    st: tuple[Plateau, ...] = ()
    t_before: float = 48.0
    t_after: float = 30.0


def _bell(centre: float, width: float, x: float, y: float, z: float) -> Bell:
    return Bell(centre, width, width, (x, y, z))


P_WAVE: Final = (_bell(36, 16, 0.03, 0.08, -0.045), _bell(68, 17, 0.065, 0.06, 0.045))
"""Right, then left atrium; times after P onset."""

P_DURATION: Final = 105.0

_NORMAL = Beat(
    "N",
    (
        _bell(14, 5.5, -0.13, 0.0, -0.22),
        _bell(31, 7.5, 0.45, 0.35, -0.22),
        _bell(45, 8.5, 0.95, 0.72, 0.50),
        _bell(64, 8.5, -0.10, -0.10, 0.52),
    ),
    (0.26, 0.19, -0.17),
)

_LBBB = Beat(
    "L",
    (
        _bell(24, 11, 0.25, 0.20, 0.25),
        _bell(52, 15, 0.85, 0.38, 0.85),
        _bell(84, 15, 0.62, 0.12, 0.95),
        _bell(112, 14, 0.80, 0.10, 0.55),
    ),
    (-0.34, -0.05, -0.42),
    peak=84.0,
    qt=445.0,
    st=(Plateau(145, 290, (-0.09, -0.01, -0.14)),),
)

_PVC = Beat(
    "V",
    (
        _bell(34, 16, 0.55, 0.65, 0.35),
        _bell(72, 20, 1.15, 1.25, 0.95),
        _bell(112, 17, 0.35, 0.55, 0.85),
    ),
    (-0.42, -0.48, -0.40),
    peak=74.0,
    qt=430.0,
    st=(Plateau(150, 260, (-0.08, -0.10, -0.08)),),
)

BEATS: Final[Mapping[str, Beat]] = {
    "normal": _NORMAL,
    "long QT": replace(_NORMAL, qt=530.0, t_vector=(0.22, 0.17, -0.12), t_before=62.0, t_after=36.0),
    "inferior infarction": replace(
        _NORMAL,
        qrs=(
            _bell(16, 8, -0.02, -0.28, -0.14),
            _bell(33, 8, 0.45, 0.18, -0.22),
            _bell(47, 8.5, 0.85, 0.62, 0.45),
            _bell(65, 8.5, -0.10, -0.05, 0.48),
        ),
        t_vector=(0.02, 0.34, 0.10),
        st=(Plateau(78, 310, (-0.10, 0.27, 0.09)),),
    ),
    "anterior infarction": replace(
        _NORMAL,
        qrs=(
            _bell(16, 8, -0.02, 0.05, 0.24),
            _bell(34, 8, 0.20, 0.30, 0.42),
            _bell(47, 8.5, 0.55, 0.62, 0.62),
            _bell(65, 8.5, -0.06, -0.08, 0.32),
        ),
        t_vector=(0.26, 0.0, -0.40),
        st=(Plateau(76, 315, (0.10, -0.13, -0.31)),),
    ),
    "LVH": replace(
        _NORMAL,
        qrs=(
            _bell(15, 6, -0.16, 0.0, -0.28),
            _bell(33, 8.5, 0.75, 0.35, 0.05),
            _bell(50, 10.5, 1.95, 0.62, 1.42),
            _bell(70, 9.5, 0.05, -0.20, 1.05),
        ),
        t_vector=(-0.26, -0.04, -0.30),
        peak=50.0,
        st=(Plateau(92, 270, (-0.13, -0.03, -0.12)),),
    ),
    "hyperkalaemia": replace(
        _NORMAL,
        qrs=tuple(replace(bell, centre=1.5 * bell.centre, before=1.5 * bell.before, after=1.5 * bell.after) for bell in _NORMAL.qrs),
        t_vector=(0.75, 0.55, -0.50),
        peak=68.0,
        t_before=27.0,
        t_after=24.0,
    ),
    "LBBB": _LBBB,
    "RBBB": Beat(
        "R",
        (
            _bell(14, 5.5, -0.13, 0.0, -0.22),
            _bell(30, 7.5, 0.45, 0.35, -0.20),
            _bell(44, 9, 0.88, 0.70, 0.40),
            _bell(72, 13, -0.26, -0.02, -0.36),
            _bell(98, 15, -0.46, 0.02, -0.70),
        ),
        (0.28, 0.17, 0.10),
        peak=45.0,
        qt=430.0,
    ),
    "paced": Beat(
        "/",
        (
            Bell(-12, 0.7, 0.7, (0.5, 1.1, 0.4)),  # the stimulus
            _bell(34, 15, 0.30, -0.45, 0.55),
            _bell(74, 20, 0.78, -1.05, 1.05),
            _bell(114, 18, 0.45, -0.55, 0.72),
        ),
        (-0.36, 0.44, -0.46),
        peak=76.0,
        qt=460.0,
    ),
    "PVC": _PVC,
    "VT": replace(
        _PVC,
        qrs=(
            _bell(30, 15, -0.35, 0.25, -0.45),
            _bell(68, 19, -0.85, -0.55, -1.05),
            _bell(106, 17, -0.30, -0.95, -0.55),
        ),
        t_vector=(0.34, 0.40, 0.42),
        peak=70.0,
        qt=400.0,
        st=(),
    ),
    "escape": replace(
        _LBBB,
        label="E",
        qrs=(_bell(34, 16, -0.20, 0.35, -0.30), _bell(74, 19, -0.62, 0.72, -0.85), _bell(112, 16, -0.50, 0.20, -0.55)),
        t_vector=(0.28, -0.22, 0.35),
        peak=76.0,
        qt=470.0,
        st=(),
    ),
}


def deflection(shape: Bell | Plateau, at: Floats) -> Floats:
    """The shape's size, 0 to 1, at these times in ms."""
    if isinstance(shape, Bell):
        width = np.where(at < shape.centre, shape.before, shape.after)
        size: Floats = np.exp(-0.5 * ((at - shape.centre) / width) ** 2)
        return size
    rise, fall = (at - shape.begin) / 5.0, (shape.end - at) / 22.0
    stands: Floats = 1 / (1 + np.exp(-np.clip(rise, -60, 60))) / (1 + np.exp(-np.clip(fall, -60, 60)))
    return stands


def ventricular(beat: Beat, at: Floats, rr: float) -> Floats:
    """Vectors in mV, shape (3, n), of a beat whose QRS began 0 ms ago, at these times in ms, after an RR of `rr` s.

    The QT interval follows the rate by Fridericia's cube root.
    """
    scale = float(np.clip(rr, 0.3, 1.6)) ** (1 / 3)
    qt = beat.qt * scale
    t_wave = Bell(qt - 2.4 * beat.t_after * scale, beat.t_before * scale, beat.t_after * scale, beat.t_vector)
    plateaus = [replace(plateau, end=min(plateau.end * scale, t_wave.centre)) for plateau in beat.st]
    return _sum((*beat.qrs, t_wave, *plateaus), at)


def atrial(at: Floats) -> Floats:
    """Vectors in mV, shape (3, n), of a sinus P wave that began 0 ms ago, at these times in ms."""
    return _sum(P_WAVE, at)


def _sum(shapes: tuple[Bell | Plateau, ...], at: Floats) -> Floats:
    total = np.zeros((3, at.size))
    for shape in shapes:
        total += np.outer(shape.vector, deflection(shape, at))
    return total


def beat_span(beat: Beat, rr: float) -> tuple[float, float]:
    """First and last ms, after QRS onset, in which the beat differs from zero."""
    first = min(bell.centre - MIN_TAIL * bell.before for bell in beat.qrs)
    return first, beat.qt * max(min(rr, 1.6), 0.3) ** (1 / 3) + 3 * beat.t_after
