"""The platform without its processes: a real database of either kind, a real store, the demo region, a clock to move."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway import Intake
from storage import ObjectStore, open_store
from telemed import centres
from telemed.adapters.application import SqlApplication
from telemed.adapters.clock import utc_now
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.dicom.study_repository import StudyArrivals
from telemed.adapters.printing.report_renderer import PdfReportRenderer
from telemed.bootstrap import centre_parts
from telemed.settings import Settings
from telemed.web.i18n import DEFAULT_LANGUAGE, translations
from tests.databases import for_each_kind
from tests.demo_region import PASSWORDS, DemoRegion, put_in_place, running_region
from tests.once import one_at_a_time
from tests.postgres_server import PostgresServer
from tests.telemed.audit_details import undecided_details
from tests.telemed.harness import Harness
from tests.telemed.moments import Clock

REGION = "region"
"""The database of the run that others are copied from."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Callable[[], PostgresServer]:
    """The server of PostgreSQL, where it is wanted."""

    def asked() -> PostgresServer:
        found: PostgresServer = request.getfixturevalue("postgres_server")
        return found

    return asked


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of one installation, which all databases of this run belong to."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def printers() -> Iterator[Executor]:
    """Prints in a thread: a process of its own takes seconds to start."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(scope="session")
async def postgres_region(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> str:
    """The address of a database with the demo region, to copy."""
    with one_at_a_time(tmp_path_factory, "region-postgres") as folder:
        if not postgres_server.has(REGION):
            made = postgres_server.new_database()
            await put_in_place(Settings(data_dir=folder, database_url=made))
            postgres_server.rename(made, REGION)
    return postgres_server.named(REGION)


@pytest.fixture(scope="session")
async def region(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[DemoRegion]:
    """The demo region over HTTP, one for all tests that a process runs: each makes cases of its own."""
    async with running_region(tmp_path_factory.mktemp("region"), region_database) as running:
        yield running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for_each_kind(metafunc, "database_url")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own with the demo region, of either kind."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("region_database"), tmp_path / "telemed.db")
        yield f"sqlite:///{tmp_path}/telemed.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database(like=request.getfixturevalue("postgres_region"))
    yield url
    server.drop(url)


@pytest.fixture
async def engine(database_url: str, keys: Path) -> AsyncIterator[AsyncEngine]:
    made = make_engine(database_url, sealer=Sealer.of(keys / "identity.key"))
    yield made
    assert await undecided_details(made) == set()
    await made.dispose()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    opened = open_store((tmp_path / "objects").as_uri())
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(utc_now())


@pytest.fixture
async def application(
    engine: AsyncEngine, store: ObjectStore, keys: Path, printers: Executor, clock: Clock
) -> AsyncIterator[SqlApplication]:
    """Where use cases are carried out, as in a process of the platform."""
    opened = await open_office(engine, store, keys, printers, clock)
    yield opened
    await opened.refusals.close()


async def open_office(engine: AsyncEngine, store: ObjectStore, keys: Path, printers: Executor, clock: Clock) -> SqlApplication:
    language = translations(DEFAULT_LANGUAGE)
    press = PdfReportRenderer(store, printers, keys, "http://telemed.test", DEFAULT_LANGUAGE, language.gettext)
    made = SqlApplication(engine, store, centres.discover(), PASSWORDS, press, "Asia/Shanghai", clock, centre_parts(centres.extensions()))
    await made.refresh()
    return made


@pytest.fixture
async def intake(application: SqlApplication, store: ObjectStore) -> AsyncIterator[Intake]:
    """The one intake for DICOM objects, with the platform's hook."""
    opened = Intake(application.engine, store, on_indexed=StudyArrivals("Asia/Shanghai"))
    yield opened
    await opened.close()


@pytest.fixture
def harness(application: SqlApplication, clock: Clock) -> Harness:
    """People of the demo region at work."""
    return Harness(application, clock)
