"""The role `worker`: jobs, deadline checks, maintenance, and what the centres watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from telemed import bootstrap
from telemed.extension import Parts

log = structlog.get_logger()

AGAIN_SECONDS = 1.0
"""From the end of what broke to its next beginning."""


async def _kept_running(run: Callable[[], Awaitable[None]]) -> None:
    """Run until cancelled: what breaks is logged and begun again, so that it neither ends unseen nor stops what runs beside it."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("worker.broken")
        await asyncio.sleep(AGAIN_SECONDS)


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Work until told to stop."""
    async with bootstrap.background(parts) as runs:
        running = [asyncio.create_task(_kept_running(each)) for each in runs]
        log.info("worker.ready")
        await stop.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
