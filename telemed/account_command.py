"""`telemed account`: the security administrator's work from a shell, by the same use cases and on the same record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table

from telemed import centres
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.queries.accounts import AccountQueries
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import SqlUnitOfWork, writing
from telemed.adapters.passwords import Argon2Passwords
from telemed.bootstrap import centre_parts
from telemed.domain.accounts import COMMAND_LINE, AccountEntry, password_faults, person_of
from telemed.domain.errors import DomainError, Forbidden, Invalid, InvalidTransition, NotFound
from telemed.domain.people import Person, Role
from telemed.service import account_administration as administration
from telemed.service import accounts, leaving
from telemed.service.account_access import record
from telemed.service.administration import AccountFilter
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.settings import Settings
from telemed.web.i18n import gettext, speaking
from telemed.web.problems import REASONS, fault_text

AT_THE_MACHINE = Person(COMMAND_LINE, "", "", frozenset({Role.SECURITY_ADMINISTRATOR}))
"""Who has the machine may do here what the security administrator may, and the audit trail says so."""

LISTED = 10_000
P = ParamSpec("P")
T = TypeVar("T")


class Refused(Exception):
    """The sentence says what is wrong."""


@asynccontextmanager
async def _work(settings: Settings) -> AsyncIterator[SqlUnitOfWork]:
    """A transaction beside a running installation. Raises Refused in words."""
    engine = make_engine(settings.database)
    try:
        async with engine.connect() as bare:
            region = await load_region(await bare.execution_options(reading=True), centres.discover(), settings.time_zone)
        async with writing(engine, region, centres=centre_parts(centres.extensions())) as work:
            yield work
    except DomainError as error:
        raise Refused(sentence(error)) from None
    finally:
        await engine.dispose()


def sentence(error: DomainError) -> str:
    """Return a refusal in English words."""
    with speaking("en"):
        match error:
            case Invalid():
                return "; ".join(f"{each.field} {fault_text(each)}" for each in error.errors)
            case NotFound():
                return f"There is no {'account' if error.kind == 'person' else error.kind} {error.name}"
            case Forbidden():
                return gettext(REASONS.get(error.reason, str(error)))
            case InvalidTransition():
                what = "has a password: use reset" if error.state == "open" else "is switched off: enable it first"
                return f"The account {what}"
    return str(error)


async def act(
    settings: Settings, use_case: Callable[Concatenate[UnitOfWork, Person, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Carry out one use case in one transaction. Raises Refused."""
    async with _work(settings) as work:
        return await use_case(work, AT_THE_MACHINE, *args, **kwargs)


async def create(settings: Settings, entry: AccountEntry, password: str = "") -> administration.Invited:
    """Make an account, with an invitation or with a first password. Raises Refused."""
    if not password:
        return await act(settings, administration.create_account, entry)
    async with _work(settings) as work:
        person = person_of(entry, work.region.network, work.region.centres)
        if faults := password_faults(password, person):
            raise Invalid(*faults)
    return await act(settings, administration.create_account, entry, await Argon2Passwords().hash(password))


async def change(settings: Settings, username: str, **changes: Any) -> Person:
    """Change what is named and leave the rest. Raises Refused."""
    async with _work(settings) as work:
        known = await administration.account_of(work, AT_THE_MACHINE, username)
        facts = (known.name, known.institution, known.roles, known.centres, known.title, known.language, known.phone)
        entry = replace(AccountEntry(username, *facts), **changes)
        return await administration.change_account(work, AT_THE_MACHINE, username, entry, "*")


async def unlock(settings: Settings, username: str) -> None:
    await act(settings, accounts.unlock, username)


async def show_accounts(settings: Settings, console: Console, wanted: AccountFilter) -> None:
    """The accounts that fit as a table, put on record as any look."""
    async with _work(settings) as work:
        found = await AccountQueries(work.connection, work.now).page(wanted, 0, LISTED)
        work.outbox.audit("account:read", AT_THE_MACHINE.username, "", "accounts")
    table = Table("account", "name", "institution", "roles", "centres", "state", "last sign-in", "sessions", box=None)
    for account in found.items:
        person, last = account.person, account.last_sign_in_at
        lists = (", ".join(sorted(person.roles)), ", ".join(sorted(person.centres)))
        shown = f"{last:%Y-%m-%d %H:%M}" if last else "never"
        table.add_row(person.username, person.name, person.institution, *lists, account.state.value, shown, str(account.sessions))
    console.print(table)
    if found.fitting > len(found.items):
        console.print(f"the first {len(found.items)} of {found.fitting}")


async def show_sessions(settings: Settings, console: Console, username: str) -> None:
    """The account's sessions as a table."""
    found = await _looked(settings, username)
    table = Table("since", "last seen", "address", "client", box=None)
    for session in found:
        table.add_row(f"{session.created_at:%Y-%m-%d %H:%M}", f"{session.seen_at:%Y-%m-%d %H:%M}", session.address, session.client)
    console.print(table)


async def _looked(settings: Settings, username: str) -> Sequence[Any]:
    async with _work(settings) as work:
        found = await administration.sessions_of(work, AT_THE_MACHINE, username)
        record(work, AT_THE_MACHINE, "account:read", username)
        return found


def leaving_words(found: leaving.Leaving) -> str:
    """Say in a line what leaving means, or meant."""
    cases = sum(found.cases.values()) + found.amendments
    to = f"go to {found.handed_to}" if found.handed_to else "go back to the hub's list"
    return f"{found.sessions} sessions end, {cases} open cases {to}, {found.in_review} stay with their reviewers"


def link(settings: Settings, made: administration.Invited) -> str:
    """The address of the invitation, in a sentence."""
    if made.expires_at is None:
        return f"{made.person.username} can sign in; the password is changed at the first sign-in"
    return f"{settings.address.rstrip('/')}/invitation/{made.token}\ngood once, until {made.expires_at:%Y-%m-%d %H:%M} UTC"
