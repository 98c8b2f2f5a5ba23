"""Who gets into the platform's DICOM port: by certificate, by the network that a device calls from."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console

from dicom_gateway.upper_layer.pdu import PDUType
from telemed import bootstrap
from telemed.devices_command import WrongDevice, device_of, put_device, remove_device, show_devices
from telemed.domain.people import Person, Role
from telemed.extension import Parts
from telemed.roles.gateway import dicom_gateway
from telemed.service.devices import last_calls
from telemed.settings import Settings
from tests.demo_region import free_port, put_in_place
from tests.dicom_gateway.certificates import Authority, client_context
from tests.dicom_gateway.peer import connected, request

OPERATOR = Person("operator", "", "NETWORK", frozenset({Role.OPERATOR}))


async def welcomed(port: int, context: ssl.SSLContext | None) -> bool:
    """Whether CLINIC1 comes into an association."""
    try:
        async with asyncio.timeout(10), connected(port, context) as peer:
            await peer.send(request().encode())
            kind, _ = await peer.pdu()
            return kind == PDUType.ASSOCIATE_AC
    except (OSError, asyncio.IncompleteReadError):  # ssl.SSLError is an OSError
        return False


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Parts]:
    settings.data_dir.mkdir()
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts:
        server = await dicom_gateway(parts)
        try:
            yield parts
        finally:
            await server.close()
            await parts.intake.close()


async def test_peers_show_a_certificate_where_the_settings_ask_for_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = Settings(
        data_dir=tmp_path / "data", dicom_port=free_port(), dicom_tls=str(authority.issue("gateway")), dicom_tls_clients=str(authority.file)
    )
    async with gateway(settings):
        assert await welcomed(settings.dicom_port, client_context(authority.file, authority.issue("clinic1")))
        assert not await welcomed(settings.dicom_port, client_context(authority.file))
        assert not await welcomed(settings.dicom_port, None)


async def test_a_device_calls_from_its_own_networks_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    async with gateway(settings) as parts:
        for networks, is_let_in in ((["192.0.2.0/24"], False), (["192.0.2.0/24", "127.0.0.1"], True), ([], True)):
            await put_device(settings, device_of("CLINIC1", "CLINIC1", "", [], "", networks))
            await parts.application.refresh()
            assert await welcomed(settings.dicom_port, None) is is_let_in
        with pytest.raises(WrongDevice, match=r"192\.0\.2\.0/24"):
            await put_device(settings, device_of("CT1", "CLINIC1", "", [], "", ["192.0.2.1/24"]))


async def test_the_command_lists_changes_and_removes_and_is_on_record(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    async with gateway(settings) as parts:
        for port in (104, 11112, 11112):
            await put_device(settings, device_of("PACS1", "CLINIC1", f"[2001:db8::7]:{port}", ["query"], "GB18030"))
        shown = io.StringIO()
        await show_devices(settings, Console(file=shown, width=200))
        assert "2001:db8::7:11112" in shown.getvalue()
        for wrong in (device_of("PACS1", "CLINIC9", "", [], ""), device_of("CLINIC2", "CLINIC1", "", [], "")):
            with pytest.raises(WrongDevice, match="institution"):
                await put_device(settings, wrong)
        with pytest.raises(WrongDevice, match="host:port"):
            device_of("PACS1", "CLINIC1", "pacs", [], "")
        assert [await remove_device(settings, "PACS1") for _ in range(2)] == [True, False]
        lines = await parts.application.queries.audit({"action": "device:manage"}, None, 10)
        assert [(line.actor, line.detail["step"]) for line in reversed(lines)] == [
            ("command-line", step) for step in ("add", "change", "remove")
        ]


async def called(parts: Parts, *wanted: tuple[str, str]) -> None:
    """Wait until these are the last calls: title, and why it was refused."""
    async with asyncio.timeout(20):
        while True:
            async with parts.application.reading() as work:
                calls = await last_calls(work, OPERATOR)
            if {(call.title, call.refused) for call in calls} >= set(wanted):
                assert {call.address for call in calls} == {"127.0.0.1"}
                return
            await asyncio.sleep(0.05)


async def test_the_last_call_under_each_title_is_noted_and_why_it_was_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    async with gateway(settings) as parts:
        for title, networks in (("CT1", ["192.0.2.0/24"]), ("CT2", [])):
            await put_device(settings, device_of(title, "CLINIC1", "", [], "", networks))
        await parts.application.refresh()
        for calling, asked in (("CLINIC1", "TELEMED"), ("CT1", "TELEMED"), ("CT2", "OTHER"), ("NOBODY", "TELEMED")):
            async with asyncio.timeout(10), connected(settings.dicom_port, None) as peer:
                await peer.send(request(calling=calling, called=asked).encode())
                await peer.pdu()
        await called(parts, ("CLINIC1", ""), ("CT1", "network"), ("CT2", "called-title"), ("NOBODY", "unknown"))


async def test_a_call_just_before_the_end_is_noted(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    settings.data_dir.mkdir()
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts:
        server = await dicom_gateway(parts)
        assert await welcomed(settings.dicom_port, None)
        await server.close()
        async with parts.application.reading() as work:
            assert [call.title for call in await last_calls(work, OPERATOR)] == ["CLINIC1"]
        await parts.intake.close()
