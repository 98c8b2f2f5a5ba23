"""A radiograph of a right hand, PA: every bone a shell of cortex around spongy bone, every shadow a thickness."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline, PchipInterpolator

from telemed.demo.dicom_header import StudyOrder, part10
from telemed.demo.hand_anatomy import CARPALS, FOREARM, SESAMOIDS, LongBone, ShortBone, long_bones
from telemed.demo.people import DemoPatient
from telemed.demo.radiograph import Projection, develop, dx_instance
from telemed.demo.raster import line_distance
from telemed.demo.texture import smooth_field

Image = NDArray[np.float32]
HandFinding = Literal["normal", "fracture"]

ROWS, COLUMNS, SPACING = 2000, 1600, 0.143
WRIST = (122.0, 205.0)
"""The middle of the capitate, mm from the left and the top edge."""
SOFT_PER_MM, BONE_PER_MM, SPONGE, MARROW = 0.020, 0.105, 0.34, 0.10
"""Attenuation per mm near 50 kV relative to the picture's scale; share of bone in spongy bone and in the marrow cavity."""

HAND_PA = Projection(
    body_part="HAND",
    region=("85562004", "SCT", "Hand"),
    description="Hand PA",
    view="PA",
    laterality="R",
    orientation=("R", "F"),
    spacing=SPACING,
    field=(9, 8, 219, 280),
    marker_at=(178, 236),
    kvp=50,
    exposure_mas=2.0,
)


def hand_xray(patient: DemoPatient, study: StudyOrder, seed: int, finding: HandFinding = "normal") -> Iterator[bytes]:
    """One DX instance as a Part 10 file; `fracture` is one of the neck of the fifth metacarpal."""
    rng = np.random.default_rng([seed, 27])
    film = _Film(rng)
    bones = long_bones(broken=finding == "fracture")
    for short in (*FOREARM, *CARPALS, *SESAMOIDS):
        film.add_short(short)
    for long in bones:
        film.add_long(long)
    soft = film.soft_tissue(bones, swollen=finding == "fracture")
    attenuation = SOFT_PER_MM * soft + BONE_PER_MM * film.bone
    pixels = develop(rng, attenuation, HAND_PA, top=2.1, noise=0.006)
    yield part10(dx_instance(patient, study, seed, HAND_PA, pixels))


class _Film:
    """The thickness of bone in mm along each ray, summed up bone by bone."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.bone: Image = np.zeros((ROWS, COLUMNS), np.float32)
        along, across = smooth_field(rng, (ROWS, COLUMNS), (8, 2.8)), smooth_field(rng, (ROWS, COLUMNS), (3, 5))
        self.trabeculae: Image = np.asarray(np.tanh(0.75 * along + 0.55 * across), np.float32)
        self.uneven = smooth_field(rng, (ROWS, COLUMNS), 70)
        self.ragged = smooth_field(rng, (512,), 30)

    def region(self, x0: float, y0: float, x1: float, y1: float) -> tuple[tuple[slice, slice], Image, Image]:
        """The pixels of a rectangle in hand coordinates, with their x and y in mm."""
        left, right = int((x0 + WRIST[0]) / SPACING), int((x1 + WRIST[0]) / SPACING) + 1
        top, bottom = int((WRIST[1] - y1) / SPACING), int((WRIST[1] - y0) / SPACING) + 1
        rows = slice(max(0, top), min(ROWS, bottom))
        columns = slice(max(0, left), min(COLUMNS, right))
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] * SPACING - WRIST[0]
        y = WRIST[1] - np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] * SPACING
        return (rows, columns), x, y

    def add_long(self, bone: LongBone) -> None:
        tip_x, tip_y = bone.at(bone.length)
        reach = max(bone.base, bone.head) + 2
        where, x, y = self.region(
            min(bone.x, tip_x) - reach, min(bone.y, tip_y) - reach, max(bone.x, tip_x) + reach, max(bone.y, tip_y) + reach
        )
        turn = np.deg2rad(bone.direction)
        s = (x - bone.x) * np.sin(turn) + (y - bone.y) * np.cos(turn)
        u = (x - bone.x) * np.cos(turn) - (y - bone.y) * np.sin(turn)
        u = u - bone.bow * np.clip(4 * s * (bone.length - s) / bone.length**2, 0, 1)
        outer = _tube(bone, s, u, 0.0)
        inner = _tube(bone, s, u, 1.0)
        share = np.clip(s / bone.length, 0, 1)
        hollow = np.exp(-(((share - 0.5) / 0.23) ** 4))
        filling = (SPONGE + (MARROW - SPONGE) * hollow) * (1 + 0.17 * self.trabeculae[where] * (1 - 0.5 * hollow))
        thickness = (outer - inner) + inner * filling * (1 + 0.06 * self.uneven[where])
        for end, side in ((bone.kept[0], 1), (bone.kept[1], -1)):
            if 0 < end < 1:
                jag = 0.45 * self.ragged[np.clip((u * 14 + 256).astype(np.int32), 0, 511)]
                thickness = thickness * np.clip(0.5 + side * (s - end * bone.length - jag + 0.3 * u * side) / 0.5, 0, 1)
        self.bone[where] += thickness

    def add_short(self, bone: ShortBone) -> None:
        points = _smooth(bone.outline)
        (x0, y0), (x1, y1) = points.min(0) - 1, points.max(0) + 1
        where, x, y = self.region(x0, y0, x1, y1)
        inside = _fill(points, x, y)
        depth = np.asarray(ndimage.gaussian_filter(ndimage.distance_transform_edt(inside > 0.5) * SPACING, 1.2), np.float32)
        widest: Image = np.maximum(depth.max(keepdims=True), 0.1)
        shaft = np.clip((-y - 32) / 45, 0, 1)
        if bone.shaft_cortex:  # a tube: as deep as it is wide, level by level
            widest = np.maximum(depth.max(axis=1, keepdims=True), 0.1)
        cortex = bone.cortex + (bone.shaft_cortex - bone.cortex) * shaft if bone.shaft_cortex else bone.cortex
        outer = _chord(depth, widest) * bone.depth
        inner = _chord(depth - cortex, np.maximum(widest - cortex, 0.1)) * (bone.depth - 2 * cortex)
        filling = SPONGE + (MARROW - SPONGE) * (shaft if bone.shaft_cortex else 0.0)
        texture = 1 + 0.16 * self.trabeculae[where] * (1 - 0.5 * shaft)
        self.bone[where] += ((outer - inner) * 0.62 + inner * filling * texture) * inside

    def soft_tissue(self, bones: tuple[LongBone, ...], swollen: bool) -> Image:
        """Thickness of flesh in mm, computed on every fourth pixel: it has no fine detail."""
        step = 4
        x = (np.arange(0, COLUMNS, step, dtype=np.float32)[None, :]) * SPACING - WRIST[0]
        y = WRIST[1] - (np.arange(0, ROWS, step, dtype=np.float32)[:, None]) * SPACING
        distance: Image | None = None
        for bone in bones:
            if bone.kept[0] > 0:
                continue
            tip = bone.at(bone.length + (-3.0 if bone.tuft else 0))
            radius = 13.5 if bone.name.startswith("metacarpal") else 7.2 + 0.45 * bone.base - (0.9 if bone.tuft else 0)
            near = line_distance(x, y, ((bone.x, bone.y), tip)) - radius
            distance = near if distance is None else _merge(distance, near, 3.5)
        assert distance is not None
        for line, radius in (
            (((-18, -8), (-46, 30)), 16.0),
            (((16, -6), (30, 52)), 15.5),
            (((-2, 8), (0, 60)), 26.0),
            (((-6, 60), (18, 56)), 18.0),
            (((0, -22), (-2, -40)), 27.5),
            (((-2, -40), (-4, -140)), 29.5),
        ):
            distance = _merge(distance, line_distance(x, y, line) - radius, 6)
        if swollen:
            distance = _merge(distance, np.hypot(x - 40, y - 48) - 16, 8)
        within = np.clip(-distance, 0, None)
        thick = 27 * (1 - np.exp(-within / 8.5)) * np.clip(within / 1.2, 0, 1)
        grown = ndimage.zoom(thick * (1 + 0.03 * self.uneven[::step, ::step]), step, order=1)
        return np.asarray(grown[:ROWS, :COLUMNS], np.float32)


def _tube(bone: LongBone, s: Image, u: Image, inset: float) -> Image:
    """Thickness along the beam of a solid of revolution, flattened; `inset` 1 gives the cavity inside the cortex."""
    length, base, shaft, head = bone.length, bone.base, bone.shaft, bone.head
    if bone.tuft:
        stops, widths = (0, 0.10, 0.35, 0.62, 0.82, 0.93, 1), (base * 0.93, base, shaft * 1.25, shaft, head * 0.85, head, head * 0.9)
    else:
        stops = (0, 0.07, 0.24, 0.5, 0.74, 0.88, 1)
        widths = (base * 0.93, base, shaft * 1.28, shaft, shaft * 1.16, head, head * 0.92)
    profile = PchipInterpolator(stops, widths)
    share = np.linspace(0, 1, 400)
    cortex = 0.55 + (bone.cortex - 0.55) * np.exp(-(((share - 0.5) / 0.3) ** 4))
    radius = profile(share) - inset * cortex
    along = share * length
    end = 0.65 * inset
    base_cap, head_cap = 2.6, (2.2 if bone.tuft else head * 0.82)
    radius = radius * _cap(along - end, base_cap, 3.2) * _cap(length - end - along, head_cap, 2.3)
    table = np.interp(s, along, radius, left=0, right=0)
    if not bone.tuft and bone.name.startswith("phalanx"):  # two condyles with a groove between
        groove = 0.9 * np.clip((s / length - 0.9) / 0.1, 0, 1) * np.exp(-((u / (head * 0.35)) ** 2))
        table = table * (1 - 0.25 * groove)
    flat = 0.92
    return np.asarray(2 * flat * np.sqrt(np.clip(table**2 - u**2, 0, None)), np.float32)


def _cap(distance: NDArray[np.float64], length: float, power: float) -> NDArray[np.float64]:
    """Rounding towards an end: 0 at the end, 1 from `length` mm on, a superellipse between."""
    inside = np.clip(1 - distance / length, 0, 1)
    return np.asarray((1 - inside**power) ** (1 / power) * (distance > 0))


def _chord(depth: Image, widest: Image) -> Image:
    """Relative thickness of a rounded body `depth` mm inside its outline, 1 at `widest`."""
    return np.asarray(np.sqrt(np.clip(1 - (1 - np.clip(depth / widest, 0, 1)) ** 2, 0, 1)), np.float32)


def _merge(one: Image, other: Image, blend: float) -> Image:
    """Smooth union of two distance fields."""
    mix = np.clip(0.5 + 0.5 * (other - one) / blend, 0, 1)
    return np.asarray(other + (one - other) * mix - blend * mix * (1 - mix), np.float32)


def _smooth(outline: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """A closed smooth curve through the outline's points, (n, 2) mm."""
    points = np.array([*outline, outline[0]], float)
    length = np.concatenate([[0], np.cumsum(np.sqrt(np.hypot(*np.diff(points, axis=0).T)))])
    return np.asarray(CubicSpline(length, points, bc_type="periodic")(np.linspace(0, length[-1], 240)))


def _fill(points: NDArray[np.float64], x: Image, y: Image) -> Image:
    """1 inside a closed curve, with smooth edges; x (1, columns) and y (rows, 1) in mm."""
    fine = 3
    width, height = x.shape[1] * fine, y.shape[0] * fine
    mask = Picture.new("L", (width, height), 0)
    corners = [((px - float(x[0, 0])) / SPACING * fine, (float(y[0, 0]) - py) / SPACING * fine) for px, py in points]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    grown = np.asarray(mask.resize((x.shape[1], y.shape[0]), Picture.Resampling.BOX), np.float32)
    return np.asarray(grown / 255, np.float32)
