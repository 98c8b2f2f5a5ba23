"""Routing: each rule that chooses a hub, passes it over, or moves a case on; and what happens when nobody is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.network import DutyPeriod, HubService, Network
from telemed.domain.routing import Outcome, RouteStep, Rule, advance, assign, current, plan
from tests.telemed.moments import NOON, ZONE, at

WEEK = frozenset(range(7))
OFFICE_HOURS = (DutyPeriod(frozenset(range(5)), time(8), time(18)),)


def network(*services: HubService, home: str = "SUB") -> Network:
    return Network(services={(s.centre, s.hub): s for s in services}, home_hubs={("imaging", "CLINIC"): home}, zone=ZONE)


SUB = HubService("SUB", "imaging", parent="CITY", covers=frozenset({"CT", "DX"}))
CITY = HubService("CITY", "imaging", parent="MAIN")
MAIN = HubService("MAIN", "imaging")


def told(route: tuple[RouteStep, ...]) -> list[tuple[str, str, str]]:
    return [(step.hub, str(step.rule), step.outcome.value) for step in route]


def planned(net: Network, need: str = "CT", now: datetime = NOON, member: str = "CLINIC") -> tuple[RouteStep, ...]:
    return plan(net, "imaging", member, need, now)


def moved(net: Network, route: tuple[RouteStep, ...], outcome: Outcome, rule: Rule, now: datetime = NOON) -> tuple[RouteStep, ...]:
    return advance(net, "imaging", "CLINIC", "CT", route, outcome, rule, "why", now)


class TestPlan:
    def test_the_home_hub_first_then_its_parents(self) -> None:
        assert told(planned(network(SUB, CITY, MAIN))) == [
            ("SUB", "home-hub", "offered"),
            ("CITY", "parent-hub", "planned"),
            ("MAIN", "parent-hub", "planned"),
        ]

    def test_the_offered_step_is_the_current_one_and_has_its_time(self) -> None:
        step = current(planned(network(SUB, CITY, MAIN)))
        assert step is not None
        assert (step.hub, step.at) == ("SUB", NOON)

    def test_a_hub_that_does_not_cover_the_modality_is_passed_over(self) -> None:
        assert told(planned(network(SUB, CITY, MAIN), need="MR"))[:2] == [
            ("SUB", "not-covered", "skipped"),
            ("CITY", "parent-hub", "offered"),
        ]

    def test_a_case_that_names_no_modality_goes_to_the_home_hub(self) -> None:
        assert current(planned(network(SUB, CITY, MAIN), need="")).hub == "SUB"  # type: ignore[union-attr]  # offered above

    def test_a_hub_with_nobody_on_duty_is_passed_over(self) -> None:
        net = network(replace(SUB, duty=OFFICE_HOURS), CITY, MAIN)
        assert told(planned(net, now=at("20:00")))[:2] == [("SUB", "nobody-on-duty", "skipped"), ("CITY", "parent-hub", "offered")]
        assert told(planned(net, now=at("09:00")))[0] == ("SUB", "home-hub", "offered")

    def test_a_hub_never_reads_its_own_cases(self) -> None:
        net = replace(network(SUB, CITY, MAIN), home_hubs={("imaging", "SUB"): "SUB"})
        assert told(planned(net, member="SUB")) == [("CITY", "parent-hub", "offered"), ("MAIN", "parent-hub", "planned")]

    def test_a_hub_can_be_a_member_elsewhere(self) -> None:
        net = replace(network(SUB, CITY, MAIN), home_hubs={("imaging", "SUB"): "MAIN"})
        assert told(planned(net, member="SUB")) == [("MAIN", "home-hub", "offered")]

    def test_a_cycle_of_parents_ends(self) -> None:
        net = network(SUB, replace(CITY, parent="SUB"))
        assert [step.hub for step in planned(net)] == ["SUB", "CITY"]

    def test_a_parent_that_is_not_there_ends_the_way(self) -> None:
        assert [step.hub for step in planned(network(SUB))] == ["SUB"]

    def test_a_member_without_a_hub_has_no_way(self) -> None:
        assert planned(network(SUB, CITY, MAIN), member="NOBODY") == ()

    def test_where_nobody_can_take_it_nothing_is_offered(self) -> None:
        route = planned(network(SUB, replace(CITY, parent=None, duty=())), need="MR")
        assert told(route) == [("SUB", "not-covered", "skipped"), ("CITY", "nobody-on-duty", "skipped")]
        assert current(route) is None


class TestAdvance:
    @pytest.mark.parametrize(
        ("outcome", "rule"),
        [
            (Outcome.DECLINED, Rule.DECLINED),
            (Outcome.EXPIRED, Rule.ACCEPT_DEADLINE_MISSED),
            (Outcome.ESCALATED, Rule.ESCALATED),
        ],
    )
    def test_the_case_rises_and_keeps_the_rule(self, outcome: Outcome, rule: Rule) -> None:
        net = network(SUB, CITY, MAIN)
        route = moved(net, planned(net), outcome, rule)
        assert told(route) == [("SUB", "home-hub", outcome.value), ("CITY", rule.value, "offered"), ("MAIN", "parent-hub", "planned")]
        assert route[0].reason == "why"

    def test_a_hub_off_duty_is_passed_over_on_the_way_up(self) -> None:
        net = network(SUB, replace(CITY, duty=OFFICE_HOURS), MAIN)
        route = moved(net, planned(net, now=at("17:00")), Outcome.DECLINED, Rule.DECLINED, at("19:00"))
        assert told(route)[1:] == [("CITY", "nobody-on-duty", "skipped"), ("MAIN", "declined", "offered")]

    def test_a_hub_that_left_the_network_is_passed_over(self) -> None:
        route = moved(network(SUB, MAIN), planned(network(SUB, CITY, MAIN)), Outcome.DECLINED, Rule.DECLINED)
        assert told(route)[1:] == [("CITY", "not-covered", "skipped"), ("MAIN", "declined", "offered")]

    def test_after_the_last_hub_nobody_is_left(self) -> None:
        net = network(SUB, CITY, MAIN)
        route = planned(net)
        for _ in range(3):
            assert current(route) is not None
            route = moved(net, route, Outcome.DECLINED, Rule.DECLINED)
        assert current(route) is None
        assert {step.outcome for step in route} == {Outcome.DECLINED}

    def test_the_operator_names_a_hub_and_the_way_so_far_stays_readable(self) -> None:
        net = network(SUB, CITY, MAIN)
        route = assign(moved(net, planned(net), Outcome.DECLINED, Rule.DECLINED), "OTHER", "they have room", NOON)
        assert told(route) == [
            ("SUB", "home-hub", "declined"),
            ("CITY", "declined", "skipped"),
            ("MAIN", "parent-hub", "skipped"),
            ("OTHER", "assigned-by-operator", "offered"),
        ]


class TestDuty:
    NIGHT = DutyPeriod(frozenset({2}), time(20), time(8))  # Wednesday evening to Thursday morning

    @pytest.mark.parametrize(
        ("clock", "day", "there"),
        [("19:59", 18, False), ("20:00", 18, True), ("23:59", 18, True), ("00:00", 19, True), ("07:59", 19, True), ("08:00", 19, False),
         ("00:00", 18, False), ("21:00", 19, False)],
    )  # fmt: skip
    def test_a_night_ends_on_the_next_day(self, clock: str, day: int, there: bool) -> None:
        assert self.NIGHT.covers(at(clock, day)) is there

    @pytest.mark.parametrize(("clock", "there"), [("07:59", False), ("08:00", True), ("17:59", True), ("18:00", False)])
    def test_a_day_takes_its_first_minute_and_not_its_last(self, clock: str, there: bool) -> None:
        assert OFFICE_HOURS[0].covers(at(clock)) is there

    def test_midnight_as_an_end_is_the_end_of_the_day(self) -> None:
        assert DutyPeriod(WEEK, time(18), time(0)).covers(at("23:59"))
        assert not DutyPeriod(WEEK, time(18), time(0)).covers(at("00:00"))

    def test_the_whole_day(self) -> None:
        assert DutyPeriod(frozenset({2}), time(0), time(0)).covers(at("13:00"))
        assert not DutyPeriod(frozenset({2}), time(0), time(0)).covers(at("13:00", 19))

    def test_no_duty_table_is_round_the_clock_and_an_empty_one_never(self) -> None:
        assert MAIN.on_duty(at("03:00"))
        assert not replace(MAIN, duty=()).on_duty(at("10:00"))


hubs = st.builds(
    HubService,
    hub=st.sampled_from(["H1", "H2", "H3", "H4", "CLINIC"]),
    centre=st.just("imaging"),
    parent=st.one_of(st.none(), st.sampled_from(["H1", "H2", "H3", "H4", "CLINIC", "GONE"])),
    covers=st.one_of(st.none(), st.frozensets(st.sampled_from(["CT", "MR"]))),
    duty=st.sampled_from([None, (), OFFICE_HOURS]),
)


@given(services=st.lists(hubs, max_size=6), home=st.sampled_from(["H1", "H2", "GONE"]), need=st.sampled_from(["", "CT", "MR"]))
def test_any_network_is_walked_once_and_ends(services: list[HubService], home: str, need: str) -> None:
    """No hub twice, at most one offer, never the member itself, and after as many declines as hubs nobody is left."""
    net = network(*services, home=home)
    route = planned(net, need)
    for _ in range(len(route) + 1):
        names = [step.hub for step in route]
        assert len(names) == len(set(names))
        assert "CLINIC" not in names
        assert sum(step.outcome is Outcome.OFFERED for step in route) <= 1
        route = advance(net, "imaging", "CLINIC", need, route, Outcome.DECLINED, Rule.DECLINED, "", NOON)
    assert current(route) is None
