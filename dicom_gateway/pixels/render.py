"""From stored values to a picture for browsers: grey or colour, overlays, size, JPEG or PNG (PS3.3 C.11, PS3.18 8.3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from PIL import Image
from pydicom.dataset import Dataset

from dicom_gateway.pixels.codecs import Pixels
from dicom_gateway.pixels.colour import Picture, colour_picture, has_supplemental_palette, lay_supplemental_palette, palette_picture
from dicom_gateway.pixels.decode import decode_frame, pixel_vr, read_header
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.grey import FUNCTIONS, Window, grey_picture
from dicom_gateway.pixels.overlays import draw_overlays

__all__ = ["FUNCTIONS", "MAX_SIDE", "Rendering", "Window", "picture_of", "render"]

MAX_SIDE = 8192  # pixels of a side of a rendered picture
MAX_PIXELS = 1 << 28  # of a decoded frame
_CACHED_FRAMES = 16  # decoded frames that a process remembers: the same slice is asked again with another window
_CACHED_FRAME_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Rendering:
    """The parameters of a rendering: a media type, a window (else the object's own), the box to fit in, JPEG quality 1-100.

    `width` and `height` are pixels of the box; None keeps the frame's size. A picture is never enlarged past the box.
    """

    media_type: str = "image/jpeg"
    window: Window | None = None
    width: int | None = None
    height: int | None = None
    quality: int = 90


def render(head: bytes, encoded: bytes, skip_bits: int, asked: Rendering, frame: int = 1) -> bytes:
    """The picture of one frame, number `frame` of its object; runs in a process of its own. Raises `PixelError`."""
    header, pixels = _decoded(head, encoded, skip_bits)
    image = Image.fromarray(picture_of(header, pixels, asked.window, frame))
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


def picture_of(header: Dataset, pixels: Pixels, window: Window | None = None, frame: int = 1) -> Picture:
    """Eight-bit grey (rows, columns) or RGB (rows, columns, 3), with the object's graphic overlays. Raises `PixelError`."""
    try:
        return draw_overlays(header, _picture(header, pixels, window, frame), frame)
    except PixelError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:  # attributes of the wrong kind
        raise PixelError(f"the frame cannot be drawn: {error}") from None


def _picture(header: Dataset, pixels: Pixels, window: Window | None, frame: int) -> Picture:
    if str(header.get("PhotometricInterpretation", "MONOCHROME2")) == "PALETTE COLOR":
        return palette_picture(header, pixels)
    if pixels.ndim == 3:
        return colour_picture(header, pixels)
    grey = grey_picture(header, pixels, window, frame)
    return lay_supplemental_palette(header, pixels, grey) if has_supplemental_palette(header) else grey


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
