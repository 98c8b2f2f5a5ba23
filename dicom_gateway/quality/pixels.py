"""Figures of one frame's pixels: each function takes output units (float64) and says in its docstring what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicom_gateway.pixels.decode import decode_frame, pixel_vr, read_header
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.grey import output_units
from dicom_gateway.quality.lines import dead_lines, stripe_power
from dicom_gateway.quality.result import Shape

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LARGEST = 1024
"""Pixels of the longer side that figures of the whole picture are taken from: larger frames are averaged down, lines are not."""

AIR_HU = -300.0
"""Between air and tissue in CT; tables and clothes lie below it."""

_MR_NOISE = 0.6551
"""Noise of a magnitude image in air has this part of its true deviation (Dietrich et al. 2007, Rayleigh statistics)."""

_COLLIMATED = 0.02
"""Below this part of the range lies what the collimator kept dark."""


@dataclass(frozen=True, slots=True)
class ImageMeasures:
    """The figures of one image by name of measure, and where on it some of them were found."""

    series: str
    instance: str
    modality: str
    values: dict[str, float] = field(default_factory=dict)
    shapes: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    failure: str = ""
    """The reason for which the pixels could not be measured."""


def measure_image(head: bytes, encoded: bytes, skip_bits: int, series: str, instance: str) -> ImageMeasures:
    """The figures of one frame; runs in a process of its own. Never raises: a failure is in the answer."""
    try:
        header = read_header(head)
        modality = str(header.get("Modality", "")).upper()
        pixels = decode_frame(header, encoded, skip_bits, pixel_vr(head))
        made = ImageMeasures(series, instance, modality)
        if pixels.ndim == 3:
            pixels = pixels[..., :3].mean(axis=-1)
        if min(pixels.shape) < 16:
            return ImageMeasures(series, instance, modality, failure="too-small")
        _measure(header, pixels, made)
        return made
    except PixelError as error:
        return ImageMeasures(series, instance, "", failure=str(error)[:300])
    except (ValueError, TypeError, FloatingPointError, AttributeError, IndexError) as error:  # attributes of the wrong kind
        return ImageMeasures(series, instance, "", failure=f"the pixels cannot be measured: {error}"[:300])


def _measure(header: Dataset, pixels: NDArray[np.generic], made: ImageMeasures) -> None:
    stored = pixels.astype(np.float64)
    units = np.nan_to_num(output_units(header, stored))
    if str(header.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        units = -units
    scale = max(1, -(-max(units.shape) // LARGEST))
    small = _averaged(units, scale)
    body = foreground(small, made.modality)
    made.values["blank"] = _most_common(stored)
    if made.values["blank"] >= 0.999:
        return
    _lines(units, made)
    for name, measure in _figures(header, small, body, scale):
        value = measure()
        if value is not None and np.isfinite(value):
            made.values[name] = float(value)
    made.values["clipped"] = _clipped(header, stored, body, scale)
    _field(small, body, scale, made)


def _figures(header: Dataset, units: Floats, body: Mask, scale: int) -> Iterator[tuple[str, Callable[[], float | None]]]:
    yield "entropy", lambda: entropy(units[body])
    yield "contrast-range", lambda: contrast_range(units[body], header)
    yield "sharpness", lambda: sharpness(units, body)
    yield "snr-in-air", lambda: snr_in_air(units, body)
    yield "air-noise", lambda: air_noise(units, body)
    yield "efc", lambda: entropy_focus(units)
    yield "fber", lambda: foreground_to_background(units, body)
    yield "off-centre", lambda: off_centre(body, header, scale)


def foreground(units: Floats, modality: str) -> Mask:
    """Return the mask of the object: tissue by its Hounsfield units in CT, otherwise by Otsu's threshold (1979)."""
    mask = units > (AIR_HU if modality == "CT" else otsu(units))
    return mask if 0.01 < mask.mean() < 1 else np.ones_like(mask)


def otsu(units: Floats) -> float:
    """The threshold that separates two classes best (Otsu 1979), on 256 levels between the 0.5th and 99.5th percentile."""
    low, high = np.percentile(units, (0.5, 99.5))
    if high <= low:
        return float(low)
    counts, edges = np.histogram(units, 256, (low, high))
    weight = np.cumsum(counts)
    total, moment = weight[-1], np.cumsum(counts * edges[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * weight / total - moment) ** 2 / (weight * (total - weight))
    return float(edges[int(np.nanargmax(between))] + (edges[1] - edges[0]))


def entropy(values: Floats) -> float:
    """Shannon entropy in bits over 256 levels between the 0.1th and 99.9th percentile."""
    low, high = np.percentile(values, (0.1, 99.9))
    if high <= low:
        return 0.0
    counts = np.histogram(values, 256, (low, high))[0]
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def contrast_range(values: Floats, header: Dataset) -> float:
    """5th to 95th percentile as a part of what Bits Stored can hold, in output units."""
    bits = int(header.get("BitsStored", 16))
    ends = output_units(header, np.array([0.0, 2.0**bits - 1]))
    span = abs(float(ends[1] - ends[0])) or 1.0
    low, high = np.percentile(values, (5, 95))
    return float(high - low) / span


def sharpness(units: Floats, body: Mask) -> float | None:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) over the variance, inside the object."""
    spread = float(units[body].var())
    if spread <= 0:
        return None
    inner = body[1:-1, 1:-1]
    laplacian = units[:-2, 1:-1] + units[2:, 1:-1] + units[1:-1, :-2] + units[1:-1, 2:] - 4 * units[1:-1, 1:-1]
    return float(laplacian[inner].var()) / spread if inner.any() else None


def _corners(units: Floats, body: Mask) -> Floats | None:
    """Air in the four corners (a tenth of each side), without the object; None where there is too little, or where it is
    all of one value, as scanners that mask the background leave it."""
    rows, columns = max(units.shape[0] // 10, 4), max(units.shape[1] // 10, 4)
    corner = np.zeros_like(body)
    for vertical in (slice(0, rows), slice(-rows, None)):
        for horizontal in (slice(0, columns), slice(-columns, None)):
            corner[vertical, horizontal] = True
    values = units[corner & ~body]
    if values.size < 64 or values.std() <= 0 or _most_common(values) > 0.5:
        return None
    return values


def snr_in_air(units: Floats, body: Mask) -> float | None:
    """Mean of the object over the noise in the corners (Dietrich et al. 2007)."""
    air = _corners(units, body)
    return None if air is None else float(units[body].mean() / (air.std() / _MR_NOISE))


def air_noise(units: Floats, body: Mask) -> float | None:
    """Standard deviation in the corners."""
    air = _corners(units, body)
    return None if air is None else float(air.std())


def entropy_focus(units: Floats) -> float | None:
    """Entropy focus criterion (Atkinson et al. 1997), 0 for one bright point to 1 for an even picture."""
    values = np.abs(units - units.min()).ravel()
    energy = float(np.sqrt((values**2).sum()))
    if energy <= 0:
        return None
    most = np.sqrt(values.size) * np.log(1 / np.sqrt(values.size))
    shares = values[values > 0] / energy
    return float((shares * np.log(shares)).sum() / most)


def foreground_to_background(units: Floats, body: Mask) -> float | None:
    """Median energy of the object over that of the air (Shehzad et al. 2015)."""
    if body.all():
        return None
    behind = float(np.median(units[~body] ** 2))
    return float(np.median(units[body] ** 2)) / max(behind, 1e-3)


def off_centre(body: Mask, header: Dataset, scale: int) -> float | None:
    """Return the distance of the object's centre from the picture's, in mm."""
    spacing = header.get("PixelSpacing")
    if spacing is None or not body.any() or body.all():
        return None
    rows, columns = np.nonzero(body)
    down = (rows.mean() - (body.shape[0] - 1) / 2) * scale * float(spacing[0])
    across = (columns.mean() - (body.shape[1] - 1) / 2) * scale * float(spacing[1])
    return float(np.hypot(down, across))


def _lines(units: Floats, made: ImageMeasures) -> None:
    height, width = units.shape
    rows, columns = dead_lines(units), dead_lines(units.T)
    made.values["dead-lines"] = float(len(rows) + len(columns))
    made.shapes["dead-lines"] = (*(Shape(0, row, width, 1) for row in rows), *(Shape(column, 0, 1, height) for column in columns))
    made.values["stripes"] = max(stripe_power(units), stripe_power(units.T))


def _clipped(header: Dataset, stored: Floats, body: Mask, scale: int) -> float:
    """The part of the object, in the middle half of the picture, whose values stand at the bright end of Bits Stored."""
    bits = int(header.get("BitsStored", 16))
    top = 2.0 ** (bits - 1 if header.get("PixelRepresentation", 0) else bits) - 1
    if str(header.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        top = -(2.0 ** (bits - 1)) if header.get("PixelRepresentation", 0) else 0.0
    ends = _averaged((stored >= top if top > 0 else stored <= top).astype(np.float64), scale)
    height, width = body.shape
    middle = (slice(height // 4, -height // 4), slice(width // 4, -width // 4))
    return float(ends[middle][body[middle]].mean()) if body[middle].any() else 0.0


def _field(units: Floats, body: Mask, scale: int, made: ImageMeasures) -> None:
    """Note the place of the exposed field (radiography), and how far the object passes the edge (CT)."""
    height, width = units.shape
    if made.modality == "CT":
        edges = np.concatenate([body[0], body[-1], body[:, 0], body[:, -1]])
        made.values["truncated"] = float(edges.mean())
        across, down = float(width * scale), float(height * scale)
        strips = (
            (body[0], Shape(0, 0, across, 2)),
            (body[-1], Shape(0, down - 2, across, 2)),
            (body[:, 0], Shape(0, 0, 2, down)),
            (body[:, -1], Shape(across - 2, 0, 2, down)),
        )
        made.shapes["truncated"] = tuple(shape for edge, shape in strips if edge.mean() > 0.02)
        return
    low, high = np.percentile(units, (0.5, 99.5))
    lit = units > low + _COLLIMATED * (high - low)
    rows, columns = np.nonzero(lit.mean(axis=1) > 0.05)[0], np.nonzero(lit.mean(axis=0) > 0.05)[0]
    if rows.size and columns.size:
        seen = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        made.values["collimated-away"] = float(1.0 - seen / (height * width))
        left, top = float(columns[0]) * scale, float(rows[0]) * scale
        across, down = float(columns[-1] - columns[0] + 1) * scale, float(rows[-1] - rows[0] + 1) * scale
        made.shapes["collimated-away"] = (Shape(left, top, across, down),)


def _averaged(units: Floats, scale: int) -> Floats:
    """Blocks of `scale` by `scale` pixels as their mean."""
    if scale == 1:
        return units
    height, width = units.shape[0] // scale * scale, units.shape[1] // scale * scale
    blocks: Floats = units[:height, :width].reshape(height // scale, scale, width // scale, scale).mean(axis=(1, 3))
    return blocks


def _most_common(values: Floats) -> float:
    """The share of the value that most pixels have."""
    counts = np.unique(values, return_counts=True)[1]
    return float(counts.max() / values.size)
