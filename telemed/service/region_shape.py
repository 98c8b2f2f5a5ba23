"""The shape of a region's file: which names each table takes and of what kind, before any rule is asked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, TypeVar

from telemed.domain.device import DeviceEntry
from telemed.domain.duty import DayDuty, DutyPeriod, Holiday, period_of
from telemed.domain.network import Contact, HubService, Institution, InstitutionClass, Level
from telemed.domain.region import HomeHubs, RegionContent
from telemed.domain.region_rules import Path, RegionFault

FORMAT = 1
"""The only form of the file that there is."""

T = TypeVar("T")

KINDS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "number": lambda value: type(value) is int and abs(value) < 1 << 31,
    "date": lambda value: isinstance(value, date) and not isinstance(value, datetime),
    "texts": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "tables": lambda value: isinstance(value, list) and all(isinstance(each, dict) for each in value),
}
"""True for a value of the kind."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """The names of a table: those that must be there, and the others with what is meant where they are not. `open_kind` is the kind
    of every other name; empty: there is no other."""

    required: Mapping[str, str]
    optional: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    open_kind: str = ""

    def leaves_out(self, name: str, value: Any) -> bool:
        """True where the file need not say this."""
        return name in self.optional and (value is None or value == self.optional[name][1])

    def kind(self, name: str) -> str:
        """Return the kind of the name; empty for one that is not known."""
        return self.required.get(name) or (self.optional[name][0] if name in self.optional else self.open_kind)


CONTACT = TableShape({"name": "text"}, {"title": ("text", ""), "phone": ("text", "")})

TABLES: Mapping[str, TableShape] = {
    "institution": TableShape(
        {"code": "text", "name": "text", "level": "text"},
        {"name_en": ("text", ""), "class": ("text", ""), "city": ("text", ""), "district": ("text", ""), "phone": ("text", ""),
         "contacts": ("tables", []), "active": ("flag", True)},
    ),
    "hub": TableShape(
        {"hub": "text", "centre": "text"},
        {"parent": ("text", ""), "covers": ("texts", None), "two_person": ("texts", []), "reader_cap": ("number", None),
         "duty": ("texts", None), "active": ("flag", True)},
    ),
    "home": TableShape({"member": "text"}, open_kind="text"),
    "holiday": TableShape({"date": "date"}, {"duty": ("text", DayDuty.SUNDAY.value), "name": ("text", ""), "hub": ("text", "")}),
    "device": TableShape(
        {"title": "text", "institution": "text"},
        {"host": ("text", ""), "port": ("number", 0), "uses": ("texts", []), "character_set": ("text", ""), "calls_from": ("texts", []),
         "certificates": ("texts", []), "tls": ("flag", False), "authority": ("text", ""), "active": ("flag", True)},
    ),
}  # fmt: skip

TOP = TableShape({"format": "number"}, {"name": ("text", ""), "districts": ("texts", []), "settings": ("table", {})})


class Shaping:
    """One reading of a file's tree: what is of the wrong kind is noted with its path, and the default stands in its place."""

    def __init__(self) -> None:
        self.faults: list[RegionFault] = []

    def fault(self, path: Path, code: str, **facts: str) -> None:
        self.faults.append(RegionFault(path, code, facts))

    def table(self, given: Mapping[str, Any], shape: TableShape, path: Path) -> dict[str, Any]:
        """Return the table's values by name, each of its kind."""
        read = {name: default for name, (_, default) in shape.optional.items()}
        known = ", ".join((*shape.required, *shape.optional))
        for name, value in given.items():
            kind = shape.kind(name)
            if not kind:
                self.fault((*path, name), "unknown-name", value=name, known=known)
            elif kind in KINDS and not KINDS[kind](value):
                self.fault((*path, name), f"kind:{kind}", value=name)
            else:
                read[name] = value
        for name in shape.required:
            if name not in given:
                self.fault((*path, name), "missing", value=name)
        return read

    def choice(self, kind: Callable[[str], T], known: Iterable[str], value: str, path: Path, default: T) -> T:
        """Return the member of an enumeration."""
        try:
            return kind(value)
        except ValueError:
            self.fault(path, "choice", value=value[:60], known=", ".join(known))
            return default

    def institution(self, given: Mapping[str, Any], path: Path) -> Institution:
        read = self.table(given, TABLES["institution"], path)
        level = self.choice(Level, list(Level), read.get("level", Level.MEMBER), (*path, "level"), Level.MEMBER)
        known = [*InstitutionClass]
        said = self.choice(InstitutionClass, known, read["class"], (*path, "class"), InstitutionClass.OTHER) if read["class"] else None
        contacts = [self.table(each, CONTACT, (*path, "contacts", n)) for n, each in enumerate(read["contacts"])]
        people = tuple(Contact(each.get("name", "-"), each["title"], each["phone"]) for each in contacts)
        place = (read["city"], read["district"], read["active"], read["phone"])
        return Institution(read.get("code", "-"), read.get("name", "-"), read["name_en"], level, *place, said, people)

    def hub(self, given: Mapping[str, Any], path: Path) -> HubService:
        read = self.table(given, TABLES["hub"], path)
        covers = None if read["covers"] is None else frozenset(each.strip() for each in read["covers"])
        duty = None if read["duty"] is None else self.duty(read["duty"], (*path, "duty"))
        asked = (read["parent"] or None, covers, duty, frozenset(read["two_person"]), read["reader_cap"], read["active"])
        return HubService(read.get("hub", ""), read.get("centre", ""), *asked)

    def duty(self, texts: Iterable[str], path: Path) -> tuple[DutyPeriod, ...]:
        """Return the periods that are written so."""
        periods = []
        for n, text in enumerate(texts):
            period = period_of(text)
            if period is None:
                self.fault((*path, n), "no-period", value=text[:60])
            else:
                periods.append(period)
        return tuple(periods)

    def home(self, given: Mapping[str, Any], path: Path) -> HomeHubs:
        read = self.table(given, TABLES["home"], path)
        return HomeHubs(read.pop("member", ""), read)

    def holiday(self, given: Mapping[str, Any], path: Path) -> Holiday:
        read = self.table(given, TABLES["holiday"], path)
        duty = self.choice(DayDuty, list(DayDuty), read["duty"], (*path, "duty"), DayDuty.SUNDAY)
        return Holiday(read.get("date", date.min), duty, read["name"], read["hub"])

    def device(self, given: Mapping[str, Any], path: Path) -> DeviceEntry:
        read = self.table(given, TABLES["device"], path)
        return DeviceEntry(**{"title": "", "institution": ""} | read)

    def settings(self, given: Any) -> dict[str, Any]:
        """Return the settings, which hold what JSON holds."""
        if not isinstance(given, dict):
            self.fault(("settings",), "kind:table", value="settings")
            return {}
        read = {}
        for name, value in given.items():
            try:
                read[name] = json_of(value)
            except ValueError:
                self.fault(("settings", name), "kind:json", value=name)
        return read

    def rows(self, tree: Mapping[str, Any], kind: str, read: Callable[[Mapping[str, Any], Path], T]) -> tuple[T, ...]:
        """Return the tables of one kind, in their order."""
        given = tree.get(kind, [])
        if not KINDS["tables"](given):
            self.fault((kind,), "kind:tables", value=kind)
            return ()
        return tuple(read(each, (kind, n)) for n, each in enumerate(given))


JSON = "json:"
"""Begins a text of the settings that stands for JSON: TOML has no null, and `json:null` is one."""


def json_of(value: Any) -> Any:
    """Return what a value of the file's settings means. Raises ValueError where it is none of JSON."""
    if isinstance(value, dict):
        return {name: json_of(each) for name, each in value.items()}
    if isinstance(value, list):
        return [json_of(each) for each in value]
    if isinstance(value, str) and value.startswith(JSON):
        return json.loads(value.removeprefix(JSON))
    if isinstance(value, date | time) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(value)
    return value


def toml_of(value: Any) -> Any:
    """Return a setting as `json_of` reads it."""
    if isinstance(value, Mapping):
        return {name: toml_of(each) for name, each in value.items()}
    if isinstance(value, list):
        return [toml_of(each) for each in value]
    return JSON + json.dumps(value) if value is None or (isinstance(value, str) and value.startswith(JSON)) else value


def content_of(tree: Mapping[str, Any]) -> tuple[RegionContent, list[RegionFault]]:
    """Return the region that the tree describes, and everything of it that has the wrong shape."""
    shaping = Shaping()
    top = shaping.table({name: value for name, value in tree.items() if name not in TABLES}, TOP, ())
    if top.get("format", FORMAT) != FORMAT:
        shaping.fault(("format",), "format", known=str(FORMAT))
    content = RegionContent(
        name=top["name"],
        districts=tuple(top["districts"]),
        institutions=shaping.rows(tree, "institution", shaping.institution),
        hubs=shaping.rows(tree, "hub", shaping.hub),
        homes=shaping.rows(tree, "home", shaping.home),
        holidays=shaping.rows(tree, "holiday", shaping.holiday),
        devices=shaping.rows(tree, "device", shaping.device),
        settings=shaping.settings(top["settings"]),
    )
    return content, shaping.faults
