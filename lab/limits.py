"""Bounds on what a reader accepts. What is beyond one of these is refused with a reason, never read in part.

They are wide enough for a report with an embedded PDF or a day of an analyser, and tight enough that hostile bytes cost
little time and no more memory than four times their own size.
"""

from __future__ import annotations

from typing import Final

MAX_MESSAGE_BYTES: Final = 128 << 20
"""Largest HL7 message parsed. What a listener accepts is a setting below this."""

MAX_SEGMENTS: Final = 1_000_000
"""Most segments of a message."""

MAX_PARTS: Final = 65_536
"""Most of one separator in one segment: fields, repetitions, components or sub-components."""

MAX_NOTES: Final = 100
"""Most notes on what was odd about one message; there may be more that was."""

MAX_BATCH_MESSAGES: Final = 10_000
"""Most messages of one batch or file."""

MAX_SPACES: Final = 99
"""Widest `\\.in`, `\\.sk` and `\\.sp` of formatted text."""

MAX_DIGITS: Final = 40
"""Longest text that is read as a number."""

MAX_FRAME_BYTES: Final = 32 << 20
"""Largest MLLP block, where the listener sets no other limit."""

MAX_TRANSMISSION_BYTES: Final = 16 << 20
"""Largest ASTM transmission."""

MAX_RECORDS: Final = 100_000
"""Most records of an ASTM transmission."""

MAX_SHEET_BYTES: Final = 32 << 20
MAX_SHEET_ROWS: Final = 100_000
MAX_SHEET_COLUMNS: Final = 256
MAX_CELL: Final = 4_000
"""Longest text of one cell, in characters."""

MAX_UNPACKED_BYTES: Final = 256 << 20
"""Most bytes that a workbook may unpack to."""

MAX_LOG_BYTES: Final = 16 << 20
MAX_READINGS: Final = 500_000
"""Most readings of one temperature log: a year of one a minute."""
