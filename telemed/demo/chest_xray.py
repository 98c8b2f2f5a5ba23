"""A chest radiograph, PA: lungs of air in a body of water, with ribs, heart, vessels and diaphragm as thicknesses."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline, PchipInterpolator

from telemed.demo import chest_anatomy as anatomy
from telemed.demo.dicom_header import StudyOrder, part10
from telemed.demo.people import DemoPatient
from telemed.demo.radiograph import Projection, develop, dx_instance
from telemed.demo.raster import line_distance
from telemed.demo.texture import smooth_field

Image = NDArray[np.float32]
ChestFinding = Literal["normal", "pneumonia"]

ROWS, COLUMNS, SPACING = 2080, 1760, 0.2
STEP = 2
"""Anatomy is drawn on every second pixel: its finest detail is wider than that."""
PIXEL = SPACING * STEP
MIDLINE = COLUMNS * SPACING / 2
WATER_PER_MM, BONE_PER_MM = 0.0135, 0.034
"""Attenuation per mm near 120 kV, bone on top of water."""

CHEST_PA = Projection(
    body_part="CHEST",
    region=("51185008", "SCT", "Chest"),
    description="Chest PA",
    view="PA",
    laterality="U",
    orientation=("L", "F"),
    spacing=SPACING,
    field=(3, 3, 349, 413),
    marker_at=(24, 22),
    kvp=120,
    exposure_mas=2.2,
    marker_mm=15,
)


def chest_xray(patient: DemoPatient, study: StudyOrder, seed: int, finding: ChestFinding = "normal") -> Iterator[bytes]:
    """One DX instance as a Part 10 file; `pneumonia` lies in the right lower lobe."""
    rng = np.random.default_rng([seed, 12])
    film = _Film(rng)
    air = film.lungs(finding)
    aerated = np.clip(air / 90, 0, 1)
    water = film.body() - air + film.vessels() * aerated - film.airways()
    attenuation = WATER_PER_MM * np.clip(water, 4, None) + BONE_PER_MM * film.bones()
    attenuation = np.asarray(attenuation * film.covered(), np.float32)
    grown = ndimage.zoom(attenuation, STEP, order=1)
    pixels = develop(rng, np.asarray(grown, np.float32), CHEST_PA, top=3.25, noise=0.008, gamma=1.12)
    yield part10(dx_instance(patient, study, seed, CHEST_PA, pixels))


class _Film:
    """Coordinates and random fields of one exposure, and the layers that are summed."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.shape = (ROWS // STEP, COLUMNS // STEP)
        bend = 2.2
        x = np.arange(self.shape[1], dtype=np.float32)[None, :] * PIXEL - MIDLINE
        y = np.arange(self.shape[0], dtype=np.float32)[:, None] * PIXEL
        self.x: Image = x + bend * smooth_field(rng, self.shape, 260)
        self.y: Image = y + bend * smooth_field(rng, self.shape, 260)
        self.cloud = smooth_field(rng, self.shape, 34)
        self.lace = smooth_field(rng, self.shape, 9)

    def covered(self) -> Image:
        """How much body there is, 0 (air) to 1, with the fall-off of skin."""
        skin = PchipInterpolator(
            [-20, 0, 16, 32, 44, 56, 74, 100, 140, 190, 260, 440], [57, 58, 62, 76, 104, 140, 178, 200, 200, 176, 165, 170]
        )
        inward = (skin(self.y) - np.abs(self.x)) / (1 + 2.2 * np.exp(-(((self.y - 46) / 22) ** 2)))
        return np.asarray(np.sqrt(np.clip(1 - (1 - np.clip(inward / 11, 0, 1)) ** 2, 0, 1)), np.float32)

    def body(self) -> Image:
        """Thickness of water-like tissue without regard to air, mm."""
        depth = np.interp(self.y, [0, 40, 70, 160, 260, 330, 420], [115, 125, 165, 205, 212, 218, 218])
        sides = PchipInterpolator([-20, 0, 40, 90, 200, 440], [66, 70, 130, 215, 190, 184])(self.y)
        round_off = np.clip(1 - np.abs(self.x / sides) ** 2.6, 0, 1) ** 0.5
        folds = 14 * np.exp(-(((np.abs(self.x) - 100) / 34) ** 2) - ((self.y - 190) / 46) ** 2)  # pectoral muscles
        return np.asarray(depth * round_off + folds + 3 * self.cloud, np.float32)

    def lungs(self, finding: ChestFinding) -> Image:
        """Thickness of air in mm: both lungs, less what the heart and the great vessels take, less what is consolidated."""
        air = 152 * self._bulge(anatomy.RIGHT_LUNG, 38) + 150 * self._bulge(anatomy.LEFT_LUNG, 38)
        air += (
            26
            * np.exp(-(((self.y - 283) / 16) ** 2))
            * (np.abs(self.x) < 128)
            * self._bulge(((-134, 262), (134, 262), (132, 308), (20, 318), (-20, 318), (-132, 300)), 20)
        )  # the recess behind the dome
        solid = 102 * self._bulge(anatomy.HEART, 30) + 78 * self._bulge(anatomy.VESSELS_ABOVE, 17)
        air = np.maximum(air - solid, np.minimum(air, 26)) + 0.0
        air *= 1 + 0.012 * self.lace
        if finding == "pneumonia":
            patch = np.exp(-(((self.x + 84) / 37) ** 2) - ((self.y - 232) / 30) ** 2)
            dense = np.clip(1.15 * patch + 0.22 * self.cloud * patch**0.5 + 0.05 * self.lace - 0.18, 0, 1) ** 1.2
            air *= 1 - 0.62 * dense
        gas = 62 * self._bulge(((50, 300), (70, 292), (92, 297), (100, 308), (84, 316), (58, 314)), 9)
        return np.asarray(air + gas, np.float32)

    def airways(self) -> Image:
        trachea = 13 * np.clip(1 - ((self.x - 1.5) / 9) ** 2, 0, 1) ** 0.5 * np.clip((154 - self.y) / 8, 0, 1)
        bronchi = np.zeros_like(trachea)
        for line, radius in ((((1, 150), (-16, 163), (-32, 178)), 6.5), (((2, 150), (22, 164), (42, 176)), 5.5)):
            gap = line_distance(self.x, self.y, line)
            bronchi = np.maximum(bronchi, 11 * np.sqrt(np.clip(1 - (gap / radius) ** 2, 0, 1)))
        return np.asarray(np.maximum(trachea, bronchi), np.float32)

    def vessels(self) -> Image:
        """Thickness of blood in the lung's vessels, mm: trees that fork and thin out from both hila."""
        layers: dict[int, tuple[Picture.Image, float]] = {}
        for (x, y), side in zip(anatomy.HILA, (-1, 1), strict=True):
            for direction in np.linspace(-70, 78, 12):
                self._grow(layers, x, y, float(direction) + self.rng.uniform(-6, 6), 3.5, 0, side)
        blood: Image = np.zeros(self.shape, np.float32)
        for layer, radius in layers.values():
            drawn = ndimage.gaussian_filter(np.asarray(layer, np.float32) / 255, max(0.45 * radius / PIXEL, 0.7))
            blood += 10.5 * radius**0.7 * drawn
        for (x, y), (rx, ry) in zip(anatomy.HILA, ((11, 22), (11, 18)), strict=True):
            blood += 34 * np.exp(-(((self.x - x) / rx) ** 2) - ((self.y - y - 4) / ry) ** 2)
        inside = self._bulge(anatomy.RIGHT_LUNG, 9) + self._bulge(anatomy.LEFT_LUNG, 9)
        return blood * inside

    def _grow(
        self, layers: dict[int, tuple[Picture.Image, float]], x: float, y: float, direction: float, radius: float, depth: int, side: int
    ) -> None:
        """Draw one vessel to its next fork and go on; `direction` in degrees below the horizontal, outward."""
        if depth > 6 or radius < 0.32:
            return
        if depth not in layers:
            layers[depth] = (Picture.new("L", (self.shape[1], self.shape[0]), 0), 3.5 * 0.72**depth)
        pen = ImageDraw.Draw(layers[depth][0])
        points = [(x, y)]
        for _ in range(4):
            step = self.rng.uniform(3.0, 6.0)
            direction += self.rng.normal(0, 7)
            angle = np.deg2rad(direction)
            x, y = x + side * step * float(np.cos(angle)), y + step * float(np.sin(angle))
            points.append((x, y))
        line = [((px + MIDLINE) / PIXEL, py / PIXEL) for px, py in points]
        pen.line(line, fill=255, width=max(1, round(2 * radius / PIXEL)), joint="curve")
        for turn in (self.rng.uniform(-32, -8), self.rng.uniform(8, 32)):
            self._grow(layers, x, y, direction + turn, radius * self.rng.uniform(0.66, 0.8), depth + 1, side)

    def bones(self) -> Image:
        """Thickness of bone in mm: ribs, spine, clavicles, shoulder blades, upper arms."""
        bone = self._spine()
        for side in (-1, 1):
            for number in range(len(anatomy.RIB_REACH)):
                self._add_rib(bone, number, side)
            clavicle = _mirror(anatomy.CLAVICLE, side)
            self._add_tube(bone, clavicle, 6.5, 1.6, np.ones(len(clavicle)))
            bone += 5.0 * self._bulge(_mirror(anatomy.SCAPULA, side), 3.5)
            bone += 13 * self._bulge(_mirror(anatomy.HUMERUS, side), 9)
        return np.asarray(bone * (1 + 0.05 * self.lace), np.float32)

    def _spine(self) -> Image:
        height = 23.5
        level = ((self.y - 46) / height) % 1
        body = np.clip((0.5 - np.abs(level - 0.5) - 0.07) / 0.05, 0, 1)
        waist = 17.5 - 2.2 * np.sin(np.pi * level)
        column = np.clip((waist - np.abs(self.x)) / 2.2, 0, 1)
        bone = column * (3.0 + 3.2 * body)
        spinous = np.exp(-((self.x / 3.0) ** 2) - ((level - 0.75) / 0.16) ** 2)
        pedicle = np.exp(-(((np.abs(self.x) - 10.5) / 2.6) ** 2) - ((level - 0.35) / 0.14) ** 2)
        return np.asarray(bone + 3.5 * spinous + 3.5 * pedicle * column, np.float32)

    def _add_rib(self, bone: Image, number: int, side: int) -> None:
        t = np.linspace(0, 0.80 * np.pi, 34)
        reach = anatomy.RIB_REACH[number]
        start = anatomy.RIB_START + anatomy.RIB_STEP * number
        x = 17 + (reach - 17) * np.sin(t) ** 0.85
        y = start - 5 * np.sin(t * 1.6).clip(0) + anatomy.RIB_DROP[number] * ((1 - np.cos(t)) / 2) ** 1.25
        ends = np.clip((0.80 * np.pi - t) / 0.35, 0.15, 1)
        line = tuple((float(side * px), float(py)) for px, py in zip(x, y, strict=True))
        self._add_tube(bone, line, 5.4 if number else 6.2, 0.85, ends)

    def _add_tube(self, bone: Image, line: anatomy.Outline, radius: float, cortex: float, strength: NDArray[np.float64]) -> None:
        """Add a bent tube with a dense wall; `strength` fades it along its points."""
        whole = self._window(line)
        nearest: Image = np.full(self.x[whole].shape, np.inf, np.float32)
        present = np.ones_like(nearest)
        for first in range(0, len(line) - 1, 3):
            piece = line[first : first + 4]
            part = self._window(piece)
            within = tuple(slice(here.start - all_.start, here.stop - all_.start) for here, all_ in zip(part, whole, strict=True))
            gap = line_distance(self.x[part], self.y[part], piece)
            closer = gap < nearest[within]
            nearest[within] = np.where(closer, gap, nearest[within])
            present[within] = np.where(closer, strength[min(first + 1, len(line) - 1)], present[within])
        outer = np.sqrt(np.clip(radius**2 - nearest**2, 0, None))
        inner = np.sqrt(np.clip((radius - cortex) ** 2 - nearest**2, 0, None))
        bone[whole] += 2.7 * (outer - inner * 0.78) * present

    def _window(self, line: anatomy.Outline) -> tuple[slice, slice]:
        """The pixels around a line, with room for a bone's width and the bend of the coordinates."""
        room = 16
        xs, ys = [p[0] + MIDLINE for p in line], [p[1] for p in line]
        rows = slice(max(0, int((min(ys) - room) / PIXEL)), min(self.shape[0], int((max(ys) + room) / PIXEL)))
        columns = slice(max(0, int((min(xs) - room) / PIXEL)), min(self.shape[1], int((max(xs) + room) / PIXEL)))
        return rows, columns

    def _bulge(self, outline: anatomy.Outline, depth: float) -> Image:
        """0 outside of a closed smooth outline, 1 from `depth` mm inside on, round between."""
        points = np.array([*outline, outline[0]], float)
        length = np.concatenate([[0], np.cumsum(np.sqrt(np.hypot(*np.diff(points, axis=0).T)))])
        curve = CubicSpline(length, points, bc_type="periodic")(np.linspace(0, length[-1], 300))
        mask = Picture.new("L", (self.shape[1], self.shape[0]), 0)
        ImageDraw.Draw(mask).polygon([((px + MIDLINE) / PIXEL, py / PIXEL) for px, py in curve], fill=255)
        filled = np.asarray(mask) > 0
        inside = ndimage.distance_transform_edt(filled) * PIXEL
        return np.asarray(np.sqrt(1 - (1 - np.clip(inside / depth, 0, 1)) ** 2), np.float32)


def _mirror(outline: anatomy.Outline, side: int) -> anatomy.Outline:
    return tuple((side * x, y) for x, y in outline)
