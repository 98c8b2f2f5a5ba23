"""Every door of the laboratory gives what the policy gives and nothing else: for everybody, of their own and of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.intake import Caller
from telemed.demo.region import accounts
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations
from tests.demo_region import DemoRegion
from tests.telemed.harness import patient_card
from tests.telemed.lab_intake.senders import potassium, report

PEOPLE = {person.username: person for person in accounts()}
EVERYBODY = [*PEOPLE, ""]
PATIENT = {"CLINIC1": "LD0001", "CLINIC2": "LD0002"}


@dataclass
class Laboratory:
    """The region with a message, a message that lies aside, a result and a case of each of two members; of CLINIC1's HUBA has the case."""

    region: DemoRegion
    messages: dict[str, str] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)

    async def status(self, method: str, path: str, user: str, body: Any = None) -> int:
        return (await self.region.call(method, f"/api/v1{path}", body, user=user)).status


@pytest.fixture(scope="module")
async def laboratory(region: DemoRegion) -> Laboratory:
    found = Laboratory(region)
    intake = MessageIntake(region.parts.application)
    for member, number in PATIENT.items():
        caller, user = Caller("127.0.0.1"), member.lower()
        card = patient_card(700 + int(number[-1]), member, "张伟")
        identifiers = [{"system": each.system, "value": each.value} for each in card.identifiers if each.system != member]
        patient = {
            "name": card.name,
            "sex": "male",
            "birth_date": "1961-03-05",
            "identifiers": [*identifiers, {"system": member, "value": number}],
        }
        made = await region.call("POST", "/api/v1/cases", {"centre": "lab", "patient": patient, "request": {"reason": "复核"}}, user=user)
        assert made.status == 201, made.body
        found.cases[member] = made.body["id"]
        order = made.body["accession_number"]
        await intake.take(report(f"D-{member}", potassium("4.1", code="DOOR1^own^L"), sender=member, patient=number, order=order), caller)
        await intake.take(report(f"D-{member}", potassium("9.9"), sender=member, patient=number, order=order), caller)
        await region.call("POST", f"/api/v1/cases/{found.cases[member]}/submit", {}, user=user)
        await region.work()
        for state, kept in (("accepted", found.messages), ("quarantined", found.aside)):
            listed = await region.call("GET", f"/api/v1/lab/messages?sender={member}&control_prefix=D-&state={state}", user="operator")
            kept[member] = listed.body["items"][0]["id"]
        shown = await region.call("GET", f"/api/v1/lab/results?member={member}&patient={number}", user=user)
        found.results[member] = shown.body["items"][0]["id"]
    await intake.close()
    return found


def relation(person: Person, member: str) -> Relation:
    """CLINIC1's and CLINIC2's laboratory cases are at HUBA."""
    if person.institution == member:
        return Relation.OWN
    return Relation.ROUTED if person.institution == "HUBA" and "lab" in person.centres else Relation.FOREIGN


def may(user: str, action: Action, member: str) -> bool:
    return bool(user) and relation(PEOPLE[user], member) in relations(PEOPLE[user], action)


DOORS = {
    "a message's content": ("GET", "/lab/messages/{message}/raw", Action.MESSAGE_OPEN),
    "results of a patient": ("GET", "/lab/results?member={member}&patient={patient}", Action.RESULT_READ),
    "versions of a result": ("GET", "/lab/results/{result}/versions", Action.RESULT_READ),
    "results of a case": ("GET", "/cases/{case}/lab-results", Action.EVIDENCE_READ),
}


@pytest.mark.parametrize("member", PATIENT)
@pytest.mark.parametrize("door", DOORS)
async def test_what_is_somebodys_is_shown_to_whom_the_policy_names(door: str, member: str, laboratory: Laboratory) -> None:
    method, path, action = DOORS[door]
    filled = path.format(
        message=laboratory.messages[member],
        member=member,
        patient=PATIENT[member],
        result=laboratory.results[member],
        case=laboratory.cases[member],
    )
    answers = {user: await laboratory.status(method, filled, user) for user in EVERYBODY}
    assert {user for user, status in answers.items() if status == 200} == {user for user in EVERYBODY if may(user, action, member)}
    assert {status for status in answers.values() if status != 200} <= {401, 403, 404}
    assert answers["clinic3"] == 404


async def test_a_list_of_messages_has_ones_own_or_all(laboratory: Laboratory) -> None:
    wanted = {member: f"D-{member}" for member in PATIENT}
    for user in EVERYBODY:
        answer = await laboratory.region.call("GET", "/api/v1/lab/messages?control_prefix=D-", user=user)
        shown = {item["control_id"] for item in answer.body["items"]} if answer.status == 200 else set()
        assert shown == {control for member, control in wanted.items() if may(user, Action.MESSAGE_READ, member)}, user
        assert "raw" not in str(answer.body)


BY_RIGHT = {
    "replay": ("POST", "/lab/messages/{aside}/replay", {}, Action.MESSAGE_REPLAY, 409),
    "codes that wait": ("GET", "/lab/mappings?state=open", None, Action.MAPPING_DECIDE, 200),
    "a decision": ("POST", "/lab/mappings", {"member": "CLINIC1", "code": "NOBODY", "item": "2823-3"}, Action.MAPPING_DECIDE, 404),
    "connections": ("GET", "/lab/connections", None, Action.CONNECTION_MANAGE, 200),
    "a new connection": (
        "POST",
        "/lab/connections",
        {"member": "CLINIC3", "address": "10.2.0.1:2575", "sends": ["ORU^R01"]},
        Action.CONNECTION_MANAGE,
        201,
    ),
    "a pause": ("POST", "/lab/connections/nobody/pause", {}, Action.CONNECTION_MANAGE, 404),
    "a resumption": ("POST", "/lab/connections/nobody/resume", {}, Action.CONNECTION_MANAGE, 404),
    "deliveries": ("GET", "/lab/connections/nobody/deliveries", None, Action.CONNECTION_MANAGE, 404),
    "a message once more": ("POST", "/lab/deliveries/nobody/send", {}, Action.CONNECTION_MANAGE, 404),
}


@pytest.mark.parametrize("door", BY_RIGHT)
async def test_what_is_nobodys_own_is_done_by_whom_the_policy_names(door: str, laboratory: Laboratory) -> None:
    method, path, body, action, answered = BY_RIGHT[door]
    for user in EVERYBODY:
        status = await laboratory.status(method, path.format(aside=laboratory.aside["CLINIC1"]), user, body)
        assert status == (answered if user and relations(PEOPLE[user], action) else 403 if user else 401), (door, user)


SHEET = "病历号,项目,结果\nLD0001,2823-3,4.2\n".encode()


async def test_a_sheet_is_mapped_looked_at_and_taken_by_the_members_own_people(laboratory: Laboratory) -> None:
    call = laboratory.region.call
    columns = {"patient": "病历号", "code": "项目", "value": "结果"}
    for user in EVERYBODY:
        wanted = 200 if user and Action.RESULT_ENTER in {a for a in Action if relations(PEOPLE[user], a)} else 403 if user else 401
        assert (await call("GET", "/api/v1/lab/sheets/columns", user=user)).status == wanted
        assert (await call("PUT", "/api/v1/lab/sheets/columns", columns, user=user)).status == wanted
        assert (await call("POST", "/api/v1/lab/sheets/preview", data=SHEET, user=user)).status == wanted
    seen = (await call("POST", "/api/v1/lab/sheets/preview", data=SHEET, user="clinic1")).body
    assert (seen["columns"], seen["results"], seen["refused"]) == (["病历号", "项目", "结果"], 1, [])
    assert seen["items"][0]["value"] == 4.2
    taken = await call("POST", "/api/v1/lab/sheets", data=SHEET, user="clinic1")
    assert (taken.status, taken.body["results"]) == (201, 1)
    wrong = await call("POST", "/api/v1/lab/sheets", data=SHEET + b",2823-3,4.3\n", user="clinic1")
    assert wrong.status == 422
    assert wrong.body["errors"][0]["field"] == "row 3"
    assert (await call("POST", "/api/v1/lab/sheets?leave_out=true", data=SHEET + b",2823-3,4.3\n", user="clinic1")).status == 201
    unreadable = await call("POST", "/api/v1/lab/sheets/preview", data=b"PK\x03\x04", user="clinic1")
    assert unreadable.status == 422
    for user in ("operator", "lab.huba"):
        assert (await call("POST", "/api/v1/lab/sheets", data=SHEET, user=user)).status == 403


BAD = {
    "no such message": ("GET", "/lab/messages/nobody/raw", None, 404),
    "no such result": ("GET", "/lab/results/nobody/versions", None, 404),
    "a state that is none": ("GET", "/lab/messages?state=lost", None, 422),
    "results of nobody": ("GET", "/lab/results?member=CLINIC1", None, 422),
    "no such test": ("POST", "/lab/mappings", {"member": "CLINIC1", "code": "DOOR1", "item": "NO-TEST"}, 422),
    "an address without a port": ("POST", "/lab/connections", {"member": "CLINIC1", "address": "192.0.2.1", "sends": ["ORU^R01"]}, 422),
    "a port that is none": ("POST", "/lab/connections", {"member": "CLINIC1", "address": "10.2.0.1:99999", "sends": ["ORU^R01"]}, 422),
    "a member that is none": ("POST", "/lab/connections", {"member": "NOBODY9", "address": "10.2.0.1:1", "sends": ["ORU^R01"]}, 422),
    "a type that is not sent": ("POST", "/lab/connections", {"member": "CLINIC1", "address": "10.2.0.1:1", "sends": ["ADT^A01"]}, 422),
}


@pytest.mark.parametrize("named", BAD)
async def test_what_is_wrong_is_said_in_words(named: str, laboratory: Laboratory) -> None:
    method, path, body, wanted = BAD[named]
    user = "clinic1" if "results" in path else "operator"
    answer = await laboratory.region.call(method, f"/api/v1{path}", body, user=user)
    assert answer.status == wanted, answer.body
    assert answer.body["title"]
    for error in answer.body.get("errors", []):
        assert " " in error["message"] or any(letter > "一" for letter in error["message"])


async def test_a_look_into_a_message_and_at_results_is_on_record(laboratory: Laboratory) -> None:
    message = laboratory.messages["CLINIC1"]
    await laboratory.status("GET", f"/lab/messages/{message}/raw", "operator")
    await laboratory.status("GET", f"/lab/results?member=CLINIC1&patient={PATIENT['CLINIC1']}", "clinic1")
    trail = (await laboratory.region.call("GET", "/api/v1/audit?limit=200", user="auditor")).body["items"]
    seen = {(line["action"], line["actor"], line["subject"]) for line in trail}
    assert ("message:open", "operator", f"message/{message}") in seen
    assert ("result:read", "clinic1", "patient/CLINIC1") in seen
    for user in ("clinic3", "sysadmin"):
        await laboratory.status("GET", f"/lab/results?member=CLINIC1&patient={PATIENT['CLINIC1']}", user)
    trail = (await laboratory.region.call("GET", "/api/v1/audit?limit=200", user="auditor")).body["items"]
    refused = {line["actor"] for line in trail if line["action"] == "access:read-results" and line["outcome"] == "refused"}
    assert refused >= {"clinic3", "sysadmin"}
