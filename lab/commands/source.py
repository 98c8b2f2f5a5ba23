"""What a subcommand is given: a file or standard input, and whether it is HL7 or ASTM."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from lab import hl7
from lab.astm import Session, read
from lab.errors import BadTable, TooLarge
from lab.hl7 import Message
from lab.hl7.character_sets import codec_named
from lab.instruments import profile
from lab.limits import MAX_MESSAGE_BYTES

_ASTM = (b"\x05", b"\x02", b"H|", b"H!")


def content(chosen: Namespace) -> bytes:
    """Return the bytes of the file. Raises TooLarge, OSError."""
    if chosen.file == "-":
        raw = sys.stdin.buffer.read(MAX_MESSAGE_BYTES + 1)
    else:
        with Path(chosen.file).open("rb") as file:
            raw = file.read(MAX_MESSAGE_BYTES + 1)
    if len(raw) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"it has more than {MAX_MESSAGE_BYTES} bytes")
    return raw


def is_astm(raw: bytes) -> bool:
    """True if the bytes begin as an ASTM line does."""
    return raw.lstrip(b"\r\n\0").startswith(_ASTM)


def messages(chosen: Namespace, raw: bytes) -> list[Message]:
    """Return the HL7 messages of the bytes. Raises LabError."""
    return [hl7.parse(each, chosen.character_set) for each in hl7.messages(raw)]


def session(chosen: Namespace, raw: bytes) -> Session:
    """Return what an ASTM line says. Raises LabError."""
    instrument = profile(chosen.profile)
    if chosen.character_set:
        if codec_named(chosen.character_set) is None:
            raise BadTable(f"the character set {chosen.character_set!r} is not known")
        instrument = instrument.in_character_set(chosen.character_set)
    return read(raw, instrument)
