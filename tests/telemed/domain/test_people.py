"""Sessions and who a person is; what evidence looks like from its first bytes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.centres import discover
from telemed.domain.evidence import EvidenceType, kind_of, magic
from telemed.domain.people import SessionLimits
from telemed.service.files import all_kinds
from tests.telemed.moments import NOON

LIMITS = SessionLimits(idle=timedelta(minutes=30), longest=timedelta(hours=12))


@pytest.mark.parametrize(
    ("age", "silent", "alive"),
    [
        (timedelta(0), timedelta(0), True),
        (timedelta(hours=1), timedelta(minutes=29, seconds=59), True),
        (timedelta(hours=1), timedelta(minutes=30), False),
        (timedelta(hours=11, minutes=59), timedelta(0), True),
        (timedelta(hours=12), timedelta(0), False),
    ],
)
def test_a_session_ends_when_idle_and_in_any_case_after_its_longest(age: timedelta, silent: timedelta, alive: bool) -> None:
    assert LIMITS.alive(NOON - age, NOON - silent, NOON) is alive


KINDS = all_kinds(discover())


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (bytes(128) + b"DICM" + bytes(20), EvidenceType.DICOM_STUDY),
        (b"%PDF-1.7\n", EvidenceType.DOCUMENT),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", EvidenceType.DOCUMENT),
        (b"\x89PNG\r\n\x1a\n", EvidenceType.DOCUMENT),
    ],
)
def test_a_file_is_known_by_its_first_bytes(head: bytes, kind: EvidenceType) -> None:
    found = kind_of(head, KINDS)
    assert found is not None
    assert found.type is kind


@given(head=st.binary(max_size=300))
def test_any_bytes_are_judged_without_an_error(head: bytes) -> None:
    found = kind_of(head, KINDS)
    assert found is None or found in KINDS


def test_magic_looks_at_its_offset_only() -> None:
    recognise = magic(b"DICM", offset=4)
    assert recognise(b"xxxxDICM")
    assert not recognise(b"DICMxxxx")
    assert not recognise(b"xxxxDIC")
