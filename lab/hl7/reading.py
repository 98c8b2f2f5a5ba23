"""Typed reading: segments gathered into the groups that the standard draws.

{ PID { ORC? OBR NTE* { OBX NTE* } { SPM OBX* } } } of ORU^R01: an OBX after SPM belongs to that specimen. In OUL^R22 and R23 and in
OML^O33 the specimen stands first and its orders follow; in OUL an ORC follows its OBR.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from lab.errors import REQUIRED_FIELD, UNSUPPORTED_EVENT, UNSUPPORTED_TYPE, UNSUPPORTED_VERSION, UnreadableMessage, UnsupportedMessage
from lab.hl7 import segments
from lab.hl7.content import Acknowledgement, Content, Order, Package, Patient, Shipment, Specimen
from lab.hl7.message import Message, Segment
from lab.hl7.times import read_time, zone_of


@dataclass(frozen=True, slots=True)
class Structure:
    """How the groups of one message type are drawn."""

    specimen_first: bool = False
    orc_after_obr: bool = False


STRUCTURES: Final[Mapping[str, Structure]] = {
    "ORU^R01": Structure(),
    "ORU^R40": Structure(),
    "OUL^R22": Structure(specimen_first=True, orc_after_obr=True),
    "OUL^R23": Structure(specimen_first=True, orc_after_obr=True),
    "OUL^R24": Structure(orc_after_obr=True),
    "OML^O21": Structure(),
    "OML^O33": Structure(specimen_first=True),
    "ORL^O22": Structure(),
    "ORM^O01": Structure(),
    "OSM^R26": Structure(specimen_first=True),
    "ACK": Structure(),
}
"""The message types that are read."""

_KINDS: Final = {name.partition("^")[0] for name in STRUCTURES}
_LONE: Final = {"ORU": "ORU^R01", "OML": "OML^O21", "ORM": "ORM^O01", "OSM": "OSM^R26"}
"""Types that are sent without an event; what is meant is their first."""


def read(message: Message, zone: tzinfo | None = None) -> Content:
    """Return what a message says. `zone` is the region's, for times that name no zone in a message whose MSH-7 names none.

    Raises UnsupportedMessage for another type, event or version, UnreadableMessage where MSH-9 or MSH-10 is empty.
    """
    try:
        kind = _kind(message)
        if not message.control_id:
            raise UnreadableMessage("MSH-10 is empty: an answer needs the message's control id", REQUIRED_FIELD, segment="MSH", field=10)
    except UnreadableMessage as error:
        error.header = message.header
        raise
    return _Reader(message, kind, zone).content


def _kind(message: Message) -> str:
    version = message.msh.text(12)
    if version and not version.startswith("2."):
        raise UnsupportedMessage(f"HL7 version {version!r} is not read here; send 2.1 to 2.9", UNSUPPORTED_VERSION, segment="MSH", field=12)
    name = message.type
    if not name:
        raise UnreadableMessage("MSH-9 is empty: it names the type, such as ORU^R01", REQUIRED_FIELD, segment="MSH", field=9)
    first = name.partition("^")[0]
    kind = "ACK" if first == "ACK" else _LONE.get(name, name)
    if kind in STRUCTURES:
        return kind
    condition = UNSUPPORTED_EVENT if first in _KINDS else UNSUPPORTED_TYPE
    raise UnsupportedMessage(f"messages of type {name} are not read here; {', '.join(STRUCTURES)} are", condition, segment="MSH", field=9)


class _Reader:
    """Walks over the segments of one message and knows in which group it stands."""

    def __init__(self, message: Message, kind: str, zone: tzinfo | None) -> None:
        self.structure = STRUCTURES[kind]
        self.zone = zone_of(message.msh.raw(7).split(message.delimiters.component or "^")[0]) or zone
        self.content = Content(
            kind, message.control_id or "", message.sender, read_time(message.msh.text(7) or "", self.zone), notes=list(message.notes)
        )
        self.patient: Patient | None = None
        self.order: Order | None = None
        self.specimen: Specimen | None = None
        self.source: Specimen | None = None
        self.has_obr = False
        self.commented: list[str] = self.content.comments
        for segment in message:
            read_segment = _HANDLERS.get(segment.name)
            if read_segment is not None:
                read_segment(self, segment)
        self._link_specimens()

    def pid(self, segment: Segment) -> None:
        """A patient begins. In a manifest it follows the specimen it belongs to; elsewhere a new patient ends what was before."""
        self.patient = segments.patient(segment, self.zone)
        self.content.patients.append(self.patient)
        self.commented = self.patient.notes
        if self.content.shipments and self.specimen is not None:
            self.specimen.patient = self.patient
            return
        self.order, self.has_obr = None, False
        if not self.structure.specimen_first:
            self.specimen = None

    def pv1(self, segment: Segment) -> None:
        """Where the patient is."""
        if self.patient is not None:
            segments.visit(segment, self.patient)

    def orc(self, segment: Segment) -> None:
        """An order begins, or (in OUL) more is said of the one that has begun."""
        order = self.order
        if not (self.structure.orc_after_obr and order is not None and self.has_obr and not order.control):
            order = self._begin_order()
        segments.common_order(segment, order)
        self.commented = order.notes

    def obr(self, segment: Segment) -> None:
        """The request of the order, or an order without ORC."""
        order = self.order
        if order is None or self.has_obr:
            order = self._begin_order()
        self.has_obr = True
        segments.request(segment, order, self.zone)
        self.source = segments.specimen_source(segment)
        if self.source is not None and not order.specimens:
            order.specimens.append(self.source)
        self.commented = order.notes

    def _begin_order(self) -> Order:
        order = Order(patient=self.patient)
        self.order, self.has_obr = order, False
        self.content.orders.append(order)
        if not self.structure.specimen_first:
            self.specimen = None
        elif self.specimen is not None:
            order.specimens.append(self.specimen)
        return order

    def tq1(self, segment: Segment) -> None:
        """When, and how urgently."""
        if self.order is not None:
            segments.timing(segment, self.order, self.zone)

    def dg1(self, segment: Segment) -> None:
        """A diagnosis that goes with the order."""
        if self.order is not None:
            self.order.diagnoses.append(segments.code(segment, 3))

    def spm(self, segment: Segment) -> None:
        """A specimen: of the order before it, or the one that the orders after it share."""
        specimen = segments.specimen(segment, self.zone)
        specimen.patient = None if self.content.shipments else self.patient
        self.specimen = specimen
        self.content.specimens.append(specimen)
        self.commented = specimen.notes
        if self.content.shipments:
            self.patient = None  # it follows, where it is told
            self._package().specimens.append(specimen)
        elif self.structure.specimen_first:
            self.order, self.has_obr = None, False
        elif self.order is not None:
            if self.order.specimens and self.order.specimens[0] is self.source:
                self.order.specimens.clear()  # SPM says what OBR-15 did, and more
            self.order.specimens.append(specimen)

    def sac(self, segment: Segment) -> None:
        """A container of the specimen."""
        if self.specimen is not None:
            self.specimen.containers += [found for found in [segment.text(3) or segment.text(4)] if found]

    def obx(self, segment: Segment) -> None:
        """An observation: of the specimen after whose SPM it stands, of the order before it, of the shipment."""
        observation = segments.observation(segment, self.zone)
        observation.order, observation.specimen, observation.patient = self.order, self.specimen, self.patient
        self.content.observations.append(observation)
        self.commented = observation.notes

    def nte(self, segment: Segment) -> None:
        """A comment on whatever stands before it."""
        self.commented += [found for found in ["\n".join(segments.texts(segment, 3))] if found]

    def shp(self, segment: Segment) -> None:
        """A shipment begins."""
        self.content.shipments.append(segments.shipment(segment, self.zone))
        self.patient = self.order = self.specimen = None

    def pac(self, segment: Segment) -> None:
        """A package of the shipment begins."""
        if not self.content.shipments:
            self.content.shipments.append(Shipment())
        self.content.shipments[-1].packages.append(segments.package(segment))
        self.specimen = None

    def _package(self) -> Package:
        packages = self.content.shipments[-1].packages
        if not packages:
            packages.append(Package())
        return packages[-1]

    def msa(self, segment: Segment) -> None:
        """The answer to a message."""
        self.content.acknowledgement = Acknowledgement(segment.text(1) or "", segment.text(2) or "", segment.text(3) or "")

    def err(self, segment: Segment) -> None:
        """What was wrong with it."""
        if self.content.acknowledgement is not None:
            self.content.acknowledgement.errors.append(segments.error(segment))

    def _link_specimens(self) -> None:
        """An observation before the only SPM of its order belongs to that specimen; of several it cannot be said which."""
        uncertain, loose = 0, 0
        for observation in self.content.observations:
            order = observation.order
            if order is None:
                loose += 1
            elif observation.specimen is None:
                if len(order.specimens) == 1:
                    observation.specimen = order.specimens[0]
                else:
                    uncertain += len(order.specimens) > 1
        if loose and self.content.type in ("ORU^R01", "ORU^R40"):
            self.content.notes.append(f"{loose} OBX before any OBR")
        if uncertain:
            self.content.notes.append(f"{uncertain} OBX of an order with several specimens name none of them")


_HANDLERS: Final[dict[str, Callable[[_Reader, Segment], None]]] = {
    "PID": _Reader.pid,
    "PV1": _Reader.pv1,
    "ORC": _Reader.orc,
    "OBR": _Reader.obr,
    "TQ1": _Reader.tq1,
    "DG1": _Reader.dg1,
    "SPM": _Reader.spm,
    "SAC": _Reader.sac,
    "OBX": _Reader.obx,
    "NTE": _Reader.nte,
    "SHP": _Reader.shp,
    "PAC": _Reader.pac,
    "MSA": _Reader.msa,
    "ERR": _Reader.err,
}
