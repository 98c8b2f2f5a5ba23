"""A field of a haematoxylin and eosin stain under the microscope: glands, their nuclei, stroma, inflammatory cells."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage

from telemed.demo.texture import smooth_field

Image = NDArray[np.float32]
MicroscopyFinding = Literal["gastritis", "adenoma", "adenocarcinoma"]

ROWS, COLUMNS = 1800, 2400
MICROMETRES_PER_PIXEL = 0.5
HAEMATOXYLIN, EOSIN = (0.563, 0.720, 0.406), (0.216, 0.801, 0.558)
"""Absorbances in red, green and blue of the two stains, of unit length: the reference of Macenko et al., ISBI 2009."""


@dataclass(frozen=True)
class Pattern:
    """How the glands of a finding look; lengths in pixels of MICROMETRES_PER_PIXEL."""

    spacing: float
    """Between the middles of neighbouring glands."""
    radius: float
    irregular: float
    """Share by which a gland's outline departs from a circle."""
    lumen: float
    """Share of the radius that is open."""
    nucleus: tuple[float, float]
    """Semi-axes along and across the epithelium's height."""
    layers: int
    """Rows of nuclei in the epithelium."""
    crowding: float
    """Distance between nuclei along the outline, in nuclear widths."""
    darkness: float
    pleomorphism: float
    lymphocytes: int


PATTERNS: dict[MicroscopyFinding, Pattern] = {
    "gastritis": Pattern(196, 78, 0.10, 0.36, (7.5, 6.2), 1, 1.5, 1.0, 0.10, 3200),
    "adenoma": Pattern(186, 84, 0.16, 0.20, (13.5, 4.8), 2, 1.15, 1.25, 0.16, 1300),
    "adenocarcinoma": Pattern(212, 92, 0.34, 0.34, (12.5, 8.2), 2, 1.1, 1.35, 0.36, 800),
}


def microscopy(seed: int, finding: MicroscopyFinding) -> bytes:
    """A JPEG of 2400 x 1800 pixels, about 1.2 x 0.9 mm of tissue."""
    rng = np.random.default_rng([seed, 95])
    field = _Field(rng, PATTERNS[finding])
    field.lay_stroma()
    for centre in field.gland_centres():
        field.grow_gland(*centre)
    field.scatter_cells()
    out = BytesIO()
    Picture.fromarray(field.develop()).save(out, "JPEG", quality=88, dpi=(50800, 50800))
    return out.getvalue()


class _Field:
    """The amounts of both stains in each pixel."""

    def __init__(self, rng: np.random.Generator, pattern: Pattern) -> None:
        self.rng, self.pattern = rng, pattern
        shape = (ROWS, COLUMNS)
        self.blue: Image = np.zeros(shape, np.float32)
        self.pink: Image = np.zeros(shape, np.float32)
        self.open: Image = np.zeros(shape, np.float32)
        self.gland: NDArray[np.bool_] = np.zeros(shape, bool)
        self.fine = smooth_field(rng, shape, 3.2)
        self.wide = smooth_field(rng, shape, 110)

    def lay_stroma(self) -> None:
        """Wavy collagen fibres with clefts between them."""
        shape = (ROWS, COLUMNS)
        bend = 26 * smooth_field(self.rng, shape, 170)
        rows = (np.arange(ROWS, dtype=np.float32)[:, None] + bend + 0.25 * np.arange(COLUMNS, dtype=np.float32)[None, :]).astype(np.int32)
        strands = smooth_field(self.rng, (2048, COLUMNS), (6, 70))
        fibres = np.take_along_axis(strands, rows % 2048, axis=0)
        cleft = np.clip((fibres - 1.25) * 1.6, 0, 1)
        self.pink += 0.40 + 0.11 * fibres + 0.05 * self.wide + 0.03 * self.fine
        self.blue += 0.05 + 0.015 * self.fine
        self.pink *= 1 - 0.75 * cleft
        self.blue *= 1 - 0.7 * cleft

    def gland_centres(self) -> list[tuple[float, float]]:
        """A shaken hexagonal lattice."""
        step = self.pattern.spacing
        centres = []
        for row in range(int(ROWS / (step * 0.87)) + 2):
            for column in range(int(COLUMNS / step) + 2):
                x = (column + 0.5 * (row % 2)) * step + self.rng.normal(0, step * 0.10)
                y = row * step * 0.87 + self.rng.normal(0, step * 0.10)
                centres.append((float(x), float(y)))
        return centres

    def grow_gland(self, x: float, y: float) -> None:
        """Mucosal gland: basement membrane, columnar cells, lumen, and a row or more of nuclei."""
        pattern = self.pattern
        size = pattern.radius * self.rng.uniform(0.78, 1.12)
        angles = np.linspace(0, 2 * np.pi, 361)
        outline = np.ones_like(angles)
        for wave in (2, 3, 4, 5):
            strength = pattern.irregular * self.rng.normal(0, 1) / wave**0.6
            outline += strength * np.cos(wave * angles + self.rng.uniform(0, 2 * np.pi))
        outline = np.clip(outline, 0.55, 1.6) * size
        reach = int(outline.max()) + 14
        where, dx, dy = self._window(x, y, reach)
        if dx.size == 0:
            return
        turn = np.arctan2(dy, dx) % (2 * np.pi)
        edge = np.interp(turn, angles, outline)
        distance = np.hypot(dx, dy)
        inside = np.clip((edge - distance) / 2 + 0.5, 0, 1)
        inside *= 1 - 0.98 * self.gland[where]
        membrane = np.exp(-(((edge - distance) / 2.4) ** 2)) * (1 - self.gland[where])
        lumen = np.clip((edge * pattern.lumen - distance + 1.2 * self.fine[where]) / 4 + 0.5, 0, 1) * inside
        foam = 0.28 + 0.035 * self.fine[where] + 0.10 * np.clip((distance / edge - 0.62) * 2.2, 0, 1)
        self.pink[where] += (foam - self.pink[where]) * inside + 0.16 * membrane
        self.blue[where] += (0.10 + 0.07 * pattern.darkness - 0.07 - self.blue[where]) * inside
        self.open[where] = np.maximum(self.open[where], lumen)
        self.gland[where] |= inside > 0.5
        self._line_with_nuclei(x, y, angles, outline)

    def _line_with_nuclei(self, x: float, y: float, angles: NDArray[np.float64], outline: NDArray[np.float64]) -> None:
        pattern = self.pattern
        height, width = pattern.nucleus
        around = 2 * np.pi * float(outline.mean())
        for layer in range(pattern.layers):
            count = int(around * (0.86 - 0.2 * layer) / (width * 2 * pattern.crowding))
            for place in range(count):
                angle = 2 * np.pi * (place + self.rng.uniform(-0.28, 0.28)) / count
                edge = float(np.interp(angle, angles, outline))
                depth = height * (1.15 + 1.5 * layer) + self.rng.normal(0, 2.0 + 3 * pattern.pleomorphism)
                grow = float(np.exp(self.rng.normal(0, pattern.pleomorphism * 0.6)))
                px, py = x + (edge - depth) * np.cos(angle), y + (edge - depth) * np.sin(angle)
                tilt = angle + self.rng.normal(0, 0.12 + 0.6 * pattern.pleomorphism)
                self._nucleus(px, py, height * grow, width * grow, tilt, pattern.darkness * self.rng.uniform(0.8, 1.1))

    def scatter_cells(self) -> None:
        """Lymphocytes and fibroblasts between the glands."""
        pattern = self.pattern
        for _ in range(pattern.lymphocytes):
            x, y = self.rng.uniform(0, COLUMNS), self.rng.uniform(0, ROWS)
            if self.gland[min(int(y), ROWS - 1), min(int(x), COLUMNS - 1)]:
                continue
            if self.rng.random() < 0.72:
                size = self.rng.uniform(4.6, 6.2)
                self._nucleus(x, y, size, size * 0.93, 0.0, 1.55)
            else:
                self._nucleus(x, y, self.rng.uniform(10, 15), self.rng.uniform(2.2, 3.4), self.rng.normal(0.2, 0.5), 1.1)

    def _nucleus(self, x: float, y: float, long: float, short: float, tilt: float, darkness: float) -> None:
        """An ellipse with a dark membrane, coarse chromatin and now and then a nucleolus."""
        where, dx, dy = self._window(x, y, int(max(long, short)) + 3)
        if dx.size == 0:
            return
        u, v = dx * np.cos(tilt) + dy * np.sin(tilt), -dx * np.sin(tilt) + dy * np.cos(tilt)
        radial = np.sqrt((u / long) ** 2 + (v / short) ** 2)
        alpha = np.clip((1 - radial) * min(long, short) / 1.6 + 0.5, 0, 1)
        rim = np.exp(-(((radial - 0.88) / 0.16) ** 2))
        chromatin = 0.62 + 0.20 * rim + 0.13 * self.fine[where]
        if long > 9 and self.rng.random() < 0.35 * self.pattern.pleomorphism * 2:
            chromatin = chromatin + 0.4 * np.exp(-(((u - 2) / 2.0) ** 2) - ((v + 1) / 2.0) ** 2)
        self.blue[where] += (darkness * chromatin - self.blue[where]) * alpha
        self.pink[where] += (0.26 - self.pink[where]) * alpha * 0.7
        self.open[where] *= 1 - alpha

    def _window(self, x: float, y: float, reach: int) -> tuple[tuple[slice, slice], Image, Image]:
        rows = slice(max(0, int(y) - reach), max(0, min(ROWS, int(y) + reach + 1)))
        columns = slice(max(0, int(x) - reach), max(0, min(COLUMNS, int(x) + reach + 1)))
        dx = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - np.float32(x)
        dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(y)
        if dx.size == 0 or dy.size == 0:
            return (rows, columns), np.empty((0, 0), np.float32), np.empty((0, 0), np.float32)
        return (rows, columns), dx + 0 * dy, dy + 0 * dx

    def develop(self) -> NDArray[np.uint8]:
        """Light through both stains by Beer's law, with the lens's softness and a camera's noise; (rows, columns, 3)."""
        empty = 1 - 0.96 * self.open
        blue = ndimage.gaussian_filter(np.clip(self.blue, 0, None) * empty, 0.8) * (1 + 0.05 * self.wide)
        pink = ndimage.gaussian_filter(np.clip(self.pink, 0, None) * empty, 0.8) * (1 + 0.06 * self.wide)
        picture = np.empty((ROWS, COLUMNS, 3), np.uint8)
        for channel in range(3):
            light = np.exp(-1.12 * (HAEMATOXYLIN[channel] * blue * 1.35 + EOSIN[channel] * pink + 0.02))
            light += self.rng.normal(0, 0.006, light.shape)
            picture[..., channel] = np.clip(light * 246, 0, 255)
        return picture
