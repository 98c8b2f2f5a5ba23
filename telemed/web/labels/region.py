"""Words about a region: what is wrong with it, and what a change of it changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from telemed.domain.duty import DayDuty
from telemed.domain.network import InstitutionClass, Level
from telemed.domain.region import KEPT, Change, Sign
from telemed.domain.region_rules import Path, RegionFault
from telemed.service.region_file import PlacedFault
from telemed.web.i18n import gettext, ngettext

_ = str  # marks text for the translation catalogue

LEVELS: Final[Mapping[Level, str]] = {
    Level.MEMBER: _("Member"),
    Level.SUB_HUB: _("Sub-hub"),
    Level.MAIN_HUB: _("Main hub"),
    Level.OPERATOR: _("Network operations"),
}

CLASSES: Final[Mapping[InstitutionClass, str]] = {
    InstitutionClass.TERTIARY: _("Tertiary hospital"),
    InstitutionClass.SECONDARY: _("Secondary hospital"),
    InstitutionClass.PRIMARY: _("Primary hospital"),
    InstitutionClass.COMMUNITY_HEALTH_CENTRE: _("Community health centre"),
    InstitutionClass.TOWNSHIP_HEALTH_CENTRE: _("Township health centre"),
    InstitutionClass.CLINIC: _("Clinic"),
    InstitutionClass.VILLAGE_CLINIC: _("Village clinic"),
    InstitutionClass.OTHER: _("Other institution"),
}

DAYS: Final[Mapping[DayDuty, str]] = {
    DayDuty.SUNDAY: _("As on a Sunday"),
    DayDuty.MONDAY: _("As on a Monday"),
    DayDuty.CLOSED: _("Nobody is there"),
}

FAULTS: Final[Mapping[str, str]] = {
    "no-toml": _("This is not TOML: %(reason)s."),
    "no-utf-8": _("This is not UTF-8: save the file in that encoding."),
    "file-too-large": _("The file is larger than %(most)s bytes: is it a region's?"),
    "format": _("This program reads format %(known)s."),
    "unknown-name": _("There is no name %(value)s here; there are %(known)s."),
    "missing": _("The name %(value)s is missing."),
    "kind:text": _("%(value)s takes a text in quotes."),
    "kind:flag": _("%(value)s takes true or false."),
    "kind:number": _("%(value)s takes a whole number."),
    "kind:date": _("%(value)s takes a date such as 2027-01-01, without quotes."),
    "kind:texts": _("%(value)s takes a list of texts in quotes."),
    "kind:tables": _("%(value)s takes tables, each below its own [[%(value)s]]."),
    "kind:table": _("%(value)s takes one table of names and values."),
    "kind:json": _("The value of %(value)s is none of JSON."),
    "choice": _("%(value)s is not known here; known are %(known)s."),
    "no-period": _("%(value)s is no duty period; one is written mon-fri 08:00-17:30, and 00:00 ends a day."),
    "no-title": _("%(value)s cannot be a code: it must be an AE title of 1 to 16 ASCII characters, without \\, |, ^, ~ and &."),
    "control-character": _("This text holds a control character."),
    "too-long": _("This text is longer than %(most)s characters."),
    "empty": _("This text is empty."),
    "no-phone": _("%(value)s is no telephone number."),
    "too-many": _("There are more than %(most)s here."),
    "range": _("This number must lie between %(low)s and %(high)s."),
    "twice": _("%(value)s stands here twice."),
    "two-homes": _("%(member)s has two home hubs for %(centre)s: %(first)s stands before."),
    "no-institution": _("There is no institution %(value)s in this region."),
    "no-hub-level": _("%(value)s cannot be a hub: its level is %(level)s, and a hub's is sub-hub or main-hub."),
    "asks-nobody": _("%(value)s runs the network and asks nobody: it has no home hub."),
    "covers-nothing": _("%(value)s would cover nothing in %(centre)s: leave covers out for everything, or set active = false."),
    "own-parent": _("%(hub)s cannot be the hub above itself in %(centre)s."),
    "no-service": _("%(value)s does not serve %(centre)s, or is switched off there."),
    "cycle": _("The hubs of %(centre)s go round in a ring: %(ring)s."),
    "no-centre": _("There is no centre %(value)s; there are %(known)s."),
    "no-setting": _("Nobody reads a setting %(value)s; there are %(known)s."),
}

KINDS: Final[Mapping[str, str]] = {
    "region": _("Region"),
    "institution": _("Institution"),
    "hub": _("Hub"),
    "home": _("Home hubs"),
    "holiday": _("Day"),
    "device": _("Device"),
    "setting": _("Setting"),
}

SIGNS: Final[Mapping[Sign, tuple[str, str, str]]] = {
    Sign.ADDED: ("+", "done", _("added")),
    Sign.CHANGED: ("~", "waiting", _("changed")),
    Sign.REMOVED: ("-", "near", _("removed")),
}
"""Sign, tone and word."""

OFF = _("switched off, not deleted")
OUT = _("taken out")


def region_fault_text(fault: RegionFault) -> str:
    """Return the sentence about a fault."""
    return gettext(FAULTS[fault.code]) % fault.facts


def path_text(path: Path) -> str:
    """Return a path as a field's name, places counted from 0."""
    return ".".join(map(str, path))


def placed_text(found: PlacedFault, sentence: str) -> str:
    """Return the sentence with the line and column where it stands."""
    where = gettext("Line %(line)d, column %(column)d") % {"line": found.line, "column": found.column} if found.line else ""
    name = next((part for part in reversed(found.fault.path) if isinstance(part, str)), "")
    return ": ".join(part for part in (where, name, sentence) if part)


def further_text(count: int) -> str:
    """Return how many faults are not said."""
    return ngettext("and %(num)d more", "and %(num)d more", count) % {"num": count}


def shown(value: Any) -> str:
    """Return a value of the region as a person reads it."""
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, dict):
        return " ".join(str(each) for each in value.values() if each)
    return value.isoformat() if isinstance(value, date) else str(value).replace("\n", " ")[:200]


def change_text(change: Change) -> str:
    """Return what a change is in one line."""
    if change.sign is Sign.REMOVED:
        words = OFF if change.kind in KEPT else OUT
        return gettext(words)
    if change.sign is Sign.ADDED:
        said = (f"{name} {shown(value)}" for name, (_was, value) in change.fields.items() if value not in (None, "", [], True, False, 0))
        return "; ".join(said)
    return "; ".join(f"{name} {shown(was)} → {shown(value)}" for name, (was, value) in change.fields.items())
