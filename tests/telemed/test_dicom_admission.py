"""Who gets into the platform's DICOM port: by certificate, by the network that a device calls from."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console

from dicom_gateway.upper_layer.pdu import PDUType, ProposedContext
from telemed import bootstrap
from telemed.devices_command import WrongDevice, device_of, put_device, remove_device, show_devices
from telemed.domain.people import Person, Role
from telemed.extension import Parts
from telemed.roles.gateway import dicom_gateway
from telemed.service.devices import last_calls
from telemed.settings import Settings
from tests.demo_region import free_port, put_in_place
from tests.dicom_gateway.certificates import Authority, client_context
from tests.dicom_gateway.peer import CONTEXTS, LITTLE_ENDIAN, connected, request

OPERATOR = Person("operator", "", "NETWORK", frozenset({Role.OPERATOR}))


FIND = ProposedContext(1, "1.2.840.10008.5.1.4.1.2.2.1", (LITTLE_ENDIAN,))


async def welcomed(
    port: int, context: ssl.SSLContext | None, calling: str = "CLINIC1", contexts: Sequence[ProposedContext] = CONTEXTS
) -> bool:
    """Whether a device of this title comes into an association."""
    try:
        async with asyncio.timeout(10), connected(port, context) as peer:
            await peer.send(request(calling, contexts=contexts).encode())
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
    own = authority.issue("clinic1")
    async with gateway(settings) as parts:
        await put_device(settings, device_of("CLINIC1", "CLINIC1", "", [], "", certificates=[str(own)]))
        await parts.application.refresh()
        assert await welcomed(settings.dicom_port, client_context(authority.file, own))
        assert not await welcomed(settings.dicom_port, client_context(authority.file))
        assert not await welcomed(settings.dicom_port, None)


@pytest.mark.parametrize("contexts", [CONTEXTS, (FIND,)], ids=["storage", "query"])
async def test_a_certificate_speaks_for_the_titles_that_it_was_entered_for(tmp_path: Path, contexts: Sequence[ProposedContext]) -> None:
    authority = Authority(tmp_path)
    settings = Settings(
        data_dir=tmp_path / "data", dicom_port=free_port(), dicom_tls=str(authority.issue("gateway")), dicom_tls_clients=str(authority.file)
    )
    first, second = authority.issue("clinic1"), authority.issue("clinic2")
    async with gateway(settings) as parts:
        for title, institution, shown in (("CLINIC1", "CLINIC1", first), ("CT1", "CLINIC1", first), ("CLINIC2", "CLINIC2", second)):
            await put_device(settings, device_of(title, institution, "", [], "", certificates=[str(shown)]))
        await parts.application.refresh()
        for title, certificate, is_let_in in (
            ("CLINIC1", first, True), ("CT1", first, True), ("CLINIC2", second, True),
            ("CLINIC1", second, False), ("CLINIC2", first, False), ("CT1", second, False),
            ("CLINIC3", first, False),  # entered with its network alone: no certificate speaks for it
            ("CLINIC1", authority.issue("anybody"), False),
        ):  # fmt: skip
            context = client_context(authority.file, certificate)
            assert await welcomed(settings.dicom_port, context, title, contexts) is is_let_in, (title, certificate.name)
        async with asyncio.timeout(10), connected(settings.dicom_port, client_context(authority.file, second)) as peer:
            await peer.send(request("CLINIC1", contexts=contexts).encode())
            kind, body = await peer.pdu()
            assert (kind, body[1:]) == (PDUType.ASSOCIATE_RJ, bytes((1, 1, 3)))  # calling AE title not recognised
        wanted = {(f"device/{title}", "refused", "certificate") for title in ("CLINIC1", "CLINIC2", "CLINIC3", "CT1")}
        assert await on_record(parts, len(wanted)) == wanted


async def on_record(parts: Parts, number: int) -> set[tuple[str, str, str]]:
    """Subject, outcome and reason of the calls that were refused, once so many are on record."""
    async with asyncio.timeout(20):
        while True:
            lines = await parts.application.queries.audit({"action": "access:associate"}, None, 50)
            if len(lines) >= number:
                return {(line.subject, line.outcome, line.detail["why"]) for line in lines}
            await asyncio.sleep(0.05)


async def test_the_code_of_an_institution_calls_where_it_was_entered(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    async with gateway(settings) as parts:
        assert await welcomed(settings.dicom_port, None)  # the demo enters its institutions at this machine
        assert await remove_device(settings, "CLINIC1")
        await parts.application.refresh()
        assert not await welcomed(settings.dicom_port, None)
        await called(parts, ("CLINIC1", "unknown"))


async def test_a_device_calls_from_its_own_networks_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    async with gateway(settings) as parts:
        for networks, is_let_in in ((["192.0.2.0/24"], False), (["192.0.2.0/24", "127.0.0.1"], True), ([], False)):
            await put_device(settings, device_of("CLINIC1", "CLINIC1", "", [], "", networks))
            await parts.application.refresh()
            assert await welcomed(settings.dicom_port, None) is is_let_in
        with pytest.raises(WrongDevice, match=r"192\.0\.2\.0/24"):
            await put_device(settings, device_of("CT1", "CLINIC1", "", [], "", ["192.0.2.1/24"]))


async def test_the_command_lists_changes_and_removes_and_is_on_record(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dicom_port=free_port())
    async with gateway(settings) as parts:
        for port in (104, 11112, 11112):
            await put_device(settings, device_of("PACS1", "CLINIC1", f"[fd00:7::7]:{port}", ["query"], "GB18030"))
        shown = io.StringIO()
        await show_devices(settings, Console(file=shown, width=200))
        assert "fd00:7::7:11112" in shown.getvalue()
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
        for title, networks in (("CT1", ["192.0.2.0/24"]), ("CT2", ["127.0.0.1"]), ("CT3", [])):
            await put_device(settings, device_of(title, "CLINIC1", "", [], "", networks))
        await parts.application.refresh()
        for calling, asked in (("CLINIC1", "TELEMED"), ("CT1", "TELEMED"), ("CT2", "OTHER"), ("CT3", "TELEMED"), ("NOBODY", "TELEMED")):
            async with asyncio.timeout(10), connected(settings.dicom_port, None) as peer:
                await peer.send(request(calling=calling, called=asked).encode())
                await peer.pdu()
        await called(parts, ("CLINIC1", ""), ("CT1", "network"), ("CT2", "called-title"), ("CT3", "no-place"), ("NOBODY", "unknown"))


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
