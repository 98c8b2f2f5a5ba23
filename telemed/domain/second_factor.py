"""Second factors: one-time passwords by time (RFC 6238), codes for recovery, passkeys; and how a lost one is removed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import quote


class Factor(StrEnum):
    """What may prove a person beside the password."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery-code"


HALF_SESSION_FOR: Final = timedelta(minutes=5)
"""So long a right password waits for the second factor, and a challenge for its answer (practice)."""

TOTP_STEP: Final = 30
TOTP_DIGITS: Final = 6
"""What every app of telephones computes (RFC 6238 5.2; RFC 4226 5.3)."""

TOTP_WINDOW: Final = 1
"""Steps before and after the present one whose code is taken: clocks differ (RFC 6238 5.2)."""

TOTP_SECRET_BYTES: Final = 20
"""RFC 4226 4 R6 recommends 160 bits."""

RECOVERY_CODES: Final = 10
RECOVERY_CODE_BYTES: Final = 15
"""120 bits: from 112 on a digest without a slow hash will do (ASVS 6.5.2)."""

PASSKEYS: Final = 10
"""So many an account may have (practice)."""

RECOVERY_FOR: Final = timedelta(hours=24)
"""So long a request to remove lost factors waits for its confirmation (practice)."""


def totp(secret: bytes, step: int, digits: int = TOTP_DIGITS) -> str:
    """Return the code of a step of time (HMAC-SHA-1, RFC 4226 5.3)."""
    code = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = code[-1] & 0x0F
    number = struct.unpack(">I", code[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def step_at(now: datetime) -> int:
    return int(now.timestamp()) // TOTP_STEP


def matching_step(secret: bytes, code: str, now: datetime, last: int) -> int | None:
    """Return the step whose code this is, of those in the window that come after `last`, the one used last; None for a wrong code."""
    here = step_at(now)
    steps = range(max(here - TOTP_WINDOW, last + 1), here + TOTP_WINDOW + 1)
    return next((step for step in steps if hmac.compare_digest(totp(secret, step).encode(), code.encode())), None)


def totp_address(secret: bytes, issuer: str, account: str) -> str:
    """Return the address that an app reads from the QR (the Key URI Format)."""
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?secret={base32(secret)}&issuer={quote(issuer)}&digits={TOTP_DIGITS}&period={TOTP_STEP}"


def base32(content: bytes) -> str:
    """Return the text in letters and digits that are not mistaken for each other (RFC 4648 6), without padding."""
    return base64.b32encode(content).decode().rstrip("=")


def in_groups(text: str) -> str:
    """Return the text in groups of four, to be read and typed."""
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def typed(code: str) -> str:
    """Return a code as it is compared, however it was grouped and whichever letters were used."""
    return "".join(character for character in code if character.isascii() and character.isalnum()).upper()


def is_totp(code: str) -> bool:
    return len(code) == TOTP_DIGITS and code.isdecimal()


@dataclass(frozen=True, slots=True)
class Totp:
    """An account's secret for codes by time; `confirmed` once a first code of it was right."""

    secret: bytes
    confirmed: bool
    last_step: int = 0


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of WebAuthn; `id` is its credential id and `public_key` its COSE key, both as base64url."""

    id: str
    username: str
    public_key: str
    sign_count: int
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors that an account has."""

    totp: bool
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    @property
    def kinds(self) -> tuple[Factor, ...]:
        """Return what may be asked for, the strongest first; none where the account has no factor: codes for recovery alone are none."""
        own = ((Factor.PASSKEY, bool(self.passkeys)), (Factor.TOTP, self.totp))
        found = tuple(kind for kind, there in own if there)
        return (*found, Factor.RECOVERY_CODE) if found and self.recovery_codes else found


class RecoveryState(StrEnum):
    """Where a request to remove somebody's lost factors is."""

    ASKED = "asked"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A request to remove somebody's lost factors: one administrator asks, another confirms."""

    id: str
    username: str
    asked_by: str
    asked_at: datetime
    reason: str
    state: RecoveryState = RecoveryState.ASKED
    confirmed_by: str = ""
    confirmed_at: datetime | None = None

    def open(self, now: datetime) -> bool:
        """True while it may be confirmed, whichever way the clock was set."""
        return self.state is RecoveryState.ASKED and abs(now - self.asked_at) < RECOVERY_FOR
