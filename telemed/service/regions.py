"""The region changed by people: as a whole from its file, or one institution, one hub, the holidays. Every change is held against the
rules of the whole region, and is on record with what stood there before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar

from telemed.domain.centre import Centre
from telemed.domain.duty import DutyPeriod, Holiday, days_of, weekday_of
from telemed.domain.errors import FieldError, Invalid, NotFound, StaleVersion, VersionRequired
from telemed.domain.network import HubService, Institution
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.domain.region import (
    Change,
    HomeHubs,
    RegionContent,
    completed,
    difference,
    home_entry,
    hub_entry,
    institution_entry,
    ordered,
    tag_of,
)
from telemed.domain.region_rules import Path, RegionFault, Surroundings, faults
from telemed.service.ports.region import PRIORS, Region
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.region_file import MOST_SAID, PlacedFault, RegionRefused, write_region
from telemed.service.region_shape import Shaping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RegionInOrder:
    """The region with its file and the file's entity tag."""

    content: RegionContent
    text: str

    @property
    def tag(self) -> str:
        return tag_of(self.text)


@dataclass(frozen=True, slots=True)
class InstitutionEntry:
    """An institution with its home hubs by centre."""

    institution: Institution
    homes: HomeHubs

    @property
    def tag(self) -> str:
        return tag_of(institution_entry(self.institution), home_entry(self.homes))


@dataclass(frozen=True, slots=True)
class HubEntry:
    """The service of a hub in one centre, with the days that differ for it."""

    service: HubService
    holidays: tuple[Holiday, ...] = ()

    @property
    def tag(self) -> str:
        return tag_of(hub_entry(self.service))


@dataclass(frozen=True, slots=True)
class DutyDay:
    """A day of a hub: the periods that begin on it, `always` where readers are there round the clock, and why it differs."""

    day: date
    periods: tuple[DutyPeriod, ...]
    always: bool
    holiday: Holiday | None


def surroundings(region: Region, kept: RegionContent) -> Surroundings:
    """Return what a region is held against: the centres that are installed, and the settings that they or the platform read."""
    read = {name for centre in region.centres.values() for name in centre.region_settings}
    needs = {code: centre.needs for code, centre in region.centres.items()}
    standing = frozenset((device.title, device.host) for device in kept.devices)
    return Surroundings(needs, frozenset({PRIORS, *read, *kept.settings}), region.network.device_networks, standing)


async def region_in_order(work: UnitOfWork, person: Person) -> RegionInOrder:
    """Return the region as it stands, and as its file."""
    require(person, Action.REGION_READ)
    content = await work.region_records.content()
    return RegionInOrder(content, write_region(content))


async def taken_difference(work: UnitOfWork, person: Person, wanted: RegionContent) -> list[Change]:
    """Return what taking this region would change. Raises Forbidden for who may not."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    return _changes(person, before, wanted)


async def take_region(work: UnitOfWork, person: Person, wanted: RegionContent, expected: str) -> list[Change]:
    """Put this region, which was read from its file, in the place of the one that stands; what it leaves out is switched off, or taken
    out. `expected` is the tag of the region that it was made from, or `*`. Return what changed. Raises StaleVersion."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    _must_be_current(expected, tag_of(write_region(before)))
    changes = _changes(person, before, wanted)
    await _save(work, person, before, wanted, changes)
    return changes


def _changes(person: Person, before: RegionContent, wanted: RegionContent) -> list[Change]:
    changes = difference(before, ordered(completed(before, wanted)))
    if any(change.kind == "device" for change in changes):
        require(person, Action.DEVICE_MANAGE)
    return changes


async def _save(work: UnitOfWork, person: Person, before: RegionContent, wanted: RegionContent, changes: Sequence[Change]) -> None:
    await work.region_records.save(before, ordered(completed(before, wanted)))
    for change in changes:
        detail = {"step": change.sign.value, "fields": sorted(change.fields), "values": _written(change)}
        work.outbox.audit(Action.REGION_MANAGE, person.username, person.institution, f"{change.kind}/{change.key}"[:200], detail=detail)


def _written(change: Change) -> dict[str, list[Any]]:
    """What stood there and what stands there now, as JSON; of certificates that there are some."""
    return {name: [_plain(name, was), _plain(name, becomes)] for name, (was, becomes) in change.fields.items()}


def _plain(name: str, value: Any) -> Any:
    if name == "authority" and value:
        return tag_of(value)
    return value.isoformat() if isinstance(value, date) else value


def _must_be_current(expected: str, tag: str) -> None:
    """Raises VersionRequired where no version is said, StaleVersion where it is not the one that stands."""
    if not expected:
        raise VersionRequired
    if expected not in ("*", tag):
        raise StaleVersion(tag)


async def institutions(work: UnitOfWork, person: Person) -> list[InstitutionEntry]:
    """Return all institutions by code."""
    require(person, Action.REGION_READ)
    content = await work.region_records.content()
    return [_institution(content, each) for each in content.institutions]


async def institution(work: UnitOfWork, person: Person, code: str) -> InstitutionEntry:
    """Return one institution. Raises NotFound."""
    require(person, Action.REGION_READ)
    content = await work.region_records.content()
    return _institution(content, _known_institution(content, code))


def _institution(content: RegionContent, each: Institution) -> InstitutionEntry:
    homes = next((home for home in content.homes if home.member == each.code), HomeHubs(each.code))
    return InstitutionEntry(each, homes)


def _known_institution(content: RegionContent, code: str) -> Institution:
    found = next((each for each in content.institutions if each.code == code), None)
    if found is None:
        raise NotFound("institution", code)
    return found


async def add_institution(work: UnitOfWork, person: Person, wanted: InstitutionEntry) -> InstitutionEntry:
    """Enter a new institution with its home hubs. The very same again changes nothing. Raises Invalid where the code is another's."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    known = next((each for each in before.institutions if each.code == wanted.institution.code), None)
    if known is not None and _institution(before, known).tag != wanted.tag:
        raise Invalid(FieldError("code", "code-taken"))
    return await _put_institution(work, person, before, wanted)


async def change_institution(work: UnitOfWork, person: Person, wanted: InstitutionEntry, expected: str) -> InstitutionEntry:
    """The institution as it shall be from now on. Raises NotFound, StaleVersion, RegionRefused."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    known = _known_institution(before, wanted.institution.code)
    _must_be_current(expected, _institution(before, known).tag)
    return await _put_institution(work, person, before, wanted)


async def switch_institution(work: UnitOfWork, person: Person, code: str, active: bool) -> InstitutionEntry:
    """Let an institution take part or not. Raises NotFound, and RegionRefused where others need it."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    known = _institution(before, _known_institution(before, code))
    return await _put_institution(work, person, before, replace(known, institution=replace(known.institution, active=active)))


async def _put_institution(work: UnitOfWork, person: Person, before: RegionContent, wanted: InstitutionEntry) -> InstitutionEntry:
    code = wanted.institution.code
    after = replace(
        before,
        institutions=(wanted.institution, *(each for each in before.institutions if each.code != code)),
        homes=(replace(wanted.homes, member=code), *(each for each in before.homes if each.member != code)),
    )
    await _change(work, person, before, after, {("institution", 0): (), ("home", 0): ("homes",)})
    return _institution(ordered(after), wanted.institution)


async def hubs(work: UnitOfWork, person: Person) -> list[HubEntry]:
    """Return the services of all hubs, by hub and centre."""
    require(person, Action.REGION_READ)
    content = await work.region_records.content()
    return [_hub(content, each) for each in content.hubs]


async def hub(work: UnitOfWork, person: Person, code: str, centre: str) -> HubEntry:
    """Return the service of one hub in one centre. Raises NotFound."""
    require(person, Action.REGION_READ)
    content = await work.region_records.content()
    found = _service(content, code, centre)
    if found is None:
        raise NotFound("hub", f"{code} {centre}")
    return _hub(content, found)


def _hub(content: RegionContent, service: HubService) -> HubEntry:
    return HubEntry(service, tuple(each for each in content.holidays if each.hub in ("", service.hub)))


def _service(content: RegionContent, code: str, centre: str) -> HubService | None:
    return next((each for each in content.hubs if (each.hub, each.centre) == (code, centre)), None)


async def put_hub(work: UnitOfWork, person: Person, wanted: HubService, expected: str) -> HubEntry:
    """The service of a hub in a centre as it shall be from now on; `expected` is empty for one that is new. Raises StaleVersion,
    RegionRefused."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    known = _service(before, wanted.hub, wanted.centre)
    if known is not None:
        _must_be_current(expected, _hub(before, known).tag)
    others = (each for each in before.hubs if (each.hub, each.centre) != (wanted.hub, wanted.centre))
    after = replace(before, hubs=(wanted, *others))
    await _change(work, person, before, after, {("hub", 0): ()})
    return _hub(ordered(after), wanted)


async def holidays(work: UnitOfWork, person: Person) -> tuple[Holiday, ...]:
    """Return the days that differ from their weekday, in their order."""
    require(person, Action.REGION_READ)
    return (await work.region_records.content()).holidays


async def put_holiday(work: UnitOfWork, person: Person, wanted: Holiday) -> Holiday:
    """The duty of this day, of one hub or of all, from now on. Raises RegionRefused."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    after = replace(before, holidays=(wanted, *_other_days(before, wanted.day, wanted.hub)))
    await _change(work, person, before, after, {("holiday", 0): ()})
    return wanted


async def remove_holiday(work: UnitOfWork, person: Person, day: date, hub: str) -> None:
    """The day has the duty of its weekday again. Raises NotFound where it has it."""
    require(person, Action.REGION_MANAGE)
    before = await work.region_records.content()
    others = _other_days(before, day, hub)
    if len(others) == len(before.holidays):
        raise NotFound("holiday", f"{day} {hub}".strip())
    await _change(work, person, before, replace(before, holidays=others), {})


def _other_days(content: RegionContent, day: date, hub: str) -> tuple[Holiday, ...]:
    return tuple(each for each in content.holidays if (each.day, each.hub) != (day, hub))


async def _change(work: UnitOfWork, person: Person, before: RegionContent, after: RegionContent, here: dict[Path, Path]) -> None:
    """Write the region where it is sound. `here` says what of it the person has before them, by the names that they know it by."""
    found = faults(after, surroundings(work.region, before))
    if found:
        said = sorted((_seen(fault, here) for fault in found[:MOST_SAID]), key=lambda each: len(each.fault.path) > 2)
        raise RegionRefused(tuple(said), max(len(found) - MOST_SAID, 0))
    await _save(work, person, before, after, difference(before, ordered(after)))


def _seen(fault: RegionFault, here: dict[Path, Path]) -> PlacedFault:
    for path, name in here.items():
        if fault.path[: len(path)] == path:
            return PlacedFault(replace(fault, path=(*name, *fault.path[len(path) :])))
    return PlacedFault(fault)


def centre_choices(centre: Centre) -> list[str]:
    """Return what a hub of the centre may cover, in the order of the request form; what a form leaves open is proposed."""
    asked = next((each for each in centre.request_form.fields if each.name == centre.need), None)
    return [choice.value for choice in asked.choices] if asked else []


def institution_typed(given: Mapping[str, Any]) -> Institution:
    """Return the institution that was typed, named as in the file. Raises RegionRefused for a level or class that is none."""
    shaping = Shaping()
    return _shaped(shaping, shaping.institution(given, ()))


def hub_typed(given: Mapping[str, Any]) -> HubService:
    """Return the service that was typed, named as in the file. Raises RegionRefused for a duty period that is none."""
    shaping = Shaping()
    return _shaped(shaping, shaping.hub(given, ()))


def holiday_typed(given: Mapping[str, Any]) -> Holiday:
    """Return the day that was typed, named as in the file. Raises RegionRefused for a duty that is none."""
    shaping = Shaping()
    return _shaped(shaping, shaping.holiday(given, ()))


def _shaped(shaping: Shaping, read: T) -> T:
    if shaping.faults:
        raise RegionRefused(tuple(map(PlacedFault, shaping.faults)))
    return read


def duty_days(entry: HubEntry, first: date, days: int) -> Iterator[DutyDay]:
    """Return the duty of each day from the first on."""
    differing = days_of(entry.service.hub, entry.holidays)
    for day in (first + timedelta(days=n) for n in range(days)):
        weekday = weekday_of(day, differing)
        served = entry.service.active and weekday is not None
        periods = tuple(p for p in entry.service.duty or () if weekday in p.weekdays) if served else ()
        always = served and entry.service.duty is None
        own = [each for each in entry.holidays if each.day == day]
        yield DutyDay(day, periods, always, max(own, key=lambda each: each.hub, default=None))
