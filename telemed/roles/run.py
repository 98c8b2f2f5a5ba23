"""What each role of an installation does in its process: web, gateway, worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from telemed import bootstrap
from telemed.adapters.database.engine import DatabaseUnavailable
from telemed.bootstrap import Parts
from telemed.listening import plain_port_error
from telemed.settings import Settings

log = structlog.get_logger()

Role = Callable[[Parts, asyncio.Event], Awaitable[None]]


async def run_web(parts: Parts, stop: asyncio.Event) -> None:
    settings = parts.settings
    runner = web.AppRunner(bootstrap.web_application(parts), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        with plain_port_error(settings.host, settings.http_port, "TELEMED_HTTP_PORT"):
            await web.TCPSite(runner, settings.host, settings.http_port, backlog=512).start()
        log.info("web.ready", address=settings.address)
        await stop.wait()
    finally:
        await runner.cleanup()


async def run_gateway(parts: Parts, stop: asyncio.Event) -> None:
    settings = parts.settings
    with plain_port_error(settings.host, settings.dicom_port, "TELEMED_DICOM_PORT"):
        server = await bootstrap.dicom_gateway(parts)
    log.info("gateway.ready", port=settings.dicom_port, ae_title=settings.ae_title)
    try:
        await stop.wait()
    finally:
        await server.close()
        await parts.intake.close()


async def run_worker(parts: Parts, stop: asyncio.Event) -> None:
    async with bootstrap.workers(parts) as workers:
        running = [asyncio.create_task(run()) for run in workers]
        log.info("worker.ready")
        await stop.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


ROLES: dict[str, Role] = {"web": run_web, "gateway": run_gateway, "worker": run_worker}


async def serve(role: str, settings: Settings, *, until_stdin_closes: bool = False) -> None:
    """Run one role until it is told to stop: by SIGTERM, SIGINT, or the end of standard input where that is asked for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _stop_at_the_end, sys.stdin.fileno(), stop)
    async with bootstrap.open_parts(settings) as parts:
        refreshing = asyncio.create_task(_refresh(parts))
        try:
            await ROLES[role](parts, stop)
        finally:
            refreshing.cancel()


def _stop_at_the_end(descriptor: int, stop: asyncio.Event) -> None:
    if not os.read(descriptor, 1024):
        asyncio.get_running_loop().remove_reader(descriptor)
        stop.set()


async def _refresh(parts: Parts) -> None:
    while True:
        await asyncio.sleep(10)
        with contextlib.suppress(DBAPIError, DatabaseUnavailable, OSError):
            await parts.application.refresh()
