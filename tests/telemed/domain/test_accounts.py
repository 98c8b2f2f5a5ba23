"""Rules of accounts: what goes with what, at, below and above each limit."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemed.centres import discover
from telemed.demo.region import accounts, network
from telemed.domain.accounts import (
    EDITABLE,
    INVITATION_VALID_FOR,
    ROLE_RULES,
    AccountEntry,
    AccountState,
    Invitation,
    account_state,
    entity_tag,
    person_of,
)
from telemed.domain.errors import Invalid
from telemed.domain.people import Person, Role

NETWORK, CENTRES = network(), discover()
PLACES = {"CLINIC1": "member", "HUBA": "hub", "MAIN": "hub", "NETWORK": "operator"}
SOUND = AccountEntry("wang.li", "王莉", "HUBA", ["specialist"], ["imaging"])


def faults(**changes: Any) -> set[tuple[str, str]]:
    try:
        person_of(replace(SOUND, **changes), NETWORK, CENTRES)
    except Invalid as error:
        return {(each.field, each.code) for each in error.errors}
    return set()


@pytest.mark.parametrize("person", accounts(), ids=lambda person: person.username)
def test_everybody_of_the_demo_is_sound(person: Person) -> None:
    given = (person.username, person.name, person.institution, person.roles, person.centres, person.title, person.language, person.phone)
    assert person_of(AccountEntry(*given), NETWORK, CENTRES) == person


@pytest.mark.parametrize(("role", "institution"), list(itertools.product(Role, PLACES)))
def test_each_role_belongs_somewhere(role: Role, institution: str) -> None:
    rule = ROLE_RULES[role]
    found = faults(roles=[role], institution=institution, centres=["imaging"] if rule.reads else [])
    assert (found == set()) is (rule.place == PLACES[institution])
    if found:
        assert ("roles", f"place-{rule.place}") in found


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(Role, 2)))
def test_an_administrators_role_stands_alone(one: Role, other: Role) -> None:
    found = ("roles", "role-alone") in faults(roles=[one, other])
    assert found is (ROLE_RULES[one].alone or ROLE_RULES[other].alone)


def test_the_three_administrators_are_three_people() -> None:
    three = (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR)
    assert all(ROLE_RULES[role].alone for role in three)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"centres": []}, {("centres", "centre-needed")}),
        ({"centres": ["dental"]}, {("centres", "centre-unknown")}),
        ({"institution": "NETWORK", "roles": ["auditor"]}, {("centres", "centre-not-theirs")}),
        ({"institution": ""}, {("institution", "required")}),
        ({"institution": "NOWHERE"}, {("institution", "no-institution")}),
        ({"roles": []}, {("roles", "role-needed")}),
        ({"roles": ["king"]}, {("roles", "role-unknown")}),
        ({"name": "  "}, {("name", "required")}),
        ({"name": "x" * 100}, set()),
        ({"name": "x" * 101}, {("name", "too-long")}),
        ({"title": "a\nb"}, {("title", "control-character")}),
        ({"language": "fr"}, {("language", "choice")}),
        ({"phone": "+86 (25) 8888-1234"}, set()),
        ({"phone": "1" * 32}, set()),
        ({"phone": "1" * 33}, {("phone", "phone")}),
        ({"phone": "call me"}, {("phone", "phone")}),
    ],
)
def test_every_field(changes: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert faults(**changes) == expected


def test_a_hub_has_readers_of_what_it_reads() -> None:
    services = {key: service for key, service in NETWORK.services.items() if key != ("ecg", "HUBA")}
    with pytest.raises(Invalid, match="centre-not-read ecg"):
        person_of(replace(SOUND, centres=["imaging", "ecg"]), replace(NETWORK, services=services), CENTRES)


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("a", "username"), ("ab", ""), ("a" * 32, ""), ("a" * 33, "username"), ("Wang", "username"), (".wang", "username"), ("王莉", "username"),
        ("wang li", "username"), ("wang/li", "username"), ("9.huba", ""), ("new", "username-reserved"), ("system", "username-reserved"),
    ],
)  # fmt: skip
def test_names_to_sign_in_with(username: str, code: str) -> None:
    assert faults(username=username) == ({("username", code)} if code else set())


def test_a_state_is_named_by_everything_that_can_be_changed() -> None:
    person = person_of(SOUND, NETWORK, CENTRES)
    others: dict[str, Any] = {
        "name": "王丽", "title": "医师", "institution": "HUBB", "roles": frozenset({Role.REVIEWER}), "centres": frozenset({"ecg"}),
        "language": "en", "phone": "1", "active": False,
    }  # fmt: skip
    assert others.keys() == {*EDITABLE, "active"}
    tags = {entity_tag(replace(person, **{name: value})) for name, value in others.items()}
    assert len(tags | {entity_tag(person)}) == len(others) + 1
    assert entity_tag(replace(person, name="王莉")) == entity_tag(person)


def test_an_invitation_is_open_for_three_days_and_no_clock_prolongs_it() -> None:
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)
    invitation = Invitation("d", "wang.li", "secadmin", now, now + INVITATION_VALID_FOR)
    for hours, right in ((0, True), (71.99, True), (72, False), (-71.99, True), (-72, False)):
        assert invitation.open_at(now + timedelta(hours=hours)) is right


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((False, True, True, True), AccountState.DISABLED),
        ((True, True, True, False), AccountState.LOCKED),
        ((True, False, False, True), AccountState.INVITED),
        ((True, False, False, False), AccountState.UNINVITED),
        ((True, False, True, True), AccountState.OPEN),
    ],
)
def test_the_state_that_matters_most_is_said(facts: tuple[bool, bool, bool, bool], state: AccountState) -> None:
    active, locked, has_password, invited = facts
    assert account_state(active=active, locked=locked, has_password=has_password, invitation_open=invited) is state
