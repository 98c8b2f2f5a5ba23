"""For operator and system administrator: institutions, hubs, days that differ, and the region as one file."""

from __future__ import annotations

import asyncio
from datetime import date

from aiohttp import web

from telemed.domain.errors import NotFound
from telemed.domain.network import HubService
from telemed.domain.policy import Action, require
from telemed.domain.region import Change, HomeHubs, hub_entry, institution_entry
from telemed.service import regions
from telemed.service.execution import execute, query, record_look
from telemed.service.region_file import LARGEST_FILE, read_region
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.region_inputs import DayQuery, HolidayInput, HubInput, InstitutionInput, NewInstitution, TakeQuery
from telemed.web.api.shapes import Shape
from telemed.web.labels.region import change_text
from telemed.web.problems import Problem

TOML = "application/toml"
INSTITUTION = "/institutions/{code}"
HUB = "/hubs/{hub}/{centre}"


class ContactShape(Shape):
    name: str
    title: str
    phone: str


class RegionInstitutionShape(Shape, rename={"class_": "class"}):
    """`homes` gives the home hub by centre; `etag` is what a change names as If-Match."""

    code: str
    name: str
    name_en: str
    level: str
    class_: str
    city: str
    district: str
    phone: str
    contacts: list[ContactShape]
    active: bool
    homes: dict[str, str]
    etag: str


class RegionInstitutionList(Shape):
    items: list[RegionInstitutionShape]
    next: str | None = None


class HubServiceShape(Shape):
    """`covers` null is everything, `duty` null is round the clock."""

    hub: str
    centre: str
    parent: str
    covers: list[str] | None
    two_person: list[str]
    reader_cap: int | None
    duty: list[str] | None
    active: bool
    etag: str


class HubServiceList(Shape):
    items: list[HubServiceShape]
    next: str | None = None


class HolidayShape(Shape):
    date: str
    duty: str
    name: str
    hub: str


class HolidayList(Shape):
    items: list[HolidayShape]
    next: str | None = None


class ChangeShape(Shape):
    """`sign` is added, changed or removed; `words` says it in the language of the request."""

    sign: str
    kind: str
    key: str
    fields: list[str]
    words: str


class TakenRegionShape(Shape):
    """`dry_run`: nothing was changed."""

    changes: list[ChangeShape]
    dry_run: bool


def institution_shape(entry: regions.InstitutionEntry) -> RegionInstitutionShape:
    values = institution_entry(entry.institution)
    contacts = [ContactShape(**each) for each in values.pop("contacts")]
    return RegionInstitutionShape(class_=values.pop("class"), contacts=contacts, homes=dict(entry.homes.hubs), etag=entry.tag, **values)


def hub_shape(entry: regions.HubEntry) -> HubServiceShape:
    return HubServiceShape(**hub_entry(entry.service), etag=entry.tag)


def change_shape(change: Change) -> ChangeShape:
    return ChangeShape(sign=change.sign.value, kind=change.kind, key=change.key, fields=sorted(change.fields), words=change_text(change))


def _if_match(call: Call[InstitutionInput] | Call[HubInput] | Call[Nothing]) -> str:
    return call.request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')


def _tagged(shape: RegionInstitutionShape | HubServiceShape, status: int = 200) -> web.Response:
    return answer(shape, status, {"ETag": f'"{shape.etag}"'})


def _wanted(code: str, body: InstitutionInput) -> regions.InstitutionEntry:
    homes = HomeHubs(code, {centre: hub for centre, hub in sorted(body.homes.items()) if hub})
    return regions.InstitutionEntry(regions.institution_typed(body.entry(code)), homes)


@operation("GET", "/institutions", returns=RegionInstitutionList, errors=(403,))
async def institutions(call: Call[Nothing]) -> web.Response:
    """All institutions with their contacts and home hubs, by code."""
    found = await query(call.application, regions.institutions, call.person)
    await record_look(call.application, call.person, Action.REGION_READ, "institutions")
    return answer(RegionInstitutionList(items=[institution_shape(each) for each in found]))


@operation(
    "POST",
    "/institutions",
    body=NewInstitution,
    returns=RegionInstitutionShape,
    status=201,
    errors=(403,),
    headers=("ETag",),
    right=Action.REGION_MANAGE,
)
async def add_institution(call: Call[NewInstitution]) -> web.Response:
    """Enter an institution with its home hubs. The very same again changes nothing."""
    require(call.person, Action.REGION_MANAGE)
    entry = await execute(call.application, regions.add_institution, call.person, _wanted(call.body.code, call.body))
    await call.application.refresh()
    return _tagged(institution_shape(entry), 201)


@operation("GET", INSTITUTION, returns=RegionInstitutionShape, errors=(403, 404), headers=("ETag",))
async def institution(call: Call[Nothing]) -> web.Response:
    """One institution with its contacts and home hubs."""
    entry = await query(call.application, regions.institution, call.person, call.path("code"))
    await record_look(call.application, call.person, Action.REGION_READ, f"institution/{entry.institution.code}")
    return _tagged(institution_shape(entry))


@operation(
    "PUT",
    INSTITUTION,
    body=InstitutionInput,
    returns=RegionInstitutionShape,
    errors=(403, 404, 412, 428),
    headers=("ETag",),
    right=Action.REGION_MANAGE,
)
async def change_institution(call: Call[InstitutionInput]) -> web.Response:
    """Change an institution and its home hubs; If-Match names the version it was made from."""
    require(call.person, Action.REGION_MANAGE)
    wanted = _wanted(call.path("code"), call.body)
    entry = await execute(call.application, regions.change_institution, call.person, wanted, _if_match(call))
    await call.application.refresh()
    return _tagged(institution_shape(entry))


@operation("POST", INSTITUTION + "/enable", returns=RegionInstitutionShape, errors=(403, 404, 422))
async def enable_institution(call: Call[Nothing]) -> web.Response:
    """Let an institution that was switched off take part again."""
    return await _switched(call, active=True)


@operation("POST", INSTITUTION + "/disable", returns=RegionInstitutionShape, errors=(403, 404, 422))
async def disable_institution(call: Call[Nothing]) -> web.Response:
    """Switch an institution off: its devices cannot call, as a hub it is asked nothing. Refused where others need it."""
    return await _switched(call, active=False)


async def _switched(call: Call[Nothing], *, active: bool) -> web.Response:
    entry = await execute(call.application, regions.switch_institution, call.person, call.path("code"), active)
    await call.application.refresh()
    return _tagged(institution_shape(entry))


@operation("GET", "/hubs", returns=HubServiceList, errors=(403,))
async def hubs(call: Call[Nothing]) -> web.Response:
    """The services of all hubs: whom each asks further up, what it covers, and when."""
    found = await query(call.application, regions.hubs, call.person)
    await record_look(call.application, call.person, Action.REGION_READ, "hubs")
    return answer(HubServiceList(items=[hub_shape(each) for each in found]))


@operation("GET", HUB, returns=HubServiceShape, errors=(403, 404), headers=("ETag",))
async def hub(call: Call[Nothing]) -> web.Response:
    """The service of one hub in one centre."""
    entry = await query(call.application, regions.hub, call.person, call.path("hub"), call.path("centre"))
    await record_look(call.application, call.person, Action.REGION_READ, f"hub/{entry.service.hub} {entry.service.centre}")
    return _tagged(hub_shape(entry))


@operation("PUT", HUB, body=HubInput, returns=HubServiceShape, errors=(403, 404, 412, 428), headers=("ETag",), right=Action.REGION_MANAGE)
async def put_hub(call: Call[HubInput]) -> web.Response:
    """Enter or change the service of a hub in a centre; a change names its version as If-Match."""
    require(call.person, Action.REGION_MANAGE)
    service: HubService = regions.hub_typed(
        {"hub": call.path("hub"), "centre": call.path("centre"), **call.body.model_dump(exclude_none=True)}
    )
    entry = await execute(call.application, regions.put_hub, call.person, service, _if_match(call))
    await call.application.refresh()
    return _tagged(hub_shape(entry))


@operation("GET", "/holidays", returns=HolidayList, errors=(403,))
async def holidays(call: Call[Nothing]) -> web.Response:
    """The days whose duty is not that of their weekday."""
    found = await query(call.application, regions.holidays, call.person)
    items = [HolidayShape(date=each.day.isoformat(), duty=each.duty.value, name=each.name, hub=each.hub) for each in found]
    await record_look(call.application, call.person, Action.REGION_READ, "holidays")
    return answer(HolidayList(items=items))


@operation("POST", "/holidays", body=HolidayInput, returns=HolidayShape, errors=(403,), right=Action.REGION_MANAGE)
async def put_holiday(call: Call[HolidayInput]) -> web.Response:
    """Say what duty a day has, of one hub or of all. A day that is there already is changed."""
    require(call.person, Action.REGION_MANAGE)
    wanted = regions.holiday_typed(call.body.model_dump())
    each = await execute(call.application, regions.put_holiday, call.person, wanted)
    await call.application.refresh()
    return answer(HolidayShape(date=each.day.isoformat(), duty=each.duty.value, name=each.name, hub=each.hub))


@operation("DELETE", "/holidays/{date}", query=DayQuery, status=204, errors=(403, 404), right=Action.REGION_MANAGE)
async def remove_holiday(call: Call[Nothing]) -> web.Response:
    """The day has the duty of its weekday again; `hub` names whose day it was."""
    require(call.person, Action.REGION_MANAGE)
    try:
        day = date.fromisoformat(call.path("date"))
    except ValueError:
        raise NotFound("holiday", call.path("date")) from None
    await execute(call.application, regions.remove_holiday, call.person, day, call.query.hub)
    await call.application.refresh()
    return web.Response(status=204)


@operation("GET", "/region", returns=str, media_type=TOML, errors=(403,), headers=("ETag",))
async def region(call: Call[Nothing]) -> web.Response:
    """The region as one file in TOML."""
    found = await query(call.application, regions.region_in_order, call.person)
    await record_look(call.application, call.person, Action.REGION_READ, "region")
    headers = {"ETag": f'"{found.tag}"', "Content-Disposition": 'attachment; filename="region.toml"'}
    return web.Response(text=found.text, content_type=TOML, charset="utf-8", headers=headers)


@operation(
    "PUT", "/region", query=TakeQuery, returns=TakenRegionShape, errors=(403, 412, 413, 422, 428), headers=("ETag",),
    request_media_type=TOML, right=Action.REGION_MANAGE,
)  # fmt: skip
async def take_region(call: Call[Nothing]) -> web.Response:
    """Take the region from its file, all or nothing; what it leaves out is switched off. If-Match names the version it replaces."""
    require(call.person, Action.REGION_MANAGE)
    given = await _content(call.request)
    before = await query(call.application, regions.region_in_order, call.person)
    around = regions.surroundings(call.application.region, before.content)
    wanted = await asyncio.to_thread(read_region, given, around)
    if call.query.dry_run:
        changes = await query(call.application, regions.taken_difference, call.person, wanted)
        tag = before.tag
    else:
        changes = await execute(call.application, regions.take_region, call.person, wanted, _if_match(call))
        await call.application.refresh()
        tag = (await query(call.application, regions.region_in_order, call.person)).tag
    said = TakenRegionShape(changes=[change_shape(each) for each in changes], dry_run=call.query.dry_run)
    return answer(said, headers={"ETag": f'"{tag}"'})


async def _content(request: web.Request) -> bytes:
    """The file, as far as one may go."""
    found = bytearray()
    async for part in request.content.iter_chunked(64 * 1024):
        found += part
        if len(found) > LARGEST_FILE:
            raise Problem(413, "too-large", f"{LARGEST_FILE} bytes")
    return bytes(found)
