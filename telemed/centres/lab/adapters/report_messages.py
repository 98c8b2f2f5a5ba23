"""Released reports as ORU^R01 for the member's systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.hl7 import Observation, Order, Patient, Value
from lab.hl7.datatypes import Code, Identifier
from lab.hl7.header import Sender
from lab.hl7.reports import OrderGroup, write_results
from lab.hl7.times import read_time, write_time
from lab.hl7.writing import Envelope
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.ways_out import RESULTS, Connection, Delivery, WaysOut, wake
from telemed.domain.case import Case
from telemed.domain.patient import Patient as Card
from telemed.domain.report import Report, ReportStatus
from telemed.service.identity import new_id

APPLICATION: Final = "TELEMED"
LABORATORY_REPORT: Final = Code("11502-2", "Laboratory report", "LN")
INTERPRETATION: Final = Code("INTERPRETATION", "检验解释", "L")
IDENTIFIER_TYPES: Final = {"resident-id": "NNCHN"}
"""HL7 table 0203 by system of a patient's number; a member's own number is MR."""


class ReportMessages:
    """Carries out `lab-tell-report`; carried out again it finds that everything is on its way."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """The payload is `{"case", "version"}`."""
        async with self._application.writing() as work:
            case = await work.cases.get(payload["case"])
            report = next((each for each in await work.reports.versions(payload["case"]) if each.version == payload["version"]), None)
            if case is None or report is None:
                return
            card = await work.patients.get(case.patient.id)
            ways = work.repository(WaysOut)
            for connection in await ways.connections(case.member):
                if RESULTS not in connection.sends:
                    continue
                control_id = new_id()[-20:]
                body = self._message(connection, case, report, card, control_id)
                about = f"report/{case.id}/{report.version}"
                await ways.add(Delivery(new_id(), connection.id, about, RESULTS, control_id, body, work.now))
                wake(work, connection.id)

    def _message(self, connection: Connection, case: Case, report: Report, card: Card | None, control_id: str) -> bytes:
        now = self._application.now().astimezone(self._application.region.network.zone)
        enhanced = connection.mode == "enhanced"
        envelope = Envelope(
            sender=Sender(APPLICATION, case.hub or ""),
            receiver=Sender("", case.member),
            control_id=control_id,
            at=now,
            character_set=connection.character_set,
            accept="AL" if enhanced else "",
            application="NE" if enhanced else "",
        )
        released = write_time((report.released_at or now).astimezone(self._application.region.network.zone))
        corrected = report.status is ReportStatus.AMENDED
        order = Order(
            control="RE",
            placer=Identifier(case.accession_number, case.member),
            filler=Identifier(case.accession_number, case.hub or ""),
            code=LABORATORY_REPORT,
            reported=read_time(released),
            status_code="C" if corrected else "F",
        )
        text = str(report.sections.get("interpretation", ""))
        observation = Observation(
            set_id="1",
            code=INTERPRETATION,
            value=Value("text", "TX", text, text),
            status_code="C" if corrected else "F",
            observed=read_time(released),
        )
        return write_results(envelope, _patient(card, case.member), [OrderGroup(order, [observation])])


def _patient(card: Card | None, member: str) -> Patient:
    if card is None:
        return Patient()
    numbers = [Identifier(each.value, each.system, IDENTIFIER_TYPES.get(each.system, "MR")) for each in card.identifiers]
    own = sorted(numbers, key=lambda each: each.authority != member)
    born = read_time(write_time(card.birth_date)) if card.birth_date else read_time("")
    return Patient(identifiers=own, family=card.name, sex=card.sex.value, birth=born)
