"""Bounds on what a reader accepts. A file beyond one of these is refused with a reason, never read in part.

They are wide enough for every recording a hospital makes (24 h of 12 leads at 250 Hz, 14 days of one lead) and tight
enough that a hostile file costs seconds and not a machine.
"""

from __future__ import annotations

from typing import Final

MAX_FILE_BYTES: Final = 1 << 30
"""Largest file read, whatever its format."""

MAX_LEADS: Final = 256
"""Most channels in one file; polysomnography in EDF has dozens beside the ECG."""

MAX_SAMPLES: Final = 320_000_000
"""Most samples over all leads: 1.28 GB as float32; 24 h of 12 leads at 250 Hz is 259 million."""

MIN_RATE, MAX_RATE = 20.0, 50_000.0
"""Sampling rates in Hz between which a file can be an ECG."""

MAX_XML_BYTES: Final = 64 << 20
MAX_XML_ELEMENTS: Final = 200_000
MAX_XML_DEPTH: Final = 64

MAX_ZIP_ENTRIES: Final = 64
ANY_ZIP_RATIO: Final = 64 << 20
"""Bytes that an archive may unpack to however small it is: a day of a lead with its electrode off."""
MAX_ZIP_RATIO: Final = 100
"""Times its own size that a larger archive may unpack to. Deflate reaches 1,032 (zlib's technical details), ECG two to five (practice)."""
MAX_HEADER_BYTES: Final = 1 << 20
"""Longest WFDB header."""

MAX_SEGMENTS: Final = 20_000
"""Most segments of a WFDB record, multiplex groups of a DICOM file or data records of a discontinuous EDF+ file."""

MAX_CODED_SAMPLES: Final = 3_000_000
"""Most samples that are decoded one by one (Huffman, LZW): 8 min of 12 leads at 500 Hz."""

MAX_STATEMENTS: Final = 200
MAX_TEXT: Final = 4_000
"""Longest text kept from one field of a file, in characters."""
