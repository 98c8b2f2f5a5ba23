"""The month as bars beside the month before: geometry for the SVG of the statistics page, whose tables stand behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemed.service.statistics import CentreFigures, MonthlyStatistics

WIDTH, BAR, GAP, ROOM, LEFT, RIGHT, TOP = 760, 10, 2, 12, 240, 60, 6
"""Pixels of the drawing at its own size."""
HEIGHT = 4 * (BAR + GAP) + 2 * GAP + ROOM
"""Of one centre."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it lies, its figure, and whose month it is."""

    x: int
    y: int
    width: int
    figure: int
    now: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one centre: cases asked, then reports, each this month and the month before."""

    centre: str
    y: int
    asked: tuple[Bar, Bar]
    answered: tuple[Bar, Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """All groups, and the size of the drawing."""

    groups: Sequence[Group]
    width: int
    height: int


def chart_of(month: MonthlyStatistics, before: MonthlyStatistics) -> Chart:
    """Bars on one scale, the longest as wide as there is room; a figure that is not zero is seen. Centres without any are left out."""
    earlier = {figures.centre: figures for figures in before.centres}
    pairs = [(figures, earlier.get(figures.centre)) for figures in month.centres]
    pairs = [pair for pair in pairs if any(_asked(each) or (each and each.reports) for each in pair)]
    most = max((max(_asked(f), f.reports) for pair in pairs for f in pair if f), default=0)

    def bar(figure: int, y: int, now: bool) -> Bar:
        room = WIDTH - LEFT - RIGHT
        return Bar(LEFT, y, max(2, round(room * figure / most)) if figure else 0, figure, now)

    groups = []
    for place, (now, then) in enumerate(pairs):
        y = TOP + place * HEIGHT
        asked = (bar(_asked(now), y, True), bar(_asked(then), y + BAR + GAP, False))
        below = y + 2 * (BAR + GAP) + 2 * GAP
        answered = (bar(now.reports, below, True), bar(then.reports if then else 0, below + BAR + GAP, False))
        groups.append(Group(now.centre, y, asked, answered))
    return Chart(groups, WIDTH, TOP * 2 + len(groups) * HEIGHT)


def _asked(figures: CentreFigures | None) -> int:
    return figures.requests + figures.consultations if figures else 0
