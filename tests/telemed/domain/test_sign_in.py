"""Limits on attempts to give a password: below, at and above each, and when the clock is set back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telemed.domain.people import SessionLimits
from telemed.domain.sign_in import LIMITS, NO_WAIT, AttemptLimit, Attempts, GrowingWait, Scope, counted
from tests.telemed.moments import NOON

SECOND = timedelta(seconds=1)
QUARTER = timedelta(minutes=15)

PLAIN = {
    Scope.ALL: 600,
    Scope.ADDRESS: 30,
    Scope.ACCOUNT_AT_ADDRESS: 5,
    Scope.ACCOUNT_IN_BROWSER: 5,
    Scope.SESSION: 5,
    Scope.SECOND_FACTOR: 5,
}


def test_every_count_has_its_limit() -> None:
    assert LIMITS.keys() == {*PLAIN, Scope.ACCOUNT} == set(Scope)


@pytest.mark.parametrize("scope", PLAIN)
@pytest.mark.parametrize(("over", "waits"), [(-1, False), (0, True), (1, True)])
def test_at_the_number_of_attempts(scope: Scope, over: int, waits: bool) -> None:
    wait = LIMITS[scope].wait(Attempts(PLAIN[scope] + over, NOON, NOON), NOON)
    assert wait == (QUARTER if waits else NO_WAIT)


@pytest.mark.parametrize("scope", PLAIN)
@pytest.mark.parametrize(("past", "left"), [(-SECOND, SECOND), (timedelta(0), NO_WAIT), (SECOND, NO_WAIT)])
@pytest.mark.parametrize("way", [1, -1])
def test_at_the_end_of_the_wait_whichever_way_the_clock_was_set(scope: Scope, past: timedelta, left: timedelta, way: int) -> None:
    limit, full = LIMITS[scope], Attempts(PLAIN[scope], NOON, NOON)
    now = NOON + way * (QUARTER + past)
    assert limit.wait(full, now) == left
    assert limit.remembers(full, now) is bool(left)


@pytest.mark.parametrize("scope", PLAIN)
def test_addresses_are_counted_by_the_quarter_and_accounts_by_attempts_in_a_row(scope: Scope) -> None:
    limit, full = LIMITS[scope], Attempts(PLAIN[scope], NOON, NOON + QUARTER - SECOND)
    assert isinstance(limit, AttemptLimit)
    assert limit.since_first is (scope in (Scope.ALL, Scope.ADDRESS))
    assert limit.wait(full, NOON + QUARTER) == (NO_WAIT if limit.since_first else QUARTER - SECOND)


@pytest.mark.parametrize(("count", "seconds"), [(9, 0), (10, 30), (11, 60), (12, 120), (16, 1920), (17, 3600), (18, 3600), (10_000, 3600)])
def test_the_wait_of_an_account_grows_from_half_a_minute_to_an_hour(count: int, seconds: int) -> None:
    limit = LIMITS[Scope.ACCOUNT]
    assert isinstance(limit, GrowingWait)
    for way in (1, -1):
        for past in (-SECOND, timedelta(0), SECOND):
            now = NOON + way * (timedelta(seconds=seconds) + past)
            assert limit.wait(Attempts(count, NOON, NOON), now) == (SECOND if past < NO_WAIT and seconds else NO_WAIT)


@pytest.mark.parametrize(("past", "count"), [(-SECOND, 12), (timedelta(0), 1), (SECOND, 1)])
def test_an_account_is_as_before_after_a_day_of_quiet(past: timedelta, count: int) -> None:
    now = NOON + timedelta(days=1) + past
    assert counted(LIMITS[Scope.ACCOUNT], Attempts(11, NOON, NOON), now).count == count


def test_within_100_wrong_passwords_in_a_row_an_attacker_is_held_for_days() -> None:
    """NIST SP 800-63B 5.2.2: no more than 100; by then somebody has looked at the trail."""
    limit, so_far, now = LIMITS[Scope.ACCOUNT], Attempts(0, NOON, NOON), NOON
    for _ in range(100):
        now += limit.wait(so_far, now)
        so_far = counted(limit, so_far, now)
    assert now - NOON > timedelta(days=3)


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize(("past", "alive"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)])
def test_sessions_end_by_both_limits_whichever_way_the_clock_was_set(past: timedelta, alive: bool, way: int) -> None:
    limits = SessionLimits()
    now = NOON + way * (limits.idle + past)
    assert limits.alive(now, NOON, now) is alive
    now = NOON + way * (limits.longest + past)
    assert limits.alive(NOON, now, now) is alive
