"""The Specific Character Set of what we answer: the one that the device wants, or asked in, as long as it can say everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Literal

from pydicom.charset import python_encoding
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode

UNICODE = "ISO_IR 192"
python_encoding.setdefault("ISO_IR 203", "iso8859_15")  # Latin alphabet no. 9, a defined term that pydicom 3.0 does not know
_CHINESE, _ESCAPE_GB2312 = "ISO 2022 IR 58", b"\x1b$)A"  # PS3.5 annex K
_DELIMITERS = re.compile(r"([\\^=\r\n\f])")
_COMPONENTS = re.compile(r"[\^=]")
_HEAD = 64  # bytes
_LINES = re.compile(r"[\r\n\f\t]")
_ASCII = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6"})
_JAPANESE_SINGLE_BYTE = python_encoding["ISO_IR 13"]  # JIS X 0201 (PS3.3 table C.12-2)
_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})  # affected by (0008,0005): PS3.5 6.1.2.2


def declared(data_set: Dataset) -> tuple[str, ...]:
    """The values of (0008,0005); empty where the default repertoire is meant."""
    value = data_set.get("SpecificCharacterSet") or ()
    values = value if isinstance(value, MultiValue | list | tuple) else (value,)
    terms = tuple(str(each).strip() for each in values)
    return terms if any(terms) else ()


def answer_in(response: Dataset, asked: Dataset, preferred: str = "") -> Dataset:
    """Set the character set of `response`: `preferred`, else the one of `asked`, else Unicode; Unicode too where text would be lost.
    Returns `response`."""
    texts = [text for text in _texts(response) if not text.isascii()]
    wished = (tuple(preferred.split("\\")), declared(asked)) if preferred else (declared(asked),)
    for terms in wished:
        if not terms or not all(term in python_encoding for term in terms) or not all(_can_say(terms, text) for text in texts):
            continue
        response.SpecificCharacterSet = list(terms) if len(terms) > 1 else terms[0]
        if _CHINESE in terms[1:]:
            _designate_chinese(response)
        return response
    if texts:
        response.SpecificCharacterSet = UNICODE
    return response


def read(encoded: BytesIO, transfer_syntax: UID) -> Dataset:
    """The data set of a request; a set that nobody knows counts as none. Devices ask in Chinese without saying how: text beyond ASCII
    under no term is taken for UTF-8 if it can be, else for GB18030. Raises whatever pydicom raises for what is no data set."""
    form = (transfer_syntax.is_implicit_VR, transfer_syntax.is_little_endian, transfer_syntax.is_deflated)
    if not transfer_syntax.is_deflated:
        encoded = BytesIO(_without_unknown_set(encoded.getvalue(), transfer_syntax))
    data_set: Dataset = decode(BytesIO(encoded.getvalue()), *form)
    if _CHINESE in declared(data_set):
        _undesignate_chinese(data_set)
    if declared(data_set) or transfer_syntax.is_deflated:
        return data_set
    texts = b"".join(text.encode("latin_1") for text in _texts(data_set))
    if texts.isascii():
        return data_set
    named = Dataset()
    try:
        texts.decode("utf-8")
        named.SpecificCharacterSet = UNICODE
    except UnicodeDecodeError:
        named.SpecificCharacterSet = "GB18030"
    return decode(BytesIO((encode(named, *form) or b"") + encoded.getvalue()), *form)


def _without_unknown_set(encoded: bytes, transfer_syntax: UID) -> bytes:
    """The data set with blanks for terms that nobody knows, at which pydicom would stumble. Before (0008,0005) stand two elements at
    most."""
    order: Literal["little", "big"] = "little" if transfer_syntax.is_little_endian else "big"
    tag = b"".join(number.to_bytes(2, order) for number in (0x0008, 0x0005))
    head = encoded.find(tag, 0, _HEAD)
    length = slice(head + 4, head + 8) if transfer_syntax.is_implicit_VR else slice(head + 6, head + 8)
    begin, end = head + 8, head + 8 + int.from_bytes(encoded[length], order)
    terms = encoded[begin:end].decode("latin_1").split("\\")
    if head < 0 or all(term.strip(" \0") in python_encoding for term in terms):
        return encoded
    return encoded[:begin] + b" " * (end - begin) + encoded[end:]


def _texts(data_set: Dataset) -> Iterator[str]:
    for element in data_set:
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item)
        elif element.VR in _TEXT and element.value is not None:
            values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
            # Components of names stand for themselves.
            yield from (part for value in values for part in (_COMPONENTS.split(str(value)) if element.VR == "PN" else [str(value)]))


@lru_cache(4096)
def _can_say(terms: tuple[str, ...], text: str) -> bool:
    """True if `text`, written under these terms, is read again as it was. With code extensions a line would have to designate its set
    anew (PS3.5 6.1.2.5.3)."""
    return _is_written(terms, text) and (len(terms) == 1 or not _LINES.search(text))


def _is_written(terms: tuple[str, ...], part: str) -> bool:
    """True if the first of the terms under which pydicom would write this, which has no way to refuse, says it."""
    if part.isascii():
        return True
    for term in terms if _CHINESE not in terms[1:] else (_CHINESE,):  # what goes with GB 2312 is written here, and under it alone
        codec = python_encoding[term].removesuffix("_p")
        try:
            encoded = part.encode(codec)
        except (UnicodeError, LookupError):
            continue
        if codec == _JAPANESE_SINGLE_BYTE and len(encoded) != len(part):
            continue  # the codec also has the characters of two bytes, the set does not
        if codec == _JAPANESE_SINGLE_BYTE and len({byte >> 7 for byte in encoded}) > 1:
            return False  # Latin letters and katakana side by side are two sets
        return term not in _ASCII and encoded.decode(codec) == part
    return False


def _designate_chinese(data_set: Dataset) -> None:
    """GB 2312 with code extensions is written here: pydicom 3.0 leaves out the escape sequence that designates it."""
    for element in data_set:
        if element.VR == "SQ":
            for item in element.value:
                _designate_chinese(item)
        elif element.VR in _TEXT and element.value is not None:
            values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
            text = "\\".join(str(value) for value in values)
            if not text.isascii():
                element._value = _Encoded(b"".join(map(_in_gb2312, _DELIMITERS.split(text))))


def _undesignate_chinese(data_set: Dataset) -> None:
    """pydicom 3.0 leaves the escape sequence in the text that it reads."""
    escape = _ESCAPE_GB2312.decode()
    for element in data_set:
        if element.VR == "SQ":
            for item in element.value:
                _undesignate_chinese(item)
        elif element.VR in _TEXT and escape in str(element.value):
            many = isinstance(element.value, MultiValue | list)
            texts = [str(value).replace(escape, "") for value in (element.value if many else [element.value])]
            element.value = texts if many else texts[0]


class _Encoded(bytes):
    """A value that is bytes already; pydicom asks person names to encode themselves and takes other bytes as they are."""

    def encode(self, _codecs: list[str]) -> bytes:
        return bytes(self)


def _in_gb2312(part: str) -> bytes:
    return part.encode("ascii") if part.isascii() else _ESCAPE_GB2312 + part.encode("gb2312")
