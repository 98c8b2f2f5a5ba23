"""The role `mllp`: HL7 v2 messages of members' systems, and ASTM of analysers."""

from __future__ import annotations

import asyncio

import structlog

from telemed.centres.lab.adapters.astm_server import AstmServer
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.mllp_server import Limits, MllpServer
from telemed.centres.lab.settings import LabSettings
from telemed.extension import Parts
from telemed.listening import plain_port_error

log = structlog.get_logger()


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Serve until told to stop."""
    settings, host = parts.settings.of(LabSettings), parts.settings.host
    intake = MessageIntake(parts.application)
    server = MllpServer(intake, Limits(settings.mllp_largest, settings.mllp_idle_seconds))
    with plain_port_error(host, settings.mllp_port, "TELEMED_MLLP_PORT"):
        await server.listen(host, settings.mllp_port, settings.mllp_tls_context, shared=settings.mllp_processes > 1)
    analysers = AstmServer(parts.application, intake, settings.mllp_idle_seconds)
    if settings.astm_port:
        with plain_port_error(host, settings.astm_port, "TELEMED_ASTM_PORT"):
            await analysers.listen(host, settings.astm_port, shared=settings.mllp_processes > 1)
    log.info("mllp.ready", port=settings.mllp_port, astm=settings.astm_port)
    try:
        await stop.wait()
    finally:
        await analysers.close()
        await server.close()
        await intake.close()
