"""How long what is kept: every period at, below and above its limit, holds, and the states of a request."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from telemed.centres import discover
from telemed.domain.errors import InvalidTransition, NotDue, UnderHold
from telemed.domain.retention import (
    INPATIENT,
    OPEN_FOR,
    OUTPATIENT,
    QUARANTINED,
    REQUEST,
    RULES,
    Basis,
    ErasureRequest,
    Hold,
    RecordKind,
    RequestState,
    Retained,
    RetentionPeriods,
    due_for_erasure,
    last_day,
    require_due,
)

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


def record(since: date = date(2010, 3, 5), years: int = 15, **more: object) -> Retained:
    return Retained(RecordKind.CASE, "0" * 32, "CLINIC1", since, years, **more)  # type: ignore[arg-type]


def hold(until: date | None = None, lifted_at: datetime | None = None) -> Hold:
    return Hold("1", RecordKind.CASE, "0" * 32, "诉讼", "operator", NOON, until, lifted_at=lifted_at)


@pytest.mark.parametrize(
    ("since", "years", "last"),
    [
        (date(2010, 3, 5), 15, date(2025, 3, 5)),
        (date(2010, 3, 5), 30, date(2040, 3, 5)),
        (date(2024, 2, 29), 15, date(2039, 2, 28)),  # no such day: the end of the month
        (date(2012, 2, 29), 16, date(2028, 2, 29)),
        (date(2010, 12, 31), 15, date(2025, 12, 31)),
    ],
)
def test_a_record_is_kept_to_the_end_of_its_last_day(since: date, years: int, last: date) -> None:
    kept = record(since, years)
    assert kept.kept_until == last_day(since, years) == last
    assert not due_for_erasure(kept, last - timedelta(days=1))
    assert not due_for_erasure(kept, last)
    assert due_for_erasure(kept, last + timedelta(days=1))


@pytest.mark.parametrize(("rule", "years"), [(OUTPATIENT, 15), (INPATIENT, 30), (QUARANTINED, 2)])
def test_the_years_of_each_rule(rule: object, years: int) -> None:
    periods = RetentionPeriods()
    assert periods.years_of(rule) == years  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "holds"), [(14, 15), (15, 15), (16, 16)])
def test_a_region_keeps_longer_than_the_law_and_never_shorter(asked: int, holds: int) -> None:
    assert RetentionPeriods({"outpatient": asked}).years_of(OUTPATIENT) == holds


def test_without_knowing_better_the_longer_period_holds() -> None:
    periods = RetentionPeriods(outpatient_members=frozenset({"CLINIC1"}))
    assert (periods.record_years("CLINIC1"), periods.record_years("CLINIC2")) == (15, 30)


def test_of_a_centres_own_rules_the_longest_holds() -> None:
    longer = Basis.PRACTICE
    own = type(OUTPATIENT)("own", "", 40, "", "", longer)
    assert RetentionPeriods().record_years("CLINIC1", [own]) == 40
    for centre in discover().values():
        years = RetentionPeriods(outpatient_members=frozenset({"CLINIC1"})).record_years("CLINIC1", centre.retention)
        assert years >= 15, centre.code


def test_every_rule_has_a_source_and_the_trail_is_never_due() -> None:
    rules = [*RULES, *(rule for centre in discover().values() for rule in centre.retention)]
    assert all(rule.source for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)
    assert [rule.name for rule in rules if rule.years is None] == ["audit", "sessions", "backups"]


def test_what_is_worked_on_is_not_due() -> None:
    kept = record(finished=False)
    assert not due_for_erasure(kept, date(2060, 1, 1))
    with pytest.raises(NotDue) as refused:
        require_due(kept, date(2060, 1, 1))
    assert not refused.value.finished


class TestHold:
    TODAY = date(2030, 6, 15)

    @pytest.mark.parametrize(("until", "due"), [(date(2030, 6, 14), True), (date(2030, 6, 15), False), (date(2030, 6, 16), False)])
    def test_it_stands_to_the_end_of_its_last_day(self, until: date, due: bool) -> None:
        assert due_for_erasure(record(holds=[hold(until)]), self.TODAY) is due

    def test_without_a_day_it_stands_until_it_is_lifted(self) -> None:
        assert not due_for_erasure(record(holds=[hold()]), date(2200, 1, 1))
        assert due_for_erasure(record(holds=[hold(lifted_at=NOON)]), self.TODAY)

    def test_one_of_several_is_enough_and_the_longest_is_said(self) -> None:
        kept = record(holds=[hold(date(2030, 7, 1)), hold(date(2030, 8, 1)), hold(date(2031, 1, 1), NOON)])
        with pytest.raises(UnderHold) as refused:
            require_due(kept, self.TODAY)
        assert refused.value.until == date(2030, 8, 1)
        with pytest.raises(UnderHold) as refused:
            require_due(record(holds=[hold(date(2030, 7, 1)), hold()]), self.TODAY)
        assert refused.value.until is None


def test_before_its_period_the_day_is_said() -> None:
    with pytest.raises(NotDue) as refused:
        require_due(record(), date(2025, 3, 5))
    assert refused.value.kept_until == date(2025, 3, 5)
    require_due(record(), date(2025, 3, 6))


ALLOWED = {("asked", "confirm"): "confirmed", ("asked", "decline"): "declined", ("confirmed", "finish"): "done"}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(RequestState, ["confirm", "decline", "finish"])))
def test_every_pair_of_state_and_action(state: RequestState, action: str) -> None:
    if (state.value, action) in ALLOWED:
        assert REQUEST.next(state, action).value == ALLOWED[state.value, action]
    else:
        with pytest.raises(InvalidTransition):
            REQUEST.next(state, action)


@pytest.mark.parametrize(
    ("after", "is_open"), [(timedelta(0), True), (OPEN_FOR - timedelta(seconds=1), True), (OPEN_FOR, False), (-OPEN_FOR, False)]
)
def test_a_request_is_over_after_a_while(after: timedelta, is_open: bool) -> None:
    request = ErasureRequest("1", RecordKind.CASE, "sysadmin", NOON, "期满", 1)
    assert request.open(NOON + after) is is_open
