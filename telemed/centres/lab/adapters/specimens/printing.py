"""Labels, manifests and charts of specimens, made in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from lab.hl7.content import Package, Patient, Shipment, Specimen
from lab.hl7.datatypes import Code, Identifier
from lab.hl7.header import Sender
from lab.hl7.reports import write_shipment
from lab.hl7.times import NOTHING, read_time
from lab.hl7.writing import Envelope
from telemed.adapters.printing import table_pdf
from telemed.centres.lab.adapters.specimens import chart, labels
from telemed.centres.lab.specimens.containers import CONTAINERS
from telemed.centres.lab.specimens.domain import NO_NAME, Assessment, Box, BoxView, Reading
from telemed.centres.lab.specimens.ports import LabelLine
from telemed.service.table_export import Sheet


class SpecimenPrinter:
    """Implements `telemed.centres.lab.specimens.ports.LabelPrinter`."""

    async def roll(self, lines: Sequence[LabelLine]) -> bytes:
        return await asyncio.to_thread(labels.roll, lines)

    async def sheet(self, lines: Sequence[LabelLine]) -> bytes:
        return await asyncio.to_thread(labels.sheet, lines)

    def zpl(self, lines: Sequence[LabelLine]) -> bytes:
        return labels.zpl(lines)

    async def manifest(self, sheet: Sheet) -> bytes:
        return await asyncio.to_thread(table_pdf.render, sheet)

    async def manifest_message(self, box: BoxView, control_id: str, at: datetime, zone: tzinfo) -> bytes:
        return await asyncio.to_thread(_message, box, control_id, at.astimezone(zone), zone)

    async def chart(self, readings: Mapping[str, Sequence[Reading]], box: Box, assessment: Assessment, zone: tzinfo, title: str) -> bytes:
        return await asyncio.to_thread(chart.draw, readings, box, assessment, zone, title)


def _message(view: BoxView, control_id: str, at: datetime, zone: tzinfo) -> bytes:
    box = view.box
    specimens = []
    for content in view.contents:
        if content.unexpected:
            continue
        tube = view.specimens[content.number]
        container = CONTAINERS[tube.container]
        name = view.names.get(tube.case_id, NO_NAME)
        patient = Patient([Identifier(name.accession_number, box.member)] if name.accession_number else [], family=name.patient)
        collected = read_time(_stamp(tube.collected_at, zone), zone) if tube.collected_at else NOTHING
        kind = Code(container.specimen, container.kind, "HL70487") if container.specimen else Code(container.kind, container.kind, "L")
        specimens.append(Specimen(id=tube.number, type=kind, role="P", collected=collected, containers=[tube.number], patient=patient))
    shipment = Shipment(id=box.id, at=read_time(_stamp(at, zone), zone), packages=[Package(id=box.id, specimens=specimens)])
    envelope = Envelope(Sender("TELEMED", box.member), Sender("", box.hub), control_id, at)
    return write_shipment(envelope, shipment)


def _stamp(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y%m%d%H%M%S%z}"
