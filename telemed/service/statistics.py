"""The monthly bulletin: what the network carried, per centre and per institution.

The model is the bulletin that a metropolitan network published (institutions joined by level, districts covered and not
yet covered, the month's volume, consultations, the top three), with a second table per institution (volume, days with
data, how many of the agreed kinds of data arrived): it shows at a glance who has gone silent.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from telemed.domain.centre import Centre
from telemed.domain.errors import FieldError, Forbidden, Invalid
from telemed.domain.network import Level, Network
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations
from telemed.domain.volume import Volume
from telemed.service.image_quality import QualitySum
from telemed.service.ports.region import Region

TOP = 3
VOLUMES = frozenset(Volume)
"""Everything else that is counted is evidence."""
JOINING = tuple(level for level in Level if level is not Level.OPERATOR)


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the region."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """`YYYY-MM`, 2000 to 2199. Raises Invalid."""
        found = re.fullmatch(r"(2[01][0-9]{2})-(0[1-9]|1[0-2])", text)
        if found is None:
            raise Invalid(FieldError("month", "month", "YYYY-MM"))
        return cls(int(found[1]), int(found[2]))

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    def days_until(self, today: date) -> int:
        """Days of the month that have begun by `today`."""
        return max(0, (min(self.last, today) - self.first).days + 1)

    def next(self, months: int = 1) -> Month:
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class VolumeSum:
    """The sum of a stretch of days for one institution, kind, centre and hub (the last two empty where they do not matter)."""

    institution: str
    kind: str
    centre: str
    hub: str
    items: int
    parts: int


class Statistics(Protocol):
    """Counts over whole days of the region, the first and the last included."""

    async def volumes(self, first: date, last: date) -> list[VolumeSum]: ...
    async def days_with_data(self, first: date, last: date) -> Mapping[str, int]:
        """Institution to number of days on which it sent evidence or a request."""
        ...

    async def image_quality(self, first: date, last: date) -> list[QualitySum]: ...
    async def median_answer(self, first: date, last: date, centre: str, members: frozenset[str] | None) -> float | None:
        """Median seconds from submission to the first released report, of cases answered in these days; None without any."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """The figures that a person sees: for each centre its members, or all of them where `members` is None."""

    centres: tuple[str, ...]
    members: Mapping[str, frozenset[str]] | None = None

    def covers(self, centre: str, institution: str) -> bool:
        """`centre` empty: in any centre."""
        if self.members is None:
            return True
        wanted = (centre,) if centre else self.centres
        return any(institution in self.members.get(code, ()) for code in wanted)


@dataclass(frozen=True, slots=True)
class CentreFigures:
    """One centre's month. What concerns the network as such (who joined, which districts) is the same for every reader."""

    centre: str
    joined: Mapping[Level, int]
    districts_covered: Sequence[str]
    districts_open: Sequence[str]
    requests: int
    consultations: int
    reports: int
    received: int
    images: int
    top: Sequence[tuple[str, int]]
    deadlines_kept: int
    deadlines_missed: int
    median_answer_seconds: float | None

    @property
    def kept_share(self) -> float | None:
        """Share of deadlines kept, 0 to 1; None without any."""
        total = self.deadlines_kept + self.deadlines_missed
        return self.deadlines_kept / total if total else None


@dataclass(frozen=True, slots=True)
class InstitutionFigures:
    """One institution's month. `agreed` are the kinds of data that its centres expect, `arrived` those of them that came."""

    code: str
    level: Level
    requests: int
    consultations: int
    reports: int
    received: int
    images: int
    days_with_data: int
    agreed: Sequence[str]
    arrived: Sequence[str]


@dataclass(frozen=True, slots=True)
class MonthlyStatistics:
    month: Month
    days: int
    """Days of the month that have begun."""
    centres: Sequence[CentreFigures]
    institutions: Sequence[InstitutionFigures]
    quality: Sequence[QualitySum] = ()
    """Image quality by institution, of studies assessed in the month."""

    @property
    def empty(self) -> bool:
        return not any(i.requests or i.consultations or i.reports or i.received for i in self.institutions)


def reach_of(region: Region, person: Person) -> Reach:
    """A member's people see their own institution, a hub's people the members below it in the centres that they read, the
    operator everybody. Raises Forbidden."""
    allowed = relations(person, Action.STATISTICS_READ)
    everywhere = tuple(sorted(region.centres, key=lambda code: region.centres[code].order))
    if Relation.FOREIGN in allowed:
        return Reach(everywhere)
    if not allowed:
        raise Forbidden(Action.STATISTICS_READ)
    members: dict[str, frozenset[str]] = {}
    for centre in everywhere:
        seen = {person.institution} if Relation.OWN in allowed else set()
        if Relation.ROUTED in allowed and centre in person.centres:
            seen |= members_below(region.network, centre, person.institution)
        if seen:
            members[centre] = frozenset(seen)
    return Reach(tuple(members), members)


def members_below(network: Network, centre: str, hub: str) -> set[str]:
    """The members whose way up leads through this hub."""
    joined = (member for c, member in network.home_hubs if c == centre)
    return {member for member in joined if any(service.hub == hub for service in network.chain(centre, member))}


async def bulletin(region: Region, figures: Statistics, reach: Reach, month: Month, today: date) -> MonthlyStatistics:
    """The bulletin of a month as one reader may see it. A month without anything is a bulletin of zeros."""
    sums = [s for s in await figures.volumes(month.first, month.last) if reach.covers(s.centre, s.institution)]
    days = await figures.days_with_data(month.first, month.last)
    centres = []
    for code in reach.centres:
        members = None if reach.members is None else reach.members[code]
        median = await figures.median_answer(month.first, month.last, code, members)
        centres.append(_centre(region, region.centres[code], sums, median))
    institutions = [
        _institution(region, code, sums, days.get(code, 0))
        for code, institution in sorted(region.network.institutions.items())
        if institution.level is not Level.OPERATOR and reach.covers("", code)
    ]
    quality = [s for s in await figures.image_quality(month.first, month.last) if reach.covers("", s.institution)]
    return MonthlyStatistics(month, month.days_until(today), centres, institutions, quality)


def joined(network: Network, centre: str) -> frozenset[str]:
    """Everybody who takes part in the centre, as a member or as a hub."""
    return frozenset(m for c, m in network.home_hubs if c == centre) | {s.hub for s in network.hubs(centre)}


def district_of(network: Network, code: str) -> str:
    institution = network.institutions.get(code)
    return " ".join(part for part in (institution.city, institution.district) if part) if institution else ""


def _centre(region: Region, centre: Centre, sums: Sequence[VolumeSum], median: float | None) -> CentreFigures:
    network = region.network
    taking_part = joined(network, centre.code)
    covered = {district_of(network, code) for code in taking_part} - {""}
    every = set(network.districts) | {district_of(network, i.code) for i in network.institutions.values()} - {""}
    kind = centre.expected.type.value if centre.expected else ""
    mine = [s for s in sums if s.centre == centre.code]
    evidence = [s for s in sums if kind and s.kind == kind]
    asked = [s for s in mine if s.kind in (Volume.REQUEST, Volume.CONSULTATION)]
    return CentreFigures(
        centre=centre.code,
        joined={level: sum(network.institutions[code].level is level for code in taking_part) for level in JOINING},
        districts_covered=sorted(covered),
        districts_open=sorted(every - covered),
        requests=_items(mine, Volume.REQUEST),
        consultations=_items(mine, Volume.CONSULTATION),
        reports=_items(mine, Volume.REPORT),
        received=sum(s.items for s in evidence),
        images=sum(s.parts for s in evidence),
        top=_top([*asked, *evidence]),
        deadlines_kept=_items(mine, Volume.DEADLINE_KEPT),
        deadlines_missed=_items(mine, Volume.DEADLINE_MISSED),
        median_answer_seconds=median,
    )


def _items(sums: Iterable[VolumeSum], kind: str) -> int:
    return sum(s.items for s in sums if s.kind == kind)


def _top(sums: Iterable[VolumeSum]) -> list[tuple[str, int]]:
    totals: dict[str, int] = {}
    for s in sums:
        totals[s.institution] = totals.get(s.institution, 0) + s.items
    return sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]


def _institution(region: Region, code: str, sums: Sequence[VolumeSum], days: int) -> InstitutionFigures:
    mine = [s for s in sums if s.institution == code]
    evidence = [s for s in mine if s.kind not in VOLUMES]
    came = {s.kind for s in evidence if s.items}
    expecting = (c for c in region.centres.values() if c.expected and (c.code, code) in region.network.home_hubs)
    agreed = [c.expected.type.value for c in sorted(expecting, key=lambda c: c.order) if c.expected]
    return InstitutionFigures(
        code=code,
        level=region.network.institutions[code].level,
        requests=_items(mine, Volume.REQUEST),
        consultations=_items(mine, Volume.CONSULTATION),
        reports=_items(mine, Volume.REPORT),
        received=sum(s.items for s in evidence),
        images=sum(s.parts for s in evidence),
        days_with_data=days,
        agreed=agreed,
        arrived=[kind for kind in agreed if kind in came],
    )
