"""The first people of an installation: the three administrators and the network's operator, before whom nobody can sign in."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telemed.domain.accounts import RESERVED, USERNAME
from telemed.domain.errors import DomainError, FieldError, Invalid
from telemed.domain.network import Level
from telemed.domain.people import Agent, Person, Role
from telemed.service.ports.unit_of_work import UnitOfWork

FIRST_ROLES = (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR, Role.OPERATOR)
"""The roles that must be there before anybody else can be given an account and the network can be run: one person each."""

ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is mistaken for something else on paper: no i, l, o, 0, 1."""

ONE_TIME_GROUPS, ONE_TIME_GROUP = 4, 5
"""Twenty characters, 99 bits."""


class PeopleAreThere(DomainError):
    """An installation that has people is set up already."""

    code = "people-are-there"


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    """One of the first people, with the hash of the password that is changed at the first sign-in."""

    role: Role
    username: str
    name: str
    password_hash: str


async def make_first_administrators(work: UnitOfWork, agent: Agent, people: Sequence[FirstAdministrator]) -> None:
    """Enter the first people, at the institution that runs the network. Raises PeopleAreThere, Invalid; then nothing is written."""
    if await work.people.any():
        raise PeopleAreThere
    content = await work.region_records.content()
    home = next((each.code for each in content.institutions if each.level is Level.OPERATOR and each.active), None)
    errors = tuple(_faults(people))
    if home is None:
        errors = (*errors, FieldError("institution", "no-operator"))
    if home is None or errors:
        raise Invalid(*errors)
    for each in people:
        person = Person(each.username, each.name, home, frozenset({each.role}))
        await work.people.add(person, each.password_hash, must_change=True)
        work.outbox.audit("account:create", agent.username, agent.institution, f"person/{each.username}", detail={"kind": each.role.value})


def _faults(people: Sequence[FirstAdministrator]) -> Iterator[FieldError]:
    for role in FIRST_ROLES:
        if sum(each.role is role for each in people) != 1:
            yield FieldError("role", "one-of-each", role.value)
    for each in people:
        if not USERNAME.fullmatch(each.username):
            yield FieldError("username", "username")
        elif each.username in RESERVED:
            yield FieldError("username", "username-reserved")
        if not each.name.strip() or len(each.name) > 100:
            yield FieldError("name", "required")
    for username, times in Counter(each.username for each in people).items():
        if times > 1:
            yield FieldError("username", "repeated", username)


def one_time_password() -> str:
    """Return a password that is written down once and changed at the first sign-in."""
    groups = ("".join(secrets.choice(ONE_TIME_ALPHABET) for _ in range(ONE_TIME_GROUP)) for _ in range(ONE_TIME_GROUPS))
    return "-".join(groups)
