"""New names for new things."""

from __future__ import annotations

import secrets

from uuid6 import uuid7

VERIFICATION_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: the code is read from paper and typed."""


def new_id() -> str:
    """A UUID version 7 (RFC 9562) as 32 hex digits: ids sort by the time they were made."""
    return uuid7().hex


def new_verification_code() -> str:
    """A report code of 12 characters, 60 random bits: not to be guessed."""
    return "".join(secrets.choice(VERIFICATION_ALPHABET) for _ in range(12))
