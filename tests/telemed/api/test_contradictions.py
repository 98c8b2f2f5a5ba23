"""What does not go together in a report, over the API: who signs it all the same says why, and that is on record."""

from __future__ import annotations

from typing import Any

from tests.demo_region import Answer, DemoRegion, new_case
from tests.telemed.api.stories import done
from tests.telemed.harness import PASSWORD

WOMB = {"findings": "盆腔内子宫大小形态正常。", "impression": "子宫小肌瘤可能。"}
REASON = "性别登记错误，已电话核实"


async def written(region: DemoRegion, sections: dict[str, str], result: str = "", reader: str = "imaging.huba", **request: str) -> str:
    """A case of a man with this draft; at MAIN where the reader is there."""
    case_id = await new_case(region, **({"body_part": "PELVIS"} | request))
    await done(await region.step(case_id, "submit", user="clinic1"))
    if reader.endswith(".main"):
        await done(await region.step(case_id, "decline", {"reason": "无相应专业"}, user="imaging.huba"))
    await done(await region.step(case_id, "claim", user=reader))
    await save(region, case_id, sections, result, reader)
    return case_id


async def save(region: DemoRegion, case_id: str, sections: dict[str, str], result: str = "", reader: str = "imaging.huba") -> None:
    body = {"sections": sections, "result": result}
    await done(await region.call("PUT", f"/api/v1/cases/{case_id}/report", body, user=reader, headers={"If-Match": "*"}))


async def sign(region: DemoRegion, case_id: str, reader: str = "imaging.huba", step: str = "sign", **more: Any) -> Answer:
    return await region.step(case_id, f"report/{step}", {"password": PASSWORD} | more, user=reader)


async def pointed_out(region: DemoRegion, case_id: str, reader: str = "imaging.huba") -> list[tuple[str, str]]:
    answer = await done(await region.call("GET", f"/api/v1/cases/{case_id}/report/contradictions", user=reader))
    return [(each["code"], each["severity"]) for each in answer["items"]]


async def test_a_contradiction_stops_the_signature_until_somebody_says_why(region: DemoRegion) -> None:
    case_id = await written(region, WOMB)
    assert await pointed_out(region, case_id) == [("sex-male", "stop")]
    refused = await sign(region, case_id)
    assert refused.status == 409
    assert refused.body["type"] == "/problems/contradictions"
    (found,) = refused.body["contradictions"]
    assert (found["code"], found["severity"], found["message"]) == ("sex-male", "stop", "文中写有“子宫”，而患者为男性")
    assert found["message"] in refused.body["detail"]
    without = await sign(region, case_id, acknowledged=["sex-male"], reason="  ")
    assert (without.status, [each["field"] for each in without.body["errors"]]) == (422, ["reason"])
    assert (await sign(region, case_id, acknowledged=["side"], reason=REASON)).status == 409
    signed = await done(await sign(region, case_id, acknowledged=["sex-male"], reason=REASON))
    assert signed["status"] == "final"
    (kept,) = signed["acknowledged"]
    assert (kept["code"], kept["said"], kept["by"], kept["reason"]) == ("sex-male", "子宫", "imaging.huba", REASON)
    history = (await region.call("GET", f"/api/v1/cases/{case_id}/events", user="clinic1")).body["items"]
    (line,) = [each for each in history if each["action"] == "sign"]
    assert (line["detail"]["contradictions"], line["detail"]["reason"]) == (["sex-male"], REASON)
    trail = (await region.call("GET", "/api/v1/audit?action=report:sign", user="auditor")).body["items"]
    record = next(each for each in trail if each["subject"] == f"case/{case_id}" and each["outcome"] == "success")
    assert record["detail"]["contradictions"] == ["sex-male"]
    assert "reason" not in record["detail"], "the auditor sees codes, not words"


async def test_a_corrected_report_is_signed_without_a_reason(region: DemoRegion) -> None:
    case_id = await written(region, WOMB)
    assert (await sign(region, case_id)).status == 409
    await save(region, case_id, {"findings": "膀胱充盈可，未见子宫。", "impression": "盆腔未见占位。"})
    assert await pointed_out(region, case_id) == []
    assert (await done(await sign(region, case_id)))["acknowledged"] == []


async def test_a_hint_is_pointed_out_and_stops_nothing(region: DemoRegion) -> None:
    case_id = await written(region, {"findings": "盆腔未见占位。", "impression": "未见异常。"}, "positive")
    assert await pointed_out(region, case_id) == [("positive-normal", "hint")]
    await done(await sign(region, case_id))


async def test_a_negative_result_beside_a_critical_value_is_not_signed_in_passing(region: DemoRegion) -> None:
    sections = {"findings": "左侧基底节区见团块状高密度影。", "impression": "左侧基底节区脑出血。"}
    case_id = await written(region, sections, body_part="HEAD")
    await done(await region.step(case_id, "criticals", {"finding": "急性颅内出血"}, user="imaging.huba"))
    await save(region, case_id, sections, "negative")
    assert await pointed_out(region, case_id) == [("critical-negative", "stop")]
    assert (await sign(region, case_id)).status == 409
    await save(region, case_id, sections, "positive")
    await done(await sign(region, case_id))


async def test_the_side_and_the_part_that_were_asked_for(region: DemoRegion) -> None:
    hand = {"findings": "左手第五掌骨颈见骨折线。", "impression": "左手第五掌骨颈骨折。"}
    case_id = await written(region, hand, modality="DX", body_part="HAND", reason="右手外伤")
    assert await pointed_out(region, case_id) == [("side", "stop")]
    head = {"findings": "颅骨骨质完整，脑实质内未见异常密度影。", "impression": "颅脑未见明显异常。"}
    case_id = await written(region, head, modality="DX", body_part="CHEST", reason="咳嗽")
    assert await pointed_out(region, case_id) == [("part", "stop")]


async def test_the_reviewer_sees_what_was_signed_all_the_same_and_answers_for_what_came_since(region: DemoRegion) -> None:
    case_id = await written(region, WOMB, "negative", "imaging.main")
    await done(await sign(region, case_id, "imaging.main", acknowledged=["sex-male"], reason=REASON))
    page = await region.call("GET", f"/read/{case_id}", user="imaging2.main", headers={"Accept": "text/html"})
    assert REASON in page.body.decode()
    assert await pointed_out(region, case_id, "imaging2.main") == []
    await done(await region.step(case_id, "criticals", {"finding": "盆腔大出血"}, user="imaging2.main"))
    assert await pointed_out(region, case_id, "imaging2.main") == [("critical-negative", "stop")]
    assert (await sign(region, case_id, "imaging2.main", "review")).status == 409
    released = await done(await sign(region, case_id, "imaging2.main", "review", acknowledged=["critical-negative"], reason="陈旧性"))
    assert [(each["code"], each["by"]) for each in released["acknowledged"]] == [
        ("sex-male", "imaging.main"),
        ("critical-negative", "imaging2.main"),
    ]


async def test_an_addendum_is_held_against_the_patient_as_well(region: DemoRegion) -> None:
    case_id = await written(region, {"findings": "盆腔未见占位。", "impression": "未见异常。"})
    await done(await sign(region, case_id))
    await done(await region.step(case_id, "report/append", {"reason": "补充"}, user="imaging.huba"))
    await save(region, case_id, {"addendum": "子宫内膜增厚。"})
    assert (await sign(region, case_id)).status == 409


async def test_only_readers_of_the_hub_that_has_the_case_are_told(region: DemoRegion) -> None:
    case_id = await written(region, WOMB)
    for stranger in ("clinic1", "clinic2", "imaging.hubb", "imaging.main", "ecg.huba", "operator"):
        answer = await region.call("GET", f"/api/v1/cases/{case_id}/report/contradictions", user=stranger)
        assert answer.status in (403, 404), stranger
