"""`telemed device`: the AE titles of the network's devices, their addresses and what they are addressed for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from telemed.adapters import tables as t
from telemed.adapters.database import make_engine
from telemed.adapters.network_table import entity_from_row
from telemed.domain.network import ApplicationEntity, EntityUse
from telemed.settings import Settings

TITLE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
"""An AE title: up to 16 characters, no backslash, no space at its ends (PS3.5 table 6.2-1)."""


class WrongDevice(ValueError):
    """The sentence says what is wrong."""


def device_of(
    title: str, institution: str, address: str, uses: list[str], character_set: str, calls_from: Sequence[str] = ()
) -> ApplicationEntity:
    """A device from what was typed. `address` is host:port or empty, `calls_from` networks. Raises `WrongDevice`."""
    if not TITLE.fullmatch(title):
        raise WrongDevice(f"{title!r} is no AE title: 1 to 16 ASCII characters without a backslash")
    host, _, port = address.rpartition(":")
    if address and not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise WrongDevice(f"{address!r} is no address of the form host:port")
    known = {use.value for use in EntityUse}
    if wrong := sorted(set(uses) - known):
        raise WrongDevice(f"there is no use {', '.join(wrong)}; there are {', '.join(sorted(known))}")
    if uses and not address:
        raise WrongDevice("a device that is addressed needs an address: --address host:port")
    try:
        networks = frozenset(str(ip_network(network)) for network in calls_from)
    except ValueError as error:
        raise WrongDevice(f"{error}; a network is written 192.0.2.0/24, one address 192.0.2.7") from None
    called = frozenset(map(EntityUse, uses))
    return ApplicationEntity(title, institution, host, int(port or 0), called, character_set, calls_from=networks)


async def put_device(settings: Settings, device: ApplicationEntity) -> None:
    """Add the device, or change the one of this title. Raises `WrongDevice` for an institution that is not there, and for a title
    that is another institution's code."""
    engine = make_engine(settings.database)
    try:
        async with engine.begin() as connection:
            codes = set(await connection.scalars(sa.select(t.institution.c.code)))
            if device.institution not in codes:
                raise WrongDevice(f"there is no institution {device.institution}")
            if device.title in codes - {device.institution}:
                raise WrongDevice(f"{device.title} is the code of another institution")
            table = t.application_entity
            await connection.execute(sa.delete(table).where(table.c.title == device.title))
            values = {"title": device.title, "institution": device.institution, "host": device.host, "port": device.port}
            more = {"uses": frozenset(use.value for use in device.uses), "character_set": device.character_set}
            await connection.execute(sa.insert(table).values(values | more | {"active": True, "calls_from": device.calls_from}))
    finally:
        await engine.dispose()


async def remove_device(settings: Settings, title: str) -> bool:
    """False where there was none."""
    engine = make_engine(settings.database)
    try:
        async with engine.begin() as connection:
            table = t.application_entity
            return bool((await connection.execute(sa.delete(table).where(table.c.title == title))).rowcount)
    finally:
        await engine.dispose()


async def show_devices(settings: Settings, console: Console) -> None:
    """All devices as a table."""
    engine = make_engine(settings.database)
    try:
        async with engine.connect() as connection:
            rows = (await connection.execute(sa.select(t.application_entity).order_by(t.application_entity.c.title))).mappings().all()
    finally:
        await engine.dispose()
    table = Table("AE title", "institution", "address", "addressed for", "calls from", "character set", box=None)
    for device in map(entity_from_row, rows):
        address = f"{device.host}:{device.port}" if device.host else ""
        lists = (", ".join(sorted(names)) for names in (device.uses, device.calls_from))
        table.add_row(device.title, device.institution, address, *lists, device.character_set)
    console.print(table)
