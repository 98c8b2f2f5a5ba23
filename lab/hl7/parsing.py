"""From bytes to messages: characters first, then lines, then whatever somebody looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from lab.errors import TooLarge, UnreadableMessage
from lab.hl7.character_sets import codec_for, mismatch
from lab.hl7.delimiters import Delimiters, read_delimiters
from lab.hl7.escapes import CONTROLS, shown
from lab.hl7.header import AFTER, msh_line, read_header
from lab.hl7.message import Message, Notation
from lab.limits import MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES, MAX_NOTES, MAX_PARTS, MAX_SEGMENTS

CHUNK: Final = 64 << 10
"""Bytes decoded at a time, to the end of a line: the decoded text of a large message is never held as one piece."""

_MESSAGE_START: Final = re.compile(rb"(?:^|[\r\n\x0b\x1c\x00])(?:\xef\xbb\xbf)?(?=MSH[^A-Za-z0-9\s])")
_BATCH_LINE: Final = re.compile(rb"(?:^|[\r\n])[FB][HT]S(?![A-Za-z0-9 ])[^\r\n]*")
_WORD: Final = re.compile("[A-Za-z0-9]{3}")


def parse(raw: bytes, character_set: str | None = None) -> Message:
    """Return the message that the bytes hold.

    Lines end with CR, LF or CRLF; blank ones, a byte order mark and the bytes of MLLP blocks around the message are passed over.
    `character_set`, a name as in MSH-18, replaces what MSH-18 says. Raises UnreadableMessage: WrongCharacters where bytes do not
    fit the character set, TooLarge beyond `lab.limits`.
    """
    try:
        return _parsed(raw, character_set)
    except UnreadableMessage as error:
        try:
            error.header = read_header(raw)
        except UnreadableMessage:
            error.header = None
        raise


def _parsed(raw: bytes, character_set: str | None) -> Message:
    if len(raw) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"the message has {len(raw)} bytes; {MAX_MESSAGE_BYTES} are read")
    start, msh = msh_line(raw)
    delimiters = read_delimiters(msh)
    name, codec = codec_for(msh, delimiters, character_set)
    notes: list[str] = []
    lines: list[str] = []
    end = len(raw.rstrip(AFTER))
    controlled = len(raw.translate(None, CONTROLS)) < len(raw)
    for text in _decoded(raw, start, end, name, codec):
        if "\n" in text:
            text = text.replace("\r\n", "\r").replace("\n", "\r")
        if controlled:
            text = _with_controls_shown(text, delimiters.field, notes)
        lines += text.split("\r")
        if not lines[-1]:
            lines.pop()  # a piece ends with the end of its last line
        if len(lines) > MAX_SEGMENTS:
            raise TooLarge(f"the message has more than {MAX_SEGMENTS} segments")
    _check_lines(lines, delimiters, notes)
    if not name and not raw.isascii():
        notes.append("MSH-18 is empty; the text was read as UTF-8")
    return Message(raw, lines, Notation(delimiters, codec), name, notes)


def _decoded(raw: bytes, start: int, end: int, name: str, codec: str) -> Iterator[str]:
    """Yield the text in pieces that end where lines do."""
    view = memoryview(raw)
    while start < end:
        stop = _piece_end(raw, start, end)
        try:
            yield str(view[start:stop], codec)
        except UnicodeDecodeError as error:
            wrong = start + error.start
            line = max(raw.rfind(b"\r", 0, wrong), raw.rfind(b"\n", 0, wrong)) + 1
            raise mismatch(error, name, start, raw[max(line, start) : wrong][:3].decode("ascii", "replace")) from None
        start = stop


def _piece_end(raw: bytes, start: int, end: int) -> int:
    if end - start <= CHUNK:
        return end
    stop = max(raw.rfind(b"\r", start, start + CHUNK), raw.rfind(b"\n", start, start + CHUNK)) + 1
    if stop > 0:
        return stop + (raw[stop - 1 : stop + 1] == b"\r\n")
    ends = [found + 1 for found in (raw.find(b"\r", start + CHUNK, end), raw.find(b"\n", start + CHUNK, end)) if found >= 0]
    return min(ends, default=end)


def _with_controls_shown(text: str, separator: str, notes: list[str]) -> str:
    clean = shown(text)
    if clean != text and len(notes) < MAX_NOTES:
        places = [place for place, (one, other) in enumerate(zip(text, clean, strict=True)) if one != other]
        line = text[text.rfind("\r", 0, places[0]) + 1 : places[0]]
        field = line.count(separator) + line.startswith("MSH")
        notes.append(f"{len(places)} control characters are shown as U+FFFD, the first in {line[:3]}-{field}")
    return clean


def _check_lines(lines: list[str], delimiters: Delimiters, notes: list[str]) -> None:
    """Take blank lines out, join what is no segment to the one before. Raises UnreadableMessage for what cannot be a message."""
    separator = delimiters.field
    kept = 0
    further: list[str] = []
    for number, line in enumerate(lines, 1):
        if (line[3:4] == separator or len(line) == 3) and _names_a_segment(line[:3]):
            if further:
                _join(lines, kept, further, number, notes)
            if len(line) > MAX_PARTS:
                _check_parts(line, delimiters)
            lines[kept] = line
            kept += 1
        elif line[3:4] == separator and _WORD.match(line):
            raise UnreadableMessage(f"a segment is named {line[:3]!r}; names are three capital letters or digits", segment=line[:3])
        elif line and not line.isspace():
            further.append(line)
    if further:
        _join(lines, kept, further, len(lines) + 1, notes)
    del lines[kept:]
    _check_single(lines, separator)


@lru_cache(maxsize=1024)
def _names_a_segment(name: str) -> bool:
    return name.isalnum() and name.isupper() and name.isascii() and not name[0].isdigit()


def _join(lines: list[str], kept: int, further: list[str], before: int, notes: list[str]) -> None:
    """Add lines that are no segments to the one they follow; `before` is the number of the line after them."""
    name, count = lines[kept - 1][:3], len(further)
    told = f"line {before - 1} is no segment and was" if count == 1 else f"{count} lines before line {before} are no segments and were"
    if len(notes) < MAX_NOTES:
        notes.append(f"{told} read as the end of {name} before {'it' if count == 1 else 'them'}")
    lines[kept - 1] = "\n".join([lines[kept - 1], *further])
    further.clear()


def _check_parts(line: str, delimiters: Delimiters) -> None:
    for separator in (delimiters.field, delimiters.repetition, delimiters.component, delimiters.subcomponent):
        if separator and line.count(separator) > MAX_PARTS:
            raise TooLarge(f"a {line[:3]} segment holds more than {MAX_PARTS} of {separator!r}", segment=line[:3])


def _check_single(lines: list[str], separator: str) -> None:
    first = "MSH" + separator
    if sum(line.startswith(first) for line in lines) != 1:
        raise UnreadableMessage("more than one message: part them first (lab.hl7.messages)", segment="MSH")


def messages(raw: bytes) -> list[bytes]:
    """Return the messages of a batch or a file, each as sent; FHS, BHS, BTS and FTS are left out.

    One message gives itself. Raises UnreadableMessage where there is none, TooLarge where there are too many.
    """
    starts = [found.end() for found in _MESSAGE_START.finditer(raw)]
    if not starts:
        if _BATCH_LINE.search(raw):
            raise UnreadableMessage("the batch holds no message")
        msh_line(raw)  # says what is there instead
        return [raw]
    if len(starts) > MAX_BATCH_MESSAGES:
        raise TooLarge(f"the batch has {len(starts)} messages; {MAX_BATCH_MESSAGES} are read")
    if len(starts) == 1 and not _BATCH_LINE.search(raw):
        return [raw]
    return [_BATCH_LINE.sub(b"", raw[start:end]) for start, end in zip(starts, [*starts[1:], len(raw)], strict=True)]
