"""Drafts: the patient's card is found by number, filled in, corrected."""

from __future__ import annotations

from typing import Any

from tests.demo_region import Answer, DemoRegion

SOUND = "320102196103050014"


def resident_id(serial: int) -> str:
    """A sound number (GB 11643) of a man born on 1961-03-05."""
    body = f"32010219610305{serial * 2 + 1:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def card(name: str, number: str, resident: str = "", **more: Any) -> dict[str, Any]:
    identifiers = [{"system": "CLINIC1", "value": number}] + ([{"system": "resident-id", "value": resident}] if resident else [])
    return {"name": name, "sex": "male", "birth_date": "1961-03-05", "identifiers": identifiers} | more


async def draft(region: DemoRegion, patient: dict[str, Any]) -> dict[str, Any]:
    answer = await region.call("POST", "/api/v1/cases", {"centre": "ecg", "patient": patient}, user="clinic1")
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.body
    return made


async def change(region: DemoRegion, case: dict[str, Any], **changes: Any) -> Answer:
    return await region.call("PATCH", f"/api/v1/cases/{case['id']}", changes, user="clinic1")


async def find(region: DemoRegion, number: str, user: str = "clinic1") -> Answer:
    return await region.call("POST", "/api/v1/patients/find", {"number": number}, user=user)


async def test_a_known_patient_is_found_by_either_number_at_the_own_institution_only(region: DemoRegion) -> None:
    number = resident_id(11)
    await draft(region, card("李建国", "F-11", number, phone="13800000011"))
    for asked in ("F-11", number, number.lower(), f" {number} "):
        (found,) = (await find(region, asked)).body["items"]
        assert (found["name"], found["birth_date"], found["phone"]) == ("李建国", "1961-03-05", "13800000011")
    assert (await find(region, "F-11", "clinic2")).body["items"] == []
    assert (await find(region, number, "clinic2")).body["items"] == []
    assert (await find(region, "F-11", "imaging.huba")).status == 403
    assert (await find(region, "F-11", "operator")).status == 403


async def test_looking_for_a_patient_is_on_record(region: DemoRegion) -> None:
    made = await draft(region, card("王芳", "F-12"))
    await find(region, "F-12")
    lines = await region.parts.application.queries.audit({"action": "patient:find", "actor": "clinic1"}, None, 5)
    assert made["patient"]["id"] in lines[0].subject


async def test_a_mistyped_name_in_a_draft_is_corrected_in_the_record(region: DemoRegion) -> None:
    made = await draft(region, card("张为", "F-13", resident_id(13)))
    answer = await change(region, made, patient=card("张伟", "F-13", resident_id(13)))
    assert (answer.status, answer.body["patient"]["name"], answer.body["patient"]["id"]) == (200, "张伟", made["patient"]["id"])
    assert [p["name"] for p in (await find(region, "F-13")).body["items"]] == ["张伟"]


async def test_a_record_that_other_cases_show_is_not_rewritten_by_a_draft(region: DemoRegion) -> None:
    first = await draft(region, card("赵敏", "F-14"))
    second = await draft(region, card("赵敏", "F-14"))
    answer = await change(region, second, patient=card("钱进", "F-14"))
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "patient.identifiers")
    moved = await change(region, second, patient=card("钱进", "F-15"))
    assert moved.body["patient"]["id"] != first["patient"]["id"]
    assert (await region.call("GET", f"/api/v1/cases/{first['id']}", user="clinic1")).body["patient"]["name"] == "赵敏"


async def test_a_corrected_resident_number_leaves_the_wrong_persons_group(region: DemoRegion) -> None:
    right, wrong = resident_id(16), resident_id(17)
    await draft(region, card("孙丽", "F-16", right))
    answer = await region.call(
        "POST", "/api/v1/cases", {"centre": "ecg", "patient": card("孙丽", "X", right) | {"identifiers": [{"system": "resident-id", "value": right}]}}, user="clinic2"
    )  # fmt: skip
    other = answer.body
    fixed = {"name": "孙丽", "sex": "male", "birth_date": "1961-03-05", "identifiers": [{"system": "resident-id", "value": wrong}]}
    assert (await region.call("PATCH", f"/api/v1/cases/{other['id']}", {"patient": fixed}, user="clinic2")).status == 200
    async with region.parts.application.reading() as work:
        record = await work.patients.get(other["patient"]["id"])
        assert record is not None
        assert record.master_id == record.id


async def test_the_card_fills_in_what_the_record_lacked(region: DemoRegion) -> None:
    unknown = card("周涛", "F-18") | {"sex": "unknown", "birth_date": None}
    await draft(region, unknown)
    again = await draft(region, card("周涛", "F-18"))
    assert (again["patient"]["sex"], again["patient"]["birth_date"]) == ("male", "1961-03-05")


async def test_patient_and_kind_are_fixed_once_the_case_was_sent(region: DemoRegion) -> None:
    made = await draft(region, card("吴刚", "F-19"))
    assert (await change(region, made, kind="consultation", request={"reason": "胸闷"})).body["kind"] == "consultation"
    await region.step(made["id"], "submit", user="clinic1")
    await region.step(made["id"], "return", {"reason": "请补充用药史"}, user="ecg.huba")
    assert (await change(region, made, patient=card("吴钢", "F-19"))).status == 409
    assert (await change(region, made, kind="diagnosis")).status == 409
    answer = await change(region, made, request={"reason": "胸闷两天", "history": "阿司匹林"}, priority="urgent")
    assert (answer.status, answer.body["priority"]) == (200, "urgent")
    assert (await region.step(made["id"], "submit", user="clinic1")).body["status"] == "requested"
