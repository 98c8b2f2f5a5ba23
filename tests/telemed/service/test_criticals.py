"""The critical value loop from both sides: found, told with read-back, acknowledged, acted on, or withdrawn with a reason."""

from __future__ import annotations

import pytest

from telemed.domain.critical import CriticalStatus
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotFound
from telemed.service import case_reading as reading
from telemed.service import criticals
from tests.telemed.harness import Harness

FINDING = "急性颅内出血"


async def declared(harness: Harness) -> tuple[str, str]:
    case = await harness.claimed()
    value = await harness.do("imaging.huba", criticals.declare_critical, case.id, FINDING)
    return case.id, value.id


async def test_the_whole_loop_with_a_person_and_a_time_at_each_step(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    assert (await harness.case(case_id)).critical_open
    found = harness.clock.now
    told = harness.clock.forward(minutes=2)
    await harness.do("imaging.huba", criticals.notify_critical, case_id, value_id, "陶小满", "电话", True)
    acknowledged = harness.clock.forward(minutes=2)
    await harness.do("clinic1", criticals.acknowledge_critical, case_id, value_id)
    assert (await harness.case(case_id)).critical_open, "only what was done for the patient closes the loop"
    acted = harness.clock.forward(minutes=2)
    await harness.do("clinic1", criticals.act_on_critical, case_id, value_id, "已转上级医院")
    assert not (await harness.case(case_id)).critical_open
    async with harness.application.reading() as work:
        (value,) = await work.criticals.of_case(case_id)
    assert (value.status, value.finding, value.action) == (CriticalStatus.CLOSED, FINDING, "已转上级医院")
    assert (value.found_by, value.told_by, value.acknowledged_by, value.action_by) == ("imaging.huba", "imaging.huba", "clinic1", "clinic1")
    assert (value.found_at, value.told_at, value.acknowledged_at, value.action_at) == (found, told, acknowledged, acted)
    assert (value.told_whom, value.told_how, value.read_back) == ("陶小满", "电话", True)
    steps = [action for action in await harness.history(case_id) if action.startswith("critical")]
    assert steps == ["critical-declare", "critical-tell", "critical-acknowledge", "critical-act"]


async def test_the_same_finding_again_is_the_same_value_while_it_runs(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    assert (await harness.do("imaging.huba", criticals.declare_critical, case_id, FINDING)).id == value_id
    other = await harness.do("imaging.huba", criticals.declare_critical, case_id, "张力性气胸")
    assert other.id != value_id


async def test_telling_without_read_back_does_not_count(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    with pytest.raises(Invalid) as refused:
        await harness.do("imaging.huba", criticals.notify_critical, case_id, value_id, "陶小满", "电话", False)
    assert refused.value.errors[0].field == "read_back"


async def test_the_member_may_acknowledge_before_the_call_and_again_changes_nothing(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    first = await harness.do("clinic1", criticals.acknowledge_critical, case_id, value_id)
    harness.clock.forward(minutes=1)
    again = await harness.do("clinic1", criticals.acknowledge_critical, case_id, value_id)
    assert again.acknowledged_at == first.acknowledged_at
    with pytest.raises(InvalidTransition):
        await harness.do("imaging.huba", criticals.notify_critical, case_id, value_id, "陶小满", "电话", True)


async def test_no_action_before_it_was_acknowledged(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    with pytest.raises(InvalidTransition):
        await harness.do("clinic1", criticals.act_on_critical, case_id, value_id, "x")


async def test_withdrawn_with_a_reason_and_kept(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    value = await harness.do("imaging.huba", criticals.withdraw_critical, case_id, value_id, "复核为伪影")
    assert (value.status, value.withdrawn_reason) == (CriticalStatus.WITHDRAWN, "复核为伪影")
    assert not (await harness.case(case_id)).critical_open
    with pytest.raises(InvalidTransition):
        await harness.do("clinic1", criticals.acknowledge_critical, case_id, value_id)


async def test_each_side_keeps_to_its_own_steps(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    with pytest.raises(Forbidden):
        await harness.do("clinic1", criticals.declare_critical, case_id, "x")
    with pytest.raises(Forbidden):
        await harness.do("imaging.huba", criticals.acknowledge_critical, case_id, value_id)
    for stranger in ("clinic2", "imaging.hubb", "ecg.huba"):
        with pytest.raises(NotFound):
            await harness.do(stranger, criticals.acknowledge_critical, case_id, value_id)


async def test_a_value_of_another_case_is_not_there(harness: Harness) -> None:
    _, value_id = await declared(harness)
    other = await harness.claimed()
    with pytest.raises(NotFound):
        await harness.do("clinic1", criticals.acknowledge_critical, other.id, value_id)


async def test_a_hub_that_asked_further_up_can_still_finish_its_call(harness: Harness) -> None:
    case_id, value_id = await declared(harness)
    await harness.do("imaging.huba", reading.escalate_case, case_id, "请上级会诊")
    value = await harness.do("imaging.huba", criticals.notify_critical, case_id, value_id, "陶小满", "电话", True)
    assert value.status is CriticalStatus.NOTIFIED
