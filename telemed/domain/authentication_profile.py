"""What an installation asks of passwords, sessions and second factors: one profile for each of the two standards it may follow.

`asvs` follows OWASP ASVS 5.0 (V6.2 passwords, V6.3.3 second factors, V7.3 sessions) and NIST SP 800-63B; `mlps3` follows GB/T 22239-2019,
level 3, 8.1.4.1 (identification): a) secrets are complex and changed regularly, b) failures are limited and idle sessions end, d) two
kinds of proof, one of them by cryptography, which is also what GB/T 39786-2021, level 3, asks of who signs in. GB/T 22239 names no
numbers: those of `mlps3` are what assessments by GB/T 28448-2019 commonly look for (practice).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from telemed.domain.errors import FieldError
from telemed.domain.people import Person, Role, SessionLimits
from telemed.domain.sign_in import LIMITS, AttemptLimit, Limit, Scope

LONGEST_PASSWORD: Final = 200
"""Characters; ASVS 6.2.9 asks that at least 64 are taken."""

PRODUCT_WORDS: Final = ("telemed", "远程诊断", "remote diagnosis")
"""Words of the product that make no password (ASVS 6.1.2, 6.2.11)."""

SHORTEST_WORD: Final = 4
"""Letters of a word of Latin script that counts as one of the context; of other scripts, two (practice)."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What a new password must be. `kinds` is the number of kinds of characters (capital, small, digit, other) in it, `history` the
    number of earlier passwords that it may not be, the present one among them; None never grows old."""

    shortest: int
    kinds: int
    history: int
    maximal_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AuthenticationProfile:
    """All thresholds of one profile. `factor_of` are the roles that must have a second factor; everybody may."""

    name: str
    passwords: PasswordRules
    sessions: SessionLimits
    factor_of: frozenset[Role]
    limits: Mapping[Scope, Limit] = field(default_factory=lambda: LIMITS)

    def in_demonstration(self) -> AuthenticationProfile:
        """Return the profile for made-up people, whose password is published: it asks for no factor and does not grow old."""
        return replace(self, factor_of=frozenset(), passwords=replace(self.passwords, maximal_age=None))

    def too_old(self, changed_at: datetime | None, now: datetime) -> bool:
        """True if a password of that moment must be changed. A clock that was set back prolongs nothing."""
        age = self.passwords.maximal_age
        return age is not None and (changed_at is None or abs(now - changed_at) >= age)

    def asks_factor_of(self, person: Person) -> bool:
        return not self.factor_of.isdisjoint(person.roles)


class ProfileName(StrEnum):
    ASVS = "asvs"
    MLPS3 = "mlps3"


HALF_HOUR: Final = timedelta(minutes=30)
LOCKED: Final = (Scope.ACCOUNT_AT_ADDRESS, Scope.ACCOUNT_IN_BROWSER, Scope.SESSION)
"""Counts of wrong passwords in a row, whose limit is a profile's own."""

ADMINISTRATIVE: Final = frozenset({Role.OPERATOR, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})

PROFILES: Final[Mapping[ProfileName, AuthenticationProfile]] = {
    ProfileName.ASVS: AuthenticationProfile(
        "asvs",
        PasswordRules(shortest=8, kinds=0, history=1),  # ASVS 6.2.1, 6.2.5 (no composition), 6.2.10 (no rotation)
        SessionLimits(idle=HALF_HOUR, longest=timedelta(hours=12)),  # NIST SP 800-63B 4.2.3 (2017), AAL2
        factor_of=ADMINISTRATIVE,  # ASVS 6.3.3 asks it of everybody at level 2: `mlps3` does
    ),
    ProfileName.MLPS3: AuthenticationProfile(
        "mlps3",
        PasswordRules(shortest=8, kinds=3, history=5, maximal_age=timedelta(days=90)),  # GB/T 22239-2019 8.1.4.1 a)
        SessionLimits(idle=timedelta(minutes=15), longest=timedelta(hours=12)),  # 8.1.4.1 b)
        factor_of=frozenset(Role),  # 8.1.4.1 d); GB/T 39786-2021 8.4 a)
        limits={**LIMITS, **dict.fromkeys(LOCKED, AttemptLimit(5, HALF_HOUR))},  # 8.1.4.1 b)
    ),
}


class Requirement(StrEnum):
    """What a person must do before anything else, in this order."""

    PASSWORD_CHANGE = "password-change"  # noqa: S105
    SECOND_FACTOR = "second-factor-setup"


@dataclass(frozen=True, slots=True)
class CredentialState:
    """What is known of how a person signs in. `password_changed_at` is None where nobody knows."""

    must_change_password: bool
    password_changed_at: datetime | None
    has_factor: bool


def requirements(profile: AuthenticationProfile, person: Person, state: CredentialState, now: datetime) -> frozenset[Requirement]:
    """Return what the person must do at this sign-in before anything else."""
    found = set()
    if state.must_change_password or profile.too_old(state.password_changed_at, now):
        found.add(Requirement.PASSWORD_CHANGE)
    if profile.asks_factor_of(person) and not state.has_factor:
        found.add(Requirement.SECOND_FACTOR)
    return frozenset(found)


def password_faults(
    rules: PasswordRules, password: str, words: Iterable[str], common: Container[str], name: str = "new"
) -> list[FieldError]:
    """Return what speaks against a new password; `words` are those of the context, `common` holds passwords in small letters."""
    faults = []
    if len(password) < rules.shortest:
        faults.append(FieldError(name, "password-short", str(rules.shortest)))
    if len(password) > LONGEST_PASSWORD:
        faults.append(FieldError(name, "too-long", str(LONGEST_PASSWORD)))
    if kinds_in(password) < rules.kinds:
        faults.append(FieldError(name, "password-kinds", str(rules.kinds)))
    small = password.casefold()
    if small in common:
        faults.append(FieldError(name, "password-common"))
    if word := next((word for word in context(words) if word in small), ""):
        faults.append(FieldError(name, "password-word", word))
    return faults


def context(words: Iterable[str]) -> list[str]:
    """Return the words, in small letters, that are long enough to give a password away, the longest first."""
    small = {word.strip().casefold() for word in (*PRODUCT_WORDS, *words)}
    return sorted((word for word in small if len(word) >= (SHORTEST_WORD if word.isascii() else 2)), key=lambda word: (-len(word), word))


def kinds_in(password: str) -> int:
    """Return how many kinds of characters there are: capital letters, small letters, digits, others."""
    found: Set[str] = {_kind(character) for character in password}
    return len(found)


def _kind(character: str) -> str:
    if character.isupper():
        return "capital"
    if character.islower():
        return "small"
    return "digit" if character.isdecimal() else "other"
