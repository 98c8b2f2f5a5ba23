"""The platform's DICOM port under TLS, by its settings alone."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from telemed import bootstrap
from telemed.adapters.database import make_engine
from telemed.adapters.migrate import migrate
from telemed.demo.run import put_region
from telemed.settings import Settings
from tests.demo_region import free_port
from tests.dicom_gateway.certificates import Authority, client_context
from tests.dicom_gateway.peer import connected


async def welcomed(port: int, context: ssl.SSLContext | None) -> bool:
    """Whether CLINIC1 comes into an association."""
    try:
        async with asyncio.timeout(10), connected(port, context) as peer:
            await peer.associate()
            return True
    except (OSError, asyncio.IncompleteReadError):  # ssl.SSLError is an OSError
        return False


async def test_peers_show_a_certificate_where_the_settings_ask_for_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = Settings(
        data_dir=tmp_path / "data", dicom_port=free_port(), dicom_tls=str(authority.issue("gateway")), dicom_tls_clients=str(authority.file)
    )
    settings.data_dir.mkdir()
    engine = make_engine(settings.database)
    await migrate(engine)
    await engine.dispose()
    await put_region(settings)
    async with bootstrap.open_parts(settings) as parts:
        gateway = await bootstrap.dicom_gateway(parts)
        try:
            known, nobody = client_context(authority.file, authority.issue("clinic1")), client_context(authority.file)
            assert await welcomed(settings.dicom_port, known)
            assert not await welcomed(settings.dicom_port, nobody)
            assert not await welcomed(settings.dicom_port, None)
        finally:
            await gateway.close()
            await parts.intake.close()
