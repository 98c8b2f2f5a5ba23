"""Use cases carried out in transactions; refusals and looks put on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from telemed.domain.errors import DomainError, Forbidden, NotFound
from telemed.domain.people import Person
from telemed.service.application import Application
from telemed.service.ports.unit_of_work import UnitOfWork

P = ParamSpec("P")


T = TypeVar("T")


async def execute(
    application: Application,
    use_case: Callable[Concatenate[UnitOfWork, Person, P], Awaitable[T]],
    person: Person,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """One use case in one transaction. A refusal for want of a right is put on record too."""
    try:
        async with application.writing() as work:
            return await use_case(work, person, *args, **kwargs)
    except (Forbidden, NotFound) as refusal:
        await record_refusal(application, person, use_case.__name__, refusal)
        raise


async def query(
    application: Application,
    look: Callable[Concatenate[UnitOfWork, Person, P], Awaitable[T]],
    person: Person,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """One look at a snapshot. A refusal is put on record; a look that is allowed is recorded by who asked for it."""
    try:
        async with application.reading() as work:
            return await look(work, person, *args, **kwargs)
    except (Forbidden, NotFound) as refusal:
        await record_refusal(application, person, look.__name__, refusal)
        raise


async def record_refusal(application: Application, person: Person, what: str, refusal: DomainError) -> None:
    subject = f"{getattr(refusal, 'kind', '')}/{getattr(refusal, 'name', '')}" if isinstance(refusal, NotFound) else what
    async with application.writing() as work:
        work.outbox.audit(
            f"access:{what.replace('_', '-')}", person.username, person.institution, subject[:200], "refused", {"why": refusal.code}
        )


async def record_look(application: Application, person: Person, action: str, subject: str) -> None:
    """Put on record who looked at which patient's data, and when."""
    async with application.writing() as work:
        work.outbox.audit(action, person.username, person.institution, subject)
