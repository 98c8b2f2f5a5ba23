"""Bounds on what is read. A file beyond one of these is refused by its header, before anything is allocated for it.

They are wide enough for every slide that a scanner makes (a whole 75 x 25 mm slide at 0.1 µm a pixel has 188 gigapixels)
and tight enough that a hostile file costs milliseconds and not a machine.
"""

from __future__ import annotations

from typing import Final

MAX_SIDE: Final = 2_000_000
"""Longest side in pixels: 75 mm at 0.0375 µm a pixel."""

MAX_PIXELS: Final = 400_000_000_000
"""Most pixels of a level: twice a whole slide (75 x 25 mm) at 0.1 µm a pixel."""

MAX_TILES: Final = 4_000_000
"""Most tiles (frames, strips) of a level: 262 gigapixels in tiles of 256 px; two tables of offsets take 64 MB."""

MAX_TILE_SIDE: Final = 4_096
"""Longest side of a tile in pixels; scanners use 240 to 2,048."""

MAX_TILE_BYTES: Final = 128 << 20
"""Longest stored tile: an uncompressed tile of `MAX_TILE_SIDE` squared has 50 MB."""

MAX_STRIP_PIXELS: Final = 64_000_000
"""Most pixels of a strip: a strip is decoded as a whole, 192 MB as RGB."""

MAX_PICTURE_PIXELS: Final = 64_000_000
"""Most pixels of a camera's picture in one piece (JPEG, PNG), decoded as a whole, 192 MB as RGB; such cameras have 5 to 25 million."""

MAX_SCANS: Final = 100
"""Most scans of a progressive JPEG: each goes over all pixels, however few bytes it has; libjpeg's own scripts have 10."""

MAX_DIRECTORIES: Final = 4_096
"""Most TIFF directories: 40 focal planes of 8 levels in several channels, and room."""

MAX_FIELDS: Final = 1_024
"""Most fields of a TIFF directory; NDPI, the richest, has about 60."""

MAX_FIELDS_IN_ALL: Final = 200_000
"""Most fields of all directories of a file: 4,096 directories of 48 fields."""

MAX_LEVELS: Final = 64
"""Most levels; a pyramid that halves from `MAX_SIDE` to one pixel has 21."""

MAX_TEXT_BYTES: Final = 16 << 20
"""Longest text of one field: the XML of Philips holds two pictures in base64, about 2 MB."""

MAX_XML_ELEMENTS: Final = 200_000
"""Most elements of a scanner's XML; OME names every plane."""

MAX_XML_DEPTH: Final = 64

MAX_TABLES_BYTES: Final = 1 << 16
"""Longest JPEG tables (tag 347): all that JPEG allows fits in 2 kB, with comments and a profile in 64 kB."""

MAX_PROFILE_BYTES: Final = 8 << 20
"""Longest ICC profile kept."""

MAX_DICOM_HEADER_BYTES: Final = 128 << 20
"""Most bytes of a DICOM object in front of its pixel data: functional groups of 500,000 frames."""

MAX_INSTANCES: Final = 512
"""Most files looked at beside a DICOM file for the rest of its series."""

MAX_PIXELS_FOR_ONE: Final = 64_000_000
"""Most stored pixels that are decoded to make one tile of a level that the file lacks: 976 tiles of 256 px, 192 MB as RGB."""

MAX_ARCHIVE_ENTRIES: Final = 20_000
MAX_ARCHIVE_BYTES: Final = 64 << 30
"""Most unpacked bytes of a zipped slide; MRXS slides have up to about 10 GB."""

MAX_ARCHIVE_RATIO: Final = 200
"""Most unpacked bytes a packed one: the parts of a slide are compressed already, only small texts are not."""

MIN_MPP, MAX_MPP = 0.02, 20.0
"""Pixel sizes in µm between which a number can be one: 400x with sub-pixel shift to a macro camera. 72 dpi would be 352.8."""
