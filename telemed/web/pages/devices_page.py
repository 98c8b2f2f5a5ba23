"""The devices of the network for the operator: which may call, where they are addressed and for what, and whether they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote

from aiohttp import web

from telemed.domain.device import CHARACTER_SETS, MAX_AUTHORITY
from telemed.domain.forms import Choice, Field, FieldType, Form
from telemed.domain.network import ApplicationEntity, EntityUse
from telemed.domain.policy import Action, require
from telemed.service.devices import find_device, last_calls, list_devices
from telemed.service.execution import query, record_look
from telemed.web.api.devices import DeviceShape, device_shape
from telemed.web.labels.devices import REFUSALS, USES
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

MAX_SHOWN = 500
"""Devices on one page; a filter finds the others."""

MAX_KNOCKED = 20
"""Titles that are not entered and were refused lately."""


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device as one row. `api` is its address in the API, `edit` that of its form, `places` are where it may call from,
    `again` is what would enter it anew."""

    shape: DeviceShape
    api: str
    edit: str
    places: Sequence[str]
    again: Mapping[str, Any]


def _line(device: ApplicationEntity) -> DeviceLine:
    shape = device_shape(device)
    again = {name: getattr(shape, name) for name in DeviceShape.__struct_fields__}
    quoted = quote(shape.title, safe="")
    return DeviceLine(shape, f"/api/v1/devices/{quoted}", f"/devices/edit?title={quoted}", sorted(device.places), again)


@page("GET", "/devices")
async def devices(visit: Visit) -> web.StreamResponse:
    """All devices by institution, or those that fit what was asked for."""
    found = await query(visit.application, list_devices, visit.person)
    await record_look(visit.application, visit.person, Action.DEVICE_MANAGE, "devices")
    wanted = visit.query.get("q", "").strip()[:100]
    fitting = [device for device in found if _fits(visit, device, wanted.casefold())]
    shown = fitting[:MAX_SHOWN]
    calls = {call.title: call for call in await query(visit.application, last_calls, visit.person)}
    entered = {device.title for device in found}
    groups = [(code, [_line(each) for each in group]) for code, group in groupby(shown, key=lambda each: each.institution)]
    return await render(
        visit,
        "devices.html",
        {
            "groups": groups,
            "total": len(found),
            "fitting": len(fitting),
            "shown": len(shown),
            "q": wanted,
            "uses": USES,
            "calls": calls,
            "refusals": REFUSALS,
            "knocked": [call for title, call in calls.items() if call.refused and title not in entered][:MAX_KNOCKED],
            "name_of": visit.name_of,
        },
    )


def _fits(visit: Visit, device: ApplicationEntity, wanted: str) -> bool:
    name = visit.name_of(device.institution)
    return any(wanted in text.casefold() for text in (device.title, device.institution, name, device.host))


@page("GET", "/devices/new")
async def new_device(visit: Visit) -> web.StreamResponse:
    """An empty form, or one with what is known of who was refused."""
    require(visit.person, Action.DEVICE_MANAGE)
    values = {name: visit.query.get(name, "") for name in ("title", "institution", "calls_from")} | {"active": True}
    return await _form_page(visit, values, None)


@page("GET", "/devices/edit")
async def edit_device(visit: Visit) -> web.StreamResponse:
    """The form with what holds now."""
    device = await query(visit.application, find_device, visit.person, visit.query.get("title", ""))
    line = _line(device)
    values = dict(line.again) | {"port": device.port or None, "calls_from": "\n".join(line.shape.calls_from)}
    values |= {"certificates": "\n".join(line.shape.certificates)}
    return await _form_page(visit, values, line)


async def _form_page(visit: Visit, values: Mapping[str, Any], line: DeviceLine | None) -> web.StreamResponse:
    region = visit.application.region
    codes = sorted(region.network.institutions)
    form = device_form([Choice(code, f"{code} {visit.name_of(code)}") for code in codes], new=line is None)
    return await render(visit, "device.html", {"form": form, "values": values, "line": line})


def device_form(institutions: Sequence[Choice], *, new: bool) -> Form:
    """The form of a device. Its title stays once it is entered."""
    uses = tuple(Choice(use.value, USES[use.value]) for use in EntityUse)
    title = Field("title", _("AE title"), required=True, max_length=16, help=_("As the device calls itself: 1 to 16 characters."))
    return Form(
        (
            *([title] if new else []),
            Field("institution", _("Institution"), FieldType.CHOICE, required=True, choices=tuple(institutions)),
            Field("uses", _("What it is addressed for"), FieldType.CHOICES, choices=uses,
                  help=_("A device that only calls (a modality) needs neither, and no address.")),
            Field("host", _("Host name or IP address"), max_length=253),
            Field("port", _("Port"), FieldType.NUMBER, help=_("Often 104 or 11112.")),
            Field("character_set", _("Character set of our answers"), FieldType.CHOICE, open_choice=True, max_length=64,
                  choices=tuple(Choice(term, term) for term in CHARACTER_SETS[:4]), help=_("Empty: the one that it asks in.")),
            Field("calls_from", _("Networks that it may call from"), FieldType.LONG_TEXT, rows=2, max_length=1000,
                  help=_("One a line, such as 192.0.2.0/24 or 192.0.2.7. Empty: its own address, or anywhere with its certificate.")),
            Field("certificates", _("Certificates that it may show (SHA-256 fingerprints)"), FieldType.LONG_TEXT, rows=2, max_length=1000,
                  help=_("One a line, as `openssl x509 -fingerprint -sha256` prints it. No other certificate may call by this AE title.")),
            Field("tls", _("Is called over TLS"), FieldType.FLAG),
            Field("authority", _("Authority of its certificate, or the certificate itself (PEM)"), FieldType.LONG_TEXT, rows=3,
                  max_length=MAX_AUTHORITY,
                  help=_("Empty: an authority that this installation trusts, and the name in the certificate is the address.")),
            Field("active", _("Takes part: may call and be addressed"), FieldType.FLAG),
        )
    )  # fmt: skip
