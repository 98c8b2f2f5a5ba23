"""Certificates end. Whoever can renew one is told in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

WARN_BEFORE: Final = timedelta(days=30)
"""Practice: a hospital's authority takes days, and devices that were given the certificate itself must be given the new one."""


class Validity(StrEnum):
    SOUND = "sound"
    ENDING = "ending"
    """It ends within `WARN_BEFORE`."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate is there for (the setting that names its file) and when the first of the file ends."""

    setting: str
    file: str
    ends_at: datetime

    def validity(self, now: datetime) -> Validity:
        if now >= self.ends_at:
            return Validity.ENDED
        return Validity.ENDING if self.ends_at - now <= WARN_BEFORE else Validity.SOUND
