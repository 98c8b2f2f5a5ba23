"""Accounts: what an account must say, which roles go with which institution and with each other, and how it is opened.

The rules are those of `docs/security.md`. That system, security and audit administration are three people's, none of whom does the
work of another, is asked by GB/T 22239-2019, 8.1.5.1 to 8.1.5.3.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from telemed.domain.centre import Centre
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.network import Level, Network
from telemed.domain.people import SYSTEM, Person, Role

USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
"""Small letters alone: no two people whose names differ by a capital letter (practice)."""

COMMAND_LINE: Final = "command-line"
"""Who acts at the machine itself, as records name them."""

RESERVED: Final = frozenset({SYSTEM, COMMAND_LINE, "new", "import"})
"""Names that mean something else in records or addresses."""

MAX_NAME: Final = 100
PHONE: Final = re.compile(r"[0-9+\-() ]{0,32}")
LANGUAGES: Final = ("zh-CN", "en")

INVITATION_VALID_FOR: Final = timedelta(hours=72)
"""An invitation that nobody took up in three days is worth nothing (OWASP ASVS 5.0 V6.4.1 asks that it ends after a short time)."""


class Place(StrEnum):
    """What an institution is to the people of a role."""

    MEMBER = "member"
    """It sends cases."""
    HUB = "hub"
    """It reads cases."""
    OPERATOR = "operator"
    """It runs the network."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """`reads`: bounded by centres, of which there must be one. `alone`: nobody holds the role beside another."""

    place: Place
    reads: bool = False
    alone: bool = False


ROLE_RULES: Final[Mapping[Role, RoleRule]] = {
    Role.MEMBER_STAFF: RoleRule(Place.MEMBER),
    Role.SPECIALIST: RoleRule(Place.HUB, reads=True),
    Role.REVIEWER: RoleRule(Place.HUB, reads=True),
    Role.OPERATOR: RoleRule(Place.OPERATOR, alone=True),
    Role.SYSTEM_ADMINISTRATOR: RoleRule(Place.OPERATOR, alone=True),
    Role.SECURITY_ADMINISTRATOR: RoleRule(Place.OPERATOR, alone=True),
    Role.AUDITOR: RoleRule(Place.OPERATOR, alone=True),
}


def is_place(network: Network, institution: str, place: Place) -> bool:
    """True if the institution is that: a member by its level or by a home hub, a hub by a service, the operator by its level."""
    known = network.institutions.get(institution)
    if known is None:
        return False
    return {
        Place.MEMBER: known.level is Level.MEMBER or any(member == institution for _, member in network.home_hubs),
        Place.HUB: any(hub == institution for _, hub in network.services),
        Place.OPERATOR: known.level is Level.OPERATOR,
    }[place]


def centres_read(network: Network, institution: str) -> list[str]:
    """The centres that the institution reads as a hub."""
    return sorted(centre for centre, hub in network.services if hub == institution)


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """An account as it was entered. `phone` is where the person is called back."""

    username: str
    name: str
    institution: str
    roles: Collection[str]
    centres: Collection[str] = ()
    title: str = ""
    language: str = ""
    phone: str = ""


def person_of(entry: AccountEntry, network: Network, centres: Mapping[str, Centre], *, active: bool = True) -> Person:
    """Return the person. Raises Invalid with every field at fault."""
    faults = [*_plain_faults(entry), *_role_faults(entry, network, centres)]
    if faults:
        raise Invalid(*faults)
    roles = frozenset(Role(role) for role in entry.roles)
    name, title, phone = entry.name.strip(), entry.title.strip(), entry.phone.strip()
    return Person(entry.username, name, entry.institution, roles, frozenset(entry.centres), title, entry.language, active, phone)


def _plain_faults(entry: AccountEntry) -> Iterable[FieldError]:
    if not USERNAME.fullmatch(entry.username):
        yield FieldError("username", "username")
    elif entry.username in RESERVED:
        yield FieldError("username", "username-reserved")
    if not entry.name.strip():
        yield FieldError("name", "required")
    for field, text in (("name", entry.name), ("title", entry.title)):
        if len(text) > MAX_NAME:
            yield FieldError(field, "too-long", str(MAX_NAME))
        if not text.isprintable():
            yield FieldError(field, "control-character")
    if entry.language not in ("", *LANGUAGES):
        yield FieldError("language", "choice", " ".join(LANGUAGES))
    if not PHONE.fullmatch(entry.phone):
        yield FieldError("phone", "phone")


def _role_faults(entry: AccountEntry, network: Network, centres: Mapping[str, Centre]) -> Iterable[FieldError]:
    known = network.institutions.get(entry.institution)
    if not entry.institution:
        yield FieldError("institution", "required")
    elif known is None or not known.active:
        yield FieldError("institution", "no-institution")
    unknown = sorted(set(entry.roles) - set(Role))
    if unknown or not entry.roles:
        yield FieldError("roles", "role-unknown" if unknown else "role-needed", " ".join(unknown))
    roles = [Role(role) for role in entry.roles if role in set(Role)]
    if known is not None:
        places = sorted({ROLE_RULES[role].place for role in roles if not is_place(network, entry.institution, ROLE_RULES[role].place)})
        yield from (FieldError("roles", f"place-{place}") for place in places)
    if len(roles) > 1 and any(ROLE_RULES[role].alone for role in roles):
        yield FieldError("roles", "role-alone")
    yield from _centre_faults(entry, roles, network, centres)


def _centre_faults(entry: AccountEntry, roles: Collection[Role], network: Network, centres: Mapping[str, Centre]) -> Iterable[FieldError]:
    if unknown := sorted(set(entry.centres) - set(centres)):
        yield FieldError("centres", "centre-unknown", " ".join(unknown))
    reads = [role for role in roles if ROLE_RULES[role].reads]
    if reads and not entry.centres:
        yield FieldError("centres", "centre-needed")
    if reads and entry.institution in network.institutions:
        elsewhere = sorted(set(entry.centres) & set(centres) - set(centres_read(network, entry.institution)))
        if elsewhere:
            yield FieldError("centres", "centre-not-read", " ".join(elsewhere))
    if entry.centres and roles and all(ROLE_RULES[role].alone for role in roles):
        yield FieldError("centres", "centre-not-theirs")


EDITABLE: Final = ("name", "title", "institution", "roles", "centres", "language", "phone")
"""What the security administrator may change of an account; its name to sign in with stays."""

DECIDING: Final = ("institution", "roles", "centres")
"""What of it says what the person may do: nobody changes that of their own account."""


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value


def entity_tag(person: Person) -> str:
    """Return what names this state of the account (RFC 9110, 8.8.3): two that agree in everything that can be changed have the same."""
    content = [person.username, person.active, *(_plain(getattr(person, name)) for name in EDITABLE)]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:16]


def changes(before: Person, after: Person) -> dict[str, list[object]]:
    """Return by field what was and what is."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in EDITABLE}
    return {name: [_plain(old), _plain(new)] for name, (old, new) in pairs.items() if old != new}


@dataclass(frozen=True, slots=True)
class Invitation:
    """A way to choose the first password, once. Only the digest of its token is kept."""

    token_digest: str
    username: str
    made_by: str
    made_at: datetime
    expires_at: datetime

    def open_at(self, now: datetime) -> bool:
        """True if it can be taken up. A clock that was set back prolongs nothing."""
        return self.made_at - INVITATION_VALID_FOR < now < self.expires_at


class AccountState(StrEnum):
    """The state of an account, the one that matters most first."""

    DISABLED = "disabled"
    LOCKED = "locked"
    INVITED = "invited"
    UNINVITED = "uninvited"
    """Nobody can sign in: there is no password, and no invitation that can be taken up."""
    OPEN = "open"


def account_state(*, active: bool, locked: bool, has_password: bool, invitation_open: bool) -> AccountState:
    """Return the state by what is known of the account."""
    if not active:
        return AccountState.DISABLED
    if locked:
        return AccountState.LOCKED
    if not has_password:
        return AccountState.INVITED if invitation_open else AccountState.UNINVITED
    return AccountState.OPEN
