"""From stored values to a picture: modality LUT, VOI LUT or window, presentation, size (PS3.3 C.11, PS3.4 N.2).

Grey values of up to 16 bits go through one table of all possible stored values, so a picture costs one look-up a pixel
however long the pipeline is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut

from dicom_gateway.pixels.decode import Pixels, decode_frame, pixel_vr, read_header
from dicom_gateway.pixels.errors import PixelError

MAX_SIDE = 8192  # pixels of a side of a rendered picture
MAX_PIXELS = 1 << 28  # of a decoded frame
_CACHED_FRAMES = 16  # decoded frames that a process remembers: the same slice is asked again with another window
_CACHED_FRAME_BYTES = 8 << 20

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

FUNCTIONS = ("linear", "linear-exact", "sigmoid")


@dataclass(frozen=True, slots=True)
class Window:
    """VOI window: `centre` and `width` in output units of the modality LUT, `function` of PS3.3 C.11.2.1.2-3."""

    centre: float
    width: float
    function: str = "linear"


@dataclass(frozen=True, slots=True)
class Rendering:
    """What is asked for: a media type, a window (else the object's own), the box to fit in, JPEG quality 1-100.

    `width` and `height` are pixels of the box; None keeps the frame's size. A picture is never enlarged past the box.
    """

    media_type: str = "image/jpeg"
    window: Window | None = None
    width: int | None = None
    height: int | None = None
    quality: int = 90


def render(head: bytes, encoded: bytes, skip_bits: int, asked: Rendering) -> bytes:
    """The picture of one frame; runs in a process of its own. Raises `PixelError`."""
    header, pixels = _decoded(head, encoded, skip_bits)
    picture = picture_of(header, pixels, asked.window)
    image = Image.fromarray(picture)
    if asked.width or asked.height:
        box = (min(asked.width or MAX_SIDE, MAX_SIDE), min(asked.height or MAX_SIDE, MAX_SIDE))
        scale = min(box[0] / image.width, box[1] / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BILINEAR if scale > 1 else Image.Resampling.BOX, reducing_gap=2.0)
    out = BytesIO()
    if asked.media_type == "image/png":
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, "JPEG", quality=asked.quality)
    return out.getvalue()


def picture_of(header: Dataset, pixels: Pixels, window: Window | None = None) -> Picture:
    """Eight-bit grey (rows, columns) or RGB (rows, columns, 3)."""
    photometric = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        return _palette(header, pixels)
    if pixels.ndim == 3:
        return _eight_bits(header, pixels)
    grey = _grey(header, pixels, window)
    return 255 - grey if photometric == "MONOCHROME1" else grey


def _decoded(head: bytes, encoded: bytes, skip_bits: int) -> tuple[Dataset, Pixels]:
    if len(encoded) > _CACHED_FRAME_BYTES:
        return _decode(head, encoded, skip_bits)
    return _decode_cached(head, encoded, skip_bits)


def _decode(head: bytes, encoded: bytes, skip_bits: int) -> tuple[Dataset, Pixels]:
    header = read_header(head)
    if not header.get("Rows") or not header.get("Columns"):
        raise PixelError("the object has no picture")
    if header.Rows * header.Columns > MAX_PIXELS:
        raise PixelError(f"the frame has more than {MAX_PIXELS} pixels")
    return header, decode_frame(header, encoded, skip_bits, pixel_vr(head))


_decode_cached = lru_cache(maxsize=_CACHED_FRAMES)(_decode)


def _grey(header: Dataset, pixels: Pixels, window: Window | None) -> Picture:
    if pixels.dtype.kind == "f" or pixels.dtype.itemsize > 2:
        values = pixels.astype(np.float64)
        return _windowed(_modality(header, values), header, window, float(values.min()), float(values.max()))
    # Index the table by the bit pattern: a look-up through unsigned indices needs no bounds or sign handling.
    lowest, highest = int(pixels.min()), int(pixels.max())
    stored = np.arange(lowest, highest + 1, dtype=np.float64)
    table = _windowed(_modality(header, stored), header, window, lowest, highest)
    return table[pixels.astype(np.int32) - lowest]


def _modality(header: Dataset, values: Floats) -> Floats:
    """Stored values to output units: modality LUT or rescale (PS3.3 C.11.1)."""
    sequence = header.get("ModalityLUTSequence")
    if sequence:
        return _through_lut(sequence[0], values)[0]
    shared = _functional(header, "PixelValueTransformationSequence")
    slope = _first_number(header.get("RescaleSlope"), shared.get("RescaleSlope"))
    intercept = _first_number(header.get("RescaleIntercept"), shared.get("RescaleIntercept"))
    return values * (1.0 if slope is None else slope) + (intercept or 0.0)


def _windowed(values: Floats, header: Dataset, window: Window | None, lowest: float, highest: float) -> Picture:
    """Output units to 0-255: the window asked for, else the object's VOI LUT or window, else the full range."""
    sequence = header.get("VOILUTSequence")
    if window is None and sequence:
        looked_up, bits = _through_lut(sequence[0], values)
        return _bytes_of(looked_up * (255.0 / (2**bits - 1)))
    window = window or _own_window(header)
    if window is None:
        ends = _modality(header, np.array([lowest, highest], dtype=np.float64))
        window = Window((ends.min() + ends.max()) / 2, max(float(np.ptp(ends)), 1e-9), "linear-exact")
    return _bytes_of(_apply(window, values) * 255.0 + 0.5)


def _apply(window: Window, values: Floats) -> Floats:
    """0-1 by the formulas of PS3.3 C.11.2.1.2.1 and C.11.2.1.3."""
    centre, width = window.centre, window.width
    if window.function == "sigmoid":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / max(width, 1e-9), -700, 700)))
    if window.function == "linear" and width > 1:
        return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)
    if window.function == "linear":
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - centre) / max(width, 1e-9) + 0.5, 0.0, 1.0)


def _own_window(header: Dataset) -> Window | None:
    """The first window of the object, or of its first frame's functional groups."""
    source = header if "WindowCenter" in header else _functional(header, "FrameVOILUTSequence")
    centre, width = _first_number(source.get("WindowCenter")), _first_number(source.get("WindowWidth"))
    if centre is None or width is None or width <= 0:
        return None
    function = str(source.get("VOILUTFunction", "LINEAR")).lower().replace("_", "-")
    return Window(centre, width, function if function in FUNCTIONS else "linear")


def _functional(header: Dataset, sequence: str) -> Dataset:
    """An item of the shared, else the first frame's functional groups (PS3.3 C.7.6.16); empty where there is none."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        items = header.get(groups)
        if items and items[0].get(sequence):
            found: Dataset = items[0].get(sequence)[0]
            return found
    return Dataset()


def _first_number(*candidates: Any) -> float | None:
    """The first number of the first candidate that has one."""
    for value in candidates:
        first = value[0] if isinstance(value, MultiValue) and value else value
        if first is not None and first != "" and not isinstance(first, MultiValue):
            return float(first)
    return None


def _through_lut(item: Dataset, values: Floats) -> tuple[Floats, int]:
    """Values through a modality or VOI LUT, and the bits of its entries (PS3.3 C.11.1.1)."""
    entries, first, bits = (int(n) for n in item.LUTDescriptor)
    entries = entries or 65536
    if first >= 32768 and values.min(initial=0) < 0:
        first -= 65536  # the descriptor's second value has the sign of the pixels
    data = item["LUTData"].value
    table = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.atleast_1d(np.asarray(data))
    if len(table) < entries:
        raise PixelError("a look-up table is shorter than it says")
    index = np.clip(values - first, 0, entries - 1).astype(np.int64)
    return table[index].astype(np.float64), bits


def _palette(header: Dataset, pixels: Pixels) -> Picture:
    """RGB through the palette (PS3.3 C.7.6.3.1.5-6)."""
    channels = []
    for colour in ("Red", "Green", "Blue"):
        descriptor = header.get(f"{colour}PaletteColorLookupTableDescriptor")
        data = header.get(f"{colour}PaletteColorLookupTableData")
        if descriptor is not None and data is None and f"Segmented{colour}PaletteColorLookupTableData" in header:
            return _segmented_palette(header, pixels)
        if descriptor is None or data is None:
            raise PixelError("a palette colour image without a complete palette")
        entries, first, bits = (int(n) for n in descriptor)
        entries = entries or 65536
        order = ">" if header.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.2" else "<"
        table = np.frombuffer(data, np.uint8 if len(data) <= entries + 1 and entries > 1 else np.dtype(order + "u2"))[:entries]
        if table.dtype.itemsize == 2 and (bits == 16 or int(table.max()) > 255):
            table = table >> 8
        channels.append(table.astype(np.uint8)[np.clip(pixels.astype(np.int32) - first, 0, len(table) - 1)])
    return np.stack(channels, axis=-1)


def _segmented_palette(header: Dataset, pixels: Pixels) -> Picture:
    """RGB through a palette given in segments (PS3.3 C.7.9.2)."""
    coloured = apply_color_lut(pixels, header)
    return (coloured >> 8).astype(np.uint8) if coloured.dtype.itemsize == 2 else coloured.astype(np.uint8)


def _eight_bits(header: Dataset, pixels: Pixels) -> Picture:
    """Colour of any depth to eight bits."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels[..., :3])
    bits = int(header.get("BitsStored", pixels.dtype.itemsize * 8))
    return _bytes_of(pixels[..., :3].astype(np.float64) * (255.0 / (2**bits - 1)))


def _bytes_of(values: Floats) -> Picture:
    """Values of 0-255 as bytes; what lies outside is clipped."""
    clipped: Picture = np.clip(values, 0, 255).astype(np.uint8)
    return clipped
