"""Both profiles: every threshold below, at and above, and what each asks of whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telemed.adapters.passwords import common_passwords
from telemed.domain.authentication_profile import (
    LONGEST_PASSWORD,
    PROFILES,
    CredentialState,
    ProfileName,
    Requirement,
    kinds_in,
    password_faults,
    requirements,
)
from telemed.domain.people import Person, Role
from telemed.domain.sign_in import LIMITS, NO_WAIT, AttemptLimit, Attempts, Scope
from tests.telemed.moments import NOON

ASVS, MLPS3 = PROFILES[ProfileName.ASVS], PROFILES[ProfileName.MLPS3]
SECOND = timedelta(seconds=1)


def faults(profile: ProfileName, password: str, *words: str) -> list[str]:
    return [fault.code for fault in password_faults(PROFILES[profile].passwords, password, words, common_passwords())]


@pytest.mark.parametrize("profile", ProfileName)
@pytest.mark.parametrize(("over", "short"), [(-1, True), (0, False), (1, False)])
def test_the_fewest_characters(profile: ProfileName, over: int, short: bool) -> None:
    password = "Aq7#xw9Kzz"[: PROFILES[profile].passwords.shortest + over]
    assert (faults(profile, password) == ["password-short"]) is short


@pytest.mark.parametrize("profile", ProfileName)
@pytest.mark.parametrize(("over", "long"), [(-1, False), (0, False), (1, True)])
def test_the_most_characters(profile: ProfileName, over: int, long: bool) -> None:
    password = ("Aq7#" + "xwz9" * 60)[: LONGEST_PASSWORD + over]
    assert (faults(profile, password) == ["too-long"]) is long


@pytest.mark.parametrize(
    ("password", "kinds"),
    [("", 0), ("qwzxvbnm", 1), ("QWZXvbnm", 2), ("QWZXvbn7", 3), ("QWZXvb#7", 4), ("长夜安息早晨安好", 1), ("长夜安息ABab12", 4)],
)
def test_kinds_of_characters(password: str, kinds: int) -> None:
    assert kinds_in(password) == kinds


@pytest.mark.parametrize(("password", "few"), [("qwzxvbnmk7", True), ("Qwzxvbnmk7", False), ("Qwzxvbnm#7", False)])
def test_mlps3_asks_for_three_kinds_and_asvs_for_none(password: str, few: bool) -> None:
    assert (faults(ProfileName.MLPS3, password) == ["password-kinds"]) is few
    assert faults(ProfileName.ASVS, password) == []


@pytest.mark.parametrize("password", ["password1", "PASSWORD1", "1234567890", "Iloveyou"])
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert "password-common" in faults(ProfileName.ASVS, password)


def test_the_list_holds_three_thousand_that_the_rules_would_let_pass() -> None:
    shortest = min(profile.passwords.shortest for profile in PROFILES.values())
    passing = [each for each in common_passwords() if len(each) >= shortest]
    assert len(passing) == len(common_passwords()) >= 3000
    assert all(each == each.lower() for each in passing)


@pytest.mark.parametrize(
    ("password", "guessed"),
    [
        ("telemed-2026!", True),
        ("我的远程诊断密码", True),
        ("Hospital42!x", True),
        ("clinic1-Winter", True),
        ("李雷每天爱跑步八", True),
        ("horse battery staple", False),
    ],
)
def test_words_of_product_institution_and_person_are_refused(password: str, guessed: bool) -> None:
    found = faults(ProfileName.ASVS, password, "clinic1", "李雷", "Hospital", "of")
    assert (found == ["password-word"]) is guessed


@pytest.mark.parametrize(("word", "counts"), [("abc", False), ("abcd", True), ("诊", False), ("诊所", True)])
def test_short_words_do_not_count(word: str, counts: bool) -> None:
    assert (faults(ProfileName.ASVS, f"zzzzzz{word}qqqq", word) == ["password-word"]) is counts


@pytest.mark.parametrize(("past", "old"), [(-SECOND, False), (timedelta(0), True), (SECOND, True)])
@pytest.mark.parametrize("way", [1, -1])
def test_mlps3_has_a_password_changed_after_ninety_days(past: timedelta, old: bool, way: int) -> None:
    now = NOON + way * (timedelta(days=90) + past)
    assert MLPS3.too_old(NOON, now) is old
    assert not ASVS.too_old(NOON, now)


def test_a_password_whose_age_nobody_knows_is_old() -> None:
    assert MLPS3.too_old(None, NOON)
    assert not ASVS.too_old(None, NOON)


@pytest.mark.parametrize(("profile", "idle"), [(ProfileName.ASVS, 30), (ProfileName.MLPS3, 15)])
@pytest.mark.parametrize(("past", "alive"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)])
def test_idle_and_longest_time_of_a_session(profile: ProfileName, idle: int, past: timedelta, alive: bool) -> None:
    limits = PROFILES[profile].sessions
    assert limits.alive(NOON, NOON, NOON + timedelta(minutes=idle) + past) is alive
    end = NOON + timedelta(hours=12) + past
    assert limits.alive(NOON, end, end) is alive


@pytest.mark.parametrize("scope", [Scope.ACCOUNT_AT_ADDRESS, Scope.ACCOUNT_IN_BROWSER, Scope.SESSION])
@pytest.mark.parametrize(("count", "waits"), [(4, False), (5, True), (6, True)])
def test_mlps3_takes_no_password_for_half_an_hour_after_five_wrong_ones(scope: Scope, count: int, waits: bool) -> None:
    wait = MLPS3.limits[scope].wait(Attempts(count, NOON, NOON), NOON)
    assert wait == (timedelta(minutes=30) if waits else NO_WAIT)
    assert ASVS.limits[scope].wait(Attempts(5, NOON, NOON), NOON) == timedelta(minutes=15)


def test_every_profile_has_a_limit_for_every_count() -> None:
    for profile in PROFILES.values():
        assert profile.limits.keys() == LIMITS.keys()
    assert isinstance(MLPS3.limits[Scope.ADDRESS], AttemptLimit)


ADMINISTRATIVE = {Role.OPERATOR, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("has_factor", [True, False])
def test_who_must_have_a_second_factor(role: Role, has_factor: bool) -> None:
    person, state = Person("p", "某人", "A", frozenset({role})), CredentialState(False, NOON, has_factor)
    wanted = frozenset({Requirement.SECOND_FACTOR})
    assert requirements(MLPS3, person, state, NOON) == (frozenset() if has_factor else wanted)
    assert requirements(ASVS, person, state, NOON) == (wanted if role in ADMINISTRATIVE and not has_factor else frozenset())
    for profile in PROFILES.values():
        assert requirements(profile.in_demonstration(), person, CredentialState(False, None, has_factor), NOON) == frozenset()


@pytest.mark.parametrize("profile", ProfileName)
def test_who_must_change_the_password_must_everywhere(profile: ProfileName) -> None:
    asked = PROFILES[profile]
    person, state = Person("p", "某人", "A", frozenset({Role.MEMBER_STAFF})), CredentialState(True, NOON, True)
    for each in (asked, asked.in_demonstration()):
        assert requirements(each, person, state, NOON) == {Requirement.PASSWORD_CHANGE}


def test_earlier_passwords_and_none_that_grows_old_where_the_standard_forbids_it() -> None:
    assert (ASVS.passwords.history, MLPS3.passwords.history) == (1, 5)
    assert ASVS.passwords.maximal_age is None
