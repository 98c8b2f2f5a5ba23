"""The network as kept in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_or_nothing
from telemed.adapters.database.rows import duty_from_json, duty_to_json, person_to_row
from telemed.domain.authentication_profile import PROFILES, AuthenticationProfile, ProfileName
from telemed.domain.centre import Centre
from telemed.domain.device_networks import DEFAULT, DeviceNetworks
from telemed.domain.duty import DayDuty, Holiday, days_of
from telemed.domain.network import ApplicationEntity, Contact, EntityUse, HubService, Institution, InstitutionClass, Level, Network
from telemed.domain.people import Person
from telemed.domain.retention import RetentionPeriods
from telemed.service.ports.region import DEMONSTRATION, PRIORS, PriorRules, Region

DISTRICTS = "districts"
"""Region setting: all districts that the network is to cover."""


NAME = "network-name"
"""Region setting: the network's name."""

RETENTION = "retention"
"""Region setting: `{"years": {"outpatient": 20}, "outpatient_members": ["CODE"]}`, see `RetentionPeriods`."""


async def load_region(
    connection: AsyncConnection,
    centres: Mapping[str, Centre],
    zone: str,
    profile: AuthenticationProfile = PROFILES[ProfileName.ASVS],
    device_networks: DeviceNetworks = DEFAULT,
) -> Region:
    """The region as it stands now."""
    institutions = [institution_from_row(row) for row in (await connection.execute(sa.select(t.institution))).mappings()]
    services = (await connection.execute(sa.select(t.hub_service))).mappings().all()
    holidays = [holiday_from_row(row) for row in (await connection.execute(sa.select(t.holiday))).mappings()]
    homes = (await connection.execute(sa.select(t.home_hub))).mappings().all()
    entities = (await connection.execute(sa.select(t.application_entity))).mappings().all()
    settings = {row["name"]: row["value"] for row in (await connection.execute(sa.select(t.region_setting))).mappings()}
    active = {each.code for each in institutions if each.active}
    demonstration = settings.get(DEMONSTRATION) is True
    network = Network(
        institutions={i.code: i for i in institutions},
        services={
            (s["centre"], s["hub"]): replace(service_from_row(s), days=days_of(s["hub"], holidays))
            for s in services
            if s["active"] and s["hub"] in active
        },
        home_hubs={(h["centre"], h["member"]): h["hub"] for h in homes},
        zone=ZoneInfo(zone),
        entities={e["title"]: entity_from_row(e) for e in entities},
        districts=tuple(settings.get(DISTRICTS) or ()),
        holidays=tuple(holidays),
        device_networks=device_networks.in_demonstration() if demonstration else device_networks,
    )
    return Region(
        network,
        centres,
        authentication=profile.in_demonstration() if demonstration else profile,
        priors=_prior_rules(settings.get(PRIORS)),
        retention=_retention_periods(settings.get(RETENTION)),
        name=str(settings.get(NAME) or ""),
        settings=settings,
    )


def _prior_rules(value: object) -> PriorRules:
    """Return the rules; a value that is no number from 1 on leaves the default."""
    given = value if isinstance(value, dict) else {}
    sound = {name: given[name] for name in ("studies", "years") if type(given.get(name)) is int and given[name] > 0}
    return PriorRules(**sound)


def _retention_periods(value: object) -> RetentionPeriods:
    """Return the periods; what is no number of years from 1 on, or no text, is left out."""
    given = value if isinstance(value, dict) else {}
    years, members = given.get("years"), given.get("outpatient_members")
    sound = {name: number for name, number in years.items() if type(number) is int and number > 0} if isinstance(years, dict) else {}
    return RetentionPeriods(sound, frozenset(filter(lambda code: isinstance(code, str), members if isinstance(members, list) else ())))


def institution_from_row(row: sa.RowMapping) -> Institution:
    said = InstitutionClass(row["classification"]) if row["classification"] else None
    people = tuple(Contact(**each) for each in row["contacts"])
    names, place = (row["code"], row["name"], row["name_en"], Level(row["level"])), (row["city"], row["district"])
    return Institution(*names, *place, row["active"], row["phone"], said, people)


def institution_to_row(each: Institution) -> dict[str, Any]:
    names = ("code", "name", "name_en", "city", "district", "active", "phone")
    people = [{"name": person.name, "title": person.title, "phone": person.phone} for person in each.contacts]
    said = {"level": each.level.value, "classification": each.classification or "", "contacts": people}
    return {name: getattr(each, name) for name in names} | said


def service_from_row(row: sa.RowMapping) -> HubService:
    offered = (row["parent"], row["covers"], duty_from_json(row["duty"]), row["two_person"], row["reader_cap"], row["active"])
    return HubService(row["hub"], row["centre"], *offered)


def service_to_row(each: HubService) -> dict[str, Any]:
    names = ("hub", "centre", "parent", "covers", "two_person", "reader_cap", "active")
    return {name: getattr(each, name) for name in names} | {"duty": duty_to_json(each.duty)}


def holiday_from_row(row: sa.RowMapping) -> Holiday:
    return Holiday(row["day"], DayDuty(row["duty"]), row["name"], row["hub"])


def entity_from_row(row: sa.RowMapping) -> ApplicationEntity:
    uses = frozenset(EntityUse(use) for use in row["uses"])
    of = (row["title"], row["institution"], row["host"], row["port"])
    return ApplicationEntity(
        *of, uses, row["character_set"], row["active"], row["calls_from"], row["tls"], row["authority"], row["certificates"]
    )


def entity_to_row(device: ApplicationEntity) -> dict[str, Any]:
    names = ("title", "institution", "host", "port", "character_set", "active", "calls_from", "tls", "authority", "certificates")
    return {name: getattr(device, name) for name in names} | {"uses": frozenset(use.value for use in device.uses)}


async def add_institutions(connection: AsyncConnection, institutions: Sequence[Institution]) -> None:
    for each in institutions:
        await connection.execute(insert_or_nothing(connection, t.institution).values(institution_to_row(each)))


async def add_entities(connection: AsyncConnection, entities: Sequence[ApplicationEntity]) -> None:
    """Adds devices; one that is there already stays as it is."""
    for entity in entities:
        await connection.execute(insert_or_nothing(connection, t.application_entity).values(entity_to_row(entity)))


async def add_services(connection: AsyncConnection, services: Sequence[HubService]) -> None:
    for each in services:
        await connection.execute(insert_or_nothing(connection, t.hub_service).values(service_to_row(each)))


async def add_home_hubs(connection: AsyncConnection, homes: Mapping[tuple[str, str], str]) -> None:
    for (centre, member), hub in homes.items():
        await connection.execute(insert_or_nothing(connection, t.home_hub).values(centre=centre, member=member, hub=hub))


async def add_setting(connection: AsyncConnection, name: str, value: object) -> None:
    """Adds a setting of the region; one that is there already stays as it is."""
    await connection.execute(insert_or_nothing(connection, t.region_setting).values(name=name, value=value))


async def add_districts(connection: AsyncConnection, districts: Sequence[str]) -> None:
    await add_setting(connection, DISTRICTS, list(districts))


async def usernames(connection: AsyncConnection) -> set[str]:
    """Of every account."""
    return set((await connection.execute(sa.select(t.person.c.username))).scalars())


async def add_person(connection: AsyncConnection, person: Person, password_hash: str) -> None:
    """Adds the account; one that is there already stays as it is."""
    values = person_to_row(person) | {"password_hash": password_hash, "password_changed_at": utc_now()}
    await connection.execute(insert_or_nothing(connection, t.person).values(values))
