"""What is kept and since when, holds, requests for erasure, and tombstones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from telemed.domain.retention import ErasureRequest, Hold, RecordKind, RequestState, Retained


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it lies in the database. `since`: the moment from which its period runs; `centres` of its cases."""

    kind: RecordKind
    subject: str
    member: str
    since: datetime
    centres: tuple[str, ...] = ()
    finished: bool = True
    holds: Sequence[Hold] = ()


class KeptRecords(Protocol):
    async def older_than(self, kind: RecordKind, before: datetime, limit: int) -> list[Kept]:
        """Return records that began before the moment, the oldest first. Their periods may have begun later."""
        ...

    async def find(self, kind: RecordKind, subject: str) -> Kept | None: ...


class ErasureState(StrEnum):
    """Where the erasure of one record is."""

    WAITING = "waiting"
    ERASING = "erasing"
    """Its rows are gone, objects are left."""
    DONE = "done"
    KEPT = "kept"
    """It may not be erased any more."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One record that is to be erased, or was. It names nobody: `subject` is a random id or a digest."""

    id: str
    request_id: str
    kind: RecordKind
    subject: str
    member: str
    centre: str
    kept_until: date
    state: ErasureState = ErasureState.WAITING
    erased_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ErasedName:
    """A report's code, or a study, that was erased; `content_sha256` of the PDF as issued."""

    erasure_id: str
    erased_at: datetime
    content_sha256: str
    came_again_at: datetime | None


class Holds(Protocol):
    async def add(self, hold: Hold) -> None: ...
    async def get(self, id_: str) -> Hold | None: ...
    async def lift(self, id_: str, by: str, at: datetime) -> None: ...
    async def unlifted(self) -> list[Hold]:
        """Return holds that nobody has lifted, the newest first."""
        ...


class Erasures(Protocol):
    async def add(self, request: ErasureRequest, records: Sequence[Retained]) -> None: ...
    async def get(self, id_: str) -> ErasureRequest | None:
        """Until the end of a writing transaction nobody else changes it."""
        ...

    async def recent(self, since: datetime) -> list[ErasureRequest]:
        """Return requests that were asked since then, and all that are not at their end, the newest first."""
        ...

    async def waiting_for(self, kind: RecordKind, since: datetime) -> set[str]:
        """Return the subjects that a request which is not at its end names; one that nobody confirmed counts from `since` on."""
        ...

    async def decide(self, id_: str, state: RequestState, by: str, at: datetime) -> None: ...
    async def tombstones(self, request_id: str) -> list[Tombstone]: ...
    async def erased_report(self, code: str) -> ErasedName | None: ...
    async def study_came(self, owner: str, study_instance_uid: str, at: datetime) -> ErasedName | None:
        """Note that an erased study came again, and return it the first time; None where it was never erased, or is known already."""
        ...

    async def came_again(self, limit: int) -> list[Mapping[str, Any]]:
        """Return erased studies that came again, the newest first: `member`, `erased_at`, `came_again_at`."""
        ...
