"""Input of the API, checked before any rule is asked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from telemed.domain.authentication_profile import LONGEST_PASSWORD
from telemed.domain.case import CaseKind, Priority
from telemed.domain.consent import ConsentGiver
from telemed.domain.forms import MAX_LINES
from telemed.domain.patient import Sex
from telemed.domain.report import Result
from telemed.domain.texts import visible_in

NO_NUL = r"^[^\u0000]*$"
"""PostgreSQL text holds no U+0000; the schema says so too."""

MAX_DEPTH = 8


def bounded(value: dict[str, Any]) -> dict[str, Any]:
    def depth(node: Any, level: int) -> None:
        if level > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            depth(child, level + 1)

    depth(value, 0)
    return value


def _printable(text: str) -> str:
    if len(text.splitlines()) > MAX_LINES:
        raise ValueError(f"more than {MAX_LINES} lines cannot be printed")
    return text


Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]
ShortText = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\u0000]*[^\u0000\s][^\u0000]*$"), AfterValidator(_printable)
]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_\-]+$")]
FormData = Annotated[dict[FieldName, JsonValue], Field(max_length=60), AfterValidator(bounded)]


PASSWORDS = frozenset({"password", "old", "new"})
"""Fields that hold a password."""


class Input(BaseModel):
    """Texts arrive as they can be seen, whatever the field; passwords as they were typed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _visible(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value if name in PASSWORDS else visible_in(value) for name, value in data.items()}


class Nothing(Input):
    """No fields."""


PasswordText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD, pattern=NO_NUL)]
SecondCode = Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]


class Login(Input):
    """`code` of the second factor, where the account has one: of an app, or one for recovery."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
    password: PasswordText
    code: SecondCode = ""


class IdentifierInput(Input):
    system: Code
    value: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]+$")]


class PatientInput(Input):
    """A patient card: identifiers are the resident number (`resident-id`) and the member's own number (its code)."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\u0000]*[^\u0000\s][^\u0000]*$")]
    sex: Sex = Sex.UNKNOWN
    birth_date: Annotated[date, Field(ge=date(1880, 1, 1), le=date(2200, 1, 1))] | None = None
    identifiers: Annotated[list[IdentifierInput], Field(max_length=8)] = []
    phone: Annotated[str, StringConstraints(max_length=32, pattern=r"^[0-9+\- ()]*$")] = ""


class NewCase(Input):
    """A draft. `request` is the centre's form."""

    centre: Code
    kind: CaseKind = CaseKind.DIAGNOSIS
    priority: Priority = Priority.ROUTINE
    patient: PatientInput
    request: FormData = {}


class CaseChange(Input):
    """A change of a case: what is left out stays. Kind and patient can be changed as long as the case is a draft."""

    kind: CaseKind | None = None
    priority: Priority | None = None
    patient: PatientInput | None = None
    request: FormData | None = None


class NumberInput(Input):
    """A patient's number: the resident number or the institution's own."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[ -~]*[!-~][ -~]*$")]


class WithReason(Input):
    reason: Reason


class Reassign(Input):
    reader: Code
    reason: Reason


class Offer(Input):
    hub: Code
    reason: Reason


class Draft(Input):
    """`result` that is left out stays; `positive` is its name of before, and says no more than yes or nothing."""

    sections: FormData
    result: Result | Literal[""] | None = None
    positive: bool | None = None

    @property
    def chosen(self) -> Result | None:
        """The result that is said, None where none is."""
        if self.result or self.positive is None:
            return Result(self.result) if self.result else None
        return Result.POSITIVE if self.positive else Result.NOT_JUDGED


class Password(Input):
    password: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]


class Signature(Password):
    """`acknowledged`: codes of contradictions that were shown and are signed all the same, for `reason`."""

    acknowledged: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    reason: Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)] = ""


class Amendment(Input):
    reason: Reason
    sections: FormData | None = None
    result: Result | None = None


class SendBack(Input):
    note: Reason


class CriticalFinding(Input):
    finding: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\u0000]*[^\u0000\s][^\u0000]*$")]


class Told(Input):
    """The clinician who was told, how (telephone, in person), and that it was read back."""

    whom: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
    how: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
    read_back: bool


class ActionTaken(Input):
    action: Reason


class ConsentInput(Input):
    giver: ConsentGiver
    signed_name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
    evidence_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None


class RouteQuestion(Input):
    """A made-up case: which way would it go?"""

    centre: Code
    member: Code
    need: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] = ""
    priority: Priority = Priority.ROUTINE
    at: datetime | None = None
    """Now where it is left out; without a zone it is a time of the region."""


StudyUid = Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,64}$")]
RecordId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class LinkStudy(Input):
    """The case by its id, or by its accession number; the id goes first where both are given."""

    owner: Code
    study_instance_uid: StudyUid
    case_id: RecordId | None = None
    accession_number: Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[ -~]*[!-~][ -~]*$")] | None = None
    reason: Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)] = ""

    @model_validator(mode="after")
    def _names_a_case(self) -> Self:
        if self.case_id is None and self.accession_number is None:
            raise ValueError("case_id or accession_number is needed")
        return self


class SettleIdentity(Input):
    """Evidence that states another patient: the same person after all, or not."""

    same_person: bool
    reason: Reason


class GiveFile(Input):
    """A file that was set aside belongs to this case of the member that sent it."""

    accession_number: Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=NO_NUL)]
    reason: Reason


class UnlinkStudy(Input):
    """The study is taken away from this case."""

    owner: Code
    study_instance_uid: StudyUid
    case_id: RecordId
    reason: Reason


class CorrectStudy(Input):
    """A study as it should be; what is left out, or null, stays. A name is written as DICOM does: `Wang^XiaoDong=王^小东`."""

    owner: Code
    study_instance_uid: StudyUid
    patient_name: Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)] | None = None
    patient_number: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    patient_birth_date: Annotated[date, Field(ge=date(1880, 1, 1), le=date(2200, 1, 1))] | None = None
    patient_sex: Sex | None = None
    accession_number: Annotated[str, StringConstraints(max_length=16, pattern=NO_NUL)] | None = None
    reason: Reason


class RestoreStudy(Input):
    """A correction taken back: what was received holds again."""

    owner: Code
    study_instance_uid: StudyUid
    reason: Reason


Number = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]


class FindInput(Input):
    """Numbers of patients or studies, at most two: what one compares."""

    numbers: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]], Field(min_length=1, max_length=2)
    ]


class MergePatients(Input):
    kept: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    joined: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    reason: Reason


class DifferentPatients(Input):
    """Two records that look alike are two people."""

    first: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    second: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    reason: Reason


class ComparePatients(Input):
    """The two records of a pair in doubt."""

    first: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    second: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class SplitPatient(Input):
    """This record is not the same person as the others of its group."""

    patient: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    reason: Reason


class UnmatchedQuery(Input):
    owner: Code | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DuplicateQuery(Input):
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class MonthQuery(Input):
    """The month as `YYYY-MM`; `format` of the answer."""

    month: Annotated[str, StringConstraints(pattern=r"^2[01][0-9]{2}-(0[1-9]|1[0-2])$")]
    format: Literal["json", "csv", "xlsx", "pdf"] = "json"


class SavedView(Input):
    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=NO_NUL)]
    query: Annotated[str, StringConstraints(max_length=500, pattern=r"^[!-~]*$")]


class CaseQuery(Input):
    """Filters of the list of cases."""

    centre: Code | None = None
    status: Annotated[str, StringConstraints(pattern=r"^[a-z\-]+(,[a-z\-]+)*$", max_length=120)] | None = None
    hub: Code | None = None
    member: Code | None = None
    priority: Priority | None = None
    view: Literal["unclaimed", "mine", "review", "parked", "done-today", "critical", "open", "attention", "running", "done"] | None = None
    need: Code | None = None
    body_part: ShortText | None = None
    q: Annotated[str, StringConstraints(max_length=100, pattern=NO_NUL)] | None = None
    cursor: Annotated[str, StringConstraints(max_length=300, pattern=r"^[A-Za-z0-9_\-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AuditQuery(Input):
    actor: ShortText | None = None
    action: ShortText | None = None
    subject: ShortText | None = None
    outcome: ShortText | None = None
    since: date | None = None
    until: date | None = None
    before: Annotated[int, Field(ge=1, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Device(Input):
    """A device of the network by its AE title."""

    device: Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[!-\[\]-~]([ -\[\]-~]*[!-\[\]-~])?$")]


class DeviceInput(Input):
    """A device of an institution: `uses` are store (studies may be sent there) and query (a PACS with earlier studies);
    `calls_from` are networks such as 192.0.2.0/24, `certificates` SHA-256 fingerprints of those that it may show: who has neither, and
    no IP address, may not call."""

    institution: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]
    host: Annotated[str, StringConstraints(max_length=253, pattern=NO_NUL)] = ""
    port: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    uses: Annotated[list[Annotated[str, StringConstraints(max_length=20, pattern=NO_NUL)]], Field(max_length=8)] = []
    character_set: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] = ""
    calls_from: Annotated[list[Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]], Field(max_length=64)] = []
    active: bool = True
    tls: bool = False
    authority: Annotated[str, StringConstraints(max_length=65536, pattern=NO_NUL)] = ""
    certificates: Annotated[list[Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]], Field(max_length=64)] = []


class NewDevice(DeviceInput):
    title: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]
