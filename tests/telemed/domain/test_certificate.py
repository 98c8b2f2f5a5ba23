"""A certificate is warned of from thirty days before its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
