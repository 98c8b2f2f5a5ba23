"""UPS-RS: every pair of state and requested state, who may change what, and how they are found."""

from __future__ import annotations

import itertools
import json
from typing import Any

import aiohttp
import pytest
from pydicom.uid import generate_uid

from dicom_gateway.native_xml import to_xml
from dicom_gateway.workitems import State
from tests.dicom_gateway.conftest import Gateway, value_of

pytestmark = pytest.mark.database

JSON = {"Content-Type": "application/dicom+json"}
KEY, OTHER_KEY = "2.25.111", "2.25.222"


def step(label: str = "Read CT", **replaced: dict[str, Any]) -> dict[str, Any]:
    """The content of a workitem; attributes by tag replace its own."""
    return {
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
        "00741200": {"vr": "CS", "Value": ["HIGH"]},
        "00741204": {"vr": "LO", "Value": [label]},
        "00404041": {"vr": "CS", "Value": ["READY"]},
        "00404005": {"vr": "DT", "Value": ["20240115103000"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]},
        "00100020": {"vr": "LO", "Value": ["P0001"]},
        "00404018": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["READ"]}, "00080104": {"vr": "LO", "Value": ["Reading"]}}]},
    } | replaced


PERFORMED = {
    "00741216": {
        "vr": "SQ",
        "Value": [{"00404050": {"vr": "DT", "Value": ["20240115110000"]}, "00404051": {"vr": "DT", "Value": ["20240115113000"]}}],
    }
}


class UpsClient:
    """Asks the service as one owner."""

    def __init__(self, http: aiohttp.ClientSession, gateway: Gateway, owner: str = "CLINIC1") -> None:
        self.http, self.url, self.headers = http, gateway.url, gateway.headers(owner)

    async def ask(self, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, Any, Any]:
        body = json.dumps(content).encode() if content is not None and not isinstance(content, bytes) else content
        async with self.http.request(method, self.url + path, data=body, headers={**self.headers, **JSON, **headers}) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if text and "json" in answer.content_type else text, answer.headers

    async def made(self, **replaced: Any) -> str:
        uid = str(generate_uid())
        assert (await self.ask("POST", f"/workitems?{uid}", [step(**replaced)]))[0] == 201
        return uid

    async def change(self, uid: str, state: str, key: str = KEY) -> tuple[int, str]:
        content = {"00741000": {"vr": "CS", "Value": [state]}, "00081195": {"vr": "UI", "Value": [key]}}
        status, _, headers = await self.ask("PUT", f"/workitems/{uid}/state", content)
        return status, headers.get("Warning", "")

    async def bring_to(self, uid: str, state: State) -> None:
        if state is not State.SCHEDULED:
            assert (await self.change(uid, "IN PROGRESS"))[0] == 200
        if state is State.COMPLETED:
            assert (await self.ask("POST", f"/workitems/{uid}?{KEY}", PERFORMED))[0] == 200
        if state in (State.COMPLETED, State.CANCELED):
            assert (await self.change(uid, state.value))[0] == 200


@pytest.fixture
def client(http: aiohttp.ClientSession, gateway: Gateway) -> UpsClient:
    return UpsClient(http, gateway)


# PS3.4 table CC.1.1-2, by hand: what the standard answers to each request in each state.
ALLOWED = {("SCHEDULED", "IN PROGRESS"), ("IN PROGRESS", "COMPLETED"), ("IN PROGRESS", "CANCELED")}
ALREADY = {("COMPLETED", "COMPLETED"), ("CANCELED", "CANCELED")}


async def test_every_pair_of_states(client: UpsClient) -> None:
    for state, requested in itertools.product(State, State):
        uid = await client.made()
        await client.bring_to(uid, state)
        if (state, requested) == (State.IN_PROGRESS, State.COMPLETED):
            assert (await client.change(uid, "COMPLETED"))[0] == 409  # nothing was performed yet
            assert (await client.ask("POST", f"/workitems/{uid}?{KEY}", PERFORMED))[0] == 200
        status, warning = await client.change(uid, requested.value)
        pair = state.value, requested.value
        assert status == (200 if pair in ALLOWED | ALREADY else 409), pair
        assert bool(warning) == (pair not in ALLOWED), pair
        _, (found,), _ = await client.ask("GET", f"/workitems/{uid}")
        assert value_of(found, "00741000") == (requested.value if pair in ALLOWED else state.value)
        assert "00081195" not in found  # the key is its owner's secret


async def test_only_who_took_it_may_change_it(client: UpsClient) -> None:
    uid = await client.made()
    label = {"00741204": {"vr": "LO", "Value": ["Read CT and compare"]}}
    assert (await client.ask("POST", f"/workitems/{uid}", label))[0] == 200  # nobody has it yet
    await client.bring_to(uid, State.IN_PROGRESS)
    assert (await client.change(uid, "CANCELED", OTHER_KEY))[0] == 409
    assert (await client.ask("POST", f"/workitems/{uid}?{OTHER_KEY}", label))[0] == 409
    assert (await client.ask("POST", f"/workitems/{uid}", label))[0] == 400
    assert (await client.ask("POST", f"/workitems/{uid}?transaction-uid={KEY}", label))[0] == 200
    assert (await client.ask("POST", f"/workitems/{uid}?{KEY}", {"00741000": {"vr": "CS", "Value": ["CANCELED"]}}))[0] == 400
    await client.bring_to(other := await client.made(), State.CANCELED)
    assert (await client.ask("POST", f"/workitems/{other}?{KEY}", label))[0] == 409


async def test_a_request_to_cancel(client: UpsClient) -> None:
    for state, expected in ((State.SCHEDULED, 202), (State.IN_PROGRESS, 409), (State.COMPLETED, 409), (State.CANCELED, 202)):
        uid = await client.made()
        await client.bring_to(uid, state)
        status, _, headers = await client.ask("POST", f"/workitems/{uid}/cancelrequest")
        assert status == expected, state
        assert ("Warning" in headers) == (state is not State.SCHEDULED)
    uid = await client.made()
    reason = {"00741238": {"vr": "LT", "Value": ["The patient went home"]}}
    assert (await client.ask("POST", f"/workitems/{uid}/cancelrequest", reason))[0] == 202
    assert value_of((await client.ask("GET", f"/workitems/{uid}"))[1][0], "00741000") == "CANCELED"


async def test_workitems_are_found_by_what_they_say(client: UpsClient) -> None:
    one = await client.made()
    two = await client.made(**{"00741204": {"vr": "LO", "Value": ["Report MR"]}, "00404005": {"vr": "DT", "Value": ["20240116080000"]}})
    await client.bring_to(two, State.IN_PROGRESS)
    asked = {
        "": [one, two], "?ProcedureStepState=SCHEDULED": [one], "?00741000=IN%20PROGRESS": [two], "?ProcedureStepLabel=Report*": [two],
        "?ScheduledProcedureStepStartDateTime=20240116-": [two], "?PatientName=王^小东": [one, two], "?PatientID=P9": [],
        "?ScheduledWorkitemCodeSequence.CodeValue=READ": [one, two], "?limit=1": [one], "?limit=1&offset=1": [two],
    }  # fmt: skip
    for query, expected in asked.items():
        status, found, headers = await client.ask("GET", f"/workitems{query}")
        assert status == 200, query
        assert [value_of(each, "00080018") for each in found] == expected, query
        assert ("Warning" in headers) == (query == "?limit=1")
    status, _, headers = await client.ask("GET", "/workitems?Nonsense=1")
    assert (status, "Nonsense" in headers["Warning"]) == (200, True)
    status, _, headers = await client.ask("GET", "/workitems", Accept='multipart/related; type="application/dicom+xml"')
    assert status == 200


async def test_a_workitem_with_a_name_twice_is_not_taken(client: UpsClient) -> None:
    """Readers differ on which of the two holds."""
    twice = json.dumps(step())[:-1] + ', "00741000": {"vr": "CS", "Value": ["SCHEDULED"]}}'
    status, body, _ = await client.ask("POST", "/workitems", twice.encode())
    assert status == 400
    assert "00741000" in body["detail"]


async def test_what_no_workitem_is(client: UpsClient, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    uid = await client.made()
    assert (await client.ask("POST", f"/workitems?{uid}", [step()]))[0] == 409
    for wrong in (
        {}, [], [step(), step()], step(**{"00741000": {"vr": "CS", "Value": ["COMPLETED"]}}), step(**{"00741204": {"vr": "LO"}}),
        step(**{"00081195": {"vr": "UI", "Value": [KEY]}}), {"00741000": 5}, b"{", b"[[[[",
    ):  # fmt: skip
        status, body, _ = await client.ask("POST", "/workitems", wrong)
        assert status == 400, wrong
        assert body["detail"]
    assert (await client.ask("POST", "/workitems", step(), **{"Content-Type": "text/plain"}))[0] == 415
    assert (await client.ask("PUT", f"/workitems/{uid}/state", {"00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}}))[0] == 400
    assert (await client.ask("PUT", f"/workitems/{uid}/state", {"00741000": {"vr": "CS", "Value": ["GONE"]}}))[0] == 400
    status, _, headers = await client.ask("POST", "/workitems", to_xml(step()), **{"Content-Type": "application/dicom+xml"})
    assert status == 201
    assert headers["Location"].startswith(gateway.url + "/workitems/2.25.")
    stranger = UpsClient(http, gateway, "CLINIC2")
    assert (await stranger.ask("GET", f"/workitems/{uid}"))[0] == 404
    assert (await stranger.ask("POST", f"/workitems/{uid}/cancelrequest"))[0] == 404
    assert (await stranger.ask("GET", "/workitems"))[1] == []
    assert (await client.ask("GET", "/workitems/1.2.3"))[0] == 404
