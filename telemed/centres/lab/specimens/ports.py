"""Ports of specimens: tubes, boxes, temperature, scans, lists by age; labels, manifests and loggers' files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple, Protocol

from telemed.centres.lab.specimens.containers import ItemCodes
from telemed.centres.lab.specimens.domain import (
    Assessment,
    Box,
    BoxView,
    CaseName,
    Content,
    Handover,
    Reading,
    Specimen,
    TemperatureLog,
)
from telemed.centres.lab.specimens.numbers import Barcode
from telemed.centres.lab.specimens.scanning import Scanned
from telemed.centres.lab.specimens.states import BoxState
from telemed.domain.case import Case
from telemed.service.table_export import Sheet


class Specimens(Protocol):
    async def next_number(self, kind: Barcode, day: date) -> str:
        """A number that no label has."""
        ...

    async def add(self, specimens: Sequence[Specimen]) -> None: ...
    async def save(self, specimen: Specimen) -> None: ...
    async def get(self, number: str) -> Specimen | None:
        """The tube, locked for the rest of a writing transaction."""
        ...

    async def by_numbers(self, numbers: Collection[str]) -> dict[str, Specimen]:
        """The tubes with these numbers, locked in their order for the rest of a writing transaction."""
        ...

    async def of_request(self, case_id: str, request_key: str) -> list[Specimen]:
        """What a request of this name made for the case before."""
        ...

    async def of_case(self, case_id: str) -> list[Specimen]: ...
    async def at_hand(self, member: str, limit: int) -> list[Specimen]:
        """Tubes of a member that are labelled or collected and in no box, the oldest first."""
        ...

    async def unlabelled(self, member: str, limit: int) -> list[Case]:
        """A member's cases of the laboratory that nobody has answered and that have no tube, the newest first."""
        ...

    async def case_names(self, case_ids: Collection[str], institution: str) -> dict[str, CaseName]:
        """Of these cases, those that the institution asked, or that its hub has or keeps open."""
        ...


class BoxFilter(NamedTuple):
    """Whose boxes: sent by a member, or on their way to a hub; both empty: all."""

    member: str = ""
    hub: str = ""
    states: frozenset[BoxState] = frozenset()


class Boxes(Protocol):
    async def add(self, box: Box) -> None: ...
    async def save(self, box: Box) -> None: ...
    async def get(self, box_id: str) -> Box | None:
        """The box, locked for the rest of a writing transaction."""
        ...

    async def of_request(self, member: str, request_key: str) -> Box | None: ...
    async def listed(self, wanted: BoxFilter, before: str, limit: int) -> list[Box]:
        """The newest first, those before the box of this id."""
        ...

    async def contents(self, box_id: str) -> list[Content]:
        """In the order in which they came."""
        ...

    async def put_content(self, content: Content) -> None: ...
    async def drop_content(self, box_id: str, number: str) -> None: ...
    async def travelled(self, numbers: Collection[str]) -> dict[str, list[Box]]:
        """By tube the boxes that it went in, the earliest first."""
        ...

    async def add_handover(self, handover: Handover) -> None: ...
    async def drop_handover(self, box_id: str, side: str) -> None: ...
    async def handovers(self, box_id: str) -> list[Handover]: ...


class Temperatures(Protocol):
    async def with_digest(self, box_id: str, sha256: str) -> TemperatureLog | None: ...
    async def add_log(self, log: TemperatureLog) -> None: ...
    async def add_readings(self, log_id: str, box_id: str, readings: Sequence[Reading]) -> int:
        """Keep what is new of these; return how many that were."""
        ...

    async def logs(self, box_id: str) -> list[TemperatureLog]: ...
    async def log(self, log_id: str) -> TemperatureLog | None: ...
    async def count(self, box_id: str) -> int: ...
    async def readings(self, box_id: str) -> Mapping[str, Sequence[Reading]]:
        """By log, in the order of time."""
        ...


class Scans(Protocol):
    async def get(self, scan_id: str) -> Scanned | None: ...
    async def put(self, scanned: Scanned, person: str, at: datetime) -> None: ...
    async def person_of(self, scan_id: str) -> str: ...
    async def forget(self, before: datetime) -> None:
        """Remove what was kept of scans that were done before this time."""
        ...


class AgedLine(NamedTuple):
    """One thing that waits: a tube, a box or a case, since when, and at whom it lies."""

    kind: str
    name: str
    member: str
    hub: str
    since: datetime


class AgedLists(Protocol):
    async def waiting(self, stage: str, member: str, hub: str, before: datetime, limit: int) -> list[AgedLine]:
        """What stands at a stage since before a time, the oldest first; `member` and `hub` bound whose."""
        ...

    async def count(self, stage: str, member: str, hub: str, before: datetime) -> int: ...
    async def spans(self, member: str, hub: str, start: datetime, end: datetime) -> Mapping[str, Sequence[float]]:
        """Hours of each step of tubes that were received from `start` on and before `end`."""
        ...


class LabelLine(NamedTuple):
    """What stands on a label: number, patient, container, and further lines."""

    number: str
    patient: str
    container: str
    cap: str
    further: str


class LabelPrinter(Protocol):
    """Labels as files, away from the event loop."""

    async def roll(self, labels: Sequence[LabelLine]) -> bytes:
        """PDF of one label a page."""
        ...

    async def sheet(self, labels: Sequence[LabelLine]) -> bytes:
        """PDF of sheets of A4 with twenty-four labels each."""
        ...

    def zpl(self, labels: Sequence[LabelLine]) -> bytes: ...
    async def manifest(self, sheet: Sheet) -> bytes:
        """PDF of a box's manifest, whose words are the reader's."""
        ...

    async def manifest_message(self, box: BoxView, control_id: str, at: datetime, zone: tzinfo) -> bytes:
        """OSM^R26 of a box."""
        ...

    async def chart(self, readings: Mapping[str, Sequence[Reading]], box: Box, assessment: Assessment, zone: tzinfo, title: str) -> bytes:
        """SVG of a box's temperature."""
        ...


class ReadLog(NamedTuple):
    """A logger's file as it was read."""

    readings: tuple[Reading, ...]
    unread: tuple[int, ...]
    notes: tuple[str, ...]


class LogReader(Protocol):
    """Loggers' files, bands and what readings say against them."""

    def band(self, text: str) -> tuple[float, float] | None:
        """The ends of a band such as `2-8` in degrees Celsius; None where it is none."""
        ...

    async def read(self, content: bytes, zone: tzinfo) -> ReadLog | str:
        """The readings of a file, or why it cannot be read."""
        ...

    async def assess(self, readings: Mapping[str, Sequence[Reading]], low: float, high: float) -> Assessment: ...

    def items(self, codes: Sequence[str]) -> list[ItemCodes | None]:
        """The tests of the catalogue by any of their codes; None for what is none."""
        ...
