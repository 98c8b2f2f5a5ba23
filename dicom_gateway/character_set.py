"""Text of a data set by its Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 section 6.1 and annexes H to K)."""

from __future__ import annotations

import re
from functools import lru_cache

# Defined term -> Python codec. Terms with and without code extensions share one entry: "ISO 2022 IR n" is "ISO_IR n".
_SINGLE_BYTE = {
    "6": "ascii", "13": "shift_jis", "100": "latin_1", "101": "iso8859_2", "109": "iso8859_3", "110": "iso8859_4",
    "126": "iso8859_7", "127": "iso8859_6", "138": "iso8859_8", "144": "iso8859_5", "148": "iso8859_9",
    "166": "iso8859_11", "203": "iso8859_15",
}  # fmt: skip
_MULTI_BYTE = {"192": "utf_8", "GB18030": "gb18030", "GBK": "gbk", "87": "iso2022_jp", "159": "iso2022_jp_2",
               "149": "euc_kr", "58": "gb2312"}  # fmt: skip

# Escape sequences (PS3.3 tables C.12-3 and C.12-4): the codec of the bytes that follow, and whether that codec
# wants to see the escape sequence itself (Python's ISO 2022 Japanese codecs do).
_ESCAPES: dict[bytes, tuple[str, bool]] = {
    b"\x1b(B": ("ascii", False), b"\x1b(J": ("shift_jis", False), b"\x1b)I": ("shift_jis", False),
    b"\x1b-A": ("latin_1", False), b"\x1b-B": ("iso8859_2", False), b"\x1b-C": ("iso8859_3", False),
    b"\x1b-D": ("iso8859_4", False), b"\x1b-L": ("iso8859_5", False), b"\x1b-G": ("iso8859_6", False),
    b"\x1b-F": ("iso8859_7", False), b"\x1b-H": ("iso8859_8", False), b"\x1b-M": ("iso8859_9", False),
    b"\x1b-T": ("iso8859_11", False), b"\x1b-b": ("iso8859_15", False),
    b"\x1b$B": ("iso2022_jp", True), b"\x1b$(D": ("iso2022_jp_2", True),
    b"\x1b$)C": ("euc_kr", False), b"\x1b$)A": ("gb2312", False),
}  # fmt: skip
_ESCAPE = re.compile(b"(" + b"|".join(re.escape(e) for e in sorted(_ESCAPES, key=len, reverse=True)) + b")")
# Devices send Chinese text without saying so, or under the wrong term: these are tried, in this order, for bytes
# that the declared term cannot decode.
_FALLBACKS = ("utf_8", "gb18030", "latin_1")
# What is invoked into G1 (8-bit codes) holds until the end of the line, value, name component or component group
# (PS3.5 6.1.2.5.3). The Japanese G0 sets use those same byte values inside their characters and are left by an escape.
_RESET = re.compile(rb"[\\\r\n\f^=]")


@lru_cache(maxsize=256)
def codecs_of(specific_character_set: bytes) -> tuple[str, ...]:
    """Python codecs for the raw value of (0008,0005); the first is in force at the start of every value."""
    codecs = []
    for term in specific_character_set.decode("latin_1").split("\\"):
        name = term.strip(" \0").upper().replace("-", " ").replace("_", " ")
        code = name.removeprefix("ISO ").removeprefix("2022 ").removeprefix("IR ").strip() or "6"
        codec = _SINGLE_BYTE.get(code) or _MULTI_BYTE.get(code)
        if codec:
            codecs.append(codec)
    return tuple(codecs) or ("ascii",)


def decode(value: bytes, codecs: tuple[str, ...]) -> str:
    """Text of `value`; never raises. Bytes no rule explains become U+FFFD. NULs are dropped: no text holds one."""
    if b"\x1b" in value and codecs[0] not in ("utf_8", "gb18030", "gbk"):
        text = _decode_extended(value, codecs[0])
    else:
        text = _decode_plain(value, codecs[0])
    return text.replace("\0", "")


def _decode_plain(value: bytes, codec: str) -> str:
    for candidate in (codec, *_FALLBACKS):
        try:
            return value.decode(candidate)
        except UnicodeDecodeError:
            continue
    return value.decode("ascii", "replace")  # not reached while latin_1 closes the list


def _decode_extended(value: bytes, first: str) -> str:
    """A value with escape sequences; the initial codec applies up to the first, and again behind a delimiter."""
    pieces = _ESCAPE.split(value)
    text = [_decode_plain(pieces[0], first)]
    for escape, content in zip(pieces[1::2], pieces[2::2], strict=True):
        codec, keeps_escape = _ESCAPES[escape]
        if keeps_escape:
            text.append((escape + content).decode(codec, "replace"))
            continue
        delimiter = _RESET.search(content)
        end = delimiter.start() if delimiter else len(content)
        text.append(content[:end].decode(codec, "replace"))
        text.append(_decode_plain(content[end:], first))
    return "".join(text)
