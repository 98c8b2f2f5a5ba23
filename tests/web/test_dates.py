"""Dates and ages as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.web import i18n
from telemed.web.dates import show_age, show_date, show_datetime, show_exact

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # ten in the morning in China


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 20, 2, 32, tzinfo=UTC), "10:32"),
        (datetime(2026, 11, 19, 17, 0, tzinfo=UTC), "01:00"),  # today in China, yesterday in UTC
        (datetime(2026, 11, 19, 15, 59, tzinfo=UTC), "11-19 23:59"),
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), "2025-12-31 23:59"),
        (datetime(2026, 11, 20, 2, 32), "10:32"),  # without a zone: as the database keeps it, UTC
        (None, ""),
    ],
)
def test_moments_are_as_short_as_they_can_be(moment: datetime | None, text: str) -> None:
    assert show_datetime(moment, NOW) == text


def test_exact_moments_and_days() -> None:
    assert show_exact(NOW) == "2026-11-20 10:00:00"
    assert show_date(date(2026, 1, 2)) == "2026-01-02"
    assert show_date(datetime(2026, 1, 1, 20, 0, tzinfo=UTC)) == "2026-01-02"
    assert show_date(None) == ""


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(2026, 11, 20), "0天"),
        (date(2026, 10, 21), "30天"),
        (date(2026, 10, 20), "1个月"),
        (date(2024, 11, 21), "23个月"),
        (date(2024, 11, 20), "2岁"),
        (date(1961, 11, 21), "64岁"),
        (date(2026, 11, 21), ""),  # not born yet: somebody mistyped
        (None, ""),
    ],
)
def test_ages_are_in_the_unit_that_clinicians_use(born: date | None, age: str) -> None:
    with i18n.speaking("zh-CN"):
        assert show_age(born, date(2026, 11, 20)) == age


@given(st.dates(date(1890, 1, 1), date(2100, 1, 1)), st.dates(date(1890, 1, 1), date(2100, 1, 1)))
def test_an_age_is_a_whole_number_with_its_unit_or_nothing(born: date, today: date) -> None:
    with i18n.speaking("en"):
        text = show_age(born, today)
    assert (text == "") == (born > today)
    if text:
        number, unit = text.split()
        assert int(number) >= 0
        assert unit in {"d", "mo", "y"}
