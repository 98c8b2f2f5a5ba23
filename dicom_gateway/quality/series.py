"""Checks over the objects of a series together: gaps, mixed geometry, numbers that miss or come twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dicom_gateway.quality.facts import PAIRED, ImageFacts

_VOLUMES = frozenset({"CT", "MR", "PT"})
_SAME_DIRECTION = 0.999  # cosine: 2.5 degrees, what positioning scatter leaves
_SAME_PLACE = 0.01  # mm
_GAP = 1.5  # times the median spacing: from here a slice is missing


@dataclass(frozen=True, slots=True)
class SeriesFigure:
    """One figure of one series."""

    measure: str
    value: float
    series: str
    detail: str = ""


def series_figures(facts: Sequence[ImageFacts]) -> list[SeriesFigure]:
    """All figures of one series, in no order; those that mean nothing for it are left out."""
    series, modality = facts[0].series, facts[0].modality
    missing = sorted({name for each in facts for name in each.missing})
    found = [
        SeriesFigure("required-attributes-missing", len(missing), series, ", ".join(missing)),
        SeriesFigure("burned-in-annotation", sum(each.burned_in for each in facts), series),
        SeriesFigure("photometric-conflict", sum(each.photometric_conflict for each in facts), series),
        SeriesFigure("pixel-data-cut-off", max(each.shortfall for each in facts), series),
        *_sides(facts, series),
        *_numbers(facts, series),
    ]
    unnamed = sum(not each.view for each in facts)
    found.append(SeriesFigure("view-missing", unnamed, series))
    for name, values in (
        ("pixel-pitch", [each.pixel_pitch for each in facts]), ("mammography-pitch", [each.pixel_pitch for each in facts]),
        ("slice-thickness", [each.slice_thickness for each in facts]), ("lossy-ratio", [each.lossy_ratio for each in facts]),
        ("deviation-index", [abs(each.deviation_index) if each.deviation_index is not None else None for each in facts]),
    ):  # fmt: skip
        known = [value for value in values if value is not None and value > 0]
        if known:
            found.append(SeriesFigure(name, max(known), series))
    if modality in _VOLUMES:
        found += _geometry([each for each in facts if not each.localizer and each.frames == 1], series)
        found.append(SeriesFigure("matrix", min(min(each.rows, each.columns) for each in facts), series))
    return found


def _sides(facts: Sequence[ImageFacts], series: str) -> list[SeriesFigure]:
    """Laterality of paired structures: there, and told alike everywhere (PS3.3 C.7.3.1.1.2)."""
    paired = any(each.body_part in PAIRED for each in facts)
    said = {each.laterality for each in facts} - {"", "U"}
    words = {each.text_laterality for each in facts} - {""}
    against = len(said) > 1 or any(len(side) > 1 for side in said) or bool({"L", "R"} & said and words and not words & said)
    found = [SeriesFigure("laterality-contradiction", float(against), series, "/".join(sorted(said | words)))]
    if paired:
        found.append(SeriesFigure("laterality-missing", float(not said and not words), series, next(iter({f.body_part for f in facts}))))
    return found


def _numbers(facts: Sequence[ImageFacts], series: str) -> list[SeriesFigure]:
    """Instance numbers: the holes between the first and the last, and images that claim one number or one place."""
    numbers = [each.number for each in facts if each.number is not None]
    twice = sum(count - 1 for count in Counter((n, f.position) for n, f in zip(numbers, facts, strict=False)).values())
    uids = sum(count - 1 for count in Counter(each.instance for each in facts).values())
    found = [SeriesFigure("duplicate-instances", float(max(twice, uids)), series)]
    if len(set(numbers)) > 1:
        lowest, highest = min(numbers), max(numbers)
        steps = np.diff(sorted(set(numbers)))
        stride = int(np.median(steps)) or 1  # some scanners count in twos
        holes = (highest - lowest) // stride + 1 - len(set(numbers))
        found.append(SeriesFigure("missing-numbers", float(max(0, holes)), series))
    return found


def _geometry(facts: Sequence[ImageFacts], series: str) -> list[SeriesFigure]:
    """Positions projected on the common normal (PS3.3 C.7.6.2.1.1)."""
    placed = [each for each in facts if each.orientation and each.position]
    if len(placed) < 2:
        return []
    orientations = np.array([each.orientation for each in placed])
    normals = np.cross(orientations[:, :3], orientations[:, 3:])
    alike = np.abs(normals @ normals[0]) > _SAME_DIRECTION
    frames = {each.frame_of_reference for each in placed} - {""}
    mixed = not alike.all() or len(frames) > 1
    found = [SeriesFigure("mixed-orientation", float(mixed), series)]
    if mixed:
        return found
    along = np.sort(np.array([each.position for each in placed]) @ normals[0])
    steps = np.diff(along)
    steps = steps[steps > _SAME_PLACE]  # several images of one place are phases or echoes
    if steps.size < 2:
        return found
    spacing = float(np.percentile(steps, 50, method="lower"))  # of two steps the smaller: a gap is no spacing
    missing = int(sum(round(step / spacing) - 1 for step in steps if step > _GAP * spacing))
    regular = steps[steps <= _GAP * spacing]
    uneven = float(np.abs(regular - spacing).max() / spacing) if regular.size else 0.0
    return [
        *found,
        SeriesFigure("missing-slices", missing, series, f"{spacing:.2f} mm"),
        SeriesFigure("uneven-spacing", uneven, series, f"{spacing:.2f} mm"),
    ]
