"""Every limit of the port, met exactly, just kept and just passed: one row for each field of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_gateway.rate_limiter import RateLimiter
from dicom_gateway.upper_layer.limits import Limits
from dicom_gateway.upper_layer.states import State

LIMITS = Limits(rate=50.0)
INSTANT = 0.001  # seconds


@dataclass
class Moment:
    """An association whose object began, and which was last heard of, at these moments."""

    state: State = State.ESTABLISHED
    busy: bool = False
    begun: float = 0.0
    touched: float = 0.0
    gathered: int = 0


def waits_for_request(seconds: float) -> bool:
    return not LIMITS.overdue(Moment(State.AWAITING_REQUEST, touched=seconds), seconds)


def waits_for_close(seconds: float) -> bool:
    return not LIMITS.overdue(Moment(State.AWAITING_CLOSE, begun=-1000), seconds)


def waits_for_operation(seconds: float) -> bool:
    return not LIMITS.overdue(Moment(), seconds)


def waits_for_bytes(seconds: float) -> bool:
    return not LIMITS.overdue(Moment(begun=seconds, gathered=1), seconds)


def takes_object_at(speed: float) -> bool:
    """An object that has come so fast, for a little longer than speed does not count."""
    seconds = LIMITS.stalled + 4
    return not LIMITS.overdue(Moment(touched=seconds, gathered=round(speed * seconds)), seconds)


def takes_slow_object_for(seconds: float) -> bool:
    return not LIMITS.overdue(Moment(touched=seconds, gathered=1), seconds)


def answers_at_once(instances: float) -> bool:
    """So many a second, for the two seconds that may come at once."""
    limiter = RateLimiter(LIMITS.rate, burst=2.0)
    return sum(limiter.reserve("CLINIC1", 1000.0) for _ in range(round(2 * instances))) == 0


# Field -> (what is allowed at a value, the smallest step, +1 where more is refused and -1 where less is).
BOUNDARIES: list[tuple[str, Callable[[float], bool], float, int]] = [
    ("associations", lambda n: LIMITS.allow(round(n), 1, 1), 1, 1),
    ("associations_per_address", lambda n: LIMITS.allow(round(n), round(n), 1), 1, 1),
    ("associations_per_title", lambda n: LIMITS.allow(round(n), 1, round(n)), 1, 1),
    ("request", waits_for_request, INSTANT, 1),
    ("request", waits_for_close, INSTANT, 1),
    ("idle", waits_for_operation, INSTANT, 1),
    ("stalled", waits_for_bytes, INSTANT, 1),
    ("stalled", takes_slow_object_for, INSTANT, 1),
    ("slowest", takes_object_at, 1, -1),
    ("rate", answers_at_once, 0.5, 1),
]


def test_every_limit_has_its_boundary() -> None:
    assert {name for name, *_ in BOUNDARIES} == {field.name for field in fields(Limits)}


@pytest.mark.parametrize(("name", "allowed", "step", "side"), BOUNDARIES, ids=[f"{row[0]}-{row[1].__name__}" for row in BOUNDARIES])
def test_a_limit_holds_exactly(name: str, allowed: Callable[[float], bool], step: float, side: int) -> None:
    limit = getattr(LIMITS, name)
    assert allowed(limit - side * step)
    assert allowed(limit)
    assert not allowed(limit + side * step)


@pytest.mark.parametrize("state", sorted(set(State) - {State.AWAITING_REQUEST, State.AWAITING_CLOSE, State.ESTABLISHED}, key=str))
def test_no_time_runs_in_other_states(state: State) -> None:
    assert not LIMITS.overdue(Moment(state), 1e9)


def test_no_time_runs_while_the_peer_waits_for_us() -> None:
    assert not LIMITS.overdue(Moment(busy=True), 1e9)
    assert not LIMITS.overdue(Moment(busy=True, gathered=1), 1e9)


def test_without_a_rate_nothing_waits() -> None:
    limiter = RateLimiter(replace(LIMITS, rate=None).rate, burst=2.0)
    assert sum(limiter.reserve("CLINIC1", 0.0) for _ in range(10_000)) == 0


@given(steps=st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 2), st.booleans()), max_size=80))
def test_no_key_gets_more_than_its_rate(steps: list[tuple[str, float, bool]]) -> None:
    """However events come: those of any window of `t` seconds are at most the burst and what the rate gives in `t`."""
    rate, burst, now = 4.0, 3.0, 100.0
    limiter = RateLimiter(rate, burst)
    happened: dict[str, list[float]] = {"a": [], "b": []}
    for key, later, may_wait in steps:
        now += later
        wait = limiter.reserve(key, now) if may_wait else limiter.acquire(key, now)
        if may_wait or not wait:
            happened[key].append(now + wait)
        assert wait >= 0
    for moments in happened.values():
        for first in range(len(moments)):
            for last in range(first, len(moments)):
                assert last - first + 1 <= rate * (burst + moments[last] - moments[first]) + 1e-3


def test_what_is_refused_is_not_counted_and_the_wait_is_exact() -> None:
    limiter = RateLimiter(20 / 60, burst=60.0)
    assert [limiter.acquire("127.0.0.1", 500.0) for _ in range(20)] == [0.0] * 20
    for _ in range(3):
        assert limiter.acquire("127.0.0.1", 501.0) == pytest.approx(2.0)
    assert limiter.acquire("127.0.0.2", 501.0) == 0.0
    assert limiter.acquire("127.0.0.1", 503.0) == 0.0
    assert limiter.acquire("127.0.0.1", 503.0) == pytest.approx(3.0)


def test_of_too_many_keys_the_least_recent_is_forgotten() -> None:
    limiter = RateLimiter(1.0, burst=1.0, max_keys=2)
    assert [limiter.acquire(key, 10.0) for key in ("a", "b", "a", "c", "b")] == [0.0, 0.0, 1.0, 0.0, 1.0]
    assert limiter.acquire("a", 10.0) == 0.0  # it was not used since: a refusal is no use
    limiter = RateLimiter(1.0, burst=1.0, max_keys=2)
    assert [limiter.reserve(key, 10.0) for key in ("a", "b", "a", "c")] == [0.0, 0.0, 1.0, 0.0]
    assert limiter.acquire("a", 10.0) == 2.0  # remembered: "b" was the least recent
