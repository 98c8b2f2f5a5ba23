"""Views for the administrators: accounts for security, the installation for the system, the chain for audit. No clinical data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from telemed.domain.accounts import AccountState
from telemed.domain.certificate import Certificate
from telemed.domain.people import Person


@dataclass(frozen=True, slots=True)
class Account:
    """A person with the state of the account: wrong passwords lately, until when none is judged from somewhere, until when an
    invitation can be taken up (None: there is none that can), and whether a second factor is asked for."""

    person: Person
    state: AccountState
    failures: int
    locked_until: datetime | None
    last_sign_in_at: datetime | None
    sessions: int
    invited_until: datetime | None
    factor: bool


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts are wanted; what is empty does not filter. `text` is a part of account, name or institution."""

    text: str = ""
    institution: str = ""
    role: str = ""
    centre: str = ""
    state: str = ""


EVERYBODY = AccountFilter()


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Accounts, locked ones first, then by institution and name; how many fit, how many there are, how many are locked."""

    items: Sequence[Account]
    fitting: int
    total: int
    locked: int


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that failed at least once. `error` is the kind of error and its first line, cut short: no data of a case."""

    id: int
    kind: str
    created_at: datetime
    attempts: int
    next_try_at: datetime | None
    error: str

    @property
    def given_up(self) -> bool:
        return self.next_try_at is None


@dataclass(frozen=True, slots=True)
class StoreWalk:
    """The last whole walk over the object store: how many objects it met, and how many of no known kind, with one's key.
    `unnamed` are those that no row names and that are still there; `kept` where they are too many to be removed by themselves."""

    ended_at: datetime
    objects: int
    unattributed: int
    example: str
    unnamed: int
    kept: bool


BACKUP_LATE = timedelta(hours=26)
"""A backup older than this is late: one a day, and two hours in which it is made."""


@dataclass(frozen=True, slots=True)
class BackupState:
    """The newest backup: where it is, its snapshot, when it was made, how much it names, and how many objects the installation lacked.

    `error` is why the newest try made none, at `failed_at`; empty where none failed since.
    """

    target: str
    snapshot: str
    made_at: datetime | None
    bytes: int
    faults: int
    error: str
    failed_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        return self.made_at is None or now - self.made_at > BACKUP_LATE


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk that the platform lies on: what is on it (`objects`, `database`), bytes in all, free, and kept free for records.

    `scarce` where somebody should make room soon, `reserved` where no images and files are taken any more.
    """

    name: str
    total: int
    free: int
    reserve: int
    scarce: bool
    reserved: bool


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs here. Sizes in bytes; `disk_free` None where the data folder cannot be asked, `walk` None before the first."""

    version: str
    python: str
    database: str
    database_version: str
    store: str
    sessions: int
    jobs_waiting: int
    jobs_oldest_at: datetime | None
    disk_free: int | None
    disk_total: int | None
    failing: Sequence[QueuedJob]
    walk: StoreWalk | None
    backup: BackupState
    backup_late: bool
    certificates: Sequence[Certificate] = ()


@dataclass(frozen=True, slots=True)
class ChainState:
    """The state of the audit trail's recomputation: up to which record and when, when all of it last, the first fault or empty."""

    position: int
    checked_at: datetime | None
    whole_at: datetime | None
    fault: str
    records: int


class Administration(Protocol):
    """Each question of a person raises Forbidden for who may not ask it."""

    async def accounts(self, person: Person, wanted: AccountFilter = EVERYBODY, skip: int = 0, limit: int = 200) -> AccountPage: ...
    async def account(self, person: Person, username: str) -> Account:
        """One account. Raises NotFound."""
        ...

    async def installation(self, person: Person) -> Installation: ...
    async def store_walk(self) -> StoreWalk | None:
        """Counts only, for whoever watches over the installation; None before the first walk has ended."""
        ...

    async def backup_state(self) -> BackupState:
        """When and where the last backup was made, for whoever watches over the installation."""
        ...

    async def disks(self) -> Sequence[Disk]:
        """The disks of object store and database that are of this machine, the fullest first. Sizes only, for whoever watches."""
        ...

    async def retry_job(self, person: Person, job_id: int) -> None:
        """Try a failed job again now. Raises NotFound where there is none; on record."""
        ...

    async def chain_state(self, person: Person) -> ChainState: ...
