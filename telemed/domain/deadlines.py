"""Deadlines by centre and priority. The tables are data of each centre; a region may put its own in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """The time that a hub has. The first rule that fits counts.

    `priorities` the rule is for; `when` maps a field of the request to the values it is for (empty: all).
    `accept`: from the offer to a claim (None: no limit). `report`: from submission to the report.
    `working`: both run in working hours only.
    """

    priorities: frozenset[str]
    report: timedelta
    accept: timedelta | None = None
    when: Mapping[str, frozenset[str]] | None = None
    working: bool = False

    def fits(self, priority: str, request: Mapping[str, Any]) -> bool:
        conditions = (self.when or {}).items()
        return priority in self.priorities and all(str(request.get(name, "")).upper() in values for name, values in conditions)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Working time of the region: these weekdays (Monday is 0), these periods of a day. Practice; a setting."""

    weekdays: frozenset[int] = frozenset(range(5))
    periods: tuple[tuple[time, time], ...] = ((time(8), time(12)), (time(13, 30), time(17, 30)))

    def add(self, start: datetime, span: timedelta, zone: ZoneInfo) -> datetime:
        """`start` plus `span` of working time; the result is in the zone of `start`."""
        moment, left = start.astimezone(zone), span
        for _ in range(3660):
            if moment.weekday() in self.weekdays:
                for opens, closes in self.periods:
                    begin = max(moment, datetime.combine(moment.date(), opens, zone))
                    end = datetime.combine(moment.date(), closes, zone)
                    if begin < end:
                        if left <= end - begin:
                            return (begin + left).astimezone(start.tzinfo)
                        left -= end - begin
            moment = datetime.combine(moment.date() + timedelta(days=1), time(0), zone)
        raise ValueError("no working time within ten years")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moments by which a hub must have claimed (None: no limit) and the report is due."""

    accept_by: datetime | None
    due_at: datetime


def deadline(
    rules: Sequence[DeadlineRule], priority: str, request: Mapping[str, Any], start: datetime, hours: WorkingHours, zone: ZoneInfo
) -> Deadline:
    """The deadline by the first rule that fits. Raises LookupError where the table has a gap."""

    def after(span: timedelta) -> datetime:
        return hours.add(start, span, zone) if rule.working else start + span

    for rule in rules:
        if rule.fits(priority, request):
            return Deadline(after(rule.accept) if rule.accept is not None else None, after(rule.report))
    raise LookupError(f"no deadline rule for priority {priority}")
