"""Rules that a region keeps as a whole: one table, each row a rule and what breaks it.

Source: routing goes by the tree of each centre (`telemed.domain.routing`), an institution's code is its AE title (PS3.5 table 6.2-1)
and its sending facility in HL7 v2 (MSH-4, whose delimiters it cannot hold).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from telemed.domain.case import CaseKind
from telemed.domain.device import TITLE, device_of
from telemed.domain.device_networks import DEFAULT, DeviceNetworks
from telemed.domain.duty import MAX_PERIODS
from telemed.domain.errors import Invalid
from telemed.domain.network import Institution, Level
from telemed.domain.region import RegionContent

Path = tuple[str | int, ...]
"""Where something stands: kind, place among its kind (from 0), name of the field, and so on."""


@dataclass(frozen=True, slots=True)
class RegionFault:
    """One rule that is broken: where, which, and the facts that the sentence about it names."""

    path: Path
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a region is held against besides itself. `needs` gives, by centre, what its hubs may cover (None: anything); `settings` are
    the names of settings that somebody reads; `standing` are devices that are there already, title and host: where they are addressed is
    judged when they are called."""

    needs: Mapping[str, frozenset[str] | None]
    settings: frozenset[str] = frozenset()
    device_networks: DeviceNetworks = DEFAULT
    standing: frozenset[tuple[str, str]] = frozenset()


HL7_DELIMITERS = frozenset("|^~&")

LENGTHS: Mapping[str, int] = {"name": 200, "name_en": 200, "city": 64, "district": 64, "phone": 32, "title": 100}
"""Characters of an institution's texts: as many as its row has."""

CONTACTS = 20
"""People of one institution who can be called: more belong into a directory (practice)."""

READER_CAP = 999
"""Cases that one reader may hold: a bound that is higher bounds nothing (practice)."""

LARGEST: Mapping[str, int] = {
    "institution": 5_000, "hub": 5_000, "home": 5_000, "holiday": 5_000, "device": 20_000, "districts": 2_000, "setting": 200,
}  # fmt: skip
"""Things of each kind: some ten times those of a province (practice)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PHONE = re.compile(r"[0-9+*#()\-/., 转xX]*")

Faults = Iterator[RegionFault]


def _sizes(content: RegionContent) -> Faults:
    counts = {
        "institution": len(content.institutions), "hub": len(content.hubs), "home": len(content.homes), "holiday": len(content.holidays),
        "device": len(content.devices), "districts": len(content.districts), "setting": len(content.settings),
    }  # fmt: skip
    for kind, count in counts.items():
        if count > LARGEST[kind]:
            yield RegionFault((kind,), "too-many", {"most": str(LARGEST[kind])})


def _codes(content: RegionContent) -> Faults:
    for n, each in enumerate(content.institutions):
        if not TITLE.fullmatch(each.code) or HL7_DELIMITERS & set(each.code):
            yield RegionFault(("institution", n, "code"), "no-title", {"value": each.code})


def _texts(content: RegionContent) -> Faults:
    yield from _text(("name",), content.name, LENGTHS["name"])
    for n, district in enumerate(content.districts):
        yield from _text(("districts", n), district, LENGTHS["city"] + LENGTHS["district"], needed=True)
    for n, each in enumerate(content.institutions):
        for name in ("name", "name_en", "city", "district"):
            yield from _text(("institution", n, name), getattr(each, name), LENGTHS[name], needed=name == "name")
        yield from _reached(("institution", n), each)
    for n, holiday in enumerate(content.holidays):
        yield from _text(("holiday", n, "name"), holiday.name, 64)


def _reached(path: Path, each: Institution) -> Faults:
    yield from _phone((*path, "phone"), each.phone)
    if len(each.contacts) > CONTACTS:
        yield RegionFault((*path, "contacts"), "too-many", {"most": str(CONTACTS)})
    for m, contact in enumerate(each.contacts):
        yield from _text((*path, "contacts", m, "name"), contact.name, 100, needed=True)
        yield from _text((*path, "contacts", m, "title"), contact.title, LENGTHS["title"])
        yield from _phone((*path, "contacts", m, "phone"), contact.phone)


def _text(path: Path, text: str, most: int, *, needed: bool = False) -> Faults:
    if _CONTROL.search(text):
        yield RegionFault(path, "control-character")
    elif len(text) > most:
        yield RegionFault(path, "too-long", {"most": str(most)})
    elif needed and not text.strip():
        yield RegionFault(path, "empty")


def _phone(path: Path, text: str) -> Faults:
    if not _PHONE.fullmatch(text) or (text and not any(c.isdigit() for c in text)):
        yield RegionFault(path, "no-phone", {"value": text[:60]})
    elif len(text) > LENGTHS["phone"]:
        yield RegionFault(path, "too-long", {"most": str(LENGTHS["phone"])})


def _twice(content: RegionContent) -> Faults:
    named: list[tuple[Path, str, str]] = [
        *((("institution", n, "code"), "institution", i.code) for n, i in enumerate(content.institutions)),
        *((("hub", n, "hub"), "hub", f"{s.hub} {s.centre}") for n, s in enumerate(content.hubs)),
        *((("holiday", n, "date"), "holiday", f"{h.day} {h.hub}".strip()) for n, h in enumerate(content.holidays)),
        *((("device", n, "title"), "device", d.title) for n, d in enumerate(content.devices)),
        *((("districts", n), "districts", text) for n, text in enumerate(content.districts)),
    ]
    seen: set[tuple[str, str]] = set()
    for path, kind, name in named:
        if (kind, name) in seen:
            yield RegionFault(path, "twice", {"value": name})
        seen.add((kind, name))


def _two_homes(content: RegionContent) -> Faults:
    seen: dict[tuple[str, str], str] = {}
    for n, home in enumerate(content.homes):
        for centre, hub in home.hubs.items():
            if first := seen.get((home.member, centre)):
                yield RegionFault(("home", n, centre), "two-homes", {"member": home.member, "centre": centre, "first": first})
            seen.setdefault((home.member, centre), hub)


def _institutions_named(content: RegionContent) -> Faults:
    codes = {each.code for each in content.institutions}
    named: Iterable[tuple[Path, str]] = [
        *((("hub", n, "hub"), s.hub) for n, s in enumerate(content.hubs)),
        *((("home", n, "member"), h.member) for n, h in enumerate(content.homes)),
        *((("holiday", n, "hub"), h.hub) for n, h in enumerate(content.holidays) if h.hub),
    ]
    for path, code in named:
        if code not in codes:
            yield RegionFault(path, "no-institution", {"value": code})


def _levels(content: RegionContent) -> Faults:
    levels = {each.code: each.level for each in content.institutions}
    for n, service in enumerate(content.hubs):
        level = levels.get(service.hub)
        if level is not None and level not in (Level.SUB_HUB, Level.MAIN_HUB):
            yield RegionFault(("hub", n, "hub"), "no-hub-level", {"value": service.hub, "level": level.value})
    for n, home in enumerate(content.homes):
        if levels.get(home.member) is Level.OPERATOR:
            yield RegionFault(("home", n, "member"), "asks-nobody", {"value": home.member})


def _services(content: RegionContent) -> Faults:
    for n, service in enumerate(content.hubs):
        if service.covers is not None and not service.covers:
            yield RegionFault(("hub", n, "covers"), "covers-nothing", {"value": service.hub, "centre": service.centre})
        unknown = sorted(service.two_person - {kind.value for kind in CaseKind})
        if unknown:
            expected = ", ".join(kind.value for kind in CaseKind)
            yield RegionFault(("hub", n, "two_person"), "choice", {"value": unknown[0], "known": expected})
        if service.reader_cap is not None and not 1 <= service.reader_cap <= READER_CAP:
            yield RegionFault(("hub", n, "reader_cap"), "range", {"low": "1", "high": str(READER_CAP)})
        if service.duty is not None and len(service.duty) > MAX_PERIODS:
            yield RegionFault(("hub", n, "duty"), "too-many", {"most": str(MAX_PERIODS)})


def _serving(content: RegionContent) -> set[tuple[str, str]]:
    """The hubs that are asked, by centre: their service and their institution are active."""
    active = {each.code for each in content.institutions if each.active}
    return {(s.centre, s.hub) for s in content.hubs if s.active and s.hub in active}


def _parents(content: RegionContent) -> Faults:
    serving = _serving(content)
    above = {(s.centre, s.hub): s.parent for s in content.hubs if s.parent}
    for n, service in enumerate(content.hubs):
        if not service.parent or (service.centre, service.hub) not in serving:
            continue
        facts = {"value": service.parent, "centre": service.centre, "hub": service.hub}
        if service.parent == service.hub:
            yield RegionFault(("hub", n, "parent"), "own-parent", facts)
        elif (service.centre, service.parent) not in serving:
            yield RegionFault(("hub", n, "parent"), "no-service", facts)
        elif ring := _ring(above, service.centre, service.hub):
            yield RegionFault(("hub", n, "parent"), "cycle", facts | {"ring": " → ".join(ring)})


def _ring(above: Mapping[tuple[str, str], str | None], centre: str, hub: str) -> list[str]:
    """The way from a hub up to itself; empty where it ends, or goes round without it."""
    way, seen = [hub], {hub}
    while (up := above.get((centre, way[-1]))) and up not in seen:
        way.append(up)
        seen.add(up)
    return [*way, hub] if up == hub and len(way) > 1 else []


def _homes(content: RegionContent) -> Faults:
    serving = _serving(content)
    active = {each.code for each in content.institutions if each.active}
    for n, home in enumerate(content.homes):
        for centre, hub in home.hubs.items():
            if home.member in active and (centre, hub) not in serving:
                yield RegionFault(("home", n, centre), "no-service", {"value": hub, "centre": centre})


def _devices(content: RegionContent, around: Surroundings) -> Faults:
    network = content.network(around.device_networks)
    for n, device in enumerate(content.devices):
        try:
            device_of(device, network)
        except Invalid as invalid:
            stands = (device.title, device.host) in around.standing
            for fault in (each for each in invalid.errors if not (stands and each.code == "address-outside")):
                yield RegionFault(("device", n, fault.field), f"device:{fault.code}", {"value": fault.expected})


RULES: tuple[Callable[[RegionContent], Faults], ...] = (
    _sizes, _codes, _texts, _twice, _two_homes, _institutions_named, _levels, _services, _parents, _homes,
)  # fmt: skip
"""Rules about the region alone."""


def _centres(content: RegionContent, around: Surroundings) -> Faults:
    known = ", ".join(sorted(around.needs))
    named: list[tuple[Path, str]] = [(("hub", n, "centre"), s.centre) for n, s in enumerate(content.hubs)]
    named += [(("home", n, centre), centre) for n, home in enumerate(content.homes) for centre in home.hubs]
    for path, centre in named:
        if centre not in around.needs:
            yield RegionFault(path, "no-centre", {"value": centre, "known": known})


def _coverage(content: RegionContent, around: Surroundings) -> Faults:
    for n, service in enumerate(content.hubs):
        choices = around.needs.get(service.centre)
        if choices is None:
            continue
        for unknown in sorted((service.covers or frozenset()) - choices):
            yield RegionFault(("hub", n, "covers"), "choice", {"value": unknown, "known": ", ".join(sorted(choices))})


def _settings(content: RegionContent, around: Surroundings) -> Faults:
    for name in content.settings:
        if name not in around.settings:
            yield RegionFault(("settings", name), "no-setting", {"value": name, "known": ", ".join(sorted(around.settings))})


AROUND: tuple[Callable[[RegionContent, Surroundings], Faults], ...] = (_centres, _coverage, _settings, _devices)
"""Rules about the region among what is installed."""


def faults(content: RegionContent, around: Surroundings) -> list[RegionFault]:
    """Return everything that is wrong with the region; a region that is too large is not looked at further."""
    too_large = list(_sizes(content))
    if too_large:
        return too_large
    found = [fault for rule in RULES for fault in rule(content)]
    return found + [fault for rule in AROUND for fault in rule(content, around)]
