"""Results as members' systems send them, and the region that takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count

from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.intake import Caller
from tests.demo_region import DemoRegion
from tests.telemed.harness import resident_id

serial = count(1)

Observed = tuple[str, str, str, str]
"""OBX-3, value, unit, range."""


def oru(
    member: str, patient: str, observed: Sequence[Observed], *, at: datetime, order: str = "", status: str = "F", control: str = ""
) -> bytes:
    """One ORU^R01 in UTF-8; `at` is when the specimen was taken and the message sent."""
    number = next(serial)
    stamp = f"{at:%Y%m%d%H%M%S%z}"
    segments = [
        f"MSH|^~\\&|LIS|{member}|TELEMED|NETWORK|{stamp}||ORU^R01^ORU_R01|{control or f'T{number:06d}'}|P|2.5.1|||AL|NE||UNICODE UTF-8",
        f"PID|1||{patient}^^^{member}^MR||张伟||19610305|M",
        f"OBR|1|{order or f'O{number:06d}'}|F{number}|PANEL^生化^L|||{stamp}|||||||||||||||{stamp}||LAB|{status}",
    ]
    for place, (code, value, unit, printed) in enumerate(observed, 1):
        kind = "NM" if value.replace(".", "").isdigit() else "ST"
        segments.append(f"OBX|{place}|{kind}|{code}||{value}|{unit}|{printed}||||{status}|||{stamp}")
    return ("\r".join(segments) + "\r").encode()


POTASSIUM, CREATININE, OWN_CODE = "2823-3^钾^LN", "14682-9^肌酐^LN", "XK7^自编项目^L"


async def send(region: DemoRegion, *messages: bytes) -> list[bytes]:
    """Let the intake take messages, and return their answers."""
    intake = MessageIntake(region.parts.application)
    answers = [await intake.take(message, Caller("127.0.0.1")) for message in messages]
    await intake.close()
    return answers


def person_card(number: int, *members: str) -> dict[str, object]:
    """A patient's card of one member, by the resident number that every member's card of this person has."""
    identifiers = [{"system": "resident-id", "value": resident_id(number)}]
    identifiers += [{"system": member, "value": f"LP{number:04d}"} for member in members]
    return {"name": "张伟", "sex": "male", "birth_date": "1961-03-05", "identifiers": identifiers}


async def case_of(region: DemoRegion, number: int, member: str, *, submit: bool = True) -> str:
    """A laboratory case of this person at a member; returns its id."""
    body = {"centre": "lab", "patient": person_card(number, member), "request": {"reason": "复核血钾"}}
    made = await region.call("POST", "/api/v1/cases", body, user=member.lower())
    assert made.status == 201, made.body
    if submit:
        sent = await region.step(made.body["id"], "submit", user=member.lower())
        assert sent.status == 200, sent.body
    return str(made.body["id"])


async def record_of(region: DemoRegion, case_id: str) -> str:
    """The id of the patient's record of a case."""
    async with region.parts.application.reading() as work:
        case = await work.cases.get(case_id)
    assert case is not None
    return case.patient.id
