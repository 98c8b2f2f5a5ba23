"""The network as kept in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from telemed.domain.network import ApplicationEntity, EntityUse, HubService, Institution, Level, Network
from telemed.domain.people import Person
from telemed.service.ports.region import PriorRules, Region

DISTRICTS = "districts"
"""Region setting: all districts that the network is to cover."""

PRIORS = "priors"
"""Region setting: `{"studies": 10, "years": 10}`, see `PriorRules`."""


DEMONSTRATION = "demonstration"
"""Region setting: true where the people are made up and their password is published."""


async def load_region(
    connection: AsyncConnection,
    centres: Mapping[str, Centre],
    zone: str,
    profile: AuthenticationProfile = PROFILES[ProfileName.ASVS],
) -> Region:
    """The region as it stands now."""
    institutions = (await connection.execute(sa.select(t.institution))).mappings().all()
    services = (await connection.execute(sa.select(t.hub_service))).mappings().all()
    homes = (await connection.execute(sa.select(t.home_hub))).mappings().all()
    entities = (await connection.execute(sa.select(t.application_entity))).mappings().all()
    settings = {row["name"]: row["value"] for row in (await connection.execute(sa.select(t.region_setting))).mappings()}
    network = Network(
        institutions={
            i["code"]: Institution(i["code"], i["name"], i["name_en"], Level(i["level"]), i["city"], i["district"], i["active"], i["phone"])
            for i in institutions
        },
        services={
            (s["centre"], s["hub"]): HubService(
                s["hub"], s["centre"], s["parent"], s["covers"], duty_from_json(s["duty"]), s["two_person"], s["reader_cap"]
            )
            for s in services
        },
        home_hubs={(h["centre"], h["member"]): h["hub"] for h in homes},
        zone=ZoneInfo(zone),
        entities={e["title"]: entity_from_row(e) for e in entities},
        districts=tuple(settings.get(DISTRICTS) or ()),
    )
    authentication = profile.in_demonstration() if settings.get(DEMONSTRATION) is True else profile
    return Region(network, centres, authentication=authentication, priors=_prior_rules(settings.get(PRIORS)), settings=settings)


def _prior_rules(value: object) -> PriorRules:
    """Return the rules; a value that is no number from 1 on leaves the default."""
    given = value if isinstance(value, dict) else {}
    sound = {name: given[name] for name in ("studies", "years") if type(given.get(name)) is int and given[name] > 0}
    return PriorRules(**sound)


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
    for i in institutions:
        values = {"code": i.code, "name": i.name, "name_en": i.name_en, "level": i.level.value, "city": i.city, "district": i.district}
        await connection.execute(insert_or_nothing(connection, t.institution).values(**values, active=i.active, phone=i.phone))


async def add_entities(connection: AsyncConnection, entities: Sequence[ApplicationEntity]) -> None:
    """Adds devices; one that is there already stays as it is."""
    for entity in entities:
        await connection.execute(insert_or_nothing(connection, t.application_entity).values(entity_to_row(entity)))


async def add_services(connection: AsyncConnection, services: Sequence[HubService]) -> None:
    for s in services:
        values = {"hub": s.hub, "centre": s.centre, "parent": s.parent, "covers": s.covers, "two_person": s.two_person}
        row = values | {"duty": duty_to_json(s.duty), "reader_cap": s.reader_cap}
        await connection.execute(insert_or_nothing(connection, t.hub_service).values(row))


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
