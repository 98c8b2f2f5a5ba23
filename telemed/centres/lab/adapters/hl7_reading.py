"""HL7 v2 messages as the centre takes them: what they say of results, and how they are answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from hashlib import sha256
from typing import Final

from lab import catalogue, hl7, units
from lab.errors import LabError, UnreadableMessage, UnsupportedMessage
from lab.hl7 import Content, Header, Message, Observation, Patient
from lab.hl7.answers import ACCEPTED, ERROR, REJECTED, acknowledge, code_for
from lab.hl7.answers import Fault as WrittenFault
from lab.hl7.datatypes import Code
from lab.hl7.header import ENHANCED
from telemed.centres.lab.adapters.judging import DEFAULT_RULES, CriticalRules, Subject, flag_of
from telemed.centres.lab.domain import Result, ResultCode, ResultStatus, ResultValue
from telemed.centres.lab.intake import Fault, Incoming
from telemed.service.identity import new_id

IN_ROW: Final = 64 << 10
"""Bytes up to which a message lies in its row; larger ones lie in the object store."""

FOLDER: Final = "lab/messages/"

RESULT_TYPES: Final = frozenset({"ORU^R01", "ORU^R40", "OUL^R22", "OUL^R23", "OUL^R24"})
"""Message types that bring results; others are kept aside until somebody takes them."""

LOINC: Final = frozenset({"LN", "LOINC", "LNC"})
WST886: Final = frozenset({"WST886", "WS/T886", "WS/T 886", "WS886"})


@dataclass(frozen=True, slots=True)
class Answer:
    """Writes the acknowledgement of one message."""

    answered: Message | Header | None
    header: Header | None
    at: datetime

    def __call__(self, fault: Fault | None) -> tuple[str, bytes]:
        """Return MSA-1 of the first answer, and the bytes: one answer, or two blocks where both are asked for, or none."""
        outcome = ACCEPTED if fault is None else REJECTED if fault.rejected else ERROR
        faults = [WrittenFault(fault.condition, fault.text[:250], fault.segment, fault.field)] if fault else []
        codes = codes_for(self.header, outcome)
        written = [acknowledge(self.answered, code, control_id=new_id()[-20:], at=self.at, faults=faults) for code in codes]
        return code_for(self.header, outcome), BETWEEN_BLOCKS.join(written)


BETWEEN_BLOCKS: Final = b"\x1c\r\x0b"
"""Between two answers to one message: each is a block of its own."""

APPLICATION_CODES: Final = {ACCEPTED: "AA", ERROR: "AE", REJECTED: "AR"}


def codes_for(header: Header | None, outcome: str) -> list[str]:
    """Return MSA-1 of every answer that a message asks for, in their order (HL7 v2.5.1 section 2.9.2).

    What is taken is read in the same commit, so the application's answer is known with that of the store. One who asks only for the
    application's (IHE LAW: MSH-15 ER, MSH-16 AL) has only that. A message that is refused by the store has no application's answer but
    where the store's was not wanted.
    """
    first = code_for(header, outcome)
    if header is None or header.mode != ENHANCED:
        return [first]
    accept = _wanted(header.accept_condition or "AL", outcome)
    application = _wanted(header.application_condition, outcome)
    if accept and outcome != ACCEPTED:
        return [first]
    return [first] * accept + [APPLICATION_CODES[outcome]] * application


def _wanted(condition: str, outcome: str) -> bool:
    """True where HL7 table 0155 asks for an answer: always, on error or reject, on success, never."""
    return condition == "AL" or condition == ("SU" if outcome == ACCEPTED else "ER")


def read_block(content: bytes, at: datetime, zone: tzinfo, rules: CriticalRules = DEFAULT_RULES) -> list[Incoming]:
    """Return the messages of one block: one, or those of a batch. What cannot be read is among them, with its fault.

    A processor's work: of 4 KB an eighth of a millisecond, of 16 MB a second.
    """
    try:
        raws = hl7.messages(content)
    except LabError:
        raws = [content]
    return [_incoming(raw, at, zone, rules) for raw in raws or [content]]


def _incoming(raw: bytes, at: datetime, zone: tzinfo, rules: CriticalRules) -> Incoming:
    digest = sha256(raw).hexdigest()
    header: Header | None = None
    message: Message | None = None
    fault: Fault | None = None
    results: tuple[Result, ...] = ()
    try:
        header = hl7.read_header(raw)
        message = hl7.parse(raw)
        content = hl7.read(message, zone)
        if content.type not in RESULT_TYPES:
            fault = Fault("200", f"MSH-9: messages of type {content.type} are not taken here", "MSH", 9, rejected=True)
        else:
            results = tuple(_results(content, header.sender.facility, at, rules))
    except UnreadableMessage as error:
        rejected = isinstance(error, UnsupportedMessage)
        fault = Fault(error.condition, error.reason, error.segment, error.field, rejected=rejected)
        header = header or error.header
    application, sender = header.sender if header else ("", "")
    answered = message if message is not None and message.header is not None else header
    return Incoming(
        application=application[:64],
        sender=sender[:64],
        control_id=(header.control_id if header else "")[:64],
        type=(header.type if header else "")[:16],
        sha256=digest,
        size=len(raw),
        answer=Answer(answered, header, at),
        raw=raw,
        key="" if len(raw) <= IN_ROW else FOLDER + digest,
        fault=fault,
        results=results,
    )


def read_again(
    raw: bytes, at: datetime, zone: tzinfo, character_set: str | None = None, member: str = "", rules: CriticalRules = DEFAULT_RULES
) -> tuple[Fault | None, tuple[Result, ...]]:
    """Return what a kept message says when it is read again: under another character set, or as another member's, if one is given."""
    try:
        message = hl7.parse(raw, character_set)
        content = hl7.read(message, zone)
    except UnreadableMessage as error:
        return Fault(error.condition, error.reason, error.segment, error.field), ()
    if content.type not in RESULT_TYPES:
        return Fault("200", f"MSH-9: messages of type {content.type} are not taken here", "MSH", 9, rejected=True), ()
    return None, tuple(_results(content, member or message.header.sender.facility, at, rules))


def _results(content: Content, member: str, at: datetime, rules: CriticalRules) -> Iterator[Result]:
    for number, observation in enumerate(content.observations):
        if observation.order is not None and observation.order.prior:
            continue
        yield _result(observation, member, content.sent.moment or at, number, rules)


def _result(observation: Observation, member: str, sent: datetime, number: int, rules: CriticalRules) -> Result:
    order, patient, specimen = observation.order, observation.patient, observation.specimen
    patient_number = patient_number_of(patient, member)
    order_number = (order.placer.id or order.filler.id) if order else ""
    code, name = codes_of(observation.code)
    observed = _moment(observation, sent)
    tube = (specimen.id or specimen.filler_id) if specimen else ""
    place = order_number or (observed.isoformat() if observed else "") or str(number)
    named = (member, patient_number, place, code.wst886, code.loinc, code.local, observation.sub_id, tube)
    return Result(
        id="",
        key=sha256("\x1f".join(named).encode()).hexdigest(),
        member=member[:16],
        patient_number=patient_number[:64],
        order_number=order_number[:64],
        code=code,
        name=name[:200],
        sub_id=observation.sub_id[:64],
        specimen=tube[:64],
        value=_value(observation, code, subject_of(patient, member, (observed or sent).date()), rules),
        status=ResultStatus(observation.status),
        observed_at=observed,
        reported_at=_aware(sent),
        message_id="",
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(observation: Observation, sent: datetime) -> datetime | None:
    """When the specimen was taken: OBX-14, else OBR-7 or SPM-17."""
    order, specimen = observation.order, observation.specimen
    for time in (observation.observed, specimen.collected if specimen else None, order.collected if order else None):
        if time is None or not time:
            continue
        if time.moment is not None:
            return _aware(time.moment)
        if time.day is not None:
            return datetime(time.day.year, time.day.month, time.day.day, tzinfo=sent.tzinfo or UTC)
    return None


def patient_number_of(patient: Patient | None, member: str) -> str:
    """The member's own number in PID-3, else the first that is there."""
    if patient is None:
        return ""
    own = [each.id for each in patient.identifiers if each.authority == member]
    return next(iter([*own, *(each.id for each in patient.identifiers)]), "")


@lru_cache(maxsize=8192)
def codes_of(sent: Code) -> tuple[ResultCode, str]:
    """Return the codes of a test as far as they are known, and what it is called."""
    pairs = ((sent.code, sent.system.upper()), (sent.alternative_code, sent.alternative_system.upper()))
    standard = [code for code, system in pairs if code and (system in LOINC or system in WST886)]
    item = next((found for code in standard if (found := catalogue.find(code)) is not None), None)
    loinc = next((code for code, system in pairs if code and system in LOINC), "")
    local = next((code for code, system in pairs if code and system not in LOINC and system not in WST886), "")
    if item is not None:
        return ResultCode(item.wst886, item.loinc or loinc, local[:64]), sent.name or item.name_zh
    return ResultCode("", loinc[:16], (local or (sent.name if not loinc else ""))[:64]), sent.name


def subject_of(patient: Patient | None, member: str, on: date) -> Subject:
    """Return whom a value is of."""
    if patient is None:
        return Subject(member, on)
    return Subject(member, on, patient.sex, patient.birth.day, patient.location.partition(" ")[0])


def _value(observation: Observation, code: ResultCode, subject: Subject, rules: CriticalRules) -> ResultValue:
    value = observation.value
    known = code.wst886 or code.loinc
    unit = units.read(observation.unit, known) if observation.unit else None
    written = unit.ucum if unit else observation.unit
    number = value.number if value.kind == "number" else None
    return ResultValue(
        number=number,
        comparator=value.comparator if number is not None else "",
        text=value.text[:4000],
        as_sent=value.as_sent[:4000] if value.kind not in ("document", "pointer") else "",
        unit=written[:64],
        range=observation.range[:100],
        flag=flag_of(observation.flags, observation.range, known, number, value.comparator, written, subject, rules),
    )
