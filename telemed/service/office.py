"""Where use cases are carried out: transactions, reads, stored objects, passwords, the printer. One for each process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from storage.protocol import ObjectStore
from telemed.domain.errors import DomainError, Forbidden, NotAuthenticated, NotFound
from telemed.domain.people import Person
from telemed.domain.report import Report
from telemed.service import accounts, reporting
from telemed.service.image_quality import ImageQualities
from telemed.service.overview import Overview
from telemed.service.ports import Passwords, Region, Work
from telemed.service.queries import Queries
from telemed.service.reporting import Printed, PrintOrder
from telemed.service.statistics import Figures

P = ParamSpec("P")
T = TypeVar("T")


class Printer(Protocol):
    """Prints a report version, puts the signatures on, and keeps the PDF. Slow: call it outside a transaction."""

    async def print(self, order: PrintOrder, work: Work) -> Printed: ...


class Office(Protocol):
    """What a process has to work with."""

    @property
    def region(self) -> Region: ...
    @property
    def store(self) -> ObjectStore: ...
    @property
    def passwords(self) -> Passwords: ...
    @property
    def printer(self) -> Printer: ...
    @property
    def queries(self) -> Queries: ...
    @property
    def overview(self) -> Overview: ...
    @property
    def figures(self) -> Figures: ...
    @property
    def image_quality(self) -> ImageQualities: ...
    def now(self) -> datetime: ...
    async def refresh(self) -> None:
        """Look at the network again: what was changed holds in this process at once, in others after seconds."""
        ...

    async def check(self) -> None:
        """Database and store answer. Raises what they raise."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Work]:
        """A transaction; commits at the end of the block, rolls back on an error."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Work]:
        """One snapshot; nothing is written."""
        ...


async def perform(
    office: Office, use_case: Callable[Concatenate[Work, Person, P], Awaitable[T]], person: Person, *args: P.args, **kwargs: P.kwargs
) -> T:
    """One use case in one transaction. A refusal for want of a right is put on record too."""
    try:
        async with office.writing() as work:
            return await use_case(work, person, *args, **kwargs)
    except (Forbidden, NotFound) as refusal:
        await record_refusal(office, person, use_case.__name__, refusal)
        raise


async def consult(
    office: Office, query: Callable[Concatenate[Work, Person, P], Awaitable[T]], person: Person, *args: P.args, **kwargs: P.kwargs
) -> T:
    """One look at a snapshot. A refusal is put on record; a look that is allowed is recorded by who asked for it."""
    try:
        async with office.reading() as work:
            return await query(work, person, *args, **kwargs)
    except (Forbidden, NotFound) as refusal:
        await record_refusal(office, person, query.__name__, refusal)
        raise


async def record_refusal(office: Office, person: Person, what: str, refusal: DomainError) -> None:
    subject = f"{getattr(refusal, 'kind', '')}/{getattr(refusal, 'name', '')}" if isinstance(refusal, NotFound) else what
    async with office.writing() as work:
        work.journal.audit(
            f"access:{what.replace('_', '-')}", person.username, person.institution, subject[:200], "refused", {"why": refusal.code}
        )


async def record_look(office: Office, person: Person, action: str, subject: str) -> None:
    """Who looked at which patient's data, when."""
    async with office.writing() as work:
        work.journal.audit(action, person.username, person.institution, subject)


async def authenticate(office: Office, username: str, password: str) -> accounts.SignIn:
    """Check the password (slowly, outside any transaction) and begin a session. Raises NotAuthenticated or LockedOut."""
    await check_password(office, username, password, "session:begin")
    async with office.writing() as work:
        return await accounts.sign_in(work, username)


DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$q0uQ0C8p1Dk1wB6W2cZ3Vd9T2xk0JqkqjYl2m8k3Q4E"
"""Checked for names that nobody has, so that they take as long as others."""


async def check_password(office: Office, username: str, password: str, purpose: str) -> None:
    """Raises LockedOut while the account is locked, NotAuthenticated (counted towards the lock) for a wrong password."""
    async with office.reading() as work:
        known = await accounts.password_hash_of(work, username)
    if await office.passwords.matches(known or DUMMY_HASH, password) and known:
        return
    async with office.writing() as work:
        await accounts.refuse_sign_in(work, username, purpose)
    raise NotAuthenticated(username)


async def sign(office: Office, person: Person, case_id: str, password: str) -> Report:
    """Check, ask for the password again, print, then make the signature so."""
    order = await consult(office, reporting.prepare_signature, person, case_id)
    await check_password(office, person.username, password, "report:sign")
    async with office.reading() as work:
        printed = await office.printer.print(order, work)
    return await perform(office, reporting.sign_report, person, order, printed)


async def review(office: Office, person: Person, case_id: str, password: str) -> Report:
    """As `sign`, for the second person."""
    order = await consult(office, reporting.prepare_review, person, case_id)
    await check_password(office, person.username, password, "report:review")
    async with office.reading() as work:
        printed = await office.printer.print(order, work)
    return await perform(office, reporting.review_report, person, order, printed)
