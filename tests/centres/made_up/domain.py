"""Audiograms: the faintest tone that each ear hears."""

from __future__ import annotations

from dataclasses import dataclass

from telemed.domain.events import EventKind
from telemed.domain.evidence import EvidenceKind, EvidenceType
from telemed.domain.jobs import JobType


class AudiometryEvent(EventKind):
    """Lines of a case's history."""

    READ = "audiogram-read"


class AudiometryJob(JobType):
    """Jobs of the centre."""

    READ = "read-audiogram"


AUDIOGRAMS = EvidenceKind(EvidenceType("audiogram"), "Audiograms", "No audiogram yet", "wave-square", read_by=AudiometryJob.READ)
HEAD = b"AUDIOGRAM 1\n"


@dataclass(frozen=True, slots=True)
class Audiogram:
    """Hearing thresholds in dB HL, and the stored object that holds them."""

    evidence_id: str
    case_id: str
    right: int
    left: int
    key: str
    sha256: str


class NoAudiogram(ValueError):
    """The file is no audiogram; the message says where it ends to be one."""


def thresholds(content: bytes) -> tuple[int, int]:
    """Return the thresholds of the right and the left ear, in dB HL. Raises NoAudiogram."""
    lines = content.removeprefix(HEAD).decode("ascii", errors="replace").split()
    if not content.startswith(HEAD) or len(lines) != 2 or not all(line.isdigit() for line in lines):
        raise NoAudiogram("two whole numbers are expected behind the first line")
    return int(lines[0]), int(lines[1])
