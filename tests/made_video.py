"""A made film: H.264 of plain grey pictures (I_PCM macroblocks, ITU-T H.264 7.3.5) in an MP4 file (ISO/IEC 14496-12), for tests."""

from __future__ import annotations

import struct

SIDE = 16  # one macroblock


class _Bits:
    """A writer of bits, with the Exp-Golomb codes of H.264 9.1."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, width: int, value: int) -> _Bits:
        self.bits += format(value, f"0{width}b")
        return self

    def ue(self, value: int) -> _Bits:
        code = format(value + 1, "b")
        self.bits += "0" * (len(code) - 1) + code
        return self

    def bytes(self, last: str = "1") -> bytes:
        bits = self.bits + last
        bits += "0" * (-len(bits) % 8)
        return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def _unit(kind: int, payload: bytes) -> bytes:
    """A NAL unit, with emulation prevention (7.4.1)."""
    out, zeros = bytearray([kind]), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def _parameter_sets() -> tuple[bytes, bytes]:
    sequence = _Bits().u(8, 66).u(8, 0xC0).u(8, 10).ue(0).ue(0).ue(2).ue(0).u(1, 0).ue(0).ue(0).u(1, 1).u(1, 0).u(1, 0).u(1, 0)
    picture = _Bits().ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).ue(0).ue(0).ue(0).u(1, 0).u(1, 0).u(1, 0)
    return _unit(0x67, sequence.bytes()), _unit(0x68, picture.bytes())


def _picture(number: int, grey: int) -> bytes:
    """One IDR picture of one macroblock, its samples as they are."""
    head = _Bits().ue(0).ue(7).ue(0).u(4, 0).ue(number % 2).u(1, 0).u(1, 0).ue(0).ue(25)
    return _unit(0x65, head.bytes(last="") + bytes([grey]) * 256 + bytes([128]) * 128 + b"\x80")


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def made_mp4(frames: int = 50, rate: int = 25) -> bytes:
    """Return a film of so many grey pictures, each a little brighter, `rate` of them a second."""
    sequence, picture = _parameter_sets()
    samples = []
    for number in range(frames):
        unit = _picture(number, 40 + number % 200)
        samples.append(struct.pack(">I", len(unit)) + unit)
    kind = _box(b"ftyp", b"mp42", struct.pack(">I", 0), b"mp42isom")
    data = _box(b"mdat", *samples)
    codec = _box(
        b"avcC", bytes([1, sequence[1], sequence[2], sequence[3], 0xFF, 0xE1]), struct.pack(">H", len(sequence)), sequence,
        b"\x01", struct.pack(">H", len(picture)), picture,
    )  # fmt: skip
    entry = _box(
        b"avc1", bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HH", SIDE, SIDE), struct.pack(">III", 0x480000, 0x480000, 0),
        struct.pack(">H", 1), bytes(32), struct.pack(">Hh", 24, -1), codec,
    )  # fmt: skip
    table = _box(
        b"stbl", _full(b"stsd", struct.pack(">I", 1), entry), _full(b"stts", struct.pack(">III", 1, frames, 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, frames, 1)),
        _full(b"stsz", struct.pack(">II", 0, frames), *(struct.pack(">I", len(sample)) for sample in samples)),
        _full(b"stco", struct.pack(">II", 1, len(kind) + 8)),
    )  # fmt: skip
    where = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
    media = _box(
        b"mdia", _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, rate, frames, 0x55C4, 0)),
        _full(b"hdlr", struct.pack(">I4s", 0, b"vide"), bytes(12), b"video\0"),
        _box(b"minf", _full(b"vmhd", bytes(8), flags=1), where, table),
    )  # fmt: skip
    track = _box(
        b"trak",
        _full(b"tkhd", struct.pack(">IIIIII", 0, 0, 1, 0, frames, 0), bytes(12), _MATRIX, struct.pack(">II", SIDE << 16, SIDE << 16), flags=3),
        media,
    )  # fmt: skip
    head = _full(b"mvhd", struct.pack(">IIIIIH", 0, 0, rate, frames, 0x10000, 0x100), bytes(10), _MATRIX, bytes(24), struct.pack(">I", 2))
    return kind + data + _box(b"moov", head, track)
