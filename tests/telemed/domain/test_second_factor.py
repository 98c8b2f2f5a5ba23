"""Codes by time against the vectors of RFC 6238 and RFC 4226, their window, and the times that half sessions and recoveries last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from telemed.domain.second_factor import (
    RECOVERY_CODE_BYTES,
    RECOVERY_FOR,
    Factor,
    Factors,
    Recovery,
    RecoveryState,
    base32,
    in_groups,
    is_totp,
    matching_step,
    step_at,
    totp,
    totp_address,
    typed,
)
from tests.telemed.moments import NOON

SECRET = b"12345678901234567890"
"""Of the appendices of both."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    step = step_at(datetime.fromtimestamp(seconds, UTC))
    assert totp(SECRET, step, 8) == code
    assert totp(SECRET, step) == code[2:]


@pytest.mark.parametrize(
    ("step", "code"), list(enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]))
)
def test_codes_are_those_of_rfc_4226(step: int, code: str) -> None:
    assert totp(SECRET, step) == code


@pytest.mark.parametrize(("away", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_taken_one_step_before_and_after(away: int, taken: bool) -> None:
    step = step_at(NOON) + away
    assert matching_step(SECRET, totp(SECRET, step), NOON, 0) == (step if taken else None)


@pytest.mark.parametrize(("last", "taken"), [(-1, True), (0, False), (1, False)])
def test_no_code_is_taken_that_is_not_newer_than_the_last(last: int, taken: bool) -> None:
    here = step_at(NOON)
    assert (matching_step(SECRET, totp(SECRET, here), NOON, here + last) is not None) is taken


@pytest.mark.parametrize("code", ["", "000000", "１２３４５６", "abcdef", "12345"])
def test_what_is_no_code_fits_no_step(code: str) -> None:
    assert matching_step(SECRET, code, NOON, 0) is None


@pytest.mark.parametrize(("code", "is_one"), [("123456", True), ("12345", False), ("1234567", False), ("12345A", False), ("", False)])
def test_six_digits_are_a_code_by_time(code: str, is_one: bool) -> None:
    assert is_totp(code) is is_one


def test_a_code_for_recovery_is_read_however_it_is_typed() -> None:
    code = base32(bytes(range(RECOVERY_CODE_BYTES)))
    assert len(code) == 24
    assert typed(in_groups(code)) == typed(f" {in_groups(code).lower().replace('-', ' ')}") == code


def test_an_app_reads_the_address() -> None:
    address = urlsplit(totp_address(SECRET, "远程诊断", "clinic1"))
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert parse_qs(address.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["远程诊断"],
        "digits": ["6"],
        "period": ["30"],
    }


@pytest.mark.parametrize(("past", "open_"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("way", [1, -1])
def test_a_request_waits_for_a_day_whichever_way_the_clock_was_set(past: int, open_: bool, way: int) -> None:
    asked = Recovery("1", "clinic1", "secadmin", NOON, "x")
    assert asked.open(NOON + way * (RECOVERY_FOR + timedelta(seconds=past))) is open_


def test_what_was_confirmed_is_not_open() -> None:
    assert not Recovery("1", "clinic1", "secadmin", NOON, "x", RecoveryState.CONFIRMED).open(NOON)


@pytest.mark.parametrize(
    ("factors", "kinds"),
    [
        (Factors(False, (), 10), ()),
        (Factors(True, (), 0), (Factor.TOTP,)),
        (Factors(True, (), 1), (Factor.TOTP, Factor.RECOVERY_CODE)),
    ],
)
def test_codes_for_recovery_alone_are_no_factor(factors: Factors, kinds: tuple[Factor, ...]) -> None:
    assert factors.kinds == kinds
