"""`telemed setup`: the region and the first administrators of an empty installation, in one transaction."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from telemed import centres
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.unit_of_work import reading, writing
from telemed.adapters.passwords import Argon2Passwords, common_passwords
from telemed.devices_command import AT_THE_MACHINE
from telemed.domain.authentication_profile import PROFILES, PasswordRules, password_faults
from telemed.domain.errors import Invalid
from telemed.domain.people import Role
from telemed.domain.region import RegionContent
from telemed.domain.region_rules import faults
from telemed.region_command import WrongRegion, bytes_of, read_sound, the_region
from telemed.service import regions
from telemed.service.first_administrators import (
    FIRST_ROLES,
    FirstAdministrator,
    PeopleAreThere,
    make_first_administrators,
    one_time_password,
)
from telemed.service.ports.people import Passwords
from telemed.service.ports.region import Region
from telemed.settings import Settings
from telemed.web.i18n import gettext
from telemed.web.problems import fault_text, region_sentence

_ = str  # marks text for the translation catalogue

SHORT_ROLES = dict(zip(("system", "security", "audit", "operator"), FIRST_ROLES, strict=True))
"""The names of the first roles on the command line."""

USUAL_NAMES = dict(zip(FIRST_ROLES, ("sysadmin", "secadmin", "auditor", "operator"), strict=True))

ROLE_WORDS = {
    Role.SYSTEM_ADMINISTRATOR: _("System administrator"),
    Role.SECURITY_ADMINISTRATOR: _("Security administrator"),
    Role.AUDITOR: _("Audit administrator"),
    Role.OPERATOR: _("Network operator"),
}

ALREADY = _(
    "This installation has people already, and nothing was changed. Use telemed region import for the region and telemed account for"
    " people, or set TELEMED_DATA_DIR to an empty folder."
)


class CannotSetUp(ValueError):
    """The sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """One of the first people as named by who sets up. `password` None: one is made and shown once."""

    role: Role
    username: str
    name: str
    password: str | None = None


def example_file() -> str:
    """Return the worked example of a region's file."""
    return (Path(__file__).parent / "region_example.toml").read_text(encoding="utf-8")


def administrators_of(text: str) -> list[NewAdministrator]:
    """Return the people that are named like `system=lihua:李华,security=wangfang,audit=zhaomin,operator=qianjin`; who is not named
    has the usual user name. Raises CannotSetUp."""
    named = {role: NewAdministrator(role, USUAL_NAMES[role], gettext(ROLE_WORDS[role])) for role in FIRST_ROLES}
    for part in filter(None, (each.strip() for each in text.split(","))):
        short, _equals, said = part.partition("=")
        role = SHORT_ROLES.get(short.strip())
        if role is None or not said.strip():
            form = "system=USER:NAME,security=USER:NAME,audit=USER:NAME,operator=USER:NAME"
            raise CannotSetUp(gettext("%(part)s names no administrator; write %(form)s.") % {"part": part, "form": form})
        username, _colon, name = said.strip().partition(":")
        named[role] = NewAdministrator(role, username.strip(), name.strip() or username.strip())
    return list(named.values())


def with_passwords_of(people: Sequence[NewAdministrator], lines: Sequence[str], rules: PasswordRules) -> list[NewAdministrator]:
    """Return the people with the passwords that stand on these lines, in their order. Raises CannotSetUp."""
    if len(lines) != len(people):
        said = gettext("There must be %(wanted)d lines with a password each, in the order %(order)s; there are %(given)d.")
        raise CannotSetUp(said % {"wanted": len(people), "order": ", ".join(SHORT_ROLES), "given": len(lines)})
    for each, line in zip(people, lines, strict=True):
        if problem := password_problem(each, line, rules):
            raise CannotSetUp(f"{each.username}: {problem}")
    return [replace(each, password=line) for each, line in zip(people, lines, strict=True)]


def password_problem(each: NewAdministrator, password: str, rules: PasswordRules) -> str:
    """Return what speaks against a first password by the profile's rules; empty where nothing does."""
    found = password_faults(rules, password, (each.username, each.name), common_passwords())
    said = gettext("The password")
    return "; ".join(f"{said} {fault_text(fault)}" for fault in found)


def asked_passwords(
    people: Sequence[NewAdministrator], rules: PasswordRules, ask: Callable[[str], str] = getpass.getpass
) -> list[NewAdministrator]:
    """Return the people with passwords as they are typed, each twice; nothing typed: one is made."""
    return [replace(each, password=_asked_password(each, rules, ask)) for each in people]


def _asked_password(each: NewAdministrator, rules: PasswordRules, ask: Callable[[str], str]) -> str | None:
    while True:
        question = gettext("First password of %(username)s (%(role)s); empty: one is made: ")
        typed = ask(question % {"username": each.username, "role": gettext(ROLE_WORDS[each.role])})
        if not typed:
            return None
        problem = password_problem(each, typed, rules)
        if not problem and ask(gettext("The same again: ")) == typed:
            return typed
        print(problem or gettext("These were two different ones."), file=sys.stderr)


async def must_be_empty(settings: Settings) -> None:
    """Raises CannotSetUp where there are people."""
    people, _demonstration = await entrance(settings)
    if people:
        raise CannotSetUp(gettext(ALREADY))


async def entrance(settings: Settings) -> tuple[bool, bool]:
    """Return whether somebody can have an account here, and whether the demo's people are among them."""
    engine = make_engine(settings.database)
    try:
        region = await the_region(engine, settings)
        async with reading(engine, region) as work:
            return await work.people.any(), region.demonstration
    finally:
        await engine.dispose()


def answers(file: Path | None, administrators: str) -> tuple[Callable[[Region], RegionContent], list[NewAdministrator]]:
    """Return the region and the people, from the file and what was named, else from questions. Raises CannotSetUp, WrongRegion."""
    if file is not None:
        return region_from_file(file), administrators_of(administrators)
    from telemed.setup_wizard import Wizard

    wizard = Wizard(centres.discover(), input, print)
    region = region_as_asked(wizard.region())
    return region, administrators_of(administrators) if administrators else wizard.administrators()


def with_passwords(settings: Settings, people: Sequence[NewAdministrator], *, from_stdin: bool, one_time: bool) -> list[NewAdministrator]:
    """Return the people with the passwords that are given; with None where one is to be made. Raises CannotSetUp."""
    rules = PROFILES[settings.profile].passwords
    if from_stdin:
        return with_passwords_of(people, sys.stdin.read().splitlines(), rules)
    return list(people) if one_time else asked_passwords(people, rules)


async def set_up(
    settings: Settings,
    region_of: Callable[[Region], RegionContent],
    people: Sequence[NewAdministrator],
    passwords: Passwords | None = None,
) -> list[NewAdministrator]:
    """Put the region and its first people in place, all or nothing. Return the people with the passwords that they have now.
    Raises CannotSetUp, WrongRegion."""
    known = [each if each.password else replace(each, password=one_time_password()) for each in people]
    hasher = passwords or Argon2Passwords()
    hashed = [FirstAdministrator(p.role, p.username, p.name, await hasher.hash(p.password or "")) for p in known]
    engine = make_engine(settings.database)
    try:
        region = await the_region(engine, settings)
        wanted = region_of(region)
        async with writing(engine, region) as work:
            await regions.take_region(work, AT_THE_MACHINE, wanted, "*")
            await make_first_administrators(work, AT_THE_MACHINE, hashed)
    except PeopleAreThere:
        raise CannotSetUp(gettext(ALREADY)) from None
    except Invalid as invalid:
        raise CannotSetUp("; ".join(f"{each.field} {fault_text(each)}" for each in invalid.errors)) from None
    finally:
        await engine.dispose()
    return known


def region_from_file(file: Path) -> Callable[[Region], RegionContent]:
    """Return what reads the region from this file. Raises WrongRegion where it cannot be read."""
    given = bytes_of(file)
    return lambda region: read_sound(given, region, RegionContent())


def region_as_asked(content: RegionContent) -> Callable[[Region], RegionContent]:
    """Return what holds the region that was asked for against the rules."""

    def sound(region: Region) -> RegionContent:
        found = faults(content, regions.surroundings(region, RegionContent()))
        if found:
            raise WrongRegion(*map(region_sentence, found))
        return content

    return sound


def welcome(settings: Settings, asked: Sequence[NewAdministrator], known: Sequence[NewAdministrator], console: Console) -> None:
    """Print who can sign in now and where; passwords that were made are printed here and nowhere else."""
    console.print(gettext("The region stands, and these people can sign in:"))
    made = {each.username for each in asked if each.password is None}
    for each in known:
        password = (each.password or "") if each.username in made else gettext("password as given")
        console.print(f"  {each.username}  {password}  ({gettext(ROLE_WORDS[each.role])}, {each.name})", soft_wrap=True, markup=False)
    if made:
        console.print(
            gettext("The passwords are shown this once: hand each to its owner. Each is changed at the first sign-in."), soft_wrap=True
        )
    console.print(gettext("Next: telemed serve, then open %(address)s.") % {"address": settings.address}, soft_wrap=True)
