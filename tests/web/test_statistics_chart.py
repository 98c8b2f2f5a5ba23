"""Bars of a month beside the month before, and the share of deadlines kept."""

from __future__ import annotations

import pytest

from telemed.service.overview import share_kept
from telemed.service.statistics import CentreFigures, Month, MonthlyStatistics
from telemed.web.labels.statistics_chart import LEFT, RIGHT, WIDTH, chart_of


def month(number: int, **centres: tuple[int, int]) -> MonthlyStatistics:
    """A month by centre: cases asked, reports."""
    made = [
        CentreFigures(
            code, joined={}, districts_covered=[], districts_open=[], requests=asked, consultations=0, reports=reports, received=0,
            images=0, top=[], deadlines_kept=0, deadlines_missed=0, median_answer_seconds=None,
        )
        for code, (asked, reports) in centres.items()
    ]  # fmt: skip
    return MonthlyStatistics(Month(2026, number), 30, made, [])


def test_all_bars_are_on_one_scale_and_none_leaves_the_drawing() -> None:
    chart = chart_of(month(11, a=(100, 50), b=(1, 0)), month(10, a=(200, 0)))
    first, second = chart.groups
    assert [(bar.figure, bar.now) for bar in (*first.asked, *first.answered)] == [(100, True), (200, False), (50, True), (0, False)]
    room = WIDTH - LEFT - RIGHT
    assert [bar.width for bar in (*first.asked, *first.answered)] == [room // 2, room, round(room / 4), 0]
    assert second.asked[0].width >= 2  # one case is seen beside two hundred
    assert second.asked[1].figure == 0  # a centre that was not there before
    assert max(bar.y for bar in (*second.asked, *second.answered)) < chart.height


def test_a_month_of_nothing_has_no_bars() -> None:
    assert chart_of(month(11, a=(0, 0)), month(10)).groups == []
    assert [group.centre for group in chart_of(month(11, a=(0, 0), b=(0, 1)), month(10, a=(0, 0))).groups] == ["b"]


@pytest.mark.parametrize(
    ("kept", "missed", "overdue", "share"), [(0, 0, 0, None), (3, 0, 0, 1.0), (3, 1, 0, 0.75), (3, 0, 5, 0.375), (0, 0, 1, 0.0)]
)
def test_what_is_open_and_late_counts_as_missed(kept: int, missed: int, overdue: int, share: float | None) -> None:
    assert share_kept(kept, missed, overdue) == share
