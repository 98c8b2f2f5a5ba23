"""The demo's laboratory history: two patients over two years, as the systems of two members send it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from telemed.centres.lab.domain import MessageName
from telemed.centres.lab.ports import LabMessages
from telemed.demo.people import PATIENTS, DemoPatient
from telemed.domain.patient import RESIDENT_ID, Identifier, Sex
from telemed.domain.people import SYSTEM
from telemed.service.patients import Demographics, find_or_add

if TYPE_CHECKING:
    from telemed.extension import Parts
    from telemed.service.application import Application

DAYS: Final = 730
"""How far back the history reaches."""


@dataclass(frozen=True, slots=True)
class Course:
    """How one test goes: OBX-3 as sent, unit and range as printed, the value of the first and of the last day, and how much it strays.

    `every`: on each visit of this number. `words` stand in place of a number.
    """

    code: str
    unit: str
    range: str
    first: float = 0.0
    last: float = 0.0
    strays: float = 0.0
    decimals: int = 1
    every: int = 1
    words: str = ""

    def value(self, share: float, chance: Random) -> str:
        """The value after this share of the time."""
        if self.words:
            return self.words
        number = self.first + (self.last - self.first) * share + chance.uniform(-self.strays, self.strays)
        return f"{number:.{self.decimals}f}"


KIDNEY: Final = (
    Course("718-7^血红蛋白测定【全国HR】^LN", "g/L", "130-175", 104, 86, 5, 0),
    Course("6690-2^白细胞计数【全国HR】^LN", "10*9/L", "3.5-9.5", 6.4, 6.1, 1.2),
    Course("777-3^血小板计数【全国HR】^LN", "10*9/L", "125-350", 210, 176, 25, 0),
    Course("2823-3^钾离子测定^LN", "mmol/L", "3.5-5.3", 5.0, 5.7, 0.35, 2),
    Course("2951-2^钠离子测定^LN", "mmol/L", "137-147", 140, 137, 2.2, 0),
    Course("2000-8^总钙离子测定^LN", "mmol/L", "2.11-2.52", 2.22, 2.06, 0.06, 2),
    Course("14879-1^磷酸根离子测定^LN", "mmol/L", "0.85-1.51", 1.5, 1.94, 0.18, 2),
    Course("14682-9^肌酐测定^LN", "umol/L", "57-97", 356, 742, 32, 0),
    Course("22664-7^尿素测定^LN", "mmol/L", "3.1-8.0", 17.2, 26.4, 2.1),
    Course("14933-6^尿酸测定^LN", "umol/L", "208-428", 431, 512, 30, 0, every=2),
    Course("1751-7^白蛋白测定^LN", "g/L", "40-55", 39, 34.5, 1.4),
    Course("2276-4^铁蛋白测定^LN", "ug/L", "30-400", 186, 88, 22, 0, every=3),
    Course("5195-3^乙肝表面抗原^LN", "", "阴性", words="阴性", every=4),
    Course("PTH-I^全段甲状旁腺激素^L", "pg/mL", "15-65", 168, 412, 40, 0, every=3),
)
KIDNEY_ELSEWHERE: Final = (
    Course("718-7^血红蛋白^LN", "g/L", "120-160", 101, 88, 4, 0),
    Course("2823-3^钾^LN", "mmol/L", "3.50-5.50", 5.1, 5.6, 0.3, 1),
    Course("14682-9^肌酐^LN", "mg/dL", "0.6-1.1", 4.3, 8.1, 0.4, 2),
    Course("22664-7^尿素^LN", "mmol/L", "2.9-8.2", 18, 25.5, 2),
    Course("CRP-HS^超敏C反应蛋白^L", "mg/L", "<5", words="<0.5"),
)
DIABETES: Final = (
    Course("14749-6^葡萄糖测定【本省HR】^LN", "mmol/L", "3.9-6.1", 9.8, 7.1, 1.1, 1),
    Course("4548-4^糖化血红蛋白测定【本省HR】^LN", "%", "4.0-6.0", 8.9, 7.0, 0.3, 1, every=2),
    Course("14647-2^总胆固醇测定^LN", "mmol/L", "<5.2", 6.3, 4.9, 0.4, 2, every=2),
    Course("22748-8^低密度脂蛋白胆固醇测定^LN", "mmol/L", "<3.4", 4.1, 2.8, 0.3, 2, every=2),
    Course("14927-8^甘油三酯测定^LN", "mmol/L", "<1.7", 2.5, 1.6, 0.3, 2, every=2),
    Course("1742-6^丙氨酸氨基转移酶测定^LN", "U/L", "9-50", 46, 33, 8, 0, every=2),
    Course("14682-9^肌酐测定^LN", "umol/L", "57-97", 74, 79, 5, 0, every=3),
)


@dataclass(frozen=True, slots=True)
class History:
    """What one member's system sends of one patient: so many visits, evenly over the time but for a few days."""

    patient: int
    member: str
    courses: tuple[Course, ...]
    visits: int
    offset: int = 0
    """Days by which the visits lie later than those of the other member."""


HISTORIES: Final = (
    History(16, "CLINIC1", KIDNEY, 16),
    History(16, "CLINIC2", KIDNEY_ELSEWHERE, 5, offset=19),
    History(22, "CLINIC3", DIABETES, 9),
)

SENDER: Final = "LIS"
"""MSH-3 of the members' systems."""

STATUS: Final[Mapping[bool, str]] = {True: "P", False: "F"}


def control_id(history: History, visit: int) -> str:
    """MSH-10 of a visit's message."""
    return f"H{history.patient:02d}{visit + 1:03d}"


def messages_of(history: History, patient: DemoPatient, until: datetime) -> Iterator[bytes]:
    """ORU^R01 messages of a history, oldest first, the last some days before `until`; its last visit is preliminary in one test."""
    chance = Random(f"{history.patient}{history.member}")  # noqa: S311  # values of a made-up course
    step = (DAYS - history.offset) / history.visits
    for visit in range(history.visits):
        day = DAYS - history.offset - round(visit * step) - chance.randrange(6)
        taken = (until - timedelta(days=max(day, 1))).replace(hour=7 + chance.randrange(3), minute=chance.randrange(60), second=0)
        share = visit / max(history.visits - 1, 1)
        observed = [each for each in history.courses if visit % each.every == 0]
        yield _message(history, patient, control_id(history, visit), taken, [
            (each, each.value(share, chance), visit == history.visits - 1 and place == 1) for place, each in enumerate(observed)
        ])  # fmt: skip


def _message(history: History, patient: DemoPatient, number: str, taken: datetime, observed: list[tuple[Course, str, bool]]) -> bytes:
    stamp, reported = f"{taken:%Y%m%d%H%M%S%z}", f"{taken + timedelta(hours=3):%Y%m%d%H%M%S%z}"
    sex = {"male": "M", "female": "F"}.get(patient.sex, "U")
    member = history.member
    segments = [
        f"MSH|^~\\&|{SENDER}|{member}|TELEMED|NETWORK|{reported}||ORU^R01^ORU_R01|{number}|P|2.5.1|||AL|NE||UNICODE UTF-8",
        f"PID|1||{patient.number}^^^{member}^MR~{patient.resident_id}^^^^NI||{patient.name}||{patient.birth_date:%Y%m%d}|{sex}",
        f"OBR|1|{member[-1]}{number}|{number}|PANEL^生化、血常规^L|||{stamp}|||||||||||||||{reported}||LAB|F",
    ]
    for place, (course, value, preliminary) in enumerate(observed, 1):
        bound = value[0] in "<>"
        kind = "SN" if bound else "ST" if course.words else "NM"
        written = f"{value[0]}^{value[1:]}" if bound else value
        segments.append(f"OBX|{place}|{kind}|{course.code}||{written}|{course.unit}|{course.range}||||{STATUS[preliminary]}|||{stamp}")
    return ("\r".join(segments) + "\r").encode()


def card_of(patient: DemoPatient, member: str) -> Demographics:
    """The patient as a member would fill the card in."""
    numbers = (Identifier(RESIDENT_ID, patient.resident_id), Identifier(member, patient.number))
    return Demographics(patient.name, Sex(patient.sex), patient.birth_date, numbers)


async def play_history(parts: Parts) -> None:
    """Send the histories as the members' systems would. One that was cut goes on from there; one that is complete is left alone."""
    from telemed.centres.lab.adapters.message_intake import MessageIntake
    from telemed.centres.lab.intake import Caller

    application = parts.application
    intake = MessageIntake(application)
    try:
        for history in HISTORIES:
            patient = PATIENTS[history.patient]
            until = await _day_of(application, history)
            if until is None:
                continue
            async with application.writing() as work:
                await find_or_add(work, history.member, card_of(patient, history.member), SYSTEM)
            for message in messages_of(history, patient, until):
                await intake.take(message, Caller("127.0.0.1"))
    finally:
        await intake.close()


async def _day_of(application: Application, history: History) -> datetime | None:
    """Return the day up to which a history reaches: today, or that of its first message; None where all of it is there."""
    wanted = [MessageName(SENDER, history.member, control_id(history, visit)) for visit in range(history.visits)]
    async with application.reading() as work:
        known = await work.repository(LabMessages).known(wanted)
    if len(known) == history.visits:
        return None
    begun = min((message.received_at for message in known), default=application.now())
    return begun.astimezone(application.region.network.zone).replace(hour=0, minute=0, second=0, microsecond=0)
