"""A result stands only if every condition holds, and each that does not is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.recognition import (
    ALL_ITEMS,
    CONDITIONS,
    SCOPES,
    AssessmentRow,
    CatalogueRow,
    EarlierResult,
    Institution,
    Judgement,
    MarkRow,
    Tables,
    judge,
    retest_reasons,
)

DAY = date(2026, 11, 10)
CITY_A = {"city": "A", "province": "P", "nation": "CN"}
LABORATORY = Institution("LAB1", {**CITY_A, "alliance": "Z"})
NEIGHBOUR = Institution("H2", {**CITY_A, "alliance": "Z"})
TABLES = Tables(
    catalogue=(CatalogueRow("city", "A", "2823-3", 14),),
    assessments=(AssessmentRow("LAB1", "2823-3", True, date(2026, 1, 1), date(2026, 12, 31)),),
    marks=(MarkRow("LAB1", "2823-3", "city", "A"),),
)
RESULT = EarlierResult("2823-3", LABORATORY, DAY, "P1", "final")


def judged(
    *, result: EarlierResult = RESULT, receiver: Institution = NEIGHBOUR, patient: str = "P1", on: date = DAY, **tables: Any
) -> Judgement:
    return judge(result, receiver, patient, on, replace(TABLES, **tables))


def conditions(judgement: Judgement) -> list[str]:
    return [refusal.condition for refusal in judgement.refusals]


def test_where_all_holds_the_result_stands_until_its_window_ends() -> None:
    found = judged()
    assert (found.recognised, found.until) == (True, DAY + timedelta(days=14))


@pytest.mark.parametrize(
    ("change", "condition"),
    [
        ({"patient": "P2"}, "same-patient"),
        ({"result": replace(RESULT, patient=""), "patient": ""}, "same-patient"),
        ({"result": replace(RESULT, conclusion=True)}, "data-only"),
        ({"result": replace(RESULT, status="preliminary")}, "final"),
        ({"catalogue": ()}, "catalogue"),
        ({"catalogue": (CatalogueRow("city", "A", "718-7", 14),)}, "catalogue"),
        ({"catalogue": (CatalogueRow("city", "B", "2823-3", 14),)}, "catalogue"),
        ({"catalogue": (CatalogueRow("city", "A", "2823-3", 14, valid_from=DAY + timedelta(days=1)),)}, "catalogue"),
        ({"assessments": ()}, "quality-assessment"),
        ({"assessments": (AssessmentRow("LAB1", "2823-3", False, date(2026, 1, 1), date(2026, 12, 31)),)}, "quality-assessment"),
        ({"assessments": (AssessmentRow("LAB1", "2823-3", True, date(2026, 1, 1), DAY - timedelta(days=1)),)}, "quality-assessment"),
        ({"marks": ()}, "mark"),
        ({"marks": (MarkRow("LAB1", "2823-3", "city", "A", valid_until=DAY - timedelta(days=1)),)}, "mark"),
        ({"marks": (MarkRow("LAB2", "2823-3", "city", "A"),)}, "mark"),
        ({"marks": (MarkRow("LAB1", "2823-3", "city", "B"),)}, "scope"),
        ({"on": DAY + timedelta(days=15)}, "window"),
        ({"on": DAY - timedelta(days=1)}, "window"),
        ({"catalogue": (CatalogueRow("city", "A", "2823-3", None),)}, "window"),
    ],
)
def test_each_condition_is_named_alone(change: dict[str, Any], condition: str) -> None:
    found = judged(**change)
    assert (found.recognised, conditions(found), found.until) == (False, [condition], None)
    assert found.refusals[0].reason


@pytest.mark.parametrize(("days", "stands"), [(0, True), (13, True), (14, True), (15, False)])
def test_the_window(days: int, stands: bool) -> None:
    assert judged(on=DAY + timedelta(days=days)).recognised == stands


@pytest.mark.parametrize("edge", [DAY, DAY + timedelta(days=1)])
def test_validity_is_that_of_the_day_of_the_result(edge: date) -> None:
    rows = (AssessmentRow("LAB1", "2823-3", True, DAY, edge),)
    assert judged(assessments=rows, marks=(MarkRow("LAB1", "2823-3", "city", "A", DAY, edge),), on=DAY + timedelta(days=10)).recognised


@pytest.mark.parametrize("scope", SCOPES)
def test_how_far_a_mark_reaches(scope: str) -> None:
    place = {"alliance": "Z", "city": "A", "province": "P", "region": "R", "nation": "CN"}
    laboratory, inside = Institution("LAB1", place), Institution("H2", {scope: place[scope]})
    outside = Institution("H3", {scope: "elsewhere"})
    rows = {"catalogue": (CatalogueRow(scope, place[scope], "2823-3", 14),), "marks": (MarkRow("LAB1", "2823-3", scope, place[scope]),)}
    result = replace(RESULT, laboratory=laboratory)
    assert judged(result=result, receiver=inside, **rows).recognised
    assert conditions(judged(result=result, receiver=outside, **rows)) == ["catalogue", "scope"]
    assert conditions(judged(result=result, receiver=Institution("H4"), **rows)) == ["catalogue", "scope"]


def test_all_items_within_an_alliance() -> None:
    rows = {"catalogue": (CatalogueRow("alliance", "Z", ALL_ITEMS, 30),), "marks": (MarkRow("LAB1", ALL_ITEMS, "alliance", "Z"),)}
    assert judged(**rows).until == DAY + timedelta(days=30)
    assert judged(catalogue=(*rows["catalogue"], *TABLES.catalogue)).until == DAY + timedelta(days=30)


def test_corrections_are_final() -> None:
    assert judged(result=replace(RESULT, status="corrected")).recognised
    assert not judged(result=replace(RESULT, status="entered-in-error")).recognised


def test_six_reasons_to_test_again() -> None:
    assert [reason.code for reason in retest_reasons()] == list("123456")
    assert all(reason.zh and reason.en and reason.edition and reason.sources == 0 for reason in retest_reasons())


@given(
    st.booleans(),
    st.booleans(),
    st.sampled_from(["final", "preliminary"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(-2, 20),
)
def test_a_result_stands_if_and_only_if_nothing_is_named(
    same: bool, words: bool, status: str, listed: bool, assessed: bool, marked: bool, days: int
) -> None:
    found = judged(
        result=replace(RESULT, status=status, conclusion=words),
        patient="P1" if same else "P2",
        on=DAY + timedelta(days=days),
        catalogue=TABLES.catalogue if listed else (),
        assessments=TABLES.assessments if assessed else (),
        marks=TABLES.marks if marked else (),
    )
    wanted = {
        "same-patient": not same,
        "data-only": words,
        "final": status != "final",
        "catalogue": not listed,
        "quality-assessment": not assessed,
        "mark": not marked,
        "scope": False,
        "window": days < 0 or (listed and days > 14),
    }
    assert list(wanted) == list(CONDITIONS)
    assert conditions(found) == [name for name, refused in wanted.items() if refused]
    assert found.recognised == (not found.refusals)
