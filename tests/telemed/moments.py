"""Fixed moments for tests, in region time (UTC+8): a Wednesday without a holiday."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=ZONE).astimezone(UTC)


def at(clock: str, day: int = 18) -> datetime:
    """A moment of November 2026 by its time in the region; the 18th is a Wednesday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        """Move on by days, hours, minutes or seconds."""
        self.now += timedelta(**span)
        return self.now
