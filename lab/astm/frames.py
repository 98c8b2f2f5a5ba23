"""The lower layer (ASTM E1381, CLSI LIS1-A): ENQ, numbered frames with a checksum, EOT, and what the receiver answers.

An answer is to be sent only after what it answers is kept; so nothing is sent here: every event carries its answer.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lab.limits import MAX_TRANSMISSION_BYTES

ENQ, STX, ETX, EOT, ETB = 0x05, 0x02, 0x03, 0x04, 0x17
ACK, NAK = "ACK", "NAK"
ANSWERS: Final = {ACK: b"\x06", NAK: b"\x15"}
"""The byte that is sent for each answer."""

_BEGINS: Final = re.compile(rb"[\x02\x04\x05]")
_MARK: Final = re.compile(rb"[\x02\x03\x04\x05\x17]")

_FRAME_NUMBERS: Final = 8
"""Frames are numbered 1 to 7, 0, 1 and so on."""

_TRAILER: Final = 3
"""After the text: ETB or ETX and two digits of the checksum; CR and LF follow, and are left out by some."""


class Event(NamedTuple):
    """One thing that came: `enquiry`, `frame`, `repeat`, `refused` or `end`, with the answer to it (none to `end`).

    `text` is what a frame adds to the records; `last` is false where the record goes on in the next frame.
    """

    kind: str
    answer: str = ""
    text: bytes = b""
    last: bool = True
    note: str = ""


def checksum(frame: bytes) -> bytes:
    """Return the two hexadecimal digits over a frame from its number to ETB or ETX: the sum of the bytes modulo 256."""
    return b"%02X" % (sum(frame) % 256)


class Receiver:
    """Takes events out of bytes as they come. `largest` bounds one frame; what is beyond it is refused."""

    def __init__(self, largest: int = MAX_TRANSMISSION_BYTES) -> None:
        self.largest = largest
        self.ignored = 0
        """bytes that were neither frame nor control character"""
        self._buffer = bytearray()
        self._scanned = 1
        self._expected = 1
        self._last = b""

    @property
    def waiting(self) -> int:
        """Return how many bytes of an unfinished frame are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete, in order."""
        self._buffer += data
        events: list[Event] = []
        while self._buffer:
            event = self._control() if self._buffer[0] != STX else self._frame()
            if event is None:
                break
            if event.kind:
                events.append(event)
        return events

    def _control(self) -> Event | None:
        first = self._buffer[0]
        if first == ENQ:
            del self._buffer[:1]
            self._expected, self._last = 1, b""
            return Event("enquiry", ACK)
        if first == EOT:
            del self._buffer[:1]
            return Event("end")
        begins = _BEGINS.search(self._buffer)
        noise = bytes(self._buffer[: begins.start() if begins else len(self._buffer)])
        del begins  # it holds the buffer, which could not be shortened
        self.ignored += len(noise.translate(None, b"\r\n\0"))
        del self._buffer[: len(noise)]
        return Event("")

    def _frame(self) -> Event | None:
        mark = _MARK.search(self._buffer, self._scanned)
        end = mark.start() if mark else len(self._buffer)
        del mark
        if end < len(self._buffer) and self._buffer[end] not in (ETX, ETB):
            self._drop(end)
            return Event("refused", NAK, note="a frame without its end")
        if len(self._buffer) < end + _TRAILER:
            if len(self._buffer) <= self.largest:
                self._scanned = end
                return None
            self._drop(len(self._buffer))
            return Event("refused", NAK, note=f"a frame of more than {self.largest} bytes")
        frame, said = bytes(self._buffer[1 : end + 1]), bytes(self._buffer[end + 1 : end + _TRAILER])
        self._drop(end + _TRAILER)
        return self._judged(frame, said)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._scanned = 1

    def _judged(self, frame: bytes, said: bytes) -> Event:
        number = frame[:1]
        if said.upper() != checksum(frame):
            return Event("refused", NAK, note=f"frame {number.decode('ascii', 'replace')}: checksum {checksum(frame).decode()} is right")
        if number == b"%d" % self._expected:
            self._expected = (self._expected + 1) % _FRAME_NUMBERS
            self._last = frame
            return Event("frame", ACK, frame[1:-1], frame[-1] == ETX)
        if self._last and number == self._last[:1]:
            note = "" if frame == self._last else f"frame {number.decode()} came again with other text; the first is kept"
            return Event("repeat", ACK, note=note)
        return Event("refused", NAK, note=f"frame {number.decode('ascii', 'replace')} came where {self._expected} is next")
