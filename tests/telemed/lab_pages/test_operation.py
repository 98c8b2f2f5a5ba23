"""The board of orders, the operator's page and a result's history over HTTP: who sees what, and what is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from telemed.centres.lab.operation import orders_page
from telemed.demo.region import accounts
from tests.demo_region import DemoRegion
from tests.telemed.lab_pages.messages import CREATININE, OWN_CODE, POTASSIUM, case_of, oru, send

people = count(9000)
NOW = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
EVERYBODY = ["clinic1", "clinic2", "lab.huba", "lab2.main", "operator", "sysadmin", "secadmin", "auditor"]


async def page_of(region: DemoRegion, path: str, user: str) -> tuple[int, str]:
    answer = await region.call("GET", f"{path}{'&' if '?' in path else '?'}lang=en", user=user, headers={"Accept": "text/html"})
    return answer.status, answer.body.decode()


async def result_id(region: DemoRegion, member: str, patient: str) -> str:
    found = await region.call("GET", f"/api/v1/lab/results?member={member}&patient={patient}", user=member.lower())
    return str(found.body["items"][0]["id"])


async def kept_aside(region: DemoRegion, member: str, control: str) -> str:
    """A message in GBK that says it is UTF-8; returns its id."""
    patient = f"LP{next(people)}"
    raw = oru(member, patient, [("2823-3^钾^LN", "4.1", "mmol/L", "3.5-5.3")], at=NOW, control=control).decode()
    await send(region, raw.encode("gb18030"))
    listed = await region.call("GET", f"/api/v1/lab/messages?sender={member}&state=quarantined", user="operator")
    return str(next(each["id"] for each in listed.body["items"] if each["control_id"] == control))


@pytest.mark.parametrize("user", EVERYBODY)
async def test_the_board_of_orders_is_for_members(region: DemoRegion, user: str) -> None:
    status, _page = await page_of(region, "/lab", user)
    assert status == (200 if user.startswith("clinic") else 403)


async def test_orders_stand_newest_first_with_what_is_out_of_range(region: DemoRegion) -> None:
    patient, other = f"LP{next(people)}", f"LP{next(people)}"
    await send(
        region,
        oru("CLINIC3", patient, [(POTASSIUM, "5.9", "mmol/L", "3.5-5.3")], at=NOW - timedelta(days=2), order="BOARD1"),
        oru("CLINIC3", patient, [(CREATININE, "80", "umol/L", "57-97")], at=NOW - timedelta(days=1), order="BOARD2", status="P"),
        oru("CLINIC2", other, [(POTASSIUM, "5.8", "mmol/L", "3.5-5.3")], at=NOW, order="BOARD3"),
    )
    _, page = await page_of(region, "/lab", "clinic3")
    assert page.index("BOARD2") < page.index("BOARD1")
    assert "K 5.9" in page
    assert "BOARD3" not in page
    _, page = await page_of(region, "/lab?show=preliminary", "clinic3")
    assert "BOARD2" in page
    assert "BOARD1" not in page
    _, page = await page_of(region, "/lab?show=abnormal", "clinic3")
    assert "BOARD1" in page
    assert "BOARD2" not in page
    for number in ("BOARD1", patient):
        _, page = await page_of(region, f"/lab?q={number}", "clinic3")
        assert "BOARD1" in page
    _, page = await page_of(region, "/lab?q=BOARD3", "clinic3")
    assert "No order fits." in page


async def test_a_long_board_goes_on_where_it_ended(region: DemoRegion) -> None:
    """No order is lost between two pages, however many results it has."""
    sent = [
        oru("HUBB", f"LP{next(people)}", [(POTASSIUM, "4.0", "mmol/L", ""), (CREATININE, "70", "umol/L", "")], at=NOW - timedelta(hours=n), order=f"LONG{n:03d}")
        for n in range(70)
    ]  # fmt: skip
    await send(region, *sent)
    person = replace(next(each for each in accounts() if each.username == "clinic1"), institution="HUBB")
    async with region.parts.application.reading() as work:
        first = await orders_page(work, person, "", None)
        second = await orders_page(work, person, "", first.next)
    numbers = [order.number for order in (*first.orders, *second.orders)]
    assert first.next is not None
    assert second.next is None
    assert sorted(set(numbers)) == [f"LONG{n:03d}" for n in range(70)]


@pytest.mark.parametrize("user", EVERYBODY)
@pytest.mark.parametrize("view", ["connections", "aside", "codes"])
async def test_operations_are_for_the_operator_and_for_members_as_to_their_own(region: DemoRegion, user: str, view: str) -> None:
    await kept_aside(region, "CLINIC2", f"OWN{next(people)}")
    status, page = await page_of(region, f"/lab/operations?view={view}", user)
    assert status == (200 if user in ("clinic1", "clinic2", "operator") else 403)
    if view != "codes":
        assert ("CLINIC2" in page) is (user in ("clinic2", "operator"))
    assert ("data-decide" in page or "No code waits." in page) is (user == "operator" and view == "codes")


async def test_content_is_opened_with_a_reason_that_is_on_record(region: DemoRegion) -> None:
    message = await kept_aside(region, "CLINIC2", "REASON1")
    path = f"/api/v1/lab/messages/{message}/open"
    assert (await region.call("POST", path, {"reason": "  "}, user="operator")).status == 422
    opened = await region.call("POST", path, {"reason": "确认字符集"}, user="operator")
    assert opened.status == 200
    by_set = {each["character_set"]: each for each in opened.body["readings"]}
    assert by_set["utf-8"]["fits"] is False
    assert by_set["gb18030"]["fits"] is True
    assert "2823-3^钾^LN" in "".join(by_set["gb18030"]["lines"])
    lines = await region.parts.application.queries.audit({"action": "message:open"}, None, 50)
    assert [(line.actor, line.detail.get("reason")) for line in lines if line.subject == f"message/{message}"] == [
        ("operator", "确认字符集")
    ]
    assert (await region.call("POST", path, {"reason": "看看"}, user="clinic1")).status == 404
    assert (await region.call("POST", path, {"reason": "看看"}, user="lab.huba")).status == 403
    assert (await region.call("POST", path, {"reason": "自己的消息"}, user="clinic2")).status == 200
    assert (await region.call("POST", "/api/v1/lab/messages/0/open", {"reason": "无"}, user="operator")).status == 404


async def test_a_result_tells_its_history_to_who_may_see_the_patient(region: DemoRegion) -> None:
    number = next(people) % 480
    patient = f"LP{number:04d}"
    for value, hours, status in (("5.1", 3, "P"), ("5.2", 2, "F"), ("5.6", 1, "C")):
        await send(region, oru("CLINIC1", patient, [(POTASSIUM, value, "mmol/L", "3.5-5.3")], at=NOW - timedelta(hours=hours), order=f"V{number}", status=status))  # fmt: skip
    result = await result_id(region, "CLINIC1", patient)
    status, page = await page_of(region, f"/lab/results/{result}", "clinic1")
    assert status == 200
    for word in ("5.1", "5.2", "5.6", "preliminary", "corrected"):
        assert word in page
    for user in EVERYBODY[1:]:
        assert (await page_of(region, f"/lab/results/{result}", user))[0] == 404, user
    await case_of(region, number, "CLINIC1")
    assert (await page_of(region, f"/lab/results/{result}", "lab.huba"))[0] == 200
    assert (await page_of(region, f"/lab/results/{'0' * 32}", "clinic1"))[0] == 404


async def test_a_code_is_offered_with_tests_that_it_may_be_and_a_decision_moves_its_row(region: DemoRegion) -> None:
    number = next(people) % 480
    patient = f"LP{number:04d}"
    await send(region, oru("CLINIC1", patient, [("KALI^钾离子^L", "4.4", "mmol/L", "3.5-5.3"), (OWN_CODE, "1", "", "")], at=NOW))
    _, page = await page_of(region, "/lab/operations?view=codes", "operator")
    assert 'data-code="KALI"' in page
    assert "钾离子测定" in page
    decided = await region.call("POST", "/api/v1/lab/mappings", {"member": "CLINIC1", "code": "KALI", "item": "1400605A"}, user="operator")
    assert decided.status == 200
    await region.work()
    _, page = await page_of(region, "/lab/operations?view=codes", "operator")
    assert 'data-code="KALI"' not in page
    result = await result_id(region, "CLINIC1", patient)
    _, page = await page_of(region, f"/lab/patients/{result}", "clinic1")
    assert "Electrolytes and elements" in page
