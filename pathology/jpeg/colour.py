"""Which colours the components of a JPEG are, and what to put in front so that every decoder takes them for that.

The code stream is believed before any header around it: converters write RGB over YCbCr streams, and the other way round.
"""

from __future__ import annotations

from typing import Final

from pathology.jpeg.codestream import EOI, SOI, CodeStream

APP14_RGB: Final = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
"""An Adobe marker of version 100, transform 0: three components are RGB (Adobe Technical Note 5116, section 18)."""

_RGB_IDENTIFIERS: Final = (ord("R"), ord("G"), ord("B"))


def components_are_rgb(stream: CodeStream, header_says_rgb: bool) -> bool:
    """True if three components are red, green, blue; False for YCbCr.

    In this order: fewer samples for some components (chroma), JFIF, the Adobe marker, component identifiers; only where
    all of them are silent, the header around it.
    """
    if len(stream.components) != 3 or stream.subsampled or stream.jfif:
        return False
    if stream.adobe is not None:
        return stream.adobe == 0
    if tuple(component[0] for component in stream.components) == _RGB_IDENTIFIERS:
        return True
    return header_says_rgb


def prefix(tables: bytes, stream: CodeStream, rgb: bool) -> bytes:
    """Return what stands between a tile's FFD8 and the rest of it: the Adobe marker where it is needed, and the tables.

    `tables` is a code stream of tables alone (TIFF tag 347) or empty; `stream` is that of the tile with its tables.
    """
    marker = APP14_RGB if rgb and stream.adobe is None else b""
    inner = tables[len(SOI) :] if tables.startswith(SOI) else tables
    unpadded = inner.rstrip(b"\0")
    return marker + (unpadded.removesuffix(EOI) if unpadded.endswith(EOI) else inner)


def splice(tile: bytes, between: bytes) -> bytes:
    """The tile with `between` behind its FFD8."""
    return tile[:2] + between + tile[2:] if between else tile
