"""MLLP blocks (HL7 v2 Transport: MLLP release 1): 0x0B, the message, 0x1C 0x0D, taken out of bytes as they come.

TCP keeps no limits of messages: a block comes in pieces, also between the two bytes of its end; several come at once; NUL bytes, blanks
and line ends stand between them. All state is in `Decoder`; nothing here reads a socket.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lab.limits import MAX_FRAME_BYTES

START: Final = 0x0B
END: Final = 0x1C
_AFTER_END: Final = b"\r\n\x0b"
_BETWEEN: Final = b"\0\r\n \t"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FIRST_SEGMENTS: Final = (b"MSH", b"FHS", b"BHS")
_END: Final = re.compile(rb"\x1c[\r\n\x0b]")
_LOST_END: Final = re.compile(rb"\x0b(?:\xef\xbb\xbf)?(?:MSH|FHS|BHS)(.)", re.DOTALL)
_LOOK_AHEAD: Final = 1 + len(_BYTE_ORDER_MARK) + len("MSH")
"""Bytes that a message's beginning may hold without being one yet."""

NO_END: Final = "no end"
TOO_LARGE: Final = "too large"


class Block(NamedTuple):
    """One block: its content, and what was wrong with it.

    `fault` is empty for a whole block, `no end` for one that another began in or the connection ended in, `too large` for one beyond
    the limit; of that only the beginning is kept.
    """

    content: bytes
    fault: str = ""


def encode(content: bytes) -> bytes:
    """Return a message as a block."""
    return b"\x0b" + content + b"\x1c\r"


class Decoder:
    """Takes blocks out of a stream. `largest` bounds the content of one block; after a block beyond it nothing more is read.

    A start byte inside a block means that the end before it was lost only where a first segment with the block's own field separator
    follows; else it is a stray byte of the text. An end byte without CR ends a block where the next one begins.
    """

    KEPT_OF_TOO_LARGE: Final = 64 << 10
    """Bytes kept of a block that is too large: enough to name the message in the refusal."""

    def __init__(self, largest: int = MAX_FRAME_BYTES) -> None:
        self.largest = largest
        self.ignored = 0
        """bytes outside blocks so far, other than what usually stands between them"""
        self.broken = False
        """true after a block that was too large: the rest of the stream cannot be told apart"""
        self._buffer = bytearray()
        self._inside = False
        self._scanned = 0

    @property
    def waiting(self) -> int:
        """Return how many bytes of a block that has not ended are held."""
        return len(self._buffer) if self._inside else 0

    def feed(self, data: bytes) -> list[Block]:
        """Return the blocks that these bytes complete, in order."""
        blocks: list[Block] = []
        if self.broken:
            return blocks
        self._buffer += data
        while self._inside or self._begin():
            block = self._next()
            if block is None:
                break
            if block.fault == NO_END and not block.content.strip(_BETWEEN):
                self.ignored += 1  # a start byte that came twice
                continue
            blocks.append(block)
        if not self.broken and self.waiting > self.largest + 1:  # the end byte may already be there
            blocks.append(self._too_large())
        return blocks

    def finish(self) -> list[Block]:
        """Return what is left when the connection ends or has long been idle: a block that only lacks its CR is whole."""
        if not self._inside:
            return []
        content = bytes(self._buffer)
        self._reset(len(self._buffer), inside=False)
        return [_ended(content)]

    def _begin(self) -> bool:
        """Leave out what stands before the next start byte; true if there is one."""
        start = self._buffer.find(START)
        before = self._buffer[: start if start >= 0 else len(self._buffer)]
        self.ignored += len(before.translate(None, _BETWEEN))
        self._reset(len(before) + (start >= 0), inside=start >= 0)
        return start >= 0

    def _next(self) -> Block | None:
        """Return the next block, or None where more bytes are needed."""
        buffer = self._buffer
        end = self._find_end()
        start = self._find_lost_end(end if end >= 0 else len(buffer))
        if start >= 0:
            return self._take(start, start + 1, inside=True)
        if end >= 0:
            return self._take(end, end + (1 if buffer[end + 1] == START else 2), inside=False)
        self._scanned = self._undecided()
        return None

    def _find_end(self) -> int:
        """Return where the block ends: an end byte and what may follow it; -1 where that has not come."""
        end = self._buffer.find(END, self._scanned)
        if end < 0 or end + 1 == len(self._buffer) or self._buffer[end + 1] in _AFTER_END:
            return end if end + 1 < len(self._buffer) else -1
        found = _END.search(self._buffer, end)
        return found.start() if found else -1

    def _find_lost_end(self, until: int) -> int:
        """Return the first start byte before `until` that begins a message, -1 where there is none."""
        start = self._buffer.find(START, self._scanned, until)
        while start >= 0:
            found = _LOST_END.search(self._buffer, start, until + _LOOK_AHEAD + 1)
            if found is None or found.start() >= until:
                return -1
            separator, follows = self._separator(), found[1]
            if follows == separator or (not separator and not follows.isalnum()):
                return found.start()
            start = self._buffer.find(START, found.start() + 1, until)
        return -1

    def _undecided(self) -> int:
        """Return the first byte that may begin an end or a message when more has come."""
        buffer = self._buffer
        tail = bytes(buffer[max(self._scanned, len(buffer) - _LOOK_AHEAD) :])
        places = [place for place, byte in enumerate(tail) if byte == START and _may_begin(tail[place + 1 :])]
        if tail.endswith(b"\x1c"):
            places.append(len(tail) - 1)
        return len(buffer) - len(tail) + min(places, default=len(tail))

    def _separator(self) -> bytes:
        """Return the field separator of the block that is being read; nothing where it does not begin as a message does."""
        begins = bytes(self._buffer[:16]).lstrip(_BYTE_ORDER_MARK + _BETWEEN)
        return begins[3:4] if begins.startswith(_FIRST_SEGMENTS) else b""

    def _take(self, end: int, after: int, *, inside: bool) -> Block:
        if end > self.largest:
            return self._too_large()
        content = bytes(self._buffer[:end])
        self._reset(after, inside=inside)
        return _ended(content) if inside else Block(content)

    def _too_large(self) -> Block:
        content = bytes(self._buffer[: self.KEPT_OF_TOO_LARGE])
        self._reset(len(self._buffer), inside=False)
        self.broken = True
        return Block(content, TOO_LARGE)

    def _reset(self, after: int, *, inside: bool) -> None:
        del self._buffer[:after]
        self._inside, self._scanned = inside, 0


def _may_begin(ahead: bytes) -> bool:
    """True if bytes may go on as the beginning of a message does."""
    return any((mark + name).startswith(ahead) or ahead == mark + name for mark in (b"", _BYTE_ORDER_MARK) for name in _FIRST_SEGMENTS)


def _ended(content: bytes) -> Block:
    """Return a block whose end bytes did not come: whole where the first of them did and nothing but noise after it."""
    stripped = content.rstrip(_BETWEEN)
    return Block(stripped[:-1]) if stripped.endswith(b"\x1c") else Block(content, NO_END)
