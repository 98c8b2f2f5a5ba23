"""How often passwords may be tried: by whom attempts are counted, after how many of them one waits, and for how long.

OWASP ASVS 5.0 V6.1.1 asks that limits withstand guessing and let no stranger lock a person out, V6.3.1 that they are held.
NIST SP 800-63B 5.2.2 (2017) allows at most 100 wrong passwords in a row for an account; it names waits that grow from 30 seconds to
an hour, and says that a success forgets the failures from its own address. The other numbers are practice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

NO_WAIT: Final = timedelta(0)


class Scope(StrEnum):
    """What attempts are counted by."""

    ALL = "all"
    ADDRESS = "address"
    ACCOUNT = "account"
    ACCOUNT_AT_ADDRESS = "account-at-address"
    ACCOUNT_IN_BROWSER = "account-in-browser"
    """A browser in which the person signed in before."""
    SESSION = "session"
    """A signed-in person who is asked again, before a signature."""
    SECOND_FACTOR = "second-factor"
    """Codes of the second factor, by who has given the right password: of the account, from everywhere."""


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """One count: its scope, the account's name and where attempts come from, each empty where the scope does not tell it."""

    scope: Scope
    account: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts under one key that did not turn out right; one that is being judged is among them."""

    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """After `attempts` there is none until `period` has passed: since the last of them, or `since_first`, since the first."""

    attempts: int
    period: timedelta
    since_first: bool = False

    def wait(self, so_far: Attempts, now: datetime) -> timedelta:
        """Return the time until the next attempt may be made; none if it may be made now."""
        left = self.period - self._passed(so_far, now)
        return max(left, NO_WAIT) if so_far.count >= self.attempts else NO_WAIT

    def remembers(self, so_far: Attempts, now: datetime) -> bool:
        """True if these attempts still count; else the count begins anew."""
        return self._passed(so_far, now) < self.period

    def _passed(self, so_far: Attempts, now: datetime) -> timedelta:
        """Return the time that has passed by the clock, whichever way the clock was set meanwhile."""
        return abs(now - (so_far.first_at if self.since_first else so_far.last_at))


@dataclass(frozen=True, slots=True)
class GrowingWait:
    """After `attempts` each waits for the one before: `first`, then twice as long each time, at most `longest`.
    All are forgotten when there is none for `period`."""

    attempts: int
    first: timedelta
    longest: timedelta
    period: timedelta

    def wait(self, so_far: Attempts, now: datetime) -> timedelta:
        """Return the time until the next attempt may be made; none if it may be made now."""
        over = so_far.count - self.attempts
        if over < 0:
            return NO_WAIT
        due = min(self.first * (1 << min(over, 32)), self.longest)
        return max(due - abs(now - so_far.last_at), NO_WAIT)

    def remembers(self, so_far: Attempts, now: datetime) -> bool:
        """True if these attempts still count; else the count begins anew."""
        return abs(now - so_far.last_at) < self.period


Limit = AttemptLimit | GrowingWait

QUARTER: Final = timedelta(minutes=15)

LIMITS: Final[Mapping[Scope, Limit]] = {
    Scope.ALL: AttemptLimit(600, QUARTER, since_first=True),
    Scope.ADDRESS: AttemptLimit(30, QUARTER, since_first=True),
    Scope.ACCOUNT: GrowingWait(10, timedelta(seconds=30), timedelta(hours=1), timedelta(days=1)),
    Scope.ACCOUNT_AT_ADDRESS: AttemptLimit(5, QUARTER),
    Scope.ACCOUNT_IN_BROWSER: AttemptLimit(5, QUARTER),
    Scope.SESSION: AttemptLimit(5, QUARTER),
    Scope.SECOND_FACTOR: AttemptLimit(5, QUARTER),
}
"""The limit of each count; a profile may have its own. An account as a whole is slowed and never locked; a person's own browser is
counted by itself alone."""


def counted(limit: Limit, so_far: Attempts, now: datetime) -> Attempts:
    """Return the attempts with one more, made now."""
    if so_far.count and limit.remembers(so_far, now):
        return Attempts(so_far.count + 1, so_far.first_at, now)
    return Attempts(1, now, now)


def wait_for(key: AttemptKey, so_far: Attempts | None, now: datetime, limits: Mapping[Scope, Limit] = LIMITS) -> timedelta:
    """Return the time until the next attempt under this key may be made."""
    return limits[key.scope].wait(so_far, now) if so_far else NO_WAIT


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an attempt to sign in comes from: the address, what the browser says it is, the tokens of known browsers that it
    shows, and whether it is a browser at all, which keeps a cookie."""

    address: str = ""
    client: str = ""
    browsers: tuple[str, ...] = ()
    keeps_cookies: bool = False


NOWHERE: Final = Origin()
"""Where the platform itself signs in."""


def stranger_keys(username: str, address: str) -> tuple[AttemptKey, ...]:
    """Return what an attempt from a browser that nobody knows is counted by, always in this order."""
    return (
        AttemptKey(Scope.ALL),
        AttemptKey(Scope.ADDRESS, origin=address),
        AttemptKey(Scope.ACCOUNT, username),
        AttemptKey(Scope.ACCOUNT_AT_ADDRESS, username, address),
    )


KNOWN_BROWSER_FOR: Final = timedelta(days=90)
"""A browser is known so long after the last sign-in in it (practice)."""

KNOWN_BROWSERS: Final = 20
"""So many browsers of an account are known, those of the latest sign-ins (practice)."""

REFUSALS_SUMMED_FOR: Final = QUARTER
"""The first refused attempt for a name from an address is a record of the trail at once, those of this time after it one more."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refused attempts for a name from an address since `since`; either is empty where many are summed."""

    account: str
    address: str
    since: datetime
    times: int
