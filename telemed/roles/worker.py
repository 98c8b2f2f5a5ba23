"""The role `worker`: jobs, deadline checks, maintenance, and what the centres watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import structlog

from telemed import bootstrap
from telemed.extension import Parts

log = structlog.get_logger()


async def _until_it_ends(running: Awaitable[None]) -> None:
    await running


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Work until told to stop."""
    async with bootstrap.background(parts) as runs:
        running = [asyncio.create_task(_until_it_ends(each())) for each in runs]
        log.info("worker.ready")
        await stop.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
