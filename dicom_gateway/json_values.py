"""Values as DICOM JSON text (PS3.18 annex F.2), from their encoded bytes."""

from __future__ import annotations

import json
import math
import re
import struct
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache

from pydicom.datadict import dictionary_VR, private_dictionary_VR

from dicom_gateway.character_set import decode
from dicom_gateway.errors import TooLargeToDescribe
from dicom_gateway.json_budget import MAX_VALUES

INLINE = 1024  # bytes of a binary value up to which it is given in place
BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_CODED_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})  # in the Specific Character Set (PS3.5 6.1.2.3)
_ONE_TEXT = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is text there (PS3.5 6.2)
NUMBERS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
# Bytes of the words that a byte order applies to (PS3.5 7.3).
_WORDS = {"OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2}
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")

quoted: Callable[[str], str] = json.encoder.encode_basestring  # the C one where there is one


def value_text(vr: str, raw: bytes, codecs: tuple[str, ...], order: str) -> str:
    """Return the JSON that follows `"vr":"XX"` for a value of at most `INLINE` bytes if binary: `,"Value":[...]`,
    `,"InlineBinary":"..."`, or nothing for an empty value."""
    if vr in BINARY:
        return f',"InlineBinary":"{b64encode(little_endian(vr, raw, order)).decode()}"' if raw else ""
    if vr in NUMBERS:
        values = _numbers(NUMBERS[vr], raw, order)
    elif vr == "AT":
        _check_count(len(raw) // 4)
        values = [f'"{group:04X}{element:04X}"' for group, element in struct.iter_unpack(order + "HH", raw[: len(raw) & ~3])]
    else:
        values = _texts(vr, raw, codecs)
    return f',"Value":[{",".join(values)}]' if values else ""


def little_endian(vr: str, raw: bytes, order: str) -> bytes:
    """A binary value as JSON and bulk data give it: little endian (PS3.18 F.2.7)."""
    width = _WORDS.get(vr, 1)
    if order == "<" or width == 1 or len(raw) % width:
        return raw
    return b"".join(raw[start : start + width][::-1] for start in range(0, len(raw), width))


def _numbers(kind: str, raw: bytes, order: str) -> list[str]:
    width = struct.calcsize(kind)
    _check_count(len(raw) // width)
    values = struct.unpack_from(f"{order}{len(raw) // width}{kind}", raw)
    if kind in "df":
        return [repr(value) if math.isfinite(value) else "null" for value in values]
    return [str(value) for value in values]


def _check_count(values: int) -> None:
    if values > MAX_VALUES:
        raise TooLargeToDescribe(f"an element of the object has more than {MAX_VALUES:,} values")


def _texts(vr: str, raw: bytes, codecs: tuple[str, ...]) -> list[str]:
    text = decode(raw, codecs if vr in _CODED_TEXT else ("ascii",))
    if vr in _ONE_TEXT:
        text = text.rstrip(" ")
        return [quoted(text)] if text else []
    _check_count(text.count("\\") + 1)
    parts = [part.strip(" ") for part in text.split("\\")]
    if not any(parts):
        return []
    if vr in ("DS", "IS"):
        return [_number_text(part, vr) for part in parts]
    if vr == "PN":
        return [_person_name(part) for part in parts]
    return [quoted(part) if part else "null" for part in parts]


def _number_text(text: str, vr: str) -> str:
    """The digits as they are where JSON takes them, so that no precision is lost; what is no number stays text."""
    if not text:
        return "null"
    if _DECIMAL.fullmatch(text):
        return text
    try:
        number = int(text) if vr == "IS" else float(text)
    except ValueError:
        return quoted(text)
    return repr(number) if math.isfinite(number) else quoted(text)


def _person_name(name: str) -> str:
    groups = [f'"{group}":{quoted(text)}' for group, text in zip(_GROUPS, name.split("="), strict=False) if text]
    return f"{{{','.join(groups)}}}" if groups else "null"


@lru_cache(maxsize=20_000)
def dictionary_vr(tag: int, creator: str | None) -> str:
    """VR of an element whose encoding does not say; `UN` where nobody knows. `US or SS` stays open."""
    group, element = tag >> 16, tag & 0xFFFF
    try:
        if group % 2:
            if 0x10 <= element <= 0xFF:
                return "LO"
            return private_dictionary_VR(tag, creator) if creator else "UN"
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    if vr == "US or SS":
        return vr
    return "OW" if " or " in vr else "UN" if len(vr) != 2 else vr  # implicit VR: other words (PS3.5 A.1)
