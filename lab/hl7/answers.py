"""Answers to messages: ACK and ORL^O22, written so that the sender finds its own control id in them.

An answer is written with the delimiters, the version and the character set of the message it answers, where these could be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lab.errors import CONDITIONS, UnreadableMessage
from lab.hl7.character_sets import codec_named
from lab.hl7.datatypes import Code, Identifier
from lab.hl7.delimiters import STANDARD, Delimiters, read_delimiters
from lab.hl7.header import ENHANCED, ORIGINAL, Header
from lab.hl7.message import Message
from lab.hl7.times import write_time
from lab.hl7.writing import LAST_VERSION_OF_OLD_ERR, Field, encoded, line

ACCEPTED, ERROR, REJECTED = "accepted", "error", "rejected"

CODES: Final = {
    (ORIGINAL, ACCEPTED): "AA",
    (ORIGINAL, ERROR): "AE",
    (ORIGINAL, REJECTED): "AR",
    (ENHANCED, ACCEPTED): "CA",
    (ENHANCED, ERROR): "CE",
    (ENHANCED, REJECTED): "CR",
}
"""MSA-1 (HL7 table 0008) of the first answer. In enhanced mode it says that the message is in safe storage (section 2.9.3)."""


def code_for(header: Header | None, outcome: str) -> str:
    """Return MSA-1 of the first answer to a message: `outcome` is accepted, error or rejected."""
    return CODES[header.mode if header is not None else ORIGINAL, outcome]


MAX_SAID: Final = 250
"""Longest text of a fault (ERR-8 holds no more in 2.5.1)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One ERR: a condition of HL7 table 0357, where it is, and what it says to a person."""

    condition: str
    text: str
    segment: str = ""
    field: int = 0
    severity: str = "E"

    @classmethod
    def of(cls, error: UnreadableMessage) -> Fault:
        """Return the fault that an error of the parser describes."""
        return cls(error.condition, error.reason[:MAX_SAID], error.segment, error.field)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What becomes of one order of an OML^O21: ORC-1 is OK (accepted) or UA (unable to accept), ORC-5 its status (table 0038)."""

    control: str
    placer: Identifier
    filler: Identifier
    code: Code
    status: str = ""


class _Reply:
    """The manner of an answer: what of MSH could be read decides it."""

    def __init__(self, answered: Message | Header | None) -> None:
        header = answered.header if isinstance(answered, Message) else answered
        self.header = header or Header("|", ())
        self.delimiters = _delimiters(header)
        self.character_set = (answered.character_set if isinstance(answered, Message) else self.header.first(18)) or "UNICODE UTF-8"
        self.codec = codec_named(self.character_set) or ""
        self.decoded = isinstance(answered, Message)
        if not self.decoded and not _decodes("".join(self._echoed(number) for number in (3, 4, 5, 6, 10)), self.codec):
            self.character_set, self.codec = "8859/1", "latin-1"
        self.version = self.header.version if self.header.version.startswith("2.") else "2.5.1"

    def _echoed(self, number: int) -> str:
        """Return a field as it was sent, where the answer has the same delimiters; else its first component."""
        sent = self.header.field(number)
        return sent if self.delimiters.encoding_characters == self.header.field(2) else self.header.first(number)

    def field(self, number: int) -> str:
        """Return the text to be put back for MSH-`number`."""
        echoed = self._echoed(number)
        return echoed if self.decoded else echoed.encode("latin-1").decode(self.codec)

    def lines(self, kind: str, code: str, control_id: str, at: datetime, faults: Iterable[Fault]) -> list[str]:
        """Return MSH, MSA and ERR."""
        faults = list(faults)
        separator = self.delimiters.field
        head: dict[int, Field] = {
            7: write_time(at),
            9: tuple(kind.split("^")),
            10: control_id,
            11: self.header.processing_id or "P",
            12: self.version,
            18: self.character_set,
        }
        msh = line("MSH", head, self.delimiters).split(separator)
        msh[2:6] = [self.field(number) for number in (5, 6, 3, 4)]
        said = "; ".join(fault.text for fault in faults)
        msa = line("MSA", {1: code, 3: said}, self.delimiters).split(separator)
        msa[2:3] = [self.field(10)]
        return [separator.join(msh), separator.join(msa), *(self.err(fault) for fault in faults)]

    def err(self, fault: Fault) -> str:
        """Return ERR in the form of the message's version."""
        name = CONDITIONS.get(fault.condition, "")
        if self.version <= LAST_VERSION_OF_OLD_ERR:
            return line("ERR", {1: (fault.segment, "1", str(fault.field or ""), (fault.condition, name, "HL70357"))}, self.delimiters)
        place = (fault.segment, "1", str(fault.field)) if fault.segment and fault.field else (fault.segment,)
        return line("ERR", {2: place, 3: (fault.condition, name, "HL70357"), 4: fault.severity, 8: fault.text}, self.delimiters)


def acknowledge(answered: Message | Header | None, code: str, *, control_id: str, at: datetime, faults: Iterable[Fault] = ()) -> bytes:
    """Return the ACK to a message, or to what could be read of it. `control_id` is the answer's own, `at` its time with a zone."""
    reply = _Reply(answered)
    event = reply.header.type.partition("^")[2]
    return _bytes(reply, reply.lines(f"ACK^{event}^ACK" if event.isalnum() else "ACK", code, control_id, at, faults))


def respond_to_order(
    answered: Message, code: str, orders: Iterable[OrderAnswer], *, control_id: str, at: datetime, faults: Iterable[Fault] = ()
) -> bytes:
    """Return the ORL^O22 to an OML^O21 (HL7 v2.5.1 section 4.4.7): MSH MSA ERR* [PID {ORC OBR}]."""
    reply = _Reply(answered)
    lines = reply.lines("ORL^O22^ORL_O22", code, control_id, at, faults)
    answers = list(orders)
    if answers:
        lines += [segment.line for segment in answered.segments("PID")[:1]]
    for number, order in enumerate(answers, 1):
        numbers: dict[int, Field] = {2: order.placer, 3: order.filler}
        lines.append(line("ORC", {1: order.control, **numbers, 5: order.status, 9: at}, reply.delimiters))
        lines.append(line("OBR", {1: number, **numbers, 4: order.code}, reply.delimiters))
    return _bytes(reply, lines)


def _bytes(reply: _Reply, lines: list[str]) -> bytes:
    if reply.codec == "latin-1":
        return ("\r".join(lines) + "\r").encode("latin-1", "replace")
    return encoded(lines, reply.character_set)


def _decodes(raw: str, codec: str) -> bool:
    """True if characters that stand for bytes are text in a codec that is known."""
    try:
        raw.encode("latin-1").decode(codec)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _delimiters(header: Header | None) -> Delimiters:
    """Return those of the message where an answer can be written with them: there must be an escape and all separators."""
    if header is None:
        return STANDARD
    separator = header.field_separator
    try:
        found = read_delimiters(f"MSH{separator}{header.field(2)}{separator}".encode("latin-1"))
    except UnreadableMessage:
        return STANDARD
    return found if found.repetition and found.escape and found.subcomponent else STANDARD
