"""The form that is digested: the same facts are the same bytes, whatever order, zone or kind of number they come in."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.attestation import FIELDS, AttestedKind, canonical, digest_of_record

CONSENT: dict[str, Any] = {
    "id": 7,
    "case_id": "c1",
    "giver": "patient",
    "signed_name": "张伟",
    "evidence_id": None,
    "recorded_by": "clinic1",
    "recorded_at": datetime(2026, 1, 31, 8, 15, tzinfo=UTC),
}

AS_BYTES = (
    '{"facts":{"case_id":"c1","evidence_id":null,"giver":"patient","id":7,"recorded_at":"2026-01-31T08:15:00.000000Z",'
    '"recorded_by":"clinic1","signed_name":"张伟"},"form":"telemed-record-1","kind":"consent"}'
).encode()


def test_the_form_is_as_the_documents_say() -> None:
    assert canonical(AttestedKind.CONSENT, CONSENT) == AS_BYTES
    assert digest_of_record(AttestedKind.CONSENT, CONSENT) == "1:" + hashlib.sha256(AS_BYTES).hexdigest()


def test_order_and_zone_make_no_difference_and_other_columns_do_not_count() -> None:
    there = CONSENT["recorded_at"].astimezone(timezone(timedelta(hours=8)))
    other = dict(reversed(CONSENT.items())) | {"recorded_at": there, "revision": 4}
    assert canonical(AttestedKind.CONSENT, other) == AS_BYTES


@pytest.mark.parametrize("name", FIELDS[AttestedKind.CONSENT])
def test_every_field_makes_a_difference(name: str) -> None:
    assert canonical(AttestedKind.CONSENT, CONSENT | {name: "other"}) != AS_BYTES


@pytest.mark.parametrize("kind", list(AttestedKind))
def test_no_two_kinds_have_the_same_form(kind: AttestedKind) -> None:
    facts = dict.fromkeys({name for names in FIELDS.values() for name in names}, "x")
    others = [canonical(other, facts) for other in AttestedKind if other is not kind]
    assert canonical(kind, facts) not in others


leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))


def reordered(value: Any) -> Any:
    """The same, every mapping the other way round, whole numbers as the other kind of number."""
    if isinstance(value, dict):
        return {name: reordered(each) for name, each in reversed(value.items())}
    if isinstance(value, list):
        return [reordered(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


@given(st.dictionaries(st.text(max_size=8), values, max_size=6))
def test_sections_in_any_order_are_the_same_bytes(sections: dict[str, Any]) -> None:
    facts = dict.fromkeys(FIELDS[AttestedKind.REPORT]) | {"released_at": date(2026, 1, 31)}
    one = canonical(AttestedKind.REPORT, facts | {"sections": sections})
    assert one == canonical(AttestedKind.REPORT, facts | {"sections": reordered(sections)})
    assert one.decode("utf-8", "surrogatepass")
