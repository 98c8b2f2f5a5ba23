"""One role of an installation in this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys

import structlog

from telemed import bootstrap
from telemed.extension import Parts
from telemed.roles import all_roles
from telemed.settings import Settings

log = structlog.get_logger()


async def serve(role: str, settings: Settings, *, until_stdin_closes: bool = False) -> None:
    """Run one role until it is told to stop: by SIGTERM, SIGINT, or the end of standard input where that is asked for."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _stop_at_the_end, sys.stdin.fileno(), stop)
    async with bootstrap.open_parts(settings) as parts, parts.metrics.kept(role):
        refreshing = asyncio.create_task(_refresh(parts))
        try:
            await importlib.import_module(all_roles()[role]).run(parts, stop)
        finally:
            refreshing.cancel()


def _stop_at_the_end(descriptor: int, stop: asyncio.Event) -> None:
    if not os.read(descriptor, 1024):
        asyncio.get_running_loop().remove_reader(descriptor)
        stop.set()


async def _refresh(parts: Parts) -> None:
    while True:
        await asyncio.sleep(10)
        try:
            await parts.application.refresh()
        except Exception as error:
            log.warning("region.not_read_again", error=str(error))
