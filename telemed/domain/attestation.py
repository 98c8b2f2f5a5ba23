"""What the audit trail says of the record by digest, so that a change behind the platform's back is named.

Whenever a released report, the patient as the answered case shows them, a consent, a critical value, a patient's record or a file
is written, the trail takes the SHA-256 of it into the chain in the same transaction. `FIELDS` says what of each is covered;
`canonical` is the form that is digested.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

FORM = "1"
"""Version of the form. Another list of fields, or another way to write them, is another version; what is on record keeps its own."""


class AttestedKind(StrEnum):
    """What a digest is of."""

    REPORT = "report"
    IDENTITY = "identity"
    CONSENT = "consent"
    CRITICAL = "critical"
    PATIENT = "patient"
    EVIDENCE = "evidence"


FIELDS: Mapping[AttestedKind, tuple[str, ...]] = {
    AttestedKind.REPORT: (
        "case_id", "version", "kind", "status", "sections", "result", "acknowledged", "reason", "hub", "author", "reviewer", "review_note",
        "created_at", "signed_at", "reviewed_at", "released_at", "verification_code", "pdf_key", "pdf_sha256",
    ),
    AttestedKind.IDENTITY: (
        "id", "centre", "member", "accession_number", "patient_id", "patient_name", "patient_sex", "patient_birth_date", "completed_at",
    ),
    AttestedKind.CONSENT: ("id", "case_id", "giver", "signed_name", "evidence_id", "recorded_by", "recorded_at"),
    AttestedKind.CRITICAL: (
        "id", "case_id", "finding", "status", "found_by", "found_at", "due_at", "told_whom", "told_how", "read_back", "told_by", "told_at",
        "acknowledged_by", "acknowledged_at", "action", "action_by", "action_at", "withdrawn_reason", "escalations",
    ),
    AttestedKind.PATIENT: ("id", "member", "name", "sex", "birth_date", "phone", "numbers"),
    AttestedKind.EVIDENCE: ("id", "case_id", "media_type", "key", "size", "sha256", "added_by", "added_at"),
}  # fmt: skip
"""Fields by kind, as form 1 has them. Numbers and telephones are taken as they lie in the database, sealed: proving them needs no key."""


@dataclass(frozen=True, slots=True, order=True)
class Attested:
    """One thing that the trail has a digest of. `key` is its id; of a report the case and the version."""

    kind: AttestedKind
    key: tuple[str, ...]

    @property
    def subject(self) -> str:
        """As the trail names it: `report/CASE/1`."""
        return "/".join((self.kind.value, *self.key))


def canonical(kind: AttestedKind, facts: Mapping[str, Any]) -> bytes:
    """Return the facts in the form that is digested: JSON in UTF-8 without white space, names in the order of their characters.

    Moments are in UTC with six digits of the second, dates as `1961-03-05`, whole numbers without a decimal point, other numbers in the
    fewest digits that give them again. So neither the order of fields, nor the language of a reader, nor the database makes a difference.
    """
    content = {"facts": {name: _plain(facts[name]) for name in FIELDS[kind]}, "form": f"telemed-record-{FORM}", "kind": kind.value}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def digest_of_record(kind: AttestedKind, facts: Mapping[str, Any]) -> str:
    """Return the form's version and the SHA-256 of the canonical form in hex digits: `1:...`."""
    return f"{FORM}:{hashlib.sha256(canonical(kind, facts)).hexdigest()}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
