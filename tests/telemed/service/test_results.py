"""A critical value makes the report that is being written positive; it comes back to its reader when the last is withdrawn."""

from __future__ import annotations

import pytest

from telemed.domain.errors import Invalid
from telemed.domain.report import Result
from telemed.service import case_reading as reading
from telemed.service import criticals, reporting
from tests.telemed.harness import SECTIONS, Harness

pytestmark = pytest.mark.database

FINDING = "急性颅内出血"
WORDS = {"findings": "左侧基底节区见团块状高密度影。", "impression": "左侧基底节区脑出血。"}


async def result_of(harness: Harness, case_id: str) -> Result:
    return (await harness.versions(case_id))[-1].result


async def judge(harness: Harness, case_id: str, result: Result) -> None:
    await harness.do("imaging.huba", reporting.save_draft, case_id, WORDS, result, "*")


async def declare(harness: Harness, case_id: str, finding: str = FINDING) -> str:
    return str((await harness.do("imaging.huba", criticals.declare_critical, case_id, finding)).id)


@pytest.mark.parametrize("before", [Result.NOT_JUDGED, Result.NEGATIVE])
async def test_a_critical_value_makes_the_draft_positive(harness: Harness, before: Result) -> None:
    case = await harness.claimed()
    await judge(harness, case.id, before)
    (draft,) = await harness.versions(case.id)
    await declare(harness, case.id)
    (after,) = await harness.versions(case.id)
    assert after.result is Result.POSITIVE
    assert after.entity_tag != draft.entity_tag, "a window that has the draft open finds out"
    await harness.sign(case.id, "imaging.huba")
    assert (await harness.case(case.id)).positive


async def test_one_that_was_found_before_anybody_read_the_case_counts_as_well(harness: Harness) -> None:
    case = await harness.requested()
    await declare(harness, case.id)
    await harness.do("imaging.huba", reading.claim_case, case.id)
    assert await result_of(harness, case.id) is Result.POSITIVE


async def test_the_result_is_chosen_again_when_the_last_one_is_withdrawn(harness: Harness) -> None:
    case = await harness.claimed()
    first, second = await declare(harness, case.id), await declare(harness, case.id, "张力性气胸")
    await harness.do("imaging.huba", criticals.withdraw_critical, case.id, first, "误报")
    assert await result_of(harness, case.id) is Result.POSITIVE
    await harness.do("imaging.huba", criticals.withdraw_critical, case.id, second, "误报")
    assert await result_of(harness, case.id) is Result.NOT_JUDGED


async def test_what_is_signed_stays_as_it_is(harness: Harness) -> None:
    case = await harness.claimed()
    await harness.do("imaging.huba", reporting.save_draft, case.id, SECTIONS["imaging"], Result.NEGATIVE, "*")
    await harness.sign(case.id, "imaging.huba")
    await declare(harness, case.id)
    assert await result_of(harness, case.id) is Result.NEGATIVE


async def test_a_consultation_is_neither(harness: Harness) -> None:
    case = await harness.claimed("consultation", "consult.huba")
    await harness.do("consult.huba", criticals.declare_critical, case.id, "病情危重")
    assert await result_of(harness, case.id) is Result.NOT_JUDGED
    with pytest.raises(Invalid) as refused:
        await harness.do("consult.huba", reporting.save_draft, case.id, SECTIONS["consultation"], Result.NEGATIVE, "*")
    assert [error.field for error in refused.value.errors] == ["result"]
