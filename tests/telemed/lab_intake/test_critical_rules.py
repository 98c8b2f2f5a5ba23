"""Critical limits: the library's table, a region's own rows by institution, department and age, and what a laboratory itself sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import add_setting
from telemed.centres.lab.adapters.judging import DEFAULT_RULES, SETTING, CriticalRules, Subject
from telemed.centres.lab.domain import Result
from tests.telemed.harness import Harness
from tests.telemed.lab_intake.conftest import Work
from tests.telemed.lab_intake.senders import Sender, potassium, report

Shown = Callable[..., Awaitable[list[Result]]]

ON = date(2026, 11, 18)
SIGNED = {"signed_by": "检验科主任 陈", "signed_on": "2026-11-01"}


def row(**more: Any) -> dict[str, Any]:
    return {"code": "2823-3", "low": 2.5, "high": 6.5, "unit": "mmol/L"} | SIGNED | more


def side(rules: CriticalRules, value: float, subject: Subject, comparator: str = "", unit: str = "mmol/L") -> str:
    hit = rules.reached("2823-3", value, unit, comparator, subject)
    return hit.side if hit else ""


ADULT = Subject("CLINIC1", ON, "male", date(1961, 3, 5))


@pytest.mark.parametrize(("value", "wanted"), [(2.79, "low"), (2.8, "low"), (2.81, ""), (6.19, ""), (6.2, "high"), (6.21, "high")])
def test_the_librarys_limits(value: float, wanted: str) -> None:
    assert side(DEFAULT_RULES, value, ADULT) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(2.49, "low"), (2.5, "low"), (2.51, ""), (6.49, ""), (6.5, "high"), (6.51, "high")])
def test_a_regions_limits_stand_in_place_of_the_librarys(value: float, wanted: str) -> None:
    assert side(CriticalRules.of({SETTING: [row()]}), value, ADULT) == wanted


@pytest.mark.parametrize(
    ("comparator", "value", "wanted"), [("<", 0.5, "low"), ("<", 2.8, "low"), ("<", 2.9, ""), (">", 6.2, "high"), (">", 6.1, "")]
)
def test_a_value_with_a_comparator_is_critical_where_all_that_it_may_be_is(comparator: str, value: float, wanted: str) -> None:
    """`<0.5` lies below 2.8 whatever it is; `<2.9` may be 2.85."""
    assert side(DEFAULT_RULES, value, ADULT, comparator) == wanted


FIT = [
    (row(institution="CLINIC1"), Subject("CLINIC1", ON), True),
    (row(institution="CLINIC1"), Subject("CLINIC2", ON), False),
    (row(department="ICU"), Subject("CLINIC1", ON, department="ICU"), True),
    (row(department="ICU"), Subject("CLINIC1", ON), False),
    (row(from_age="18 y"), Subject("CLINIC1", ON, birth=date(2008, 11, 18)), True),
    (row(from_age="18 y"), Subject("CLINIC1", ON, birth=date(2008, 11, 19)), False),
    (row(below_age="28 d"), Subject("CLINIC1", ON, birth=date(2026, 10, 22)), True),
    (row(below_age="28 d"), Subject("CLINIC1", ON, birth=date(2026, 10, 21)), False),
    (row(below_age="28 d"), Subject("CLINIC1", ON), False),
]


@pytest.mark.parametrize(("limits", "subject", "holds"), FIT)
def test_a_row_holds_for_whom_it_names(limits: dict[str, Any], subject: Subject, holds: bool) -> None:
    """6.3 is critical by the library's table and not by the row."""
    assert side(CriticalRules.of({SETTING: [limits]}), 6.3, subject) == ("" if holds else "high")


def test_the_row_with_most_conditions_holds() -> None:
    rows = [row(high=6.5), row(high=7.0, institution="CLINIC1"), row(high=7.5, institution="CLINIC1", department="ICU")]
    rules = CriticalRules.of({SETTING: rows})
    found = [
        side(rules, 7.2, Subject(place, ON, department=ward)) for place, ward in (("CLINIC2", ""), ("CLINIC1", ""), ("CLINIC1", "ICU"))
    ]
    assert found == ["high", "high", ""]


def test_a_row_without_limits_switches_the_test_off() -> None:
    assert side(CriticalRules.of({SETTING: [row(low=None, high=None)]}), 9.0, ADULT) == ""


UNUSABLE = {
    "nobody signed": row(signed_by=" "),
    "no day of signing": {key: value for key, value in row().items() if key != "signed_on"},
    "another kind of unit": row(unit="10*9/L"),
    "limits the wrong way round": row(low=7, high=6),
    "no age": row(from_age="old"),
    "no row at all": "2823-3",
}


@pytest.mark.parametrize("named", UNUSABLE)
def test_a_row_that_cannot_be_used_holds_for_nobody(named: str) -> None:
    assert side(CriticalRules.of({SETTING: [UNUSABLE[named]]}), 6.3, ADULT) == "high"


async def test_the_settings_row_decides_what_is_flagged_and_what_rings(
    application: SqlApplication, sender: Sender, results: Shown, work: Work
) -> None:
    async with application.engine.begin() as connection:
        await add_setting(connection, SETTING, [row(institution="CLINIC1")])
    await application.refresh()
    await sender.send(report("K1", potassium("6.3")), report("K2", potassium("6.3"), sender="CLINIC2"))
    await work()
    assert [each.value.flag for each in await results()] == ["H"]
    assert [each.value.flag for each in await results(member="CLINIC2")] == ["HH"]
    assert len(await open_findings(application)) == 1


async def open_findings(application: SqlApplication) -> list[str]:
    async with application.engine.connect() as connection:
        return list((await connection.execute(sa.select(t.critical_value.c.finding).order_by(t.critical_value.c.finding))).scalars())


@pytest.mark.database
async def test_a_critical_value_without_a_case_opens_one_and_rings_once(
    sender: Sender, work: Work, application: SqlApplication, harness: Harness
) -> None:
    await sender.send(report("K1", potassium("7.3")))
    await work()
    await sender.send(report("K1", potassium("7.3")), report("K2", potassium("7.3"), at="20261118084000+0800"))
    await work()
    (finding,) = await open_findings(application)
    assert finding == "钾离子测定 7.3 mmol/L（危急值 ≥6.2 mmol/L）"
    async with application.engine.connect() as connection:
        (case,) = (await connection.execute(sa.select(t.case))).mappings().all()
    assert (case["member"], case["centre"], case["status"]) == ("CLINIC1", "lab", "requested")
    assert await harness.audited("evidence:add")


async def test_a_value_that_its_laboratory_sends_as_panic_rings_without_a_limit_of_ours(
    sender: Sender, work: Work, application: SqlApplication
) -> None:
    await sender.send(report("K1", "OBX|1|NM|X9^肌钙蛋白^L||12.5|ng/mL||HH|||F"))
    await work()
    assert await open_findings(application) == ["肌钙蛋白 12.5 ng/mL（送检实验室报 HH）"]


async def test_a_value_off_the_scale_is_not_taken_for_panic(
    sender: Sender, work: Work, application: SqlApplication, results: Shown
) -> None:
    await sender.send(report("K1", "OBX|1|NM|X9^肌钙蛋白^L||12.5|ng/mL||>|||F"))
    await work()
    assert [each.value.flag for each in await results()] == ["H"]
    assert await open_findings(application) == []


async def test_results_of_an_order_become_evidence_of_its_case(
    harness: Harness, sender: Sender, work: Work, application: SqlApplication
) -> None:
    case = await harness.requested("lab")
    await sender.send(report("K1", order=case.accession_number, patient="P00001", name="张^伟"))
    await work()
    async with application.reading() as unit:
        (evidence,) = await unit.evidence.of_case(case.id)
    assert evidence.type.value == "lab-report"
    assert b"".join([piece async for piece in application.store.stream(evidence.key)]).startswith(b"MSH|")
    await sender.send(
        report("K2", potassium("7.3", "C"), order=case.accession_number, patient="P00001", name="张^伟", at="20261118093000+0800")
    )
    await work()
    assert len(await open_findings(application)) == 1
    async with application.reading() as unit:
        assert len(await unit.evidence.of_case(case.id)) == 1
        assert [each.case_id for each in await unit.criticals.of_case(case.id)] == [case.id]


async def test_a_report_of_another_person_is_never_silent(
    harness: Harness, sender: Sender, work: Work, application: SqlApplication
) -> None:
    case = await harness.requested("lab")
    await sender.send(report("K1", order=case.accession_number, patient="L00077", name="李^四"))
    await work()
    assert (await harness.case(case.id)).identity_open
