"""A region as one thing that can be written down, compared and kept: who takes part, who answers for whom, when, and by which devices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from telemed.domain.device import DeviceEntry, as_it_stands
from telemed.domain.device_networks import DeviceNetworks
from telemed.domain.duty import Holiday, period_text
from telemed.domain.network import ApplicationEntity, HubService, Institution, Network

Key = tuple[str, str]
"""The kind of a thing and what names it among its kind."""

Plain = dict[str, Any]
"""A thing as names and plain values: texts, numbers, flags, lists of texts; None where nothing is said."""


@dataclass(frozen=True, slots=True)
class HomeHubs:
    """The home hub of a member in each centre."""

    member: str
    hubs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegionContent:
    """Everything that a region's administrator decides, in the order in which it was written. Devices are as typed; `settings` are
    the rows by which centres and platform go, by name."""

    name: str = ""
    districts: tuple[str, ...] = ()
    institutions: tuple[Institution, ...] = ()
    hubs: tuple[HubService, ...] = ()
    homes: tuple[HomeHubs, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    devices: tuple[DeviceEntry, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def network(self, device_networks: DeviceNetworks) -> Network:
        """Return the institutions, and where devices may be addressed, as devices' rules ask for them."""
        return Network({each.code: each for each in self.institutions}, device_networks=device_networks)


class Sign(StrEnum):
    """The sort of a change."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


KEPT = frozenset({"institution", "hub", "device"})
"""Kinds that are switched off and stay: cases, people and calls of old name them. The others are taken out."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was. `fields` are the names that differ, with what stood there before and what stands there now."""

    sign: Sign
    kind: str
    key: str
    fields: Mapping[str, tuple[Any, Any]]


def entry_of(device: ApplicationEntity) -> DeviceEntry:
    """Return the device as it would be typed."""
    return DeviceEntry(
        device.title,
        device.institution,
        device.host,
        device.port,
        sorted(use.value for use in device.uses),
        device.character_set,
        sorted(device.calls_from),
        device.active,
        device.tls,
        device.authority,
        sorted(device.certificates),
    )


def ordered(content: RegionContent) -> RegionContent:
    """Return the sound region in the order of its codes, every device in its plain form."""
    homes: dict[str, dict[str, str]] = {}
    for home in content.homes:
        homes.setdefault(home.member, {}).update(home.hubs)
    return replace(
        content,
        districts=tuple(sorted(content.districts)),
        institutions=tuple(sorted(content.institutions, key=lambda each: each.code)),
        hubs=tuple(sorted(content.hubs, key=lambda each: (each.hub, each.centre))),
        homes=tuple(HomeHubs(member, dict(sorted(hubs.items()))) for member, hubs in sorted(homes.items()) if hubs),
        holidays=tuple(sorted(content.holidays, key=lambda each: (each.day, each.hub))),
        devices=tuple(sorted((entry_of(as_it_stands(each)) for each in content.devices), key=lambda each: each.title)),
        settings={name: in_order(content.settings[name]) for name in sorted(content.settings)},
    )


def in_order(value: Any) -> Any:
    """Return the JSON value with the names of each object in order."""
    if isinstance(value, Mapping):
        return {name: in_order(each) for name, each in sorted(value.items())}
    return [in_order(each) for each in value] if isinstance(value, list | tuple) else value


def institution_entry(each: Institution) -> Plain:
    """Return the institution as names and plain values."""
    return {
        "code": each.code,
        "name": each.name,
        "name_en": each.name_en,
        "level": each.level.value,
        "class": each.classification.value if each.classification else "",
        "city": each.city,
        "district": each.district,
        "phone": each.phone,
        "contacts": [{"name": person.name, "title": person.title, "phone": person.phone} for person in each.contacts],
        "active": each.active,
    }


def hub_entry(each: HubService) -> Plain:
    """Return the service of a hub as names and plain values."""
    return {
        "hub": each.hub,
        "centre": each.centre,
        "parent": each.parent or "",
        "covers": None if each.covers is None else sorted(each.covers),
        "two_person": sorted(each.two_person),
        "reader_cap": each.reader_cap,
        "duty": None if each.duty is None else [period_text(period) for period in each.duty],
        "active": each.active,
    }


def home_entry(each: HomeHubs) -> Plain:
    """Return a member's home hubs as names and plain values."""
    return {"member": each.member, **each.hubs}


def holiday_entry(each: Holiday) -> Plain:
    """Return the day as names and plain values."""
    return {"date": each.day, "duty": each.duty.value, "name": each.name, "hub": each.hub}


def device_entry(each: DeviceEntry) -> Plain:
    """Return the device as names and plain values."""
    return {
        "title": each.title,
        "institution": each.institution,
        "host": each.host,
        "port": each.port or 0,
        "uses": list(each.uses),
        "character_set": each.character_set,
        "calls_from": list(each.calls_from),
        "certificates": list(each.certificates),
        "tls": each.tls,
        "authority": each.authority,
        "active": each.active,
    }


def things(content: RegionContent) -> dict[Key, Plain]:
    """Return everything of a region that is in order, by kind and name."""
    return dict(_things(content))


def _things(content: RegionContent) -> Iterator[tuple[Key, Plain]]:
    yield ("region", "name"), {"value": content.name}
    yield ("region", "districts"), {"value": list(content.districts)}
    for institution in content.institutions:
        yield ("institution", institution.code), institution_entry(institution)
    for service in content.hubs:
        yield ("hub", f"{service.hub} {service.centre}"), hub_entry(service)
    for home in content.homes:
        yield ("home", home.member), home_entry(home)
    for holiday in content.holidays:
        yield ("holiday", f"{holiday.day} {holiday.hub}".strip()), holiday_entry(holiday)
    for device in content.devices:
        yield ("device", device.title), device_entry(device)
    for name, value in content.settings.items():
        yield ("setting", name), {"value": value}


def completed(before: RegionContent, wanted: RegionContent) -> RegionContent:
    """Return `wanted` with what it leaves out of the kinds that are kept, switched off."""
    there = things(wanted)

    def left_out(kind: str, key: str) -> bool:
        return (kind, key) not in there

    return replace(
        wanted,
        institutions=(*wanted.institutions, *(replace(i, active=False) for i in before.institutions if left_out("institution", i.code))),
        hubs=(*wanted.hubs, *(replace(s, active=False) for s in before.hubs if left_out("hub", f"{s.hub} {s.centre}"))),
        devices=(*wanted.devices, *(replace(d, active=False) for d in before.devices if left_out("device", d.title))),
    )


def difference(before: RegionContent, after: RegionContent) -> list[Change]:
    """Return what is not as it was, by kind and name; both regions are in order."""
    old, new = things(before), things(after)
    changes = []
    for kind, key in sorted(old.keys() | new.keys(), key=_place):
        was, becomes = old.get((kind, key), {}), new.get((kind, key), {})
        names = [*becomes, *(name for name in was if name not in becomes)]
        fields = {name: (was.get(name), becomes.get(name)) for name in names if was.get(name) != becomes.get(name)}
        if fields:
            changes.append(Change(_sign(was, becomes, fields), kind, key, fields))
    return changes


KINDS = ("region", "institution", "hub", "home", "holiday", "device", "setting")
"""In the order in which they are written."""


def _place(key: Key) -> tuple[int, str]:
    return KINDS.index(key[0]), key[1]


def _sign(was: Plain, becomes: Plain, fields: Mapping[str, tuple[Any, Any]]) -> Sign:
    if not was:
        return Sign.ADDED
    gone = not becomes or (fields.get("active") == (True, False) and len(fields) == 1)
    return Sign.REMOVED if gone else Sign.CHANGED


def tag_of(*entries: Plain | Sequence[Any]) -> str:
    """Return the entity tag of what is written so."""
    return hashlib.sha256(json.dumps(entries, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:32]
