"""How people prove who they are: the state of passwords, second factors, what waits for them, and what was done to an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from telemed.domain.authentication_profile import CredentialState
from telemed.domain.second_factor import Factors, Passkey, Recovery, Totp


class PasswordRecords(Protocol):
    """Passwords as their hashes."""

    async def state(self, username: str) -> CredentialState:
        """Return what is known of how the account signs in."""
        ...

    async def replace(self, username: str, password_hash: str, at: datetime, kept: int, must_change: bool) -> None:
        """Put a new password in place of the present one, which goes into the history; of that the newest `kept` stay."""
        ...

    async def earlier(self, username: str, at_most: int) -> list[str]:
        """Return hashes of earlier passwords, the newest first."""
        ...


class SecondFactors(Protocol):
    async def of(self, username: str) -> Factors: ...
    async def totp(self, username: str) -> Totp | None: ...
    async def begin_totp(self, username: str, secret: bytes, at: datetime) -> None:
        """Keep a secret that has not been confirmed, in place of one that has not either."""
        ...

    async def use_step(self, username: str, step: int) -> bool:
        """Confirm the secret by the code of this step and use it up. False where it, or a later one, was used already."""
        ...

    async def remove_totp(self, username: str) -> bool: ...
    async def put_recovery_codes(self, username: str, digests: list[str]) -> None:
        """Keep these and no others."""
        ...

    async def use_recovery_code(self, username: str, digest: str) -> bool:
        """Use a code up. False where there is none such, any more."""
        ...

    async def add_passkey(self, passkey: Passkey) -> bool:
        """Keep the passkey. False where one of that id is there already, whoever's it is."""
        ...

    async def use_passkey(self, id_: str, before: int, after: int, at: datetime) -> bool:
        """Move the counter of signatures on. False where another sign-in has moved it since."""
        ...

    async def remove_passkey(self, username: str, id_: str) -> bool: ...
    async def remove_all(self, username: str) -> None:
        """The account has no second factor and no code for recovery any more."""
        ...

    async def put_challenge(self, holder: str, challenge: str, at: datetime) -> None: ...
    async def take_challenge(self, holder: str, after: datetime, before: datetime) -> str | None:
        """Return and forget the challenge that was given to this session between the two moments."""
        ...


@dataclass(frozen=True, slots=True)
class HalfSession:
    """A right password that waits for the second factor; only the digest of its token is kept. The rest is where it was given."""

    token_digest: str
    username: str
    created_at: datetime
    address: str
    client: str
    browser: str
    keeps_cookies: bool


class HalfSessions(Protocol):
    async def add(self, half: HalfSession) -> None: ...
    async def get(self, token_digest: str) -> HalfSession | None: ...
    async def take(self, token_digest: str) -> bool:
        """End it. False where another request was quicker."""
        ...

    async def end_all(self, username: str) -> None: ...
    async def sweep(self, before: datetime, after: datetime) -> int:
        """Forget those, and challenges, that were not made between the two moments; return how many."""
        ...


class AccountEvent(StrEnum):
    """What is told to the person whose account it is."""

    PASSWORD_SET = "password-set"  # noqa: S105
    FACTOR_ADDED = "factor-added"
    FACTOR_REMOVED = "factor-removed"
    FACTOR_GUESSED = "factor-guessed"
    """Somebody who knows the password tried too many wrong codes."""
    RECOVERY_CODE_USED = "recovery-code-used"
    RECOVERY_ASKED = "recovery-asked"
    RECOVERY_CONFIRMED = "recovery-confirmed"


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """One line of what was done to a person's own account; `actor_name` is empty where no person did it."""

    at: datetime
    kind: AccountEvent
    actor: str
    actor_name: str
    seen: bool


class AccountNotices(Protocol):
    async def tell(self, username: str, kind: AccountEvent, actor: str, at: datetime) -> None: ...
    async def of(self, username: str, since: datetime, at_most: int) -> list[AccountNotice]:
        """Return the newest first."""
        ...

    async def mark(self, username: str) -> None:
        """The person has seen all that is there."""
        ...


class Recoveries(Protocol):
    async def add(self, recovery: Recovery) -> None: ...
    async def get(self, id_: str) -> Recovery | None:
        """Until the end of a writing transaction nobody else changes it."""
        ...

    async def since(self, moment: datetime) -> list[Recovery]:
        """Return those asked for since then, the newest first."""
        ...

    async def confirm(self, id_: str, by: str, at: datetime) -> bool:
        """False where somebody has confirmed it already."""
        ...
