"""Findings of the demo head: each as shapes, its mass effect and its sulci."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from telemed.demo import head_anatomy as anatomy
from telemed.demo.head_slice import Head, HeadSlice, fade, solid_distance
from telemed.demo.raster import Ellipsoid, Part, Ribbon

Image = NDArray[np.float32]
HeadFinding = Literal["normal", "epidural", "subdural", "haemorrhage", "infarct"]


@dataclass(frozen=True)
class Stain:
    """Tissue changed inside an irregular solid: `value` HU, edge `ragged` mm, fading over `edge` mm, `share` of it replaced."""

    solid: Ellipsoid
    value: float
    ragged: float = 1.5
    edge: float = 1.5
    share: float = 1.0


@dataclass(frozen=True)
class Crescent:
    """Blood along the skull, at most `thickness` mm, centred on a direction (degrees from the front, left positive)."""

    thickness: float
    direction: float
    spread: float
    low: float
    high: float
    value: float


@dataclass(frozen=True)
class HeadPathology:
    """One finding. `shift` moves the midline, mm to the left; `effaced` is the side (sign of x) with narrowed sulci."""

    sulcus: float
    effaced: float = 0
    shift: float = 0
    stains: tuple[Stain, ...] = ()
    crescent: Crescent | None = None
    parts: tuple[Part, ...] = ()
    """Painted as they are, inside the skull."""
    fracture: Ribbon | None = None
    swelling: Crescent | None = None
    """Thickened scalp, outside of the skull."""


PATHOLOGIES: Mapping[HeadFinding, HeadPathology] = MappingProxyType(
    {
        "normal": HeadPathology(sulcus=0.8),
        "epidural": HeadPathology(  # right temporoparietal, lens-shaped, under a fracture
            sulcus=0.7,
            effaced=-1,
            shift=6,
            stains=(
                Stain(Ellipsoid(-69, 8, 50, 29, 37, 29), 67, 0.4, 1.2),
                Stain(Ellipsoid(-60, 16, 52, 5, 9, 9, 20), 52, 2.5, 5, 0.8),  # unclotted blood
            ),
            fracture=Ribbon(((-80, 18), (-62, 10)), 34, 62, 0.7),
            swelling=Crescent(13, -92, 42, 12, 92, 38),
        ),
        "subdural": HeadPathology(  # left convexity, crescent
            sulcus=0.75,
            effaced=1,
            shift=-8,
            crescent=Crescent(12.5, 78, 66, 36, 106, 63),
            parts=(Part(Ribbon(((1.8, 42), (2.4, 62), (1.2, 78)), 52, 84, 1.6), 58),),
        ),
        "haemorrhage": HeadPathology(  # left putamen, broken into the ventricle
            sulcus=0.75,
            effaced=1,
            shift=-4,
            stains=(
                Stain(Ellipsoid(29, 3, 49, 21, 29, 21, -8), 19, 2.5, 4, 0.85),  # oedema
                Stain(Ellipsoid(28, -2, 49, 14, 17, 16, -12), 66, 1.5, 1.6),
                Stain(Ellipsoid(31, 14, 51, 12, 13, 13), 64, 1.5, 1.6),
            ),
            parts=(
                Part(Ellipsoid(22.5, 42, 46, 4, 7, 5, -10), 60),  # level in the occipital horns
                Part(Ellipsoid(-22, 46, 45, 3.2, 4.5, 4, 10), 52),
                Part(Ellipsoid(0, 10, 42, 2, 6, 5), 50),
            ),
        ),
        "infarct": HeadPathology(  # old, right middle cerebral artery, with a wider ventricle
            sulcus=1.2,
            stains=(
                Stain(Ellipsoid(-52, 4, 50, 23, 25, 23, 12), 11, 3.5, 4, 0.93),
                Stain(Ellipsoid(-46, 22, 62, 16, 17, 16), 12, 3.5, 4, 0.9),
                Stain(Ellipsoid(25, -5, 49, 2.6, 3.4, 3), 12, 0.5, 1.5, 0.9),
            ),
            parts=(
                Part(Ellipsoid(-12, -20, 56, 5.5, 11, 9, 18), anatomy.CSF),
                Part(Ellipsoid(-17, 6, 64, 6.5, 20, 7, -14), anatomy.CSF),
                Part(Ellipsoid(-25, 32, 50, 8, 10, 9), anatomy.CSF),
            ),
        ),
    }
)


def paint_pathology(head: Head, cut: HeadSlice, pathology: HeadPathology) -> None:
    """Change the painted slice in place."""
    plane, z = cut.plane, cut.plane.z
    full = (slice(None), slice(None))
    inside = fade(cut.wall)
    before = plane.values.copy()
    plane.paint_all(pathology.parts)
    for stain in pathology.stains:
        distance = solid_distance(head, stain.solid, z) + stain.ragged * head.marbling
        alpha = fade(distance, stain.edge) * np.float32(stain.share)
        plane.paint((full, alpha), np.asarray(stain.value + 2.0 * head.grain, np.float32))
    if pathology.crescent:
        _paint_crescent(head, cut, pathology.crescent, -cut.wall)
    plane.values = before + (plane.values - before) * inside
    if pathology.fracture and (covered := plane.cover(pathology.fracture)):
        region, alpha = covered
        plane.paint((region, alpha * fade(-cut.depth[region])), 60.0)
    if pathology.swelling:
        _paint_crescent(head, cut, pathology.swelling, -cut.depth)


def _paint_crescent(head: Head, cut: HeadSlice, crescent: Crescent, from_skull: Image) -> None:
    """`from_skull` is the distance in mm from the table of the skull on which the blood lies."""
    z = cut.plane.z
    if not crescent.low < z < crescent.high:
        return
    middle, half = (crescent.low + crescent.high) / 2, (crescent.high - crescent.low) / 2
    height = 1 - ((z - middle) / half) ** 2
    direction = np.rad2deg(np.arctan2(np.broadcast_to(head.x, from_skull.shape), -head.y))
    across = np.clip(1 - ((direction - crescent.direction) / crescent.spread) ** 2, 0, 1) ** 0.7
    thick = crescent.thickness * height**0.5 * across * (1 + 0.1 * head.soft)
    alpha = fade(from_skull - thick, 1.2) * fade(-from_skull - 0.3) * np.clip(thick / 1.5, 0, 1)
    value = crescent.value + 3.0 * head.marbling
    cut.plane.paint(((slice(None), slice(None)), np.asarray(alpha, np.float32)), np.asarray(value, np.float32))
