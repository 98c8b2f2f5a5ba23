"""A report's result over the API: not judged until somebody says so, and printed only then."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from tests.demo_region import DemoRegion, new_case
from tests.telemed.api.stories import done
from tests.telemed.harness import PASSWORD, SECTIONS

READERS = {"imaging": "imaging.huba", "ecg": "ecg.huba", "lab": "lab.huba", "pathology": "pathology.huba", "consultation": "consult.huba"}
ALWAYS = {"consultation": {"speciality": "CARDIOLOGY"}, "pathology": {"procedure": "biopsy"}}


async def claimed(region: DemoRegion, centre: str = "imaging") -> str:
    case_id = await new_case(region, centre, **ALWAYS.get(centre, {}))
    await done(await region.step(case_id, "submit", user="clinic1"))
    await done(await region.step(case_id, "claim", user=READERS[centre]))
    return case_id


async def save(region: DemoRegion, case_id: str, centre: str = "imaging", **more: Any) -> Any:
    body = {"sections": SECTIONS[centre]} | more
    return await region.call("PUT", f"/api/v1/cases/{case_id}/report", body, user=READERS[centre], headers={"If-Match": "*"})


async def printed(region: DemoRegion, case_id: str, version: int | None = None) -> str:
    """The text of the report as the member has it."""
    asked = f"?version={version}" if version else ""
    answer = await region.call("GET", f"/api/v1/cases/{case_id}/report.pdf{asked}", user="clinic1")
    assert answer.status == 200
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(answer.body)).pages)


@pytest.mark.parametrize("centre", READERS)
async def test_a_report_of_which_nobody_said_a_result_prints_none(region: DemoRegion, centre: str) -> None:
    case_id = await claimed(region, centre)
    await done(await save(region, case_id, centre))
    signed = await done(await region.step(case_id, "report/sign", {"password": PASSWORD}, user=READERS[centre]))
    text = await printed(region, case_id)
    assert "阴性" not in text
    assert "阳性" not in text
    assert signed["result"] == "not-judged"
    assert not signed["positive"]


@pytest.mark.parametrize(("result", "shown", "hidden"), [("negative", "结果：阴性", "阳性"), ("positive", "结果：阳性", "阴性")])
async def test_a_result_that_was_said_is_printed_and_listed(region: DemoRegion, result: str, shown: str, hidden: str) -> None:
    case_id = await claimed(region)
    sections = {"findings": "右侧颞叶见低密度影。", "impression": "右侧颞叶低密度影，建议复查。"}
    draft = await done(await save(region, case_id, sections=sections, result=result))
    assert (draft["result"], draft["positive"]) == (result, result == "positive")
    await done(await save(region, case_id, sections=sections | {"impression": "右侧颞叶低密度影。"}))  # what is not said again stays
    signed = await done(await region.step(case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba"))
    assert signed["result"] == result
    text = await printed(region, case_id)
    assert shown in text
    assert hidden not in text
    assert (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body["positive"] is (result == "positive")


@pytest.mark.parametrize(("said", "result"), [(True, "positive"), (False, "not-judged")])
async def test_the_name_of_before_says_yes_or_nothing(region: DemoRegion, said: bool, result: str) -> None:
    case_id = await claimed(region)
    assert (await done(await save(region, case_id, positive=said)))["result"] == result


async def test_a_result_that_there_is_not_is_refused(region: DemoRegion) -> None:
    case_id = await claimed(region)
    assert (await save(region, case_id, result="abnormal")).status == 422


async def test_a_consultation_has_no_result(region: DemoRegion) -> None:
    case_id = await claimed(region, "consultation")
    refused = await save(region, case_id, "consultation", result="positive")
    assert refused.status == 422
    assert [each["field"] for each in refused.body["errors"]] == ["result"]
    await done(await save(region, case_id, "consultation", result="not-judged"))
    await done(await region.step(case_id, "criticals", {"finding": "病情危重"}, user="consult.huba"))
    draft = await region.call("GET", f"/api/v1/cases/{case_id}/report", user="consult.huba")
    assert draft.body["result"] == "not-judged"


async def test_each_version_prints_its_own_result(region: DemoRegion) -> None:
    case_id = await claimed(region)
    await done(await save(region, case_id, sections={"findings": "颅内未见异常密度影。", "impression": "未见出血。"}, result="negative"))
    await done(await region.step(case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba"))
    changed = {"findings": "左侧顶叶见小片状高密度影。", "impression": "左侧顶叶小出血灶。"}
    body = {"reason": "补充", "sections": changed}
    opened = await done(await region.step(case_id, "report/amend", body, user="imaging.huba"))
    assert opened["result"] == "not-judged", "another text has been judged by nobody"
    await done(await save(region, case_id, sections=changed, result="positive"))
    await done(await region.step(case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba"))
    added = await done(await region.step(case_id, "report/append", {"reason": "电话告知"}, user="imaging.huba"))
    assert added["result"] == "positive", "an addendum leaves the report as it was"
    assert "结果：阴性" in await printed(region, case_id, 1)
    assert "结果：阳性" in await printed(region, case_id, 2)


async def test_a_copy_of_the_text_keeps_its_result(region: DemoRegion) -> None:
    case_id = await claimed(region)
    await done(await save(region, case_id, sections={"findings": "颅内未见异常密度影。", "impression": "未见出血。"}, result="negative"))
    await done(await region.step(case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba"))
    assert (await done(await region.step(case_id, "report/amend", {"reason": "措辞"}, user="imaging.huba")))["result"] == "negative"
