"""The printed report: everything that stands on its pages, in words ready to be read.

A `ReportDocument` is made once, when a version of a report is issued, and never changes: the same document always gives
the same pages. Nothing here knows how it is drawn. Wording comes with the document (`labels`), in its own language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

Language = Literal["zh-CN", "en"]
# FHIR R4 DiagnosticReport.status, as far as a report is printed.
ReportStatus = Literal["partial", "preliminary", "final", "amended", "appended", "entered-in-error"]
# What the version says of itself; one that nobody judged is not printed.
Result = Literal["not-judged", "negative", "positive"]

# Every fixed word on the pages. `page` holds {page} and {pages}; `version` holds {version}; `addendum` holds {number},
# {author} and {time}.
LABELS = (
    "patient_name",
    "patient_sex",
    "patient_age",
    "patient_birth_date",
    "patient_number",
    "patient_resident_id",
    "member",
    "accession_number",
    "result",
    "positive",
    "negative",
    "critical_value",
    "amendment_reason",
    "addendum",
    "author",
    "reviewer",
    "signed_at",
    "verification_code",
    "version",
    "page",
    "colon",
    "status_partial",
    "status_preliminary",
    "status_final",
    "status_amended",
    "status_appended",
    "status_entered-in-error",
    "watermark_partial",
    "watermark_preliminary",
    "watermark_entered-in-error",
)

# Limits of one report. A record that does not fit is an attachment, not a report.
MAX_TEXT = 200_000  # characters in all
MAX_LINE_ENDS = 5_000  # in all
MAX_NAME = 200  # characters of a name, a number, a heading, a label or a caption
MAX_URL = 500  # characters; what a QR code of this size still shows well
MAX_ITEMS = 200  # in any one list
MAX_PICTURES = 24
MAX_PICTURE_BYTES = 20 * 1024 * 1024


class UnprintableReport(ValueError):
    """A document that cannot become a report. `field` names where; the message says what and what to do."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)  # the arguments as they are: the error is pickled by them
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


@dataclass(frozen=True, slots=True)
class ReportPatient:
    """The patient as printed. `resident_id` comes masked; a value that is unknown is left empty."""

    name: str
    sex: str
    age: str = ""
    birth_date: str = ""
    patient_number: str = ""
    resident_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled value of the request or the examination."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the report. A prominent one (the impression, the diagnosis) is set in bold."""

    heading: str
    text: str
    prominent: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A key image: JPEG or PNG bytes, and what it shows."""

    data: bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line of a figure: x and y in turn, in millimetres from the top left corner, y downwards. Colour as #rrggbb."""

    points: tuple[float, ...]
    colour: str
    width: float


@dataclass(frozen=True, slots=True)
class Lettering:
    """A line of text of a figure; `anchor` is start, middle or end; `size` in millimetres."""

    x: float
    y: float
    text: str
    size: float
    anchor: str = "start"
    bold: bool = False
    colour: str = "#101010"


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing that is printed in its true size, on a page across of its own: a tracing that a ruler can measure."""

    width: float
    height: float
    strokes: tuple[Stroke, ...]
    letterings: tuple[Lettering, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table below the text: heading, names of the columns, rows of cells."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who stands for the report, and since when. `signed_at` is None until that person has signed."""

    name: str
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Addendum:
    """Text added to a final report, which itself stays as it was."""

    text: str
    author: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """One version of one report.

    Times carry their zone and are printed in it. `issued_at` is the time of this version; it is also the date inside
    the file. `verification_url` goes into the QR code, `verification_code` stands below it to be typed in.

    Raises:
        UnprintableReport: a label is missing, a time has no zone, or a limit is passed.
    """

    language: Language
    labels: Mapping[str, str]
    title: str
    centre: str
    hub: str
    member: str
    status: ReportStatus
    version: int
    patient: ReportPatient
    accession_number: str
    issued_at: datetime
    verification_code: str
    verification_url: str
    disclaimer: str
    request: tuple[Line, ...] = ()
    examination: tuple[Line, ...] = ()
    times: tuple[tuple[str, datetime], ...] = ()
    sections: tuple[Section, ...] = ()
    critical_value: str = ""
    result: Result = "not-judged"
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    author: SignedBy | None = None
    reviewer: SignedBy | None = None
    amendment_reason: str = ""
    addenda: tuple[Addendum, ...] = ()

    def __post_init__(self) -> None:
        self._check_labels()
        self._check_times()
        self._check_limits()
        self._check_url()

    def _check_labels(self) -> None:
        missing = [label for label in LABELS if label not in self.labels]
        if missing:
            raise UnprintableReport("labels", f"no text for {', '.join(missing)}; give one in {self.language}")

    def _check_times(self) -> None:
        times = [("issued_at", self.issued_at), *((f"times[{label}]", time) for label, time in self.times)]
        times += [(f"addenda[{n}].written_at", addendum.written_at) for n, addendum in enumerate(self.addenda)]
        for role, person in (("author", self.author), ("reviewer", self.reviewer)):
            if person is not None and person.signed_at is not None:
                times.append((f"{role}.signed_at", person.signed_at))
        for field, time in times:
            if time.utcoffset() is None:
                raise UnprintableReport(field, "the time has no zone; give a datetime with tzinfo")

    def _check_limits(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            limit = MAX_PICTURES if field.name == "pictures" else MAX_ITEMS
            if isinstance(value, tuple) and len(value) > limit:
                raise UnprintableReport(field.name, f"{len(value)} entries, at most {limit} fit a report")
        for number, picture in enumerate(self.pictures):
            if len(picture.data) > MAX_PICTURE_BYTES:
                problem = f"larger than {MAX_PICTURE_BYTES} bytes; reduce it first"
                raise UnprintableReport(f"pictures[{number}]", problem)
        for name in self.names():
            if len(name) > MAX_NAME:
                problem = f"{name[:20]!r}... has {len(name)} characters, at most {MAX_NAME}; shorten it"
                raise UnprintableReport("names", problem)
        passages = self.passages()
        length = sum(map(len, passages))
        if length > MAX_TEXT:
            problem = f"{length} characters, at most {MAX_TEXT}; attach the rest as a file"
            raise UnprintableReport("sections", problem)
        line_ends = sum(len(passage.splitlines()) for passage in passages)
        if line_ends > MAX_LINE_ENDS:
            problem = f"{line_ends} lines, at most {MAX_LINE_ENDS}; attach the rest as a file"
            raise UnprintableReport("sections", problem)

    def _check_url(self) -> None:
        if not self.verification_url.startswith(("https://", "http://")):
            raise UnprintableReport("verification_url", "give the whole address, beginning with https://")
        if len(self.verification_url) > MAX_URL:
            raise UnprintableReport("verification_url", f"longer than {MAX_URL} characters; give a shorter code")

    def names(self) -> list[str]:
        """Every short text of the document, in no particular order."""
        patient = self.patient
        names = [self.title, self.centre, self.hub, self.member, self.accession_number, self.verification_code]
        names.append(self.disclaimer)
        names += [patient.name, patient.sex, patient.age, patient.birth_date]
        names += [patient.patient_number, patient.resident_id, *self.labels.values()]
        names += [line.label for line in (*self.request, *self.examination)]
        names += [label for label, _ in self.times]
        names += [section.heading for section in self.sections]
        names += [picture.caption for picture in self.pictures]
        names += [person.name for person in (self.author, self.reviewer) if person is not None]
        return names + [addendum.author for addendum in self.addenda]

    def passages(self) -> list[str]:
        """Every text of the document that may be long, in no particular order."""
        passages = [self.critical_value, self.amendment_reason]
        passages += [line.value for line in (*self.request, *self.examination)]
        passages += [section.text for section in self.sections]
        return passages + [addendum.text for addendum in self.addenda]
