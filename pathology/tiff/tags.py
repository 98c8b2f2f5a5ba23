"""TIFF tags that slides use, with their names (TIFF 6.0, TIFF Technical Note 1 and 2, Hamamatsu's own)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NEW_SUBFILE_TYPE: Final = 254
IMAGE_WIDTH: Final = 256
IMAGE_LENGTH: Final = 257
BITS_PER_SAMPLE: Final = 258
COMPRESSION: Final = 259
PHOTOMETRIC: Final = 262
DOCUMENT_NAME: Final = 269
IMAGE_DESCRIPTION: Final = 270
MAKE: Final = 271
MODEL: Final = 272
STRIP_OFFSETS: Final = 273
SAMPLES_PER_PIXEL: Final = 277
ROWS_PER_STRIP: Final = 278
STRIP_BYTE_COUNTS: Final = 279
X_RESOLUTION: Final = 282
Y_RESOLUTION: Final = 283
PLANAR_CONFIGURATION: Final = 284
PAGE_NAME: Final = 285
RESOLUTION_UNIT: Final = 296
SOFTWARE: Final = 305
DATE_TIME: Final = 306
ARTIST: Final = 315
HOST_COMPUTER: Final = 316
PREDICTOR: Final = 317
COLOR_MAP: Final = 320
TILE_WIDTH: Final = 322
TILE_LENGTH: Final = 323
TILE_OFFSETS: Final = 324
TILE_BYTE_COUNTS: Final = 325
SUB_IFDS: Final = 330
SAMPLE_FORMAT: Final = 339
JPEG_TABLES: Final = 347
YCBCR_SUBSAMPLING: Final = 530
XMP: Final = 700
COPYRIGHT: Final = 33432
ICC_PROFILE: Final = 34675
NDPI_MARK: Final = 65420
"""Present in every directory of a Hamamatsu NDPI file."""

NAMES: Final[Mapping[int, str]] = {
    IMAGE_WIDTH: "ImageWidth", IMAGE_LENGTH: "ImageLength", BITS_PER_SAMPLE: "BitsPerSample", COMPRESSION: "Compression",
    PHOTOMETRIC: "PhotometricInterpretation", IMAGE_DESCRIPTION: "ImageDescription", STRIP_OFFSETS: "StripOffsets",
    SAMPLES_PER_PIXEL: "SamplesPerPixel", ROWS_PER_STRIP: "RowsPerStrip", STRIP_BYTE_COUNTS: "StripByteCounts",
    PLANAR_CONFIGURATION: "PlanarConfiguration", PREDICTOR: "Predictor", TILE_WIDTH: "TileWidth", TILE_LENGTH: "TileLength",
    TILE_OFFSETS: "TileOffsets", TILE_BYTE_COUNTS: "TileByteCounts", SUB_IFDS: "SubIFDs", JPEG_TABLES: "JPEGTables",
    ICC_PROFILE: "ICCProfile", XMP: "XMP",
}  # fmt: skip

FREE_TEXT: Final = (DOCUMENT_NAME, PAGE_NAME, ARTIST, HOST_COMPUTER, COPYRIGHT)
"""Fields in which people write what they like, names among it."""
