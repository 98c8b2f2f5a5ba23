"""ASTM E1381/E1394 (CLSI LIS1-A, LIS2-A2): what analysers say that know no HL7."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import chain

from lab.astm.frames import ACK, ANSWERS, NAK, Event, Receiver
from lab.astm.records import Result, Transmission, read_records
from lab.errors import UnreadableTransmission
from lab.instruments import Profile, profile
from lab.limits import MAX_TRANSMISSION_BYTES

__all__ = ["ACK", "ANSWERS", "NAK", "Event", "Receiver", "Result", "Session", "Transmission", "read", "read_transmission"]


@dataclass(slots=True)
class Session:
    """What was said on a line: the answers a receiver gives, in order (`ACK`, `NAK`), and the transmissions it kept."""

    answers: list[str] = field(default_factory=list)
    transmissions: list[Transmission] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def results(self) -> list[Result]:
        """Return the results of all transmissions."""
        return list(chain.from_iterable(each.results for each in self.transmissions))


def read(raw: bytes, of: Profile | None = None, zone: tzinfo | None = None) -> Session:
    """Return what a captured line says: frames, or the bare records that some instruments write into files.

    `of` is the instrument's profile, `zone` that of its clock. Raises UnreadableTransmission where there is neither frame nor record,
    or beyond `lab.limits`.
    """
    if len(raw) > MAX_TRANSMISSION_BYTES:
        raise UnreadableTransmission(f"{len(raw)} bytes; {MAX_TRANSMISSION_BYTES} are read")
    instrument = of or profile()
    session = Session()
    if b"\x02" not in raw and b"\x05" not in raw:
        session.transmissions.append(read_transmission(raw, instrument, zone))
        return session
    receiver = Receiver()
    kept = bytearray()
    for event in receiver.feed(raw):
        session.answers += [event.answer] if event.answer else []
        session.notes += [event.note] if event.note else []
        if event.kind == "frame":
            kept += event.text + (b"\r" if event.last and not event.text.endswith(b"\r") else b"")
        elif event.kind in ("enquiry", "end") and kept:
            if event.kind == "enquiry":
                session.notes.append("a transmission was broken off by another")
            session.transmissions.append(read_transmission(bytes(kept), instrument, zone))
            kept.clear()
    if kept or receiver.waiting:
        session.notes.append("the transmission did not end")
    if kept:
        session.transmissions.append(read_transmission(bytes(kept), instrument, zone))
    return session


def read_transmission(records: bytes, of: Profile, zone: tzinfo | None = None) -> Transmission:
    """Return what the bytes of the records of one transmission say, in the profile's character set.

    Raises UnreadableTransmission where they do not fit it or do not begin with a header.
    """
    try:
        text = records.decode(of.codec)
    except UnicodeDecodeError as error:
        wrong = records[error.start : error.end][:4].hex(" ").upper()
        raise UnreadableTransmission(
            f"{wrong} does not fit the character set {of.character_set} of profile {of.name}; set the instrument's own there", error.start
        ) from None
    return read_records(text, of, zone)
