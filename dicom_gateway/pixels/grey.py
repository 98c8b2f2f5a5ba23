"""The grey pipeline: stored values to output units to 0-255 (PS3.3 C.11.1, C.11.2).

Values of up to 16 bits go through one table of all possible stored values, so a picture costs one look-up a pixel
however long the pipeline is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicom_gateway.pixels.codecs import Pixels
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.transfer_syntax import transfer_syntax

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

FUNCTIONS = ("linear", "linear-exact", "sigmoid")


@dataclass(frozen=True, slots=True)
class Window:
    """VOI window: `centre` and `width` in output units of the modality LUT, `function` of PS3.3 C.11.2.1.2-3."""

    centre: float
    width: float
    function: str = "linear"


def grey_picture(header: Dataset, pixels: Pixels, window: Window | None = None, frame: int = 1) -> Picture:
    """Eight-bit grey of one frame (counted from 1) of a MONOCHROME1 or MONOCHROME2 object; padding comes out black."""
    padding = _padding(header, pixels)
    seen = pixels if padding is None or padding.all() else pixels[~padding]
    if pixels.dtype.kind == "f" or pixels.dtype.itemsize > 2:
        values = pixels.astype(np.float64)
        finite = seen[np.isfinite(seen)] if seen.dtype.kind == "f" else seen
        ends = np.array([finite.min(), finite.max()], np.float64) if finite.size else np.zeros(2)
        grey = _windowed(output_units(header, np.nan_to_num(values), frame), header, window, output_units(header, ends, frame), frame)
    else:
        lowest, highest = int(pixels.min()), int(pixels.max())
        units = output_units(header, np.arange(lowest, highest + 1, dtype=np.float64), frame)
        extent = units[int(seen.min()) - lowest : int(seen.max()) - lowest + 1]
        grey = _windowed(units, header, window, extent, frame)[pixels.astype(np.int32) - lowest]
    if str(header.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        grey = 255 - grey
    if padding is not None:
        grey[padding] = 0
    return grey


def output_units(header: Dataset, values: Floats, frame: int = 1) -> Floats:
    """Stored values to output units: modality LUT or rescale (PS3.3 C.11.1)."""
    sequence = header.get("ModalityLUTSequence")
    if sequence:
        return _through_lut(header, sequence[0], values)[0]
    groups = functional_item(header, "PixelValueTransformationSequence", frame)
    slope = _first_number(header.get("RescaleSlope"), groups.get("RescaleSlope"))
    intercept = _first_number(header.get("RescaleIntercept"), groups.get("RescaleIntercept"))
    return values * (1.0 if slope is None else slope) + (intercept or 0.0)


def functional_item(header: Dataset, sequence: str, frame: int) -> Dataset:
    """An item of this frame's, else of the shared functional groups (PS3.3 C.7.6.16); empty where there is none."""
    own = header.get("PerFrameFunctionalGroupsSequence") or ()
    shared = header.get("SharedFunctionalGroupsSequence") or ()
    for groups in (own[frame - 1] if frame <= len(own) else None, shared[0] if shared else None):
        items = groups.get(sequence) if groups is not None else None
        if items:
            found: Dataset = items[0]
            return found
    return Dataset()


def _padding(header: Dataset, pixels: Pixels) -> NDArray[np.bool_] | None:
    """Return the mask of pixels that are padding (PS3.3 C.7.5.1.1.2), None if the object has none."""
    low = header.get("PixelPaddingValue")
    if not isinstance(low, int) or pixels.dtype.kind == "f":
        return None
    high = header.get("PixelPaddingRangeLimit")
    bits = pixels.dtype.itemsize * 8
    ends = sorted(_as_stored(n, bits, pixels.dtype.kind == "i") for n in (low, high if isinstance(high, int) else low))
    mask = (pixels >= ends[0]) & (pixels <= ends[1])
    return mask if mask.any() else None


def _as_stored(value: int, bits: int, signed: bool) -> int:
    """Writers give the padding value the wrong sign; its bits are what counts."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def _windowed(units: Floats, header: Dataset, window: Window | None, extent: Floats, frame: int) -> Picture:
    """Output units to 0-255: the window asked for, else the object's VOI LUT or window, else all of `extent`."""
    sequence = header.get("VOILUTSequence")
    if window is None and sequence:
        looked_up, bits = _through_lut(header, sequence[0], units)
        return _bytes_of(looked_up * (255.0 / (2**bits - 1)) + 0.5)
    window = window or _own_window(header, frame)
    if window is None:
        window = Window((extent.min() + extent.max()) / 2, max(float(np.ptp(extent)), 1e-9), "linear-exact")
    return _bytes_of(_apply(window, units) * 255.0 + 0.5)


def _apply(window: Window, values: Floats) -> Floats:
    """0-1 by the formulas of PS3.3 C.11.2.1.2.1 and C.11.2.1.3. A linear window narrower than 1, which the first does not know, is meant as
    that of C.11.2.1.3.2: writers give it with values that are far apart by nothing but their slope."""
    centre, width = window.centre, window.width
    if window.function == "sigmoid":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / max(width, 1e-9), -700, 700)))
    if window.function == "linear" and width > 1:
        return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)
    if window.function == "linear" and width == 1:
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - centre) / max(width, 1e-9) + 0.5, 0.0, 1.0)


def _own_window(header: Dataset, frame: int) -> Window | None:
    """The first window of the object, or of the frame's functional groups."""
    source = header if "WindowCenter" in header else functional_item(header, "FrameVOILUTSequence", frame)
    centre, width = _first_number(source.get("WindowCenter")), _first_number(source.get("WindowWidth"))
    if centre is None or width is None or width <= 0:
        return None
    function = str(source.get("VOILUTFunction", "LINEAR")).lower().replace("_", "-")
    return Window(centre, width, function if function in FUNCTIONS else "linear")


def _first_number(*candidates: Any) -> float | None:
    """The first number of the first candidate that has one."""
    for value in candidates:
        first = value[0] if isinstance(value, MultiValue) and value else value
        if first is not None and first != "" and not isinstance(first, MultiValue):
            return float(first)
    return None


def _through_lut(header: Dataset, item: Dataset, values: Floats) -> tuple[Floats, int]:
    """Values through a modality or VOI LUT, and the bits of its entries (PS3.3 C.11.1.1)."""
    entries, first, bits = (int(n) for n in item.LUTDescriptor)
    entries = entries or 65536
    if first >= 32768 and values.min(initial=0) < 0:
        first -= 65536  # the descriptor's second value has the sign of the pixels
    data = item["LUTData"].value
    order = ">" if transfer_syntax(str(header.file_meta.TransferSyntaxUID)).big_endian else "<"
    table = np.frombuffer(data, order + "u2") if isinstance(data, bytes) else np.atleast_1d(np.asarray(data)).astype(np.int64) & 0xFFFF
    if len(table) * 2 == entries + entries % 2:
        table = np.ascontiguousarray(table).astype("<u2").view(np.uint8)  # eight-bit entries, two to a word (PS3.3 C.11.1.1.1)
    if len(table) < entries:
        raise PixelError("a look-up table is shorter than it says")
    if not 1 <= bits <= 16:
        raise PixelError(f"a look-up table of {bits} bits")
    index = np.clip(values - first, 0, entries - 1).astype(np.int64)
    return table[index].astype(np.float64), bits


def _bytes_of(values: Floats) -> Picture:
    """Values of 0-255 as bytes; what lies outside is clipped."""
    clipped: Picture = np.clip(values, 0, 255).astype(np.uint8)
    return clipped
