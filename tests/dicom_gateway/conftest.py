"""A running gateway: real database, real store, real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from pydicom.dataset import Dataset
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dicom_gateway import (
    Destination,
    DimseServer,
    Index,
    IndexedInstance,
    Intake,
    Refusal,
    RefusalReason,
    Scope,
    dicomweb_app,
    start_dimse,
)
from dicom_gateway.index import dicom_study, metadata
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.mpps import PerformedStep
from dicom_gateway.pixels import PixelPool
from storage import open_store
from storage.protocol import ObjectStore
from tests import real_files
from tests.databases import for_each_kind
from tests.dicom_gateway.devices import StorageProvider
from tests.postgres_server import PostgresServer

OWNERS = ("CLINIC1", "CLINIC2")


@pytest.fixture(scope="session")
def dicom_folder() -> Path:
    """Return the folder of public DICOM files."""
    if not real_files.files("dicom/*"):
        pytest.skip(real_files.absent("dicom/*"))
    return real_files.FOLDER / "dicom"


@dataclass
class Gateway:
    """Everything of one running gateway; each owner sees its own studies, whatever the door."""

    engine: AsyncEngine
    store: ObjectStore
    index: Index
    intake: Intake
    dimse: DimseServer
    url: str
    hooked: list[IndexedInstance] = field(default_factory=list)
    movers: dict[str, int] = field(default_factory=dict)
    items: dict[str, list[Dataset]] = field(default_factory=dict)
    steps: list[PerformedStep] = field(default_factory=list)
    secure: dict[str, ssl.SSLContext] = field(default_factory=dict)
    """TLS by the AE title of movers that speak it."""

    def headers(self, owner: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {owner}"}


def scope_for(owner: str) -> Scope:
    return Scope(dicom_study.c.owner == owner, owner)


async def _authorise(request: web.Request, action: str) -> Scope:
    owner = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if owner not in OWNERS:
        raise web.HTTPUnauthorized()
    return scope_for(owner)


@pytest.fixture(scope="session")
async def pixel_pool() -> AsyncIterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    await pool.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for_each_kind(metafunc, "engine")


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine with the index's tables, on either database."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'index.sqlite'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_database()
    made = create_async_engine(url)
    async with made.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield made
    await made.dispose()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    opened = open_store((tmp_path / "objects").as_uri())
    yield opened
    await opened.close()


@pytest.fixture
async def gateway(engine: AsyncEngine, store: ObjectStore, pixel_pool: PixelPool) -> AsyncIterator[Gateway]:
    hooked: list[IndexedInstance] = []
    movers: dict[str, int] = {}
    items: dict[str, list[Dataset]] = {}
    steps: list[PerformedStep] = []
    secure: dict[str, ssl.SSLContext] = {}

    def on_indexed(connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        hooked.extend(indexed)

    async def policy(calling: str, called: str, address: str, certificate: bytes) -> Scope | Refusal:
        return scope_for(calling) if calling in OWNERS else Refusal(RefusalReason.CALLING_AE_TITLE_NOT_RECOGNIZED)

    async def destinations(title: str, scope: Scope) -> Destination | None:
        return Destination("127.0.0.1", movers[title], secure.get(title)) if title in movers else None

    async def worklist(scope: Scope, calling_ae: str) -> list[Dataset]:
        return items.get(scope.owner or "", [])

    def on_step(connection: sa.Connection, step: PerformedStep) -> None:
        steps.append(step)

    index, intake = Index(engine, IndexBarrier(store, longest=120)), Intake(engine, store, on_indexed=on_indexed)
    dimse = await start_dimse(index, store, intake, policy, port=0, destinations=destinations, worklist=worklist, on_step=on_step)
    app = web.Application()
    app.add_subapp("/dicomweb", dicomweb_app(index, store, intake, _authorise, pool=pixel_pool))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Gateway(engine, store, index, intake, dimse, f"http://127.0.0.1:{port}/dicomweb", hooked, movers, items, steps, secure)
    await dimse.close()
    await runner.cleanup()
    await intake.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        return port

    return find


def parts_of(content: bytes, content_type: str) -> list[tuple[str, bytes]]:
    """Content type and body of each part of a multipart answer."""
    boundary = content_type.split("boundary=")[1].split(";")[0].strip('"').encode()
    parts = []
    for part in content.split(b"--" + boundary)[1:-1]:
        head, body = part.split(b"\r\n\r\n", 1)
        parts.append((head.decode().split("Content-Type: ")[1].strip(), body.removesuffix(b"\r\n")))
    return parts


def value_of(found: dict[str, Any], tag: str) -> Any:
    """First value of an attribute in DICOM JSON."""
    return found[tag]["Value"][0]


@pytest.fixture
async def destination(gateway: Gateway, free_port: Callable[[], int]) -> AsyncIterator[StorageProvider]:
    made = StorageProvider(free_port())
    gateway.movers["DEST"] = made.port
    server = await asyncio.to_thread(made.start)
    yield made
    await asyncio.to_thread(server.shutdown)
