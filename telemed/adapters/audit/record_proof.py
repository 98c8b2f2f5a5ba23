"""The record against the digests that the audit trail has of it: reports, patients, consents, critical values, files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.audit.attestation import GONE, AttestedLine, all_lines
from telemed.adapters.audit.trail import Trail
from telemed.domain.attestation import FORM, AttestedKind

WORDS: Final[Mapping[AttestedKind, str]] = {
    AttestedKind.REPORT: "released report",
    AttestedKind.IDENTITY: "patient at release of case",
    AttestedKind.CONSENT: "consent",
    AttestedKind.CRITICAL: "critical value",
    AttestedKind.PATIENT: "record of patient",
    AttestedKind.EVIDENCE: "entry of file",
}

PLURALS: Final[Mapping[AttestedKind, str]] = {
    AttestedKind.REPORT: "released reports",
    AttestedKind.IDENTITY: "patients at release",
    AttestedKind.CONSENT: "consents",
    AttestedKind.CRITICAL: "critical values",
    AttestedKind.PATIENT: "records of patients",
    AttestedKind.EVIDENCE: "entries of files",
}


@dataclass(slots=True)
class RecordProof:
    """How many of each kind are as the trail says, how many are older than digests, and what is wrong."""

    good: dict[AttestedKind, int] = field(default_factory=dict)
    older: dict[AttestedKind, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


async def prove_record(engine: AsyncEngine, trail: Trail) -> RecordProof:
    """Recompute every digest from the rows. What the trail tells of and no row has is missing."""
    proof, left = RecordProof(), dict(trail.attested)
    for kind in AttestedKind:
        proof.good[kind] = proof.older[kind] = 0
        async for line in all_lines(engine, kind):
            fault = _fault_of(line, left.pop(line.subject, None), trail)
            if fault == OLDER:
                proof.older[kind] += 1
            elif fault:
                proof.faults.append(
                    f"{_named(line.subject)}{f' of case {line.case}' if line.case and kind is not AttestedKind.REPORT else ''} {fault}"
                )
            else:
                proof.good[kind] += 1
    proof.faults += [f"{_named(subject)} is missing" for subject, digest in left.items() if digest != GONE]
    return proof


OLDER: Final = "is older than digests"


def _fault_of(line: AttestedLine, attested: str | None, trail: Trail) -> str:
    if line.digest is None:
        return "cannot be read any more"
    if attested is None:
        new = trail.attested_since is not None and line.moment is not None and line.moment >= trail.attested_since
        return "is on no record of the trail" if new else OLDER
    if attested == GONE:
        return "is there again: the trail says that it was taken away"
    if attested.partition(":")[0] != FORM:
        return f"has a digest of form {attested.partition(':')[0]}, which this version does not know"
    return "" if attested == line.digest else "was changed"


def _named(subject: str) -> str:
    """`report/CASE/2` in words."""
    kind, *key = subject.split("/")
    word = WORDS[AttestedKind(kind)] if kind in set(AttestedKind) else kind
    return f"{word} {key[0]}, version {key[1]}," if kind == AttestedKind.REPORT else f"{word} {'/'.join(key)}"
