"""What laboratory messages say: patients, orders, specimens, observations, shipments, acknowledgements.

An empty field says nothing; a field that held `""` asks to delete, and its name stands in `deletes` of the thing it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lab.hl7.datatypes import NO_CODE, NO_IDENTIFIER, Code, Identifier
from lab.hl7.header import Sender
from lab.hl7.times import NOTHING, Time
from lab.hl7.values import Value

SEXES: Final = {"M": "male", "F": "female", "O": "other", "A": "other", "1": "male", "2": "female", "男": "male", "女": "female"}
"""HL7 table 0001, and GB/T 2261.1 as Chinese systems send it, by code or in words; anything else is unknown."""

OBSERVATION_STATUSES: Final = {
    "C": "corrected",
    "D": "entered-in-error",
    "F": "final",
    "I": "registered",
    "N": "registered",
    "O": "registered",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "U": "final",
    "V": "final",
    "A": "amended",
    "B": "amended",
    "W": "entered-in-error",
    "X": "cancelled",
}
"""OBX-11 (HL7 table 0085) as FHIR observation status: D deletes, W was another patient's, X cannot be obtained."""

REPORT_STATUSES: Final = {
    "A": "partial",
    "C": "corrected",
    "F": "final",
    "I": "registered",
    "M": "corrected",
    "N": "final",
    "O": "registered",
    "P": "preliminary",
    "R": "preliminary",
    "S": "registered",
    "X": "cancelled",
}
"""OBR-25 (HL7 table 0123) as FHIR diagnostic report status. D and W are no values of it."""

REJECTION_REASONS: Final = {
    "EX": "Expired",
    "QS": "Quantity not sufficient",
    "RA": "Missing patient ID number",
    "RB": "Broken container",
    "RC": "Clotting",
    "RD": "Missing collection date",
    "RE": "Missing patient name",
    "RH": "Hemolysis",
    "RI": "Identification problem",
    "RM": "Labeling",
    "RN": "Contamination",
    "RP": "Missing phlebotomist ID",
    "RR": "Improper storage",
    "RS": "Name misspelling",
}
"""HL7 table 0490, specimen reject reason: codes of SPM-21."""

SPECIMEN_ROLES: Final = {"P": "patient", "Q": "control", "C": "calibrator", "B": "blind", "E": "electronic", "F": "filler", "L": "pool"}
"""HL7 table 0369 in SPM-11, as far as laboratories use it."""


def full_name(family: str, given: str) -> str:
    """Return a name as it is written: family name first, Chinese names without a blank."""
    if not (family and given):
        return family or given
    return f"{family}{given}" if any(character >= "\u2e80" for character in family + given) else f"{family} {given}"


@dataclass(slots=True)
class Patient:
    """PID and what belongs to it. `sex` is male, female, other or unknown."""

    identifiers: list[Identifier] = field(default_factory=list)
    family: str = ""
    given: str = ""
    sex: str = "unknown"
    sex_code: str = ""
    birth: Time = NOTHING
    phone: str = ""
    visit: Identifier = NO_IDENTIFIER
    location: str = ""
    notes: list[str] = field(default_factory=list)
    deletes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the name as it is written: Chinese names without a blank."""
        return full_name(self.family, self.given)


@dataclass(slots=True)
class Specimen:
    """SPM, or OBR-15 of messages before 2.5. `id` is the placer's number, else the filler's."""

    id: str = ""
    filler_id: str = ""
    type: Code = NO_CODE
    role: str = ""
    collected: Time = NOTHING
    received: Time = NOTHING
    reject_reasons: list[Code] = field(default_factory=list)
    conditions: list[Code] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    patient: Patient | None = None

    @property
    def rejected(self) -> bool:
        """True if SPM-21 names a reason."""
        return bool(self.reject_reasons)


@dataclass(slots=True)
class Order:
    """ORC, OBR and TQ1 of one order. `control` is ORC-1; `prior` marks earlier results sent along with an order."""

    control: str = ""
    placer: Identifier = NO_IDENTIFIER
    filler: Identifier = NO_IDENTIFIER
    group: Identifier = NO_IDENTIFIER
    code: Code = NO_CODE
    priority: str = ""
    status_code: str = ""
    collected: Time = NOTHING
    received: Time = NOTHING
    reported: Time = NOTHING
    requested: Time = NOTHING
    provider: str = ""
    clinical_information: str = ""
    diagnoses: list[Code] = field(default_factory=list)
    patient: Patient | None = None
    specimens: list[Specimen] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    prior: bool = False

    @property
    def status(self) -> str:
        """Return OBR-25 as a word; `unknown` where it is empty or none of the table."""
        return REPORT_STATUSES.get(self.status_code, "unknown")


@dataclass(slots=True)
class Observation:
    """One OBX. `order` and `specimen` are what it belongs to, where that is certain."""

    code: Code
    value: Value
    set_id: str = ""
    sub_id: str = ""
    unit: str = ""
    range: str = ""
    flags: tuple[str, ...] = ()
    status_code: str = ""
    observed: Time = NOTHING
    analysed: Time = NOTHING
    performer: str = ""
    method: Code = NO_CODE
    equipment: str = ""
    order: Order | None = None
    specimen: Specimen | None = None
    patient: Patient | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Return OBX-11 as a word, where it is empty OBR-25; `unknown` where neither says."""
        if self.status_code:
            return OBSERVATION_STATUSES.get(self.status_code, "unknown")
        return self.order.status if self.order else "unknown"


@dataclass(slots=True)
class Package:
    """PAC: one package of a shipment with its specimens."""

    id: str = ""
    type: Code = NO_CODE
    conditions: list[Code] = field(default_factory=list)
    specimens: list[Specimen] = field(default_factory=list)


@dataclass(slots=True)
class Shipment:
    """SHP: a shipment, its packages, and the OBX that describe it (transport temperature, for one)."""

    id: str = ""
    status: Code = NO_CODE
    at: Time = NOTHING
    handling: list[Code] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)


@dataclass(slots=True)
class MessageError:
    """One ERR: the condition (HL7 table 0357), severity (E, W, I), and what it says."""

    condition: Code
    severity: str = ""
    text: str = ""


@dataclass(slots=True)
class Acknowledgement:
    """MSA and ERR: `code` is AA, AE, AR, CA, CE or CR, `control_id` the message that is answered."""

    code: str
    control_id: str
    text: str = ""
    errors: list[MessageError] = field(default_factory=list)


@dataclass(slots=True)
class Content:
    """What one message says, in the order in which it says it. `notes` tells what was odd about it."""

    type: str
    control_id: str
    sender: Sender
    sent: Time
    patients: list[Patient] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    specimens: list[Specimen] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    acknowledgement: Acknowledgement | None = None
    comments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
