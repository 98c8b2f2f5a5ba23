"""Painting anatomy into one axial plane: solids, tubes and ribbons in millimetres, with partial volume.

Axes are the patient's own as DICOM has them (PS3.3 C.7.6.2.1.1): x grows to the left, y to the back, z to the head.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Region = tuple[slice, slice]
Coverage = tuple[Region, Image]

EDGE_MM = 0.7
"""Width over which an edge fades: about the in-plane resolution of a head CT."""


@dataclass(frozen=True)
class Ellipsoid:
    """A solid with semi-axes in mm; `angle` turns it in the axial plane, degrees, anticlockwise as seen on screen."""

    x: float
    y: float
    z: float
    rx: float
    ry: float
    rz: float
    angle: float = 0.0

    def mirrored(self) -> "Ellipsoid":
        return replace(self, x=-self.x, angle=-self.angle)


@dataclass(frozen=True)
class Tube:
    """A bent rod in space: points (x, y, z, radius) in mm."""

    points: tuple[tuple[float, float, float, float], ...]

    def mirrored(self) -> "Tube":
        return Tube(tuple((-x, y, z, radius) for x, y, z, radius in self.points))


@dataclass(frozen=True)
class Ribbon:
    """A line in the axial plane, `half_width` mm to each side, standing upright from `low` to `high` mm."""

    points: tuple[tuple[float, float], ...]
    low: float
    high: float
    half_width: float

    def mirrored(self) -> "Ribbon":
        return replace(self, points=tuple((-x, y) for x, y in self.points))


Shape = Ellipsoid | Tube | Ribbon


@dataclass(frozen=True)
class Part:
    """A shape filled with one value (HU); `paired` parts exist on both sides."""

    shape: Shape
    value: float
    paired: bool = False

    def shapes(self) -> tuple[Shape, ...]:
        return (self.shape, self.shape.mirrored()) if self.paired else (self.shape,)


class Plane:
    """One axial slice of `thickness` mm at height `z`; `values` is a square float32 image, row 0 at the front."""

    def __init__(self, size: int, spacing: float, z: float, thickness: float, fill: float) -> None:
        self.size, self.spacing, self.z, self.thickness = size, spacing, z, thickness
        axis = ((np.arange(size) - (size - 1) / 2) * spacing).astype(np.float32)
        self.x: Image = axis[None, :]
        self.y: Image = axis[:, None]
        self.values: Image = np.full((size, size), fill, np.float32)

    def paint(self, coverage: Coverage | None, value: float | Image) -> None:
        """Blend `value` in where `coverage` (0..1) says so."""
        if coverage is None:
            return
        region, alpha = coverage
        target = self.values[region]
        target += (value - target) * alpha

    def paint_all(self, parts: Iterable[Part]) -> None:
        for part in parts:
            for shape in part.shapes():
                self.paint(self.cover(shape), part.value)

    def cover(self, shape: Shape) -> Coverage | None:
        """How much of each pixel the shape fills; None where it does not reach this slice."""
        if isinstance(shape, Ellipsoid):
            return self._cover_ellipsoid(shape)
        if isinstance(shape, Tube):
            return self._cover_tube(shape)
        return self._cover_ribbon(shape)

    def overlap(self, low: float, high: float) -> float:
        """The share of the slice's thickness that lies between two heights."""
        half = self.thickness / 2
        return max(0.0, min(high, self.z + half) - max(low, self.z - half)) / self.thickness

    def region(self, left: float, front: float, right: float, back: float) -> Region | None:
        """The pixels of a rectangle in mm; None if it lies outside of the image."""
        middle = (self.size - 1) / 2
        column, row = left / self.spacing + middle, front / self.spacing + middle
        end_column, end_row = right / self.spacing + middle, back / self.spacing + middle
        columns = slice(max(0, int(column)), min(self.size, int(end_column) + 2))
        rows = slice(max(0, int(row)), min(self.size, int(end_row) + 2))
        return (rows, columns) if columns.start < columns.stop and rows.start < rows.stop else None

    def _cover_ellipsoid(self, solid: Ellipsoid) -> Coverage | None:
        weight = self.overlap(solid.z - solid.rz, solid.z + solid.rz)
        if weight == 0:
            return None
        half = self.thickness / 2
        middle = (max(solid.z - solid.rz, self.z - half) + min(solid.z + solid.rz, self.z + half)) / 2
        shrink = max(0.05, 1 - ((middle - solid.z) / solid.rz) ** 2) ** 0.5
        rx, ry = solid.rx * shrink, solid.ry * shrink
        reach = max(rx, ry) + EDGE_MM
        region = self.region(solid.x - reach, solid.y - reach, solid.x + reach, solid.y + reach)
        if region is None:
            return None
        dx, dy = self.x[:, region[1]] - solid.x, self.y[region[0]] - solid.y
        turn = np.deg2rad(solid.angle)
        u, v = dx * np.cos(turn) - dy * np.sin(turn), dx * np.sin(turn) + dy * np.cos(turn)
        radial = np.sqrt((u / rx) ** 2 + (v / ry) ** 2)
        slope = np.sqrt((u / rx**2) ** 2 + (v / ry**2) ** 2) + 1e-6
        distance = np.where(radial > 0.05, radial * (radial - 1) / slope, -min(rx, ry))
        return region, np.float32(weight) * _fade(distance)

    def _cover_tube(self, tube: Tube) -> Coverage | None:
        spans = [pair for pair in pairwise(tube.points) if self._near(pair)]
        if not spans:
            return None
        ends = [end for pair in spans for end in pair]
        region = self.region(
            min(p[0] - p[3] for p in ends) - 1,
            min(p[1] - p[3] for p in ends) - 1,
            max(p[0] + p[3] for p in ends) + 1,
            max(p[1] + p[3] for p in ends) + 1,
        )
        if region is None:
            return None
        x, y = self.x[:, region[1]], self.y[region[0]]
        nearest = np.float32(np.inf) + 0 * x * y
        for (x0, y0, z0, r0), (x1, y1, z1, r1) in spans:
            dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
            length = dx * dx + dy * dy + dz * dz + 1e-6
            along = np.clip(((x - x0) * dx + (y - y0) * dy + (self.z - z0) * dz) / length, 0, 1)
            gap = (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2 + (self.z - z0 - along * dz) ** 2
            distance = np.sqrt(gap) - (r0 + along * (r1 - r0))
            nearest = np.minimum(nearest, distance)
        return region, _fade(nearest)

    def _near(self, pair: tuple[tuple[float, ...], tuple[float, ...]]) -> bool:
        low = min(end[2] - end[3] for end in pair)
        high = max(end[2] + end[3] for end in pair)
        return low - EDGE_MM < self.z < high + EDGE_MM

    def _cover_ribbon(self, ribbon: Ribbon) -> Coverage | None:
        weight = self.overlap(ribbon.low, ribbon.high)
        if weight == 0:
            return None
        xs, ys = [p[0] for p in ribbon.points], [p[1] for p in ribbon.points]
        reach = ribbon.half_width + EDGE_MM
        region = self.region(min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach)
        if region is None:
            return None
        distance = line_distance(self.x[:, region[1]], self.y[region[0]], ribbon.points)
        return region, np.float32(weight) * _fade(distance - ribbon.half_width)


def line_distance(x: Image, y: Image, points: Iterable[tuple[float, float]]) -> Image:
    """The distance of each place (x, y) to an open line through `points`, in the unit of its arguments."""
    corners = list(points)
    if len(corners) < 2:
        raise ValueError("a line needs two points or more")
    nearest = np.float32(np.inf) + 0 * x * y
    for (x0, y0), (x1, y1) in pairwise(corners):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + 1e-6), 0, 1)
        gap = (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2
        nearest = np.minimum(nearest, gap)
    return np.asarray(np.sqrt(nearest), np.float32)


def _fade(distance: Image) -> Image:
    """Coverage from a signed distance in mm (negative inside)."""
    return np.asarray(np.clip(0.5 - distance / EDGE_MM, 0, 1), np.float32)
