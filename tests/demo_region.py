"""The demo region in this process: real SQLite, a real folder, a real HTTP server, the worker's work done on request."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from argon2 import profiles

from telemed import bootstrap
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.passwords import Argon2Passwords
from telemed.centres import migrations
from telemed.demo.region import PASSWORD
from telemed.demo.run import put_region
from telemed.domain.centre import Centre
from telemed.extension import CentreExtension, Parts
from telemed.roles.gateway import dicom_gateway
from telemed.roles.web import connection_limits, web_application
from telemed.settings import Settings
from telemed.web.connections import BoundedRunner
from tests.telemed.audit_details import undecided_details

PASSWORDS = Argon2Passwords(profiles.CHEAPEST)
"""For accounts of tests: what a guess costs is nothing that they are about."""


@dataclass
class Answer:
    """Status, decoded JSON (or bytes) and headers."""

    status: int
    body: Any
    headers: Any


@dataclass
class DemoRegion:
    """`home` is the address; `call` speaks to it as one of the accounts."""

    home: str
    parts: Parts
    http: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, username: str) -> str:
        if username not in self.tokens:
            async with self.http.post("/api/v1/login", json={"username": username, "password": PASSWORD}) as answer:
                self.tokens[username] = (await answer.json())["token"]
        return self.tokens[username]

    async def call(
        self, method: str, path: str, body: Any = None, *, user: str = "", headers: dict[str, str] | None = None, data: Any = None
    ) -> Answer:
        sent = dict(headers or {})
        if user:
            sent["Authorization"] = f"Bearer {await self.token(user)}"
        async with self.http.request(method, path, json=body, data=data, headers=sent, allow_redirects=False) as answer:
            content = await answer.read()
            decoded = json.loads(content) if "json" in answer.content_type and content else content
            return Answer(answer.status, decoded, answer.headers)

    async def step(self, case_id: str, step: str, body: Any = None, *, user: str) -> Answer:
        """POST a step of a case."""
        return await self.call("POST", f"/api/v1/cases/{case_id}/{step}", body or {}, user=user)

    async def work(self) -> None:
        """Do what waits for the worker."""
        worker = bootstrap.worker(self.parts)
        while await worker.once():
            await worker.finish()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def put_in_place(settings: Settings) -> None:
    """Bring an empty database to the newest schema and put the demo region into it."""
    engine = make_engine(settings.database)
    await migrate(engine, migrations())
    await engine.dispose()
    await put_region(settings, PASSWORDS)


@asynccontextmanager
async def running_region(
    folder: Path, database: Path, centres: Mapping[str, Centre] | None = None, extensions: Sequence[CentreExtension] | None = None
) -> AsyncIterator[DemoRegion]:
    """The demo region, a copy of `database`, with its data in `folder`, until the end of the block.

    `centres` and `extensions` stand in place of those that are installed.
    """
    settings = Settings(data_dir=folder, http_port=free_port())
    shutil.copyfile(database, folder / "telemed.db")
    if extensions:
        engine = make_engine(settings.database)
        await migrate(engine, [extension.migrations for extension in extensions if extension.migrations])
        await engine.dispose()
    async with bootstrap.open_parts(settings, centres, extensions) as parts, served(parts) as running:
        yield running
        assert await undecided_details(parts.application.engine) == set()


@asynccontextmanager
async def served(parts: Parts, cookies: aiohttp.abc.AbstractCookieJar | None = None) -> AsyncIterator[DemoRegion]:
    """The web of these parts, until the end of the block."""
    settings = parts.settings
    runner = BoundedRunner(web_application(parts), connection_limits(settings), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.http_port).start()
    async with aiohttp.ClientSession(settings.address, cookie_jar=cookies) as http:
        yield DemoRegion(settings.address, parts, http)
    await runner.cleanup()


@asynccontextmanager
async def served_with_gateway(settings: Settings) -> AsyncIterator[DemoRegion]:
    """A region that was put in place, over HTTP and with its gateway, until the end of the block."""
    async with bootstrap.open_parts(settings) as parts:
        server = await dicom_gateway(parts)
        async with served(parts) as running:
            yield running
        await server.close()
        await parts.intake.close()


async def new_case(region: DemoRegion, centre: str = "imaging", *, user: str = "clinic1", name: str = "张伟", **request: str) -> str:
    """A draft; returns its id."""
    wanted = {"reason": "头痛三天"} | ({"modality": "CT", "body_part": "HEAD"} if centre == "imaging" else {}) | request
    patient = {"name": name, "sex": "male", "birth_date": "1961-03-05"}
    answer = await region.call("POST", "/api/v1/cases", {"centre": centre, "patient": patient, "request": wanted}, user=user)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])
