"""What becomes of a result over the messages that speak of it: versions, corrections, deletions, what is late, what is left out."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.tables import lab_result
from telemed.centres.lab.domain import RANK, RELEASED, Result, ResultCode, ResultStatus, ResultValue, merged
from telemed.centres.lab.ports import LabResults
from tests.telemed.lab_intake.senders import Sender, potassium, report, said

Shown = Callable[..., Awaitable[list[Result]]]


def at(hour: int) -> str:
    return f"20261118{hour:02d}0000+0800"


async def versions(application: SqlApplication, result_id: str) -> list[tuple[float | None, str]]:
    async with application.reading() as work:
        return [(each.value.number, each.status.value) for each in await work.repository(LabResults).versions(result_id)]


@pytest.mark.database
async def test_a_result_from_preliminary_to_corrected_and_a_late_preliminary(
    sender: Sender, results: Shown, application: SqlApplication
) -> None:
    steps = [("4.0", "P"), ("4.1", "F"), ("4.6", "C"), ("4.4", "P")]
    answers = [await sender.send(report(f"V{n}", potassium(value, status), at=at(10 + n))) for n, (value, status) in enumerate(steps)]
    assert [said(answer) for answer in answers] == [[f"AA V{n}"] for n in range(4)]
    (stands,) = await results()
    assert (stands.value.number, stands.status, stands.version) == (4.6, ResultStatus.CORRECTED, 3)
    assert await versions(application, stands.id) == [(4.0, "preliminary"), (4.1, "final"), (4.6, "corrected")]


async def test_a_second_final_with_another_value_is_a_correction(sender: Sender, results: Shown) -> None:
    await sender.send(report("V1", at=at(10)), report("V2", potassium("4.7"), at=at(11)))
    (stands,) = await results()
    assert (stands.value.number, stands.status) == (4.7, ResultStatus.CORRECTED)


@pytest.mark.parametrize("status", ["W", "X", "D"])
async def test_what_was_wrong_or_cannot_be_had_leaves_the_view_and_keeps_its_history(
    status: str, sender: Sender, results: Shown, application: SqlApplication
) -> None:
    await sender.send(report("V1", at=at(10)))
    (before,) = await results()
    await sender.send(report("V2", potassium("4.1", status), at=at(11)))
    assert await results() == []
    history = await versions(application, before.id)
    assert history[0] == (4.1, "final")
    assert len(history) == 2


async def test_what_a_later_message_leaves_out_stays(sender: Sender, results: Shown) -> None:
    sodium = "OBX|2|NM|2951-2^Na^LN||141|mmol/L|137-147||||F"
    await sender.send(report("V1", potassium("4.1"), sodium, at=at(10)), report("V2", potassium("4.2"), at=at(11)))
    assert sorted((each.code.loinc, each.value.number) for each in await results()) == [("2823-3", 4.2), ("2951-2", 141)]


async def test_a_message_that_comes_late_changes_nothing_that_was_said_after_it(sender: Sender, results: Shown) -> None:
    await sender.send(report("V2", potassium("4.6"), at=at(11)), report("V1", potassium("4.1"), at=at(10)))
    assert [each.value.number for each in await results()] == [4.6]


APART: dict[str, dict[str, Any]] = {
    "another order": {"order": "O43"},
    "another patient": {"patient": "L00043"},
    "another member": {"sender": "CLINIC2"},
}


@pytest.mark.parametrize("named", APART)
async def test_results_are_told_apart_by_member_patient_and_order(named: str, sender: Sender, application: SqlApplication) -> None:
    assert said(await sender.send(report("V1"), report("V2", potassium("4.9"), **APART[named]))) == ["AA V1", "AA V2"]
    assert await everything(application) == [4.1, 4.9]


ROWS_APART = {
    "another test": potassium("4.9", code="2951-2^Na^LN"),
    "another OBX-4": potassium("4.9", sub="2"),
    "another specimen": "SPM|2|T2^T2||BLD\r" + potassium("4.9"),
}


@pytest.mark.parametrize("named", ROWS_APART)
async def test_results_of_an_order_are_told_apart_by_test_place_and_specimen(
    named: str, sender: Sender, application: SqlApplication
) -> None:
    first = "SPM|1|T1^T1||BLD\r" + potassium("4.1")
    assert said(await sender.send(report("V1", first, ROWS_APART[named]))) == ["AA V1"]
    assert await everything(application) == [4.1, 4.9]


async def everything(application: SqlApplication) -> list[float | None]:
    """The numbers of every result that is kept."""
    async with application.engine.connect() as connection:
        return list((await connection.execute(sa.select(lab_result.c.number).order_by(lab_result.c.number))).scalars())


VALUES = {
    "a number": ("NM", "0141.0", 141, ""),
    "less than": ("SN", "<^0.5", 0.5, "<"),
    "dashes": ("NM", "----", None, ""),
    "a text": ("ST", "阴性", None, ""),
    "a titre": ("SN", "1^:^160", None, ""),
}


@pytest.mark.parametrize("named", VALUES)
async def test_values_keep_what_was_sent(named: str, sender: Sender, results: Shown) -> None:
    kind, sent, number, comparator = VALUES[named]
    await sender.send(report("V1", f"OBX|1|{kind}|2951-2^Na^LN||{sent}|mmol/L|137-147||||F"))
    (result,) = await results()
    assert (result.value.number, result.value.comparator, result.value.as_sent) == (number, comparator, sent)


FLAGGED = [
    ("2823-3^K^LN", "2.8", "mmol/L", "3.5-5.3", "", "LL"),
    ("2823-3^K^LN", "2.81", "mmol/L", "3.5-5.3", "", "L"),
    ("2823-3^K^LN", "3.5", "mmol/L", "3.5-5.3", "", "N"),
    ("2823-3^K^LN", "5.4", "mmol/L", "3.5-5.3", "", "H"),
    ("2823-3^K^LN", "6.19", "mmol/L", "3.5-5.3", "", "H"),
    ("2823-3^K^LN", "6.2", "mmol/L", "3.5-5.3", "", "HH"),
    ("2823-3^K^LN", "6.2", "mmol/L", "3.5-5.3", "N", "HH"),
    ("2823-3^K^LN", "4.0", "mmol/L", "", "", "N"),
    ("2823-3^K^LN", "4.0", "mmol/L", "", "H", "H"),
    ("X1^own^L", "4.0", "mmol/L", "", "", ""),
]


@pytest.mark.parametrize(("code", "value", "unit", "printed", "sent", "flag"), FLAGGED)
async def test_a_flag_is_critical_first_then_the_laboratorys_then_by_its_range_then_by_age_and_sex(
    code: str, value: str, unit: str, printed: str, sent: str, flag: str, sender: Sender, results: Shown
) -> None:
    await sender.send(report("V1", f"OBX|1|NM|{code}||{value}|{unit}|{printed}|{sent}|||F"))
    (result,) = await results()
    assert result.value.flag == flag


NOON = datetime(2026, 11, 18, 4, tzinfo=UTC)
WORDS = st.builds(
    lambda number, status, minutes, message: Result(
        "", "key", "CLINIC1", "L1", "O1", ResultCode("", "2823-3"), "K", "", "", ResultValue(number, text=str(number)), status, None,
        NOON + timedelta(minutes=minutes), message,
    ),
    st.sampled_from([4.0, 4.1, 7.3]), st.sampled_from(ResultStatus), st.integers(0, 5), st.sampled_from(["m1", "m2", "m3"]),
)  # fmt: skip


def after(words: list[Result]) -> tuple[Result | None, list[Result]]:
    stands, history = None, []
    for word in words:
        now = merged(stands, word)
        if now is not None:
            stands = now if now.id else replace(now, id="r1")
            history.append(stands)
    return stands, history


@given(st.lists(WORDS, max_size=8))
def test_versions_count_up_and_the_status_never_steps_back(words: list[Result]) -> None:
    stands, history = after(words)
    assert (stands is None) == (not words)
    assert [each.version for each in history] == list(range(1, len(history) + 1))
    ranks = [RANK[each.status] for each in history]
    assert ranks == sorted(ranks)
    times = [each.reported_at for each in history]
    assert times == sorted(times)
    for one, other in itertools.pairwise(history):
        assert (one.status, one.value) != (other.status, other.value)


@given(st.lists(WORDS, max_size=8))
def test_the_same_word_again_changes_nothing(words: list[Result]) -> None:
    stands, history = after(words)
    if words:
        assert after([*words, words[-1]]) == (stands, history)


@given(st.lists(WORDS, max_size=8))
def test_a_released_value_that_changes_is_said_to_be_corrected(words: list[Result]) -> None:
    _, history = after(words)
    for one, other in itertools.pairwise(history):
        if one.status in RELEASED and other.status in RELEASED and one.value != other.value:
            assert other.status is ResultStatus.CORRECTED
