"""What can be wrong with a slide, said as sentences: what was found, at which byte, what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Why a slide is refused. A program tells refusals apart by these; `ADVICE` has what a person can do."""

    UNKNOWN_FORMAT = "unknown-format"
    VENDOR_FORMAT = "vendor-format"
    CUT_OFF = "cut-off"
    DAMAGED = "damaged"
    CONTRADICTION = "contradiction"
    TABLES_LOST = "tables-lost"
    TOO_LARGE = "too-large"
    NOT_SUPPORTED = "not-supported"
    UNSAFE_ARCHIVE = "unsafe-archive"
    NO_PICTURE = "no-picture"
    NOT_PROVED = "not-proved"


ADVICE: Final[dict[Refusal, str]] = {
    Refusal.UNKNOWN_FORMAT: "Export it as SVS, pyramidal TIFF or DICOM.",
    Refusal.VENDOR_FORMAT: "Export it as SVS, pyramidal TIFF or DICOM from the scanner's software.",
    Refusal.CUT_OFF: "The upload or the copy is incomplete: copy the file anew and send it again.",
    Refusal.DAMAGED: "Copy the file anew from the scanner; if it is the same there, scan or export the slide again.",
    Refusal.CONTRADICTION: "Export the slide again: what this file says of itself cannot all be true.",
    Refusal.TABLES_LOST: "Export the slide again: without its JPEG tables the picture cannot be decoded.",
    Refusal.TOO_LARGE: "If the slide is really so large, export it in parts or at a lower magnification.",
    Refusal.NOT_SUPPORTED: "Export it as 8-bit RGB, in SVS, pyramidal TIFF or DICOM.",
    Refusal.UNSAFE_ARCHIVE: "Nothing was unpacked. Pack the .mrxs file and its folder anew, with plain names.",
    Refusal.NO_PICTURE: "Send the file that holds the slide's picture as well.",
    Refusal.NOT_PROVED: "Keep the scanner's own file: it cannot be made again from what was written.",
}


class SlideError(Exception):
    """Base of all errors of this library."""


class UnreadableSlide(SlideError):
    """The file is refused: `refusal` says of which kind, `format` what it was taken for, `offset` (bytes) where, `found` what was there."""

    def __init__(self, refusal: Refusal, format: str, offset: int, found: str, advice: str = "") -> None:  # noqa: A002  (the field's name)
        self.refusal, self.format, self.offset, self.found = refusal, format, offset, found
        self.advice = advice or ADVICE[refusal]
        super().__init__(refusal, format, offset, found, self.advice)  # the arguments as they are: the error is pickled by them

    def __str__(self) -> str:
        return f"{self.format} at byte {self.offset}: {self.found}. {self.advice}"


class DamagedTile(SlideError):
    """One tile cannot be decoded; the rest of the slide may be sound. `tile` is (level, column, row), `offset` is in bytes."""

    def __init__(self, tile: tuple[int, int, int], offset: int, reason: str) -> None:
        self.tile, self.offset, self.reason = tile, offset, reason
        super().__init__(tile, offset, reason)

    def __str__(self) -> str:
        level, column, row = self.tile
        return f"tile {column}_{row} of level {level} at byte {self.offset}: {self.reason}"


class NoSuchTile(SlideError, IndexError):
    """The address names no level or no tile of this slide."""


class LevelMissing(SlideError):
    """The slide lacks coarse levels, and making this tile of one would decode more than the limit: wrap the slide, which makes them."""


class NotArrived(SlideError):
    """These bytes of a file that is still arriving are not here yet: `offset` and `length`. Ask again when more has come."""

    def __init__(self, offset: int, length: int) -> None:
        self.offset, self.length = offset, length
        super().__init__(offset, length)

    def __str__(self) -> str:
        return f"bytes {self.offset} to {self.offset + self.length} have not arrived yet"
