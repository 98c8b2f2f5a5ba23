"""New names for new things."""

from __future__ import annotations

import secrets

from uuid6 import uuid7

VERIFICATION_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O: the code is read from paper and typed."""


UUID_ROOT = "2.25."
"""Root of UIDs that are made from UUIDs (PS3.5, annex B.2)."""


def study_uid_of(case_id: str) -> str:
    """The Study Instance UID that a case's worklist item gives to the modality: it always leads back to the case."""
    return f"{UUID_ROOT}{int(case_id, 16)}"


def case_of_study_uid(uid: str) -> str:
    """The id of the case that may have given this Study Instance UID; empty where none can have."""
    number = uid.removeprefix(UUID_ROOT)
    if number == uid or not (number.isascii() and number.isdecimal()) or len(number) > 39 or int(number) >> 128:
        return ""
    return f"{int(number):032x}"


def new_id() -> str:
    """A UUID version 7 (RFC 9562) as 32 hex digits: ids sort by the time they were made."""
    return uuid7().hex


def new_verification_code() -> str:
    """A report code of 12 characters, 60 random bits: not to be guessed."""
    return "".join(secrets.choice(VERIFICATION_ALPHABET) for _ in range(12))
