"""What a JPEG code stream says of itself in front of its first scan (ITU-T T.81 annex B; JFIF 1.02; Adobe Technical Note 5116)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
_SOS, _DQT, _DHT, _DAC, _APP0, _APP14 = 0xDA, 0xDB, 0xC4, 0xCC, 0xE0, 0xEE
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length: TEM, RST0-RST7, SOI."""
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7})
"""Start-of-frame markers; 0xF7 is that of JPEG-LS."""
BASELINE, PROGRESSIVE = 0xC0, 0xC2
SCAN: Final = b"\xff\xda"
"""Start of a scan; within coded data an FF is followed by 00 or a restart marker."""
_PASSED_ON: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive Huffman coding: what every browser shows."""


class BadCodeStream(ValueError):
    """These bytes are no JPEG code stream that can be told apart; the message says where."""


@dataclass(frozen=True, slots=True)
class CodeStream:
    """What stands in front of the first scan. `components` are (identifier, horizontal, vertical sampling); `adobe` is
    the colour transform of an APP14 marker, None without one; `scan` is the offset of the first scan (0 in tables alone)."""

    width: int = 0
    height: int = 0
    bits: int = 0
    process: int = 0
    components: tuple[tuple[int, int, int], ...] = ()
    adobe: int | None = None
    jfif: bool = False
    quantisation: bool = False
    entropy_tables: bool = False
    scan: int = 0

    @property
    def subsampled(self) -> bool:
        """True if a component has fewer samples than another."""
        return len({sampling[1:] for sampling in self.components}) > 1

    @property
    def for_browsers(self) -> bool:
        """True if any browser decodes it: 8 bits, one component or three, Huffman-coded, not lossless."""
        return self.process in _PASSED_ON and self.bits == 8 and len(self.components) in (1, 3)


def read_code_stream(data: bytes) -> CodeStream:
    """Return what the markers in front of the first scan say; of JPEG tables alone as well. Raises BadCodeStream."""
    if data[:2] != SOI:
        raise BadCodeStream(f"a JPEG begins with FFD8, {data[:2].hex().upper() or 'nothing'} is there")
    said: dict[str, int | bool | tuple[tuple[int, int, int], ...]] = {}
    at = 2
    while True:
        marker, at = _marker(data, at)
        if marker in _ALONE:
            continue
        if marker == 0xD9:
            return CodeStream(**said)  # type: ignore[arg-type]  # filled below, each with its own type
        if at + 2 > len(data):
            raise BadCodeStream(f"cut off behind a marker at byte {at}")
        length = struct.unpack_from(">H", data, at)[0]
        body = data[at + 2 : at + length]
        if length < 2 or len(body) != length - 2:
            raise BadCodeStream(f"a segment of {length} bytes at byte {at} passes the end")
        if marker == _SOS:
            return CodeStream(**said, scan=at - 2)  # type: ignore[arg-type]
        _note(marker, body, said, at)
        at += length


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at `at` (fill bytes skipped) and the position behind it."""
    if at >= len(data):
        raise BadCodeStream(f"ends at byte {at} before its first scan")
    if data[at] != 0xFF:
        raise BadCodeStream(f"a marker was expected at byte {at}, {data[at]:02X} is there")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data):
        raise BadCodeStream(f"ends at byte {at} within a marker")
    return data[at], at + 1


def _note(marker: int, body: bytes, said: dict[str, int | bool | tuple[tuple[int, int, int], ...]], at: int) -> None:
    if marker in _FRAMES:
        if len(body) < 6 or len(body) < 6 + 3 * body[5]:
            raise BadCodeStream(f"a frame header of {len(body)} bytes at byte {at} is too short")
        said["bits"], said["height"], said["width"] = struct.unpack_from(">BHH", body)
        said["process"] = marker
        said["components"] = tuple((body[i], body[i + 1] >> 4, body[i + 1] & 15) for i in range(6, 6 + 3 * body[5], 3))
    elif marker == _DQT:
        said["quantisation"] = True
    elif marker in (_DHT, _DAC):
        said["entropy_tables"] = True
    elif marker == _APP14 and body[:5] == b"Adobe" and len(body) >= 12:
        said["adobe"] = body[11]
    elif marker == _APP0 and body[:5] == b"JFIF\0":
        said["jfif"] = True
