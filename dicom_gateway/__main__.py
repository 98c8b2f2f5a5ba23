"""`python -m dicom_gateway serve`: a small archive on its own, over SQLite and a folder."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dicom_gateway import Destination, Index, Intake, Scope, dicomweb_app, start_dimse
from dicom_gateway.index import metadata
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.intake import ASIDE, PLACE
from dicom_gateway.objects import Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import QUIET, StudyWatch
from storage import open_store
from storage.privacy import narrow, write_privately
from storage.space import Reserve, SpaceGuard

log = logging.getLogger(__name__)
INDEX = "index.sqlite"


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m dicom_gateway", description=__doc__)
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="receive, answer queries, give back")
    serve.add_argument("--port", type=int, default=11112, help="DIMSE port (default: 11112)")
    serve.add_argument("--http-port", type=int, default=8042, help="DICOMweb port (default: 8042)")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; whoever reaches it may read and write")
    serve.add_argument("--data", type=Path, required=True, help="folder for objects and index")
    serve.add_argument("--aet", default="ARCHIVE", help="AE title (default: ARCHIVE)")
    serve.add_argument(
        "--ae",
        type=_entity,
        action="append",
        default=[],
        metavar="TITLE=HOST:PORT",
        help=("where C-MOVE may send and storage commitment is reported; may be given several times"),
    )
    serve.add_argument("--quiet", type=float, default=QUIET.total_seconds(), help="seconds without arrivals after which a study is stable")
    arguments = parser.parse_args()
    write_privately()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(_serve(arguments))


def _durable_sqlite(engine: AsyncEngine) -> None:
    """WAL, and a commit that survives a power cut."""

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


async def _everything(*_: object) -> Scope:
    """Alone there is one tenant, and no one to ask."""
    return Scope(sa.true(), owner="local")


def _entity(text: str) -> tuple[str, Destination]:
    """AE title and address from the command line."""
    title, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not (0 < len(title) <= 16 and host and port.isdigit() and 0 < int(port) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form TITLE=HOST:PORT")
    return title, Destination(host, int(port))


def _make_private(folder: Path) -> None:
    """Make the folder; one that is there and ours is narrowed, with the files of the index, so that nobody else reads them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / INDEX).exists():
        return  # with other things in it: somebody else's perhaps, and what is written is private all the same
    for path in (folder, *folder.glob(f"{INDEX}*"), folder / "objects"):
        try:
            if path.exists() and narrow(path):
                log.warning("%s could be read by others; it is its owner's alone now", path)
        except OSError as error:
            log.warning("%s can be read by others: %s", path, error.strerror)


async def _serve(arguments: argparse.Namespace) -> None:
    _make_private(arguments.data)
    engine = create_async_engine(f"sqlite+aiosqlite:///{arguments.data / INDEX}")
    _durable_sqlite(engine)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    space = SpaceGuard({"archive": arguments.data}, Reserve(), (PLACE, ASIDE))
    store = open_store((arguments.data / "objects").resolve().as_uri(), space=space)
    index, intake = Index(engine, IndexBarrier(store)), Intake(engine, store, space=space)
    known = dict(arguments.ae)

    async def destinations(title: str, _: Scope) -> Destination | None:
        return known.get(title)

    where = {"ae_title": arguments.aet, "host": arguments.host, "port": arguments.port}
    dimse = await start_dimse(index, store, intake, _everything, destinations=destinations, **where)
    watch, pool = StudyWatch(engine, quiet=timedelta(seconds=arguments.quiet)), PixelPool()
    documents = SeriesDocuments(index, Objects(index, store), pool)
    watching = asyncio.create_task(watch.run(lambda study: documents.prepare(study.id)))
    warming = asyncio.create_task(pool.warm())
    app = web.Application()
    app.add_subapp("/dicomweb", dicomweb_app(index, store, intake, _everything, pool=pool, watch=watch))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, arguments.host, arguments.http_port).start()
    print(
        f"DIMSE {arguments.aet}@{arguments.host}:{dimse.port}, DICOMweb http://{arguments.host}:{arguments.http_port}/dicomweb",
        flush=True,
    )
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    watching.cancel()
    await asyncio.gather(watching, warming, return_exceptions=True)
    await dimse.close()
    await runner.cleanup()
    await pool.close()
    await intake.close()
    await store.close()
    await engine.dispose()


if __name__ == "__main__":
    main()
