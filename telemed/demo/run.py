"""`telemed demo`: the region put in place, all roles started, sample cases played through the doors."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import aiohttp
from rich.console import Console
from rich.table import Table

from storage.errors import StorageError
from telemed.adapters.database.engine import DatabaseUnavailable, make_engine
from telemed.adapters.database.repositories.region import (
    add_districts,
    add_entities,
    add_home_hubs,
    add_institutions,
    add_person,
    add_services,
    add_setting,
    usernames,
)
from telemed.adapters.passwords import Argon2Passwords
from telemed.centres.ecg.ports import REQUESTS as ECG_REQUESTS
from telemed.demo import region
from telemed.listening import check_shared_ports
from telemed.service.ports.people import Passwords
from telemed.service.ports.region import DEMONSTRATION
from telemed.settings import Settings
from telemed.supervisor import Supervisor, shared_ports

READY_SECONDS = 60
FIRST_CASES = 24
"""So many sample cases are there before a visitor is told that the region is ready: every list has some."""
FIRST_SECONDS = 120.0
"""So long they are waited for at most: the others, and these, go on arriving."""
TOLD_EVERY = 8
"""Cases between two lines that say how many have arrived."""


class Arrival:
    """How many sample cases have arrived, told on the console once somebody was welcomed."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self._played, self._all, self._telling = 0, 0, False

    def __call__(self, played: int, of_all: int) -> None:
        """One more."""
        self._played, self._all = played, of_all
        if played >= min(FIRST_CASES, of_all):
            self.first.set()
        if self._telling and (played % TOLD_EVERY == 0 or played == of_all):
            self._tell()

    def announce(self) -> None:
        """Tell from here on; the first line says how many are there."""
        self._telling = True
        if self._all and self._played < self._all:
            self._tell()

    def _tell(self) -> None:
        words = (
            "演示病例已全部到达 / all sample cases are there" if self._played == self._all else "演示病例正在到达 / sample cases arriving"
        )
        print(f"{words}: {self._played}/{self._all}", flush=True)


async def run_demo(settings: Settings, *, with_cases: bool) -> int:
    """Until told to stop. Returns the exit status."""
    await put_region(settings)
    ports = shared_ports(settings)
    check_shared_ports(ports)
    supervisor = Supervisor(ports)
    serving = asyncio.create_task(supervisor.run())
    ready = asyncio.create_task(_ready(settings))
    await asyncio.wait([serving, ready], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        ready.cancel()
        return serving.result()
    arrival = Arrival()
    playing = asyncio.create_task(_play(settings, supervisor, arrival)) if with_cases else None
    try:
        if playing:
            await asyncio.wait(
                [serving, playing, asyncio.create_task(arrival.first.wait())], timeout=FIRST_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        welcome(settings)
        arrival.announce()
        return await serving
    finally:
        if playing:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)


async def put_region(settings: Settings, passwords: Passwords | None = None) -> None:
    """Institutions, hubs and accounts; what is there already stays as it is."""
    engine = make_engine(settings.database)
    try:
        async with engine.begin() as connection:
            await add_institutions(connection, region.INSTITUTIONS)
            await add_entities(connection, region.DEVICES)
            await add_districts(connection, region.DISTRICTS)
            await add_setting(connection, DEMONSTRATION, True)
            await add_setting(connection, ECG_REQUESTS, list(region.ECG_REQUESTS))
            await add_services(connection, region.hub_services())
            homes = {(centre, member): hub for centre in region.CENTRES for member, hub in region.HOME_HUBS.items()}
            await add_home_hubs(connection, homes)
            known = await usernames(connection)
            missing = [person for person in region.accounts() if person.username not in known]
            password_hash = await (passwords or Argon2Passwords()).hash(region.PASSWORD) if missing else ""
            for person in missing:
                await add_person(connection, person, password_hash)
    finally:
        await engine.dispose()


async def _ready(settings: Settings) -> None:
    address = f"http://{settings.host}:{settings.http_port}/readyz"
    async with aiohttp.ClientSession() as session:
        for _ in range(READY_SECONDS * 10):
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with session.get(address) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


async def _play(settings: Settings, supervisor: Supervisor, arrival: Arrival) -> None:
    """Play the story until its end, or until the roles are about to stop: it would only run into closed doors."""
    from telemed.demo.play import play_story

    playing = asyncio.create_task(play_story(settings, arrived=arrival))
    stopping = asyncio.create_task(supervisor.stopping())
    try:
        await asyncio.wait([playing, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        playing.cancel()
        stopping.cancel()
    try:
        await playing
    except (DatabaseUnavailable, StorageError, OSError) as error:
        print(f"telemed: the sample cases cannot be played: {error}", file=sys.stderr)


def welcome(settings: Settings) -> None:
    """Addresses, accounts, AE titles."""
    console = Console(highlight=False)
    console.print()
    console.print(f"[bold]南京远程诊断 · Telemed[/]  {settings.address}", soft_wrap=True)
    console.print(
        f"DICOM  {settings.ae_title}@{settings.host}:{settings.dicom_port}   AE: {', '.join(i.code for i in region.INSTITUTIONS[:-1])}",
        soft_wrap=True,
    )
    table = Table("帐号 / account", "姓名", "机构 / institution", "角色 / role", box=None, pad_edge=False)
    for person in region.accounts():
        table.add_row(person.username, person.name, person.institution, ", ".join(sorted(r.value for r in person.roles)))
    console.print(table)
    console.print(f"密码 / password: [bold]{region.PASSWORD}[/]      Ctrl-C 停止 / stops")
