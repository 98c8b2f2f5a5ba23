"""One axial slice through the head: outline, skull, brain and face painted in their order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

from telemed.demo import head_anatomy as anatomy
from telemed.demo.raster import Ellipsoid, Part, Plane
from telemed.demo.texture import smooth_field

Image = NDArray[np.float32]

TURN = 1024
"""Entries in a look-up table that goes once around the head."""
FOLD_LEVELS, FOLD_DEPTHS, FOLD_DEPTH_MM, LOWEST = 40, 16, 26.0, -65.0

MIDDLE_FOSSA = Ellipsoid(37, -14, 13, 24, 33, 21)
POSTERIOR_FOSSA = Ellipsoid(0, 38, 10, 58, 46, 41)
BASE_WALL = 4.5
"""Thickness in mm of the floor of the skull."""


class Head:
    """The common ground of all slices of one head: coordinates, outlines, folds; drawn once from a random generator.

    `sulcus` is the half-width in mm of an ordinary sulcus; `effaced` names the side (sign of x) where swelling closes them.
    """

    def __init__(self, rng: np.random.Generator, size: int, spacing: float, sulcus: float, effaced: float = 0) -> None:
        self.size, self.spacing, self.effaced = size, spacing, effaced
        plane = Plane(size, spacing, 0, 1, 0)
        self.x, self.y = plane.x, plane.y
        self.radius: Image = np.hypot(self.x, self.y)
        angle = np.arctan2(np.broadcast_to(self.x, self.radius.shape), -self.y)  # zero at the front
        self.turn = (angle / (2 * np.pi) * TURN).astype(np.int32) % TURN
        self.skull = around(anatomy.SKULL_RADII)[self.turn]
        self.thickness = (around(anatomy.SKULL_THICKNESS) * (1 + 0.07 * smooth_field(rng, (TURN,), 60)))[self.turn]
        self.tent = _tentorium(self.x, self.y)
        self.tent_slope = np.hypot(*np.gradient(self.tent, spacing))
        self.folds = smooth_field(rng, (FOLD_LEVELS, FOLD_DEPTHS, TURN), (3.0, 8.0, TURN / 50))
        self.convex = smooth_field(rng, (24, size // 4, size // 4), (3.0, 3 / spacing, 2.3 / spacing))
        self.medial = smooth_field(rng, (128, 1024), (10, 26))
        self.wander = (TURN / 90) * smooth_field(rng, (size, size), 44)
        self.grain = smooth_field(rng, (size, size), 4)
        self.marbling = smooth_field(rng, (size, size), 14)
        self.soft = smooth_field(rng, (size, size), 48)
        self.sulcus = sulcus * (1 + 0.25 * self.soft) * np.where(self.x * effaced > 0, 0.15, 1.0).astype(np.float32)

    def depth(self, z: float) -> Image:
        """Distance in mm below the outer surface of the skull cap at height z (negative outside)."""
        height = anatomy.SKULL_HEIGHT if z > anatomy.SKULL_MIDDLE else anatomy.SKULL_DEPTH
        level = z - anatomy.SKULL_MIDDLE
        share = self.radius / self.skull
        k0 = np.sqrt(share**2 + (level / height) ** 2)
        k1 = np.sqrt((share / self.skull) ** 2 + (level / height**2) ** 2) + 1e-4
        return np.asarray(k0 * (1 - k0) / k1, np.float32)


@dataclass(frozen=True)
class HeadSlice:
    """A painted plane in HU without noise; `depth` mm below the skull's surface, `wall` mm outside of its inner table."""

    plane: Plane
    depth: Image
    wall: Image


def paint_head(head: Head, z: float, thickness: float) -> HeadSlice:
    """The slice at height z, `thickness` mm thick."""
    plane = Plane(head.size, head.spacing, z, thickness, anatomy.AIR)
    depth = head.depth(z)
    wall = _cavity(head, z, depth)
    _paint_soft_tissue(head, plane, depth)
    if z < 35:
        plane.paint_all((*anatomy.NECK_SOFT, *anatomy.CHEEK_SOFT, *anatomy.FACE_BONES, *anatomy.TEETH, *anatomy.NECK_BONES))
    _paint_skull(head, plane, depth, wall)
    inside = fade(wall)
    if inside.any():
        around_it = plane.values.copy()
        _paint_brain(head, plane, wall)
        plane.values = around_it + (plane.values - around_it) * inside
    if z < 45:
        plane.paint_all(anatomy.TEMPORAL_BONES)
        _mottle_bone(head, plane)
        plane.paint_all((*anatomy.ORBITS, *anatomy.AIR_SPACES, *anatomy.SINUS_WALLS))
        _open_mastoid(head, plane)
    return HeadSlice(plane, depth, wall)


def fade(distance: Image, width: float = 0.8) -> Image:
    """Coverage (0..1) from a distance in mm that is negative inside."""
    return np.asarray(np.clip(0.5 - distance / width, 0, 1), np.float32)


def around(radii: tuple[float, ...]) -> Image:
    """A closed smooth curve through values given at SKULL_ANGLES, the same on both sides; TURN entries."""
    angles = np.array(anatomy.SKULL_ANGLES)
    closed = np.concatenate([angles, 360 - angles[-2::-1]])
    curve = CubicSpline(closed, [*radii, *radii[-2::-1]], bc_type="periodic")
    return np.asarray(curve(np.arange(TURN) * 360 / TURN), np.float32)


def _skin_radius(head: Head, z: float) -> Image:
    levels = sorted(anatomy.FACE_RADII)
    face = [np.interp(z, levels, [anatomy.FACE_RADII[level][i] for level in levels]) for i in range(10)]
    return around(tuple(float(radius) for radius in face))[head.turn]


def _paint_soft_tissue(head: Head, plane: Plane, depth: Image) -> None:
    z = plane.z
    vault = depth + anatomy.SCALP + 0.5 * head.soft
    below = _skin_radius(head, z) - head.radius
    share = float(np.clip((z - 8) / 17, 0, 1))
    skin = vault * share + below * (1 - share)
    deep = np.clip((skin - 7) / 3, 0, 1) * np.clip((20 - z) / 20, 0, 1)
    flesh = deep / (1 + np.exp(-4 * (head.marbling + 0.9)))
    tissue = anatomy.FAT + (anatomy.MUSCLE - anatomy.FAT) * flesh
    tissue += (anatomy.SKIN - tissue) * np.clip((2.2 - skin) / 0.8, 0, 1)
    full = (slice(None), slice(None))
    plane.paint((full, fade(-skin)), np.asarray(tissue, np.float32))
    side = np.clip((np.abs(head.x) - 40) / 12, 0, 1) * np.clip((18 - head.y) / 20, 0, 1) * np.clip((66 - z) / 25, 0, 1)
    muscle = fade(np.abs(depth + 2.4) - 2.0) * np.float32(0.95) * side  # temporalis
    plane.paint((full, np.asarray(muscle, np.float32)), anatomy.MUSCLE)
    galea = fade(np.abs(depth + 1.0) - 0.5) * np.float32(0.6)
    plane.paint((full, galea * np.float32(z > 15)), 40.0)
    plane.paint_all(anatomy.EARS)


def solid_distance(head: Head, solid: Ellipsoid, z: float) -> Image:
    """Distance in mm to an ellipsoid's surface at height z, negative inside."""
    dx, dy, dz = (head.x - solid.x) / solid.rx, (head.y - solid.y) / solid.ry, (z - solid.z) / solid.rz
    k0 = np.sqrt(dx**2 + dy**2 + dz**2)
    k1 = np.sqrt((dx / solid.rx) ** 2 + (dy / solid.ry) ** 2 + (dz / solid.rz) ** 2) + 1e-4
    return np.asarray(k0 * (k0 - 1) / k1, np.float32)


def _cavity(head: Head, z: float, depth: Image) -> Image:
    """Distance in mm to the inner wall of the skull at height z, negative inside."""
    vault = head.thickness - depth
    if z > 60:
        return vault
    roof = np.exp(-(((np.abs(head.x) - 28) / 15) ** 2) - ((head.y + 56) / 22) ** 2)
    anterior_floor = 16.0 + 5.5 * roof - 6 * np.exp(-((head.x / 11) ** 2)) + 1.2 * head.marbling
    middle_floor = 15.0
    floor = np.where(head.y < -26 + 0.002 * head.x**2, anterior_floor, middle_floor)
    fossae = np.minimum(
        np.minimum(solid_distance(head, MIDDLE_FOSSA, z), solid_distance(head, MIDDLE_FOSSA.mirrored(), z)),
        solid_distance(head, POSTERIOR_FOSSA, z),
    )
    if z > -34:
        canal = np.hypot(head.x / 0.95, head.y - 26) - 16
        fossae = np.minimum(fossae, np.maximum(canal, z - 12))
    return np.asarray(np.maximum(np.minimum(floor - z, fossae), vault), np.float32)


def _paint_skull(head: Head, plane: Plane, depth: Image, wall: Image) -> None:
    lower = np.clip((24 - plane.z) / 10, 0, 1)
    thick = np.maximum(head.thickness * (1 - lower) + BASE_WALL * lower, 3.0)
    outer = np.maximum(wall - thick, -depth)
    share = np.clip(wall / thick, 0, 1)
    spongy = np.clip(1.6 - np.abs(share - 0.5) * 5.2, 0, 1) * np.clip((thick - 3.6) / 2.2, 0, 1)
    bone = anatomy.BONE + 250 - spongy * (820 - 170 * head.grain)
    plane.paint(((slice(None), slice(None)), fade(outer, 1.0)), np.asarray(bone, np.float32))


def _tentorium(x: Image, y: Image) -> Image:
    """Height in mm of the tentorium: highest at the incisura, falling to the transverse sinuses."""
    lateral = 28 * (np.abs(x) / 56) ** 1.2
    back = 28 * np.clip((y - 30) / 50, 0, 1.2) ** 1.2
    return np.asarray(45 - np.hypot(lateral, back), np.float32)


def _paint_brain(head: Head, plane: Plane, wall: Image) -> None:
    full = (slice(None), slice(None))
    z = plane.z
    behind = fade(np.asarray(0.42 * np.abs(head.x) - head.y - 4, np.float32), 3.0)
    lower = fade((z - head.tent) * 0.75, 1.5) * behind if z < 46 else np.zeros_like(wall)
    tissue = _cortex(head, z, wall)
    tissue += (_cerebellum(head, wall) - tissue) * lower
    tissue += 4.5 * np.exp(wall / 5)  # what is left of beam hardening under the bone
    plane.values = np.asarray(tissue, np.float32)
    upper = Plane(plane.size, plane.spacing, z, plane.thickness, 0)
    upper.values = plane.values.copy()
    upper.paint_all((*anatomy.DEEP_GREY, *anatomy.SYLVIAN, *anatomy.VENTRICLES))
    plane.paint((full, 1 - lower), upper.values)
    if z < 46:
        edge = fade(np.abs((z - head.tent) / head.tent_slope) - 1.0, 1.6) * behind * np.float32(z > 12)
        plane.paint((full, edge * np.float32(0.7)), 54.0)
        plane.paint_all((*anatomy.CISTERNS, *anatomy.BRAINSTEM))
    plane.paint_all((*anatomy.MIDLINE, *anatomy.VESSELS, *anatomy.CALCIFICATIONS))


def _cortex(head: Head, z: float, wall: Image) -> Image:
    """Cerebral tissue in HU: grey ribbon along the surface and the sulci, white matter within, CSF in the sulci."""
    level = float(np.clip((z - LOWEST) / 5, 0, FOLD_LEVELS - 1))
    low = int(level)
    high = min(low + 1, FOLD_LEVELS - 1)
    folds = head.folds[low] * (1 - (level - low)) + head.folds[high] * (level - low)
    under = np.clip(-wall, 0, FOLD_DEPTH_MM)
    pattern = ndimage.map_coordinates(folds, [under * ((FOLD_DEPTHS - 1) / FOLD_DEPTH_MM), (head.turn + head.wander) % (TURN - 1)], order=1)
    top = float(np.clip((z - 70) / 22, 0, 1)) * np.pi / 2
    if top > 0:
        convex = ndimage.zoom(head.convex[int(np.clip((z - 65) / 2.5, 0, 23))], 4, order=1)
        pattern = pattern * np.cos(top) + convex * np.sin(top)
    to_sulcus = np.abs(pattern) * 4.2 + np.maximum(0, under - 15 - 3 * head.soft) * 0.9
    surface = under
    if z > 40:
        rows = ((head.y + 100 + 0.5 * np.abs(head.x) + 2.5 * head.soft) * 2.5).astype(np.int32) + 512 * (head.x > 0)
        inner = head.medial[int(z) % 128][rows % 1024]
        reach = 0.0 if z > 72 else 60 * np.clip(np.minimum(head.y + 52 + 5 * head.soft, 50 - head.y + 5 * head.soft) / 14, 0, 1)
        from_middle = np.abs(head.x) + reach
        to_sulcus = np.minimum(to_sulcus, np.abs(inner) * 4.5 + 1.2 * np.maximum(0, from_middle - 11))
        surface = np.minimum(under, from_middle - 1)
    width = head.sulcus * np.clip(1.25 - under / 22, 0.25, 1.2)
    grey = np.clip((4.2 + 0.5 * head.soft - np.minimum(surface, to_sulcus)) / 1.8, 0, 1)
    tissue = anatomy.WHITE + (anatomy.GREY - anatomy.WHITE) * grey
    fluid = np.maximum(fade(to_sulcus - width, 1.1), fade(under - 0.7 - 0.9 * head.sulcus, 1.0))
    return np.asarray(tissue + (anatomy.CSF - tissue) * fluid, np.float32)


def _cerebellum(head: Head, wall: Image) -> Image:
    """Cerebellar tissue in HU with its fine parallel folia and a paler core."""
    from_vermis = np.hypot(head.x * 0.8, (head.y - 44) * 1.1)
    folia = np.cos(from_vermis * 1.25 + 1.6 * head.soft + 0.9 * head.marbling)
    core = np.exp(-(((np.abs(head.x) - 20) / 13) ** 2) - ((head.y - 42) / 13) ** 2)
    tissue = 37 + 1.5 * folia - 6 * core
    return np.asarray(tissue + (anatomy.CSF - tissue) * fade(-wall - 1.0 - 0.4 * head.soft, 1.4), np.float32)


def _mottle_bone(head: Head, plane: Plane) -> None:
    dense = np.clip((plane.values - 250) / 200, 0, 1)
    plane.values += dense * 130 * head.grain


def _open_mastoid(head: Head, plane: Plane) -> None:
    """Air cells in the mastoid: many small holes with thin walls."""
    for part in (Part(Ellipsoid(60, 23, -9, 9, 12, 17), 0, True), Part(Ellipsoid(50, 19, 6, 7, 6, 6), 0, True)):
        for shape in part.shapes():
            covered = plane.cover(shape)
            if covered:
                region, alpha = covered
                cells = np.clip((np.abs(head.grain[region]) - 0.35) * 2.5, 0, 1)
                plane.paint((region, np.asarray(alpha * cells, np.float32)), -750.0)
