"""The region for operator and system administrator: institutions, hubs with their duty, and the file of it all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote

from aiohttp import web

from telemed.domain.case import CaseKind
from telemed.domain.centre import Centre
from telemed.domain.duty import DayDuty, Holiday
from telemed.domain.forms import Choice, Field, FieldType, Form
from telemed.domain.network import HubService, InstitutionClass, Level
from telemed.domain.policy import Action, require
from telemed.domain.region import HomeHubs
from telemed.service import regions
from telemed.service.execution import query, record_look
from telemed.web.api.region import hub_shape, institution_shape
from telemed.web.labels.region import CLASSES, DAYS, LEVELS
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

PREVIEW_DAYS = 14
"""Two weeks: the calendar begins with this week's Monday."""

MAX_SHOWN = 500
"""Institutions on one page; a filter finds the others."""

KIND_WORDS = {CaseKind.DIAGNOSIS: _("Diagnosis"), CaseKind.CONSULTATION: _("Second opinion")}


def _centres(visit: Visit) -> list[Centre]:
    return sorted(visit.application.region.centres.values(), key=lambda centre: centre.order)


@page("GET", "/institutions")
async def institutions(visit: Visit) -> web.StreamResponse:
    """All institutions by level, or those that fit what was asked for."""
    found = await query(visit.application, regions.institutions, visit.person)
    await record_look(visit.application, visit.person, Action.REGION_READ, "institutions")
    wanted = visit.query.get("q", "").strip()[:100]
    fitting = [each for each in found if _fits(each, wanted.casefold())]
    order = {level: place for place, level in enumerate((Level.OPERATOR, Level.MAIN_HUB, Level.SUB_HUB, Level.MEMBER))}
    shown = sorted(fitting[:MAX_SHOWN], key=lambda each: (order[each.institution.level], each.institution.code))
    groups = [(LEVELS[level], list(of)) for level, of in groupby(shown, key=lambda each: each.institution.level)]
    context = {
        "groups": groups, "total": len(found), "fitting": len(fitting), "shown": len(shown), "q": wanted, "classes": CLASSES,
        "name_of": visit.name_of, "centres": _centres(visit), "quoted": lambda text: quote(text, safe=""),
    }  # fmt: skip
    return await render(visit, "institutions.html", context)


def _fits(entry: regions.InstitutionEntry, wanted: str) -> bool:
    each = entry.institution
    people = [text for contact in each.contacts for text in (contact.name, contact.phone)]
    texts = (each.code, each.name, each.name_en, each.city, each.district, each.phone, *people, *entry.homes.hubs.values())
    return any(wanted in text.casefold() for text in texts)


@page("GET", "/institutions/new")
async def new_institution(visit: Visit) -> web.StreamResponse:
    """An empty form of a member; where one hub alone serves a centre, it is the home hub."""
    require(visit.person, Action.REGION_MANAGE)
    serving = await _serving(visit)
    homes = {f"homes.{centre}": hubs[0].value if len(hubs) == 1 else "" for centre, hubs in serving.items()}
    return await _institution_page(visit, {"level": Level.MEMBER.value, "active": True, **homes}, None, serving)


@page("GET", "/institutions/edit")
async def edit_institution(visit: Visit) -> web.StreamResponse:
    """The form with what holds now."""
    entry = await query(visit.application, regions.institution, visit.person, visit.query.get("code", ""))
    await record_look(visit.application, visit.person, Action.REGION_READ, f"institution/{entry.institution.code}")
    shape = institution_shape(entry)
    values: dict[str, Any] = {name: getattr(shape, name) for name in ("name", "name_en", "level", "city", "district", "phone", "active")}
    contacts = "\n".join(", ".join((each.name, each.title, each.phone)).rstrip(", ") for each in shape.contacts)
    values |= {f"homes.{centre.code}": "" for centre in _centres(visit)}
    values |= {"class": shape.class_, "contacts": contacts} | {f"homes.{centre}": hub for centre, hub in shape.homes.items()}
    return await _institution_page(visit, values, entry, await _serving(visit, entry.homes))


async def _serving(visit: Visit, chosen: HomeHubs | None = None) -> dict[str, list[Choice]]:
    """The hubs that serve each centre, and the one that is chosen even where it no longer does."""
    network = visit.application.region.network
    serving: dict[str, list[Choice]] = {}
    for centre in _centres(visit):
        codes = {service.hub for service in network.hubs(centre.code)} | {(chosen.hubs if chosen else {}).get(centre.code, "")} - {""}
        serving[centre.code] = _named(visit, codes)
    return serving


async def _institution_page(
    visit: Visit, values: Mapping[str, Any], entry: regions.InstitutionEntry | None, serving: Mapping[str, Sequence[Choice]]
) -> web.StreamResponse:
    named = {centre.code: centre.name for centre in _centres(visit)}
    homes = tuple(
        Field(f"homes.{code}", named[code], FieldType.CHOICE, choices=(Choice("", _("None")), *hubs))
        for code, hubs in serving.items()
        if hubs
    )
    code = entry.institution.code if entry else ""
    context = {
        "form": institution_form(new=entry is None), "homes": Form(homes), "values": values, "code": code,
        "tag": entry.tag if entry else "", "api": f"/api/v1/institutions/{quote(code, safe='')}" if entry else "/api/v1/institutions",
        "active": entry.institution.active if entry else True,
    }  # fmt: skip
    return await render(visit, "institution.html", context)


def institution_form(*, new: bool) -> Form:
    """The form of an institution. Its code stays once it is entered."""
    code = Field("code", _("Code"), required=True, max_length=16, help=_("1 to 16 characters: also its AE title and its facility in HL7."))
    levels = tuple(Choice(level.value, LEVELS[level]) for level in Level)
    classes = tuple(Choice(each.value, CLASSES[each]) for each in InstitutionClass)
    return Form(
        (
            *([code] if new else []),
            Field("name", _("Institution name"), required=True, max_length=200),
            Field("name_en", _("English name"), max_length=200),
            Field("level", _("Level"), FieldType.CHOICE, required=True, choices=levels),
            Field("class", _("Class"), FieldType.CHOICE, choices=classes),
            Field("city", _("City"), max_length=64),
            Field("district", _("District"), max_length=64),
            Field("phone", _("Telephone"), max_length=32),
            Field("contacts", _("Contacts"), FieldType.LONG_TEXT, rows=3, max_length=4000,
                  help=_("One a line: name, title, telephone, with commas between.")),
            Field("active", _("Takes part"), FieldType.FLAG,
                  help=_("Switched off, its devices cannot call, and as a hub it is asked nothing.")),
        )
    )  # fmt: skip


@page("GET", "/hubs")
async def hubs(visit: Visit) -> web.StreamResponse:
    """The services of all hubs by hub, and the days that differ."""
    found = await query(visit.application, regions.hubs, visit.person)
    days = await query(visit.application, regions.holidays, visit.person)
    await record_look(visit.application, visit.person, Action.REGION_READ, "hubs")
    network = visit.application.region.network
    without = [each for each in network.institutions.values() if each.level in (Level.MAIN_HUB, Level.SUB_HUB)]
    served = {each.service.hub for each in found}
    context = {
        "groups": [(code, [(each, hub_shape(each)) for each in of]) for code, of in groupby(found, key=lambda each: each.service.hub)],
        "without": [each.code for each in without if each.code not in served],
        "missing": {code: _further(visit, code, found) for code in served | {each.code for each in without}},
        "centres": visit.application.region.centres, "name_of": visit.name_of, "quoted": lambda text: quote(text, safe=""),
        "holidays": days, "days": DAYS, "holiday_form": holiday_form(_named(visit, served)),
        "today": visit.application.now().astimezone(network.zone).date(),
    }  # fmt: skip
    return await render(visit, "hubs.html", context)


def _further(visit: Visit, code: str, found: Sequence[regions.HubEntry]) -> list[Centre]:
    """The centres that the hub does not serve."""
    served = {each.service.centre for each in found if each.service.hub == code}
    return [centre for centre in _centres(visit) if centre.code not in served]


def _named(visit: Visit, codes: Iterable[str]) -> list[Choice]:
    """Institutions to choose from, by code and name."""
    return [Choice(code, f"{code} {visit.name_of(code)}") for code in sorted(codes)]


def holiday_form(hubs: Sequence[Choice]) -> Form:
    """The form of a day that differs from its weekday."""
    return Form(
        (
            Field("date", _("Date"), FieldType.DATE, required=True),
            Field("duty", _("Duty"), FieldType.CHOICE, required=True, choices=tuple(Choice(day.value, DAYS[day]) for day in DayDuty)),
            Field("hub", _("Hub"), FieldType.CHOICE, choices=(Choice("", _("Every hub")), *hubs)),
            Field("name", _("Name of the day"), max_length=64),
        )
    )


@page("GET", "/hubs/edit")
async def edit_hub(visit: Visit) -> web.StreamResponse:
    """The form of a hub's service in a centre, with the duty of two weeks; a service that is not there yet is entered by it."""
    require(visit.person, Action.REGION_READ)
    code, centre = visit.query.get("hub", ""), visit.query.get("centre", "")
    found = await query(visit.application, regions.hubs, visit.person)
    days = await query(visit.application, regions.holidays, visit.person)
    await record_look(visit.application, visit.person, Action.REGION_READ, f"hub/{code} {centre}"[:200])
    entry = next((each for each in found if (each.service.hub, each.service.centre) == (code, centre)), None)
    entry_shown = entry or await _new_entry(visit, code, centre, days)
    above = {each.service.hub for each in found if each.service.centre == centre and each.service.hub != code}
    served = visit.application.region.centres[centre]
    context = {
        "form": hub_form(served, _named(visit, above)), "values": _hub_values(entry_shown), "hub": code, "centre": served,
        "name": visit.name_of(code), "tag": entry.tag if entry else "", "weeks": list(_weeks(visit, entry_shown)), "days": DAYS,
        "api": f"/api/v1/hubs/{quote(code, safe='')}/{quote(centre, safe='')}",
        "today": visit.application.now().astimezone(visit.application.region.network.zone).date(),
    }  # fmt: skip
    return await render(visit, "hub.html", context)


async def _new_entry(visit: Visit, code: str, centre: str, days: Sequence[Holiday]) -> regions.HubEntry:
    """A service that is to be entered. Raises NotFound for a hub or centre that is none."""
    if centre not in visit.application.region.centres:
        await query(visit.application, regions.hub, visit.person, code, centre)
    await query(visit.application, regions.institution, visit.person, code)
    return regions.HubEntry(HubService(code, centre), tuple(each for each in days if each.hub in ("", code)))


def _hub_values(entry: regions.HubEntry) -> dict[str, Any]:
    shape = hub_shape(entry)
    open_choice = ", ".join(shape.covers or [])
    return {
        "parent": shape.parent, "covers": shape.covers or [], "covers_open": open_choice, "two_person": shape.two_person,
        "reader_cap": shape.reader_cap, "duty": "\n".join(shape.duty or []), "active": shape.active,
    }  # fmt: skip


def hub_form(centre: Centre, above: Sequence[Choice]) -> Form:
    """The form of a hub's service."""
    kinds = tuple(Choice(kind.value, KIND_WORDS[kind]) for kind in CaseKind)
    return Form(
        (
            Field("parent", _("Hub above it"), FieldType.CHOICE, choices=(Choice("", _("None: it is the highest")), *above)),
            *_coverage_field(centre),
            Field("two_person", _("Reviewed by a second person"), FieldType.CHOICES, choices=kinds),
            Field("reader_cap", _("Cases that one reader may hold"), FieldType.NUMBER, help=_("Empty: no bound.")),
            Field("duty", _("Duty"), FieldType.LONG_TEXT, rows=4, max_length=2000,
                  help=_("One period a line, such as mon-fri 08:00-17:30; one that ends before it begins runs into the next day."
                         " Empty: round the clock.")),
            Field("active", _("Takes cases"), FieldType.FLAG),
        )
    )  # fmt: skip


def _coverage_field(centre: Centre) -> Iterator[Field]:
    choices = regions.centre_choices(centre)
    if centre.needs is not None:
        marked = tuple(Choice(each, each) for each in choices)
        yield Field("covers", _("What is read here"), FieldType.CHOICES, choices=marked, help=_("None ticked: everything."))
    elif centre.need:
        proposed = ", ".join(choices)
        yield Field(
            "covers_open",
            _("What is read here"),
            max_length=1000,
            help=_("Codes with commas between; empty: everything.") if proposed else "",
        )


def _weeks(visit: Visit, entry: regions.HubEntry) -> Iterator[list[regions.DutyDay]]:
    """The duty of this week and the next, Monday first."""
    today: date = visit.application.now().astimezone(visit.application.region.network.zone).date()
    shown = list(regions.duty_days(entry, today - timedelta(days=today.weekday()), PREVIEW_DAYS))
    for first in range(0, PREVIEW_DAYS, 7):
        yield shown[first : first + 7]


@page("GET", "/region")
async def region(visit: Visit) -> web.StreamResponse:
    """The region's file: to fetch, to try, to take."""
    found = await query(visit.application, regions.region_in_order, visit.person)
    await record_look(visit.application, visit.person, Action.REGION_READ, "region")
    content = found.content
    counts = {
        _("Institutions"): len(content.institutions), _("Hubs"): len({each.hub for each in content.hubs}),
        _("Days that differ"): len(content.holidays), _("Devices"): len(content.devices),
    }  # fmt: skip
    return await render(visit, "region.html", {"counts": counts})
