"""Key images of a report: checked by content, bounded, upright, and laid out in rows."""

import warnings
from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError
from reportlab.lib.utils import ImageReader

from telemed.adapters.printing.fonts import printable
from telemed.adapters.printing.report_document import Picture, UnprintableReport
from telemed.adapters.printing.report_flowables import PictureRow

MAX_PIXELS = 50_000_000
# Longest side on paper. A picture is at most 176 mm wide: 1600 pixels are 230 dots per inch.
MAX_SIDE = 1600
# A picture at least this much wider than high (an ECG strip) has a row of its own.
WIDE = 1.8


def picture_rows(pictures: Sequence[Picture]) -> list[PictureRow]:
    """The pictures in their order, two to a row, wide ones alone.

    Raises:
        UnprintableReport: neither JPEG nor PNG, damaged, or more than `MAX_PIXELS`.
    """
    rows: list[list[tuple[ImageReader, str]]] = []
    room = 0
    for number, picture in enumerate(pictures):
        image = _image(picture, f"pictures[{number}]")
        width, height = image.getSize()
        alone = width >= WIDE * height
        if alone or not room:
            rows.append([])
        rows[-1].append((image, printable(picture.caption).replace("\n", " ")))
        room = 0 if alone or len(rows[-1]) == 2 else 1
    return [PictureRow(row) for row in rows]


def _image(picture: Picture, field: str) -> ImageReader:
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a picture between one and two times its own limit; ours is smaller and is an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(BytesIO(picture.data), formats=("JPEG", "PNG"))
        with opened as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnprintableReport(field, f"more than {MAX_PIXELS} pixels; reduce it first")
            return _embedded(image, picture.data)
    except UnidentifiedImageError:
        raise UnprintableReport(field, "neither JPEG nor PNG; convert it first") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as damage:
        if isinstance(damage, UnprintableReport):
            raise
        raise UnprintableReport(field, f"damaged ({damage}); send it again") from damage


def _embedded(image: Image.Image, data: bytes) -> ImageReader:
    """A JPEG goes into the file as it is, unless it carries Exif (which may tell of places and devices, and may ask to
    be turned) or is larger than paper shows. Everything else is embedded without loss."""
    small = max(image.size) <= MAX_SIDE
    if image.format == "JPEG" and image.mode in ("L", "RGB") and small and not image.getexif():
        image.load()
        return ImageReader(BytesIO(data))
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright.convert("RGBA"))
    if upright.mode.startswith(("I", "F")):
        # 16 bits to 8 by the high byte: a conversion alone would cut everything bright off.
        upright = upright.point(lambda value: value / 256).convert("L")
    upright = upright.convert("L" if upright.mode in ("1", "L") else "RGB")
    upright.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return ImageReader(upright)
