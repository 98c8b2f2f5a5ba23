"""Every rule by cases worked out from its definition, and at, below and above each limit."""

from __future__ import annotations

import csv
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.westgard import DEFAULT_RULES, NEW_LOT, RULES, Run, judge, z_score
from tests.lab.real_files import case, needs_cases


def run(text: str) -> Run | str:
    if text == NEW_LOT:
        return NEW_LOT
    pairs = (pair.split(":") for pair in text.split("+") if ":" in pair)
    return {level: None if z == "-" else float(z) for level, z in pairs}


def runs(text: str) -> list[Run | str]:
    return [run(part) for part in text.replace("+L2:-", "+L2:-").split(" ")]


@needs_cases
def test_rules_of_cases() -> None:
    one = case("24-")
    told = list(csv.DictReader(one.content.decode().splitlines()))
    assert len(told) == one.expected["rows"]
    for what, history, wanted in (row.values() for row in told):
        verdict = judge(runs(history))
        said, _, rule = wanted.partition(" ")
        assert verdict.verdict == said.rstrip(":"), what
        if said in ("warn", "reject"):
            assert rule in verdict.rules, what


@pytest.mark.parametrize(
    ("history", "rule", "broken"),
    [
        ("L1:1.99", "1-2s", False), ("L1:2.0", "1-2s", False), ("L1:2.01", "1-2s", True), ("L1:-2.01", "1-2s", True),
        ("L1:3.0", "1-3s", False), ("L1:3.01", "1-3s", True), ("L1:-3.0", "1-3s", False), ("L1:-3.01", "1-3s", True),
        ("L1:2.0 L1:2.1", "2-2s", False), ("L1:2.1 L1:2.1", "2-2s", True), ("L1:2.1 L1:0 L1:2.1", "2-2s", False), ("L1:2.1 L2:2.1", "2-2s", False), ("L1:2.1+L2:-2.1", "2-2s", False), ("L1:-2.1+L2:-2.2", "2-2s", True),
        ("L1:2.1+L2:-2.0", "R-4s", False), ("L1:2.0+L2:-2.1", "R-4s", False), ("L1:2.01+L2:-2.01", "R-4s", True), ("L1:2.1+L2:0+L3:-2.1", "R-4s", True),
        ("L1:1.1 L1:1.1 L1:1.1 L1:1.0", "4-1s", False), ("L1:1.1 L1:1.1 L1:1.1", "4-1s", False), ("L1:1.1+L2:1.1+L3:1.1+L4:1.1", "4-1s", True), ("L1:-1.1 L1:-1.1 L1:-1.1 L1:-1.1", "4-1s", True), ("L1:1.1+L2:1.1 L1:1.1+L2:1.1", "4-1s", False),
        (" ".join(["L1:0.1"] * 9), "10x", False), (" ".join(["L1:0.1"] * 10), "10x", True), (" ".join(["L1:-0.1"] * 10), "10x", True), (" ".join(["L1:0.1"] * 9 + ["L1:-0.1"]), "10x", False), (" ".join(["L1:0.1"] * 9 + ["L1:0"]), "10x", False),
        ("L1:2.1+L2:2.1+L3:0", "2of3-2s", True), ("L1:2.1+L2:-2.1+L3:0", "2of3-2s", False), ("L1:2.1+L2:2.1", "2of3-2s", False), ("L1:2.1+L2:2.0+L3:0", "2of3-2s", False),
        ("L1:1.1+L2:1.1+L3:1.0", "3-1s", False), ("L1:1.1+L2:1.1+L3:1.1", "3-1s", True), ("L1:1.1+L2:1.1+L3:-1.1", "3-1s", False), ("L1:1.1+L2:1.1+L3:1.1+L4:0", "3-1s", False),
        ("L1:0.1+L2:0.1+L3:0.1 L1:0.1+L2:0.1+L3:0", "6x", False), ("L1:-0.1+L2:-0.1+L3:-0.1 L1:-0.1+L2:-0.1+L3:-0.1", "6x", True), ("L1:0.1+L2:0.1 L1:0.1+L2:0.1+L3:0.1", "6x", False), ("L1:0.1+L2:0.1+L3:0.1", "6x", False),
        (" ".join(f"L1:0.{n}" for n in range(1, 8)), "7-T", True), (" ".join(f"L1:-0.{n}" for n in range(1, 8)), "7-T", True), (" ".join(f"L1:0.{n}" for n in range(1, 7)), "7-T", False), ("L1:0.1 L1:0.2 L1:0.3 L1:0.4 L1:0.5 L1:0.6 L1:0.6", "7-T", False),
    ],
)  # fmt: skip
def test_at_below_and_above_each_limit(history: str, rule: str, broken: bool) -> None:
    verdict = judge(runs(history), rules=[rule])
    assert (rule in verdict.rules) == broken
    assert verdict.verdict == (("reject" if RULES[rule].rejects else "warn") if broken else "accept")


def test_a_violation_tells_its_points() -> None:
    verdict = judge([{"L1": 2.1, "L2": 0.0}, {"L1": 2.3, "L2": 0.1}])
    assert verdict.rules == ("2-2s", "1-2s")
    assert [(each.rule, each.levels, each.values) for each in verdict.violations] == [
        ("2-2s", ("L1",), (2.1, 2.3)),
        ("1-2s", ("L1",), (2.3,)),
    ]


def test_a_missing_level_holds_unless_another_rejects() -> None:
    assert judge([{"L1": 0.1, "L2": None}]).verdict == "incomplete"
    assert judge([{"L1": 0.1}], levels=("L1", "L2")).missing == ("L2",)
    assert judge([{"L1": 3.1, "L2": None}]).verdict == "reject"
    assert judge([{"L1": 2.1, "L2": None}]).verdict == "incomplete"
    assert judge([{"L1": None}]).missing == ("L1",)


def test_a_missing_measurement_between_two_does_not_part_them() -> None:
    assert "2-2s" in judge([{"L1": 2.1}, {"L1": None, "L2": 0.0}, {"L1": 2.1}]).rules


def test_a_new_lot_starts_anew() -> None:
    assert judge([{"L1": 2.1}, "LOT", {"L1": 2.1}]).rules == ("1-2s",)
    with pytest.raises(LabError, match="no run"):
        judge([{"L1": 2.1}, "LOT"])


@pytest.mark.parametrize("history", [[], [{}], [{"L1": math.nan}], [{"L1": math.inf}]])
def test_what_cannot_be_judged_is_refused(history: list[Run]) -> None:
    with pytest.raises(LabError):
        judge(history)


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(LabError, match="9z"):
        judge([{"L1": 0}], rules=["9z"])


def test_the_trend_is_no_default() -> None:
    assert set(RULES) - set(DEFAULT_RULES) == {"7-T"}


@pytest.mark.parametrize(
    ("value", "target", "deviation", "z"),
    [(4.2, 4.0, 0.1, 2.0), (3.7, 4.0, 0.1, -3.0), (1.3, 1.0, 0.1, 3.0), (140, 140, 2, 0), (0.3, 0.1, 0.1, 2.0)],
)
def test_z_is_exact(value: float, target: float, deviation: float, z: float) -> None:
    assert z_score(value, target, deviation) == z
    assert judge([{"L1": z_score(value, target, deviation)}], rules=["1-3s"]).verdict == "accept"


@pytest.mark.parametrize(("value", "deviation"), [(4, 0), (4, -1), (math.nan, 1), (4, math.inf)])
def test_no_z_without_a_deviation(value: float, deviation: float) -> None:
    with pytest.raises(LabError):
        z_score(value, 4, deviation)


Z = st.floats(-4, 4).map(lambda z: round(z, 1))


@given(st.lists(st.fixed_dictionaries({"L1": Z, "L2": Z}), min_size=1, max_size=15))
def test_both_sides_are_judged_alike(history: list[Run]) -> None:
    mirrored: list[Run] = [{level: -z for level, z in each.items() if z is not None} for each in history]
    assert judge(history).rules == judge(mirrored).rules
    renamed: list[Run] = [{"B": each["L1"], "A": each["L2"]} for each in history]
    assert set(judge(renamed).rules) == set(judge(history).rules)


@given(st.lists(st.fixed_dictionaries({"L1": Z, "L2": Z, "L3": Z}), min_size=1, max_size=15))
def test_verdicts_follow_from_their_rules(history: list[Run]) -> None:
    verdict = judge(history)
    last = [z for z in history[-1].values() if z is not None]
    assert ("1-3s" in verdict.rules) == any(abs(z) > 3 for z in last)
    assert ("1-2s" in verdict.rules) == any(abs(z) > 2 for z in last)
    assert ("R-4s" in verdict.rules) == (max(last) > 2 and min(last) < -2)
    assert ("10x" in verdict.rules) == any(
        len(history) >= 10 and abs(sum((each[level] > 0) - (each[level] < 0) for each in history[-10:])) == 10
        for level in ("L1", "L2", "L3")
    )
    assert verdict.verdict == ("reject" if set(verdict.rules) - {"1-2s"} else "warn" if verdict.rules else "accept")
    if all(abs(z) <= 1 for z in last):
        assert set(verdict.rules) <= {"10x", "6x"}


@given(st.lists(st.fixed_dictionaries({"L1": Z}), min_size=1, max_size=12), st.fixed_dictionaries({"L1": Z}))
def test_what_came_before_a_new_lot_counts_nothing(before: list[Run], last: Run) -> None:
    assert judge([*before, "LOT", last]) == judge([last])
