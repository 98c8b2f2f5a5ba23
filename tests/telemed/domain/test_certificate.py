"""A certificate is warned of from thirty days before its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from telemed.domain.certificate import WARN_BEFORE, Certificate, Validity

NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "validity"),
    [
        (WARN_BEFORE + SECOND, Validity.SOUND),
        (WARN_BEFORE, Validity.ENDING),
        (WARN_BEFORE - SECOND, Validity.ENDING),
        (SECOND, Validity.ENDING),
        (timedelta(), Validity.ENDED),
        (-SECOND, Validity.ENDED),
    ],
)
def test_before_at_and_after_each_limit(left: timedelta, validity: Validity) -> None:
    assert Certificate("TELEMED_DICOM_TLS", "tls.pem", NOW + left).validity(NOW) is validity


@pytest.mark.parametrize(
    ("ends_at", "days"),
    [
        (datetime(2026, 3, 4, 15, 59, 59, tzinfo=UTC), 0),  # before midnight in Nanjing
        (datetime(2026, 3, 4, 16, tzinfo=UTC), 1),
        (datetime(2026, 3, 5, 16, tzinfo=UTC), 2),
        (datetime(2026, 3, 3, 15, tzinfo=UTC), -1),
    ],
)
def test_days_are_those_of_the_calendar_on_the_wall(ends_at: datetime, days: int) -> None:
    assert Certificate("TELEMED_DICOM_TLS", "tls.pem", ends_at).days_left(NOW, ZoneInfo("Asia/Shanghai")) == days
