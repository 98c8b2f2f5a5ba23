"""The doors over HTTP: who reaches a box and a tube, what bad input gets, files of loggers, held tubes at the signature."""

from __future__ import annotations

import pytest

from tests.demo_region import DemoRegion
from tests.telemed.harness import PASSWORD
from tests.telemed.specimens.way import LOG, attach, came, given, packed, said, tubes, under_way

READER, REVIEWER, OTHER_HUB, OTHER_CENTRE = "lab.huba", "lab2.main", "lab.hubb", "ecg.huba"
USERS = ("clinic1", "clinic2", READER, OTHER_HUB, OTHER_CENTRE, REVIEWER, "operator", "auditor", "sysadmin")

# y: may, f: 403, n: 404. Whose: the box is clinic1's and on its way to HUBA; the tube is in it.
WHO = """
                                     clinic1 clinic2 lab.huba lab.hubb ecg.huba lab2.main operator auditor sysadmin
GET    box                           y       n       y        n        n        n         f        f       f
GET    box/manifest.pdf              y       n       y        n        n        n         f        f       f
GET    box/manifest.hl7              y       n       y        n        n        n         f        f       f
GET    box/temperature               y       n       y        n        n        n         f        f       f
GET    box/temperature.svg           y       n       y        n        n        n         f        f       f
POST   box/readings                  y       n       y        n        n        f         f        f       f
POST   box/temperature               y       n       y        n        n        f         f        f       f
POST   box/ready                     y       n       f        f        f        f         f        f       f
POST   box/reopen                    y       n       f        f        f        f         f        f       f
POST   box/hand-over                 y       n       f        f        f        f         f        f       f
POST   box/send                      y       n       f        f        f        f         f        f       f
POST   box/cancel                    y       n       f        f        f        f         f        f       f
POST   box/take-over                 y       n       y        n        n        f         f        f       f
POST   box/lose                      y       n       y        n        n        f         f        f       f
POST   box/reconcile                 f       f       y        n        n        f         f        f       f
POST   box/specimens                 y       n       f        f        f        f         f        f       f
DELETE box/specimens/tube            y       n       f        f        f        f         f        f       f
POST   box/specimens/tube            f       f       y        n        n        f         f        f       f
POST   box/specimens/tube/take-back  f       f       y        n        n        f         f        f       f
GET    tube                          y       n       y        n        n        n         f        f       f
GET    tube/label.pdf                y       n       y        n        n        n         f        f       f
GET    tube/label.zpl                y       n       y        n        n        n         f        f       f
POST   tube/collect                  y       n       f        f        f        f         f        f       f
POST   tube/void                     y       n       f        f        f        f         f        f       f
POST   tube/reject                   y       n       y        n        n        f         f        f       f
POST   tube/identity                 y       n       y        n        n        f         f        f       f
"""
BODIES = {
    "box/readings": {"logger": "x", "readings": [{"at": "2026-11-18T00:00:00Z", "celsius": 4}]},
    "box/hand-over": {"courier": "x"},
    "box/take-over": {"courier": "x"},
    "box/specimens/tube": {"condition": "good"},
    "tube/reject": {"reason": "RH"},
    "tube/identity": {"same_person": True, "reason": "x"},
}
REFUSED = {"f": {403}, "n": {404}}


def who() -> list[tuple[str, str, dict[str, str]]]:
    head, *lines = WHO.strip("\n").splitlines()
    rows = [line.split() for line in lines]
    return [(row[0], row[1], dict(zip(head.split(), row[2:], strict=True))) for row in rows]


async def on_its_way(region: DemoRegion, *, received: bool = False) -> tuple[str, str]:
    """A box of clinic1 in transit to HUBA with readings, and the tube in it."""
    _, (number,) = await tubes(region, "EDTA")
    box = await under_way(region, [number])
    await attach(region, box, LOG)
    if received:
        await came(region, box, number)
    return box, number


@pytest.fixture(scope="module")
async def untouched(region: DemoRegion) -> tuple[str, str]:
    """For requests that must change nothing."""
    return await on_its_way(region)


@pytest.mark.parametrize(("method", "place", "expected"), who(), ids=lambda part: part if isinstance(part, str) else "")
async def test_who_reaches_a_box_and_a_tube_on_its_way(
    region: DemoRegion, untouched: tuple[str, str], method: str, place: str, expected: dict[str, str]
) -> None:
    assert tuple(expected) == USERS
    for user, cell in expected.items():
        fresh = cell == "y" and method != "GET"
        box, number = await on_its_way(region, received="take-back" in place) if fresh else untouched
        path = place.replace("tube", number).replace("box", f"/lab/boxes/{box}")
        path = path if path.startswith("/") else f"/lab/specimens/{path}"
        body = BODIES.get(place, {"number": number} if place == "box/specimens" else {} if method == "POST" else None)
        if place == "box/temperature" and method == "POST":
            answer = await attach(region, box, LOG, user=user)
        else:
            answer = await region.call(method, f"/api/v1{path}", body, user=user)
        assert answer.status < 500, (user, answer.status)
        assert (answer.status in {403, 404}) is (cell != "y"), (user, answer.status, answer.body)
        assert cell == "y" or answer.status in REFUSED[cell], (user, answer.status)


async def test_a_box_that_has_not_left_is_its_senders_alone(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA")
    box = await packed(region, numbers)
    await said(region, "GET", f"/lab/boxes/{box}", user=READER, status=404)
    assert box not in [each["id"] for each in (await said(region, "GET", "/lab/boxes", user=READER))["items"]]
    assert box in [each["id"] for each in (await said(region, "GET", "/lab/boxes?status=draft"))["items"]]
    await said(region, "POST", f"/lab/boxes/{box}/ready", {})
    await said(region, "POST", f"/lab/boxes/{box}/hand-over", {"courier": "x"})
    assert box in [each["id"] for each in (await said(region, "GET", "/lab/boxes?status=sent", user=READER))["items"]]
    assert box in [each["id"] for each in (await said(region, "GET", "/lab/boxes", user="operator"))["items"]]


@pytest.mark.parametrize(
    ("path", "body", "field", "word"),
    [
        ("/lab/boxes", {"to": "CLINIC2", "temperature": "2-8"}, "to", "HUBA"),
        ("/lab/boxes", {"to": "HUBA", "temperature": "cold"}, "temperature", "2-8"),
        ("/cases/{case}/specimens", {"containers": [{"kind": "JAR"}]}, "containers.0.kind", "EDTA"),
        ("/cases/{case}/specimens", {"items": ["WBC", "nonsense"]}, "items.1", "nonsense"),
        ("/cases/{case}/specimens", {"containers": []}, "containers", ""),
        ("/cases/{case}/specimens", {"containers": [{"kind": "EDTA"}], "collected_at": "2027-01-01T00:00:00Z"}, "collected_at", ""),
        ("/lab/specimens/{number}/reject", {"reason": "so so"}, "reason", "RH"),
    ],
)
async def test_what_bad_input_gets(region: DemoRegion, path: str, body: dict[str, object], field: str, word: str) -> None:
    case, numbers = await tubes(region, "EDTA")
    answer = await region.call(
        "POST", f"/api/v1{path.format(case=case, number=numbers[0])}", body, user="clinic1", headers={"Accept-Language": "en"}
    )
    assert answer.status == 422
    (fault,) = answer.body["errors"]
    assert fault["field"] == field
    assert word in fault["message"]
    assert fault["message"] != fault["code"]  # a sentence, not the rule's name


async def test_a_report_of_a_held_tube_asks_for_a_reason(region: DemoRegion) -> None:
    case, (number,) = await tubes(region, "EDTA")
    box = await under_way(region, [number])
    await attach(region, box, LOG)
    await came(region, box, number)
    (tube,) = (await said(region, "GET", f"/cases/{case}/specimens"))["items"]
    assert [hold["code"] for hold in tube["holds"]] == ["excursion"]
    assert "9.0" in tube["holds"][0]["message"]
    await said(region, "POST", f"/cases/{case}/claim", {}, user=READER)
    tag = (await region.call("GET", f"/api/v1/cases/{case}/report", user=READER)).headers["ETag"]
    saved = {"sections": {"interpretation": "血钾偏高"}}
    put = await region.call("PUT", f"/api/v1/cases/{case}/report", saved, user=READER, headers={"If-Match": tag})
    assert put.status == 200
    refused = await said(region, "POST", f"/cases/{case}/report/sign", {"password": PASSWORD}, user=READER, status=409)
    assert [each["code"] for each in refused["contradictions"]] == ["specimen-excursion"]
    insisted = {"password": PASSWORD, "acknowledged": ["specimen-excursion"], "reason": "血钾不受此温度影响"}
    await said(region, "POST", f"/cases/{case}/report/sign", insisted, user=READER)


async def test_a_loggers_file_is_kept_once_and_given_back(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA")
    box = await given(region, numbers)
    for _ in range(2):
        assert (await attach(region, box, LOG)).status == 201
    found = await said(region, "GET", f"/lab/boxes/{box}/temperature", user=READER)
    assert (found["readings"], found["lowest"], found["highest"]) == (5, 4.1, 9.0)
    assert 6.0 < found["mean_kinetic"] < 7.5
    (log,) = found["logs"]
    content = await region.call("GET", f"/api/v1/lab/boxes/{box}/temperature/{log['id']}", user=READER)
    assert content.body == LOG
    await said(region, "GET", f"/lab/boxes/{box}/temperature/{'0' * 32}", status=404)


async def test_what_a_loggers_file_may_be(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA")
    box = await given(region, numbers)
    document = await attach(region, box, b"%PDF-1.7\n%", "log.pdf")
    assert document.status == 201
    assert (document.body["readings"], document.body["logs"][0]["media_type"]) == (0, "application/pdf")
    rows = b"2026-11-18 08:00 4.1\nrubbish\n2026-11-18 08:05 4.6\n2026-11-18 09:30 4.6\n2026-11-18 09:35 4.6\n2026-11-18 09:40 4.6\n"
    partly = await attach(region, box, rows)
    assert partly.body["logs"][1]["unread"] == [2]
    assert [gap["start"] for gap in partly.body["gaps"]] == ["2026-11-18T00:05:00Z"]
    nothing = await attach(region, box, b"no log at all", "x.txt")
    assert nothing.status == 422
    assert "x.txt" in nothing.body["detail"]
    large = await attach(region, box, b"x" * (8 * 1024**2 + 1), "x.txt")
    assert large.status == 413
    assert (await region.call("POST", f"/api/v1/lab/boxes/{box}/temperature", {}, user="clinic1")).status == 415


async def test_scans_in_one_call_hand_on_what_is_in_hand(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA", "SST", "URINE")
    box = await under_way(region, numbers)
    codes = [box, numbers[0], "C-REJECTED-QS", numbers[1], numbers[2]]
    sent = {"station": "receipt", "scans": [{"id": f"scan-{box}-{place}", "code": code} for place, code in enumerate(codes)]}
    first = await said(region, "POST", "/lab/scans", sent, user=READER)
    assert [each["step"] for each in first["items"]] == ["box-in-hand", "received", "condition", "rejected", "received"]
    assert (await said(region, "POST", "/lab/scans", sent, user=READER)) == first
    seen = await said(region, "GET", f"/lab/boxes/{box}")
    assert {each["number"]: (each["condition"], each["reason"]) for each in seen["specimens"]} == {
        numbers[0]: ("good", ""),
        numbers[1]: ("rejected", "QS"),
        numbers[2]: ("good", ""),
    }
    undone = await said(region, "POST", f"/lab/scans/{sent['scans'][4]['id']}/undo", {}, user=READER)  # type: ignore[index]  # a literal above
    assert undone["undone"]
    await said(region, "POST", f"/lab/scans/{sent['scans'][0]['id']}/undo", {}, user=READER, status=409)  # type: ignore[index]


async def test_the_version_of_a_box_is_its_entity_tag(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA")
    box = await packed(region, numbers)
    tag = (await region.call("GET", f"/api/v1/lab/boxes/{box}", user="clinic1")).headers["ETag"]
    ready = f"/api/v1/lab/boxes/{box}/ready"
    assert (await region.call("POST", ready, {}, user="clinic1", headers={"If-Match": '"1"'})).status == 412
    assert (await region.call("POST", ready, {}, user="clinic1", headers={"If-Match": tag})).status == 200


async def test_the_same_box_asked_for_twice_is_one(region: DemoRegion) -> None:
    body = {"to": "HUBA", "temperature": "15-25", "key": "my-box-1"}
    first = await said(region, "POST", "/lab/boxes", body, status=201)
    assert (await said(region, "POST", "/lab/boxes", body, status=201))["id"] == first["id"]
    assert (await said(region, "POST", "/lab/boxes", body | {"key": "my-box-2"}, status=201))["id"] != first["id"]


async def test_a_hub_sees_no_name_of_a_case_that_is_not_its_own(region: DemoRegion) -> None:
    """A tube of a draft came along in the box: the hub sees the tube, and not whose it is."""
    _, numbers = await tubes(region, "EDTA", name="周明")
    _, (stray,) = await tubes(region, "SST", submit=False, name="吴秘")
    box = await under_way(region, numbers)
    await came(region, box, stray)
    seen = {each["number"]: each["patient"] for each in (await said(region, "GET", f"/lab/boxes/{box}", user=READER))["specimens"]}
    assert seen == {numbers[0]: "周明", stray: ""}


async def test_lists_and_turnaround_in_words(region: DemoRegion) -> None:
    await tubes(region, "EDTA", user="clinic3")
    stages = {each["stage"]: each for each in (await said(region, "GET", "/lab/waiting", user="clinic3"))["items"]}
    assert stages["ordered-not-collected"]["waiting"] >= 1
    lines = (await said(region, "GET", "/lab/waiting/ordered-not-collected", user="clinic3"))["items"]
    assert {line["member"] for line in lines} == {"CLINIC3"}
    await said(region, "GET", "/lab/waiting/nowhere", user="clinic3", status=422)
    await said(region, "GET", "/lab/turnaround?month=2026-13", user="clinic3", status=422)
    assert (await said(region, "GET", "/lab/turnaround?month=2026-12", user="clinic3"))["items"] == []
    kinds = (await said(region, "GET", "/lab/containers?items=WBC,K,PT"))["items"]
    assert [each["kind"] for each in kinds] == ["CITRATE", "SST", "EDTA"]


@pytest.mark.parametrize(("user", "shown"), [(READER, True), (OTHER_CENTRE, False), ("clinic1", False), ("operator", False)])
async def test_the_bar_leads_those_to_the_receipt_who_receive(region: DemoRegion, user: str, shown: bool) -> None:
    page = await region.call("GET", "/notices", user=user)
    assert page.status == 200
    assert ('href="/lab/receipt"' in page.body.decode()) is shown
