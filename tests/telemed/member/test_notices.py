"""Notices: who is told of what, and the board's three parts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

from telemed.domain.case import CaseStatus
from telemed.domain.notices import NOTICES, Audience, rules_for
from telemed.domain.people import Person
from telemed.service.queries import CaseFilter, View
from telemed.web.pages.notices import LOOKS
from tests.demo_region import DemoRegion, new_case

SECTIONS = {"findings": "未见异常", "impression": "正常"}


async def person(region: DemoRegion, username: str) -> Person:
    async with region.parts.application.reading() as work:
        found = await work.people.get(username)
    assert found is not None
    return found


async def notices(region: DemoRegion, username: str, case: str) -> list[str]:
    """The actions that a person is told of about one case, newest first."""
    found = await region.parts.application.queries.notices(await person(region, username), None, 500)
    return [notice.line.action for notice in found if notice.case.id == case]


async def sent(region: DemoRegion) -> str:
    case = await new_case(region)
    assert (await region.step(case, "submit", user="clinic1")).status == 200
    return case


async def signed(region: DemoRegion) -> str:
    case = await sent(region)
    await region.step(case, "claim", user="imaging.huba")
    tag = (await region.call("GET", f"/api/v1/cases/{case}/report", user="imaging.huba")).headers["ETag"]
    headers = {"If-Match": tag}
    await region.call("PUT", f"/api/v1/cases/{case}/report", {"sections": SECTIONS}, user="imaging.huba", headers=headers)
    answer = await region.step(case, "report/sign", {"password": "telemed-demo"}, user="imaging.huba")
    assert answer.status == 200, answer.body
    return case


async def test_each_side_is_told_what_the_other_did_and_nothing_of_its_own(region: DemoRegion) -> None:
    case = await signed(region)
    value = (await region.step(case, "criticals", {"finding": "脑出血"}, user="imaging.huba")).body["id"]
    await region.step(case, f"criticals/{value}/acknowledge", user="clinic1")
    await region.step(case, f"criticals/{value}/act", {"action": "转院"}, user="clinic1")
    assert await notices(region, "clinic1", case) == ["critical-declare", "sign"]
    assert await notices(region, "imaging.huba", case) == ["critical-act", "critical-acknowledge"]
    for stranger in ("clinic2", "imaging.hubb", "ecg.huba", "operator", "auditor"):
        assert await notices(region, stranger, case) == []


async def test_a_question_and_its_answer(region: DemoRegion) -> None:
    case = await sent(region)
    await region.step(case, "claim", user="imaging.huba")
    await region.step(case, "return", {"reason": "缺少病史"}, user="imaging.huba")
    assert await notices(region, "clinic1", case) == ["return"]


async def test_every_notice_is_worded_on_the_page(region: DemoRegion) -> None:
    """One line of each action that some rule names, read by the member and by the reader."""
    case = await sent(region)
    await region.step(case, "claim", user="imaging.huba")
    async with region.parts.application.writing() as work:
        found = await work.cases.get(case)
        assert found is not None
        for rule in NOTICES:
            work.outbox.event(replace(found, status=CaseStatus(rule.status or found.status)), rule.action, "operator")
    for user, audience in (("clinic1", Audience.MEMBER), ("imaging.huba", Audience.READERS)):
        answer = await region.call("GET", "/notices", user=user, headers={"Accept-Language": "en"})
        assert answer.status == 200, answer.body
        said = answer.body.decode()
        assert [rule.action for rule in rules_for(audience) if LOOKS[rule.action].word not in said] == []


async def test_what_was_seen_is_not_counted_again(region: DemoRegion) -> None:
    application, clinic = region.parts.application, await person(region, "clinic1")
    await signed(region)
    before = await application.queries.unread_notices(clinic)
    assert before > 0
    newest = (await application.queries.notices(clinic, None, 1))[0]
    async with application.writing() as work:
        await work.notice_marks.mark("clinic1", newest.line.id)
        await work.notice_marks.mark("clinic1", 1)  # never goes back
    assert await application.queries.unread_notices(clinic) == 0
    await signed(region)
    assert await application.queries.unread_notices(clinic) == 1


async def lines_of(region: DemoRegion) -> AsyncIterator[tuple[str, dict[str, object]]]:
    headers = {"Authorization": f"Bearer {await region.token('clinic1')}"}
    async with region.http.get("/api/v1/events", headers=headers) as stream:
        name = ""
        async for line in stream.content:
            if line.startswith(b"event: "):
                name = line[7:].decode().strip()
            elif line.startswith(b"data: "):
                yield name, json.loads(line[6:])


async def test_the_live_feed_rings_the_bell(region: DemoRegion) -> None:
    heard: list[tuple[str, dict[str, object]]] = []
    ringing = asyncio.Event()

    async def listen() -> None:
        async for name, data in lines_of(region):
            heard.append((name, data))
            if name == "notice":
                ringing.set()

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(30):
        while not ringing.is_set():  # the stream may still be opening when the first case is sent back
            case = await sent(region)
            await region.step(case, "return", {"reason": "缺少病史"}, user="imaging.huba")
            await asyncio.wait([asyncio.create_task(ringing.wait())], timeout=2)
    unread = await region.parts.application.queries.unread_notices(await person(region, "clinic1"))
    async with asyncio.timeout(10):  # of two cases only the second's count is the last one
        while ("notice", {"unread": unread}) not in heard:
            ringing.clear()
            await ringing.wait()
    listening.cancel()


async def test_every_case_of_the_board_stands_in_one_part(region: DemoRegion) -> None:
    queries, clinic = region.parts.application.queries, await person(region, "clinic1")
    cases = {
        "draft": await new_case(region),
        "waiting": await sent(region),
        "unread": await signed(region),
        "read": await signed(region),
        "cancelled": await new_case(region),
        "returned": await sent(region),
        "critical": await sent(region),
    }
    await region.step(cases["read"], "acknowledge", user="clinic1")
    await region.step(cases["cancelled"], "cancel", {"reason": "误建"}, user="clinic1")
    await region.step(cases["returned"], "return", {"reason": "缺少病史"}, user="imaging.huba")
    await region.step(cases["critical"], "criticals", {"finding": "脑出血"}, user="imaging.huba")
    names = {case: name for name, case in cases.items()}
    parts = {}
    for view in (View.ATTENTION, View.RUNNING, View.DONE):
        page = await queries.cases(clinic, CaseFilter(view=view, ids=tuple(names)), None, 50)
        parts[view] = sorted(names[case.id] for case in page.cases)
    assert parts == {
        View.ATTENTION: ["critical", "returned", "unread"],
        View.RUNNING: ["draft", "waiting"],
        View.DONE: ["cancelled", "read"],
    }
