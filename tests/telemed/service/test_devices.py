"""The operator's devices: entered, changed, switched off, removed and tried, each once on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pynetdicom import AE, evt
from structlog.testing import capture_logs

from dicom_gateway.upper_layer.addresses import anywhere
from telemed.adapters.dicom.device_calls import KEPT_REFUSED, DeviceCalls
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.adapters.dicom.device_probe import DimseProbe
from telemed.domain.device import DeviceCall, DeviceEntry
from telemed.domain.errors import Forbidden, Invalid, NotFound
from telemed.domain.network import EntityUse
from telemed.service import devices
from telemed.service.devices import Echo, EchoOutcome
from tests.demo_region import free_port
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database

VERIFICATION, CT_STORAGE = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2"
MODALITY = DeviceEntry("CT1", "CLINIC1")
PACS = DeviceEntry("PACS1", "CLINIC1", "127.0.0.1", 104, ("query",))
PEERS = DevicePeers("TELEMED", may_call=anywhere)
PROBE = DimseProbe(PEERS)
BRIEF = DimseProbe(PEERS, answer_within=2)
"""For where nobody answers: that is said when the time is over."""


async def steps(harness: Harness) -> list[tuple[str, str, str]]:
    """What the trail says: step, subject, outcome."""
    lines = await harness.application.queries.audit({"action": "device:manage"}, None, 100)
    return [(line.detail["step"], line.subject, line.outcome) for line in reversed(lines)]


async def titles(harness: Harness) -> list[str]:
    """Of the devices that the test entered: those of the demo have their institution's code."""
    return [d.title for d in await harness.ask("operator", devices.list_devices) if d.title != d.institution]


async def test_a_device_is_entered_once_and_the_gateway_knows_it(harness: Harness) -> None:
    for _ in range(2):
        await harness.do("operator", devices.add_device, MODALITY)
    await harness.do("operator", devices.add_device, PACS)
    await harness.application.refresh()
    assert await titles(harness) == ["CT1", "PACS1"]
    entity = harness.application.region.network.entity("CT1")
    assert entity is not None
    assert entity.institution == "CLINIC1"
    assert await steps(harness) == [("add", "device/CT1", "success"), ("add", "device/PACS1", "success")]
    with pytest.raises(Invalid, match="title-taken"):
        await harness.do("operator", devices.add_device, replace(MODALITY, institution="CLINIC2"))


async def test_a_change_holds_and_the_same_again_is_none(harness: Harness) -> None:
    await harness.do("operator", devices.add_device, PACS)
    for _ in range(2):
        await harness.do("operator", devices.change_device, "PACS1", replace(PACS, port=11112, title="ignored"))
    device = await harness.ask("operator", devices.find_device, "PACS1")
    assert (device.title, device.port) == ("PACS1", 11112)
    assert [step for step, _, _ in await steps(harness)] == ["add", "change"]
    with pytest.raises(Invalid):
        await harness.do("operator", devices.change_device, "PACS1", replace(PACS, host=""))
    with pytest.raises(NotFound):
        await harness.do("operator", devices.change_device, "NONE", PACS)


async def test_what_is_switched_off_can_neither_call_nor_be_addressed(harness: Harness) -> None:
    await harness.do("operator", devices.add_device, PACS)
    for active, known in ((False, 0), (False, 0), (True, 1)):
        await harness.do("operator", devices.switch_device, "PACS1", active)
        await harness.application.refresh()
        network = harness.application.region.network
        assert len(network.addressed("CLINIC1", EntityUse.QUERY)) == known
        assert (network.entity("PACS1") is not None) is bool(known)
    assert [step for step, _, _ in await steps(harness)] == ["add", "switch-off", "switch-on"]


async def test_what_is_removed_is_gone(harness: Harness) -> None:
    await harness.do("operator", devices.add_device, PACS)
    await harness.do("operator", devices.remove_device, "PACS1")
    assert await titles(harness) == []
    with pytest.raises(NotFound):
        await harness.do("operator", devices.remove_device, "PACS1")


@pytest.mark.parametrize("user", ["clinic1", "imaging.huba", "sysadmin", "auditor"])
async def test_nobody_else_does_any_of_it(harness: Harness, user: str) -> None:
    with pytest.raises(Forbidden):
        await harness.ask(user, devices.list_devices)
    for use_case, arguments in (
        (devices.add_device, (PACS,)),
        (devices.put_device, (PACS,)),
        (devices.change_device, ("PACS1", PACS)),
        (devices.switch_device, ("PACS1", False)),
        (devices.remove_device, ("PACS1",)),
    ):
        with pytest.raises(Forbidden):
            await harness.do(user, use_case, *arguments)
    with pytest.raises(Forbidden):
        await devices.try_device(harness.application, harness.people[user], PROBE, "PACS1")
    assert await steps(harness) == []


@asynccontextmanager
async def pynetdicom_device(service: str = VERIFICATION, status: int = 0, **conditions: Any) -> AsyncIterator[int]:
    """A device by pynetdicom; gives its port."""
    ae = AE(ae_title="PACS1")
    ae.add_supported_context(service)
    for name, value in conditions.items():
        setattr(ae, name, value)
    handlers = [(evt.EVT_C_ECHO, lambda event: status)]
    server: Any = await asyncio.to_thread(lambda: ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers))
    try:
        yield server.server_address[1]
    finally:
        await asyncio.to_thread(server.shutdown)


async def tried(harness: Harness, port: int, host: str = "127.0.0.1", probe: DimseProbe = PROBE) -> Echo:
    await harness.do("operator", devices.put_device, replace(PACS, host=host, port=port))
    return await devices.try_device(harness.application, harness.people["operator"], probe, "PACS1")


async def test_a_device_that_is_there_answers(harness: Harness) -> None:
    async with pynetdicom_device(require_called_aet=True, require_calling_aet=["TELEMED"]) as port:
        echo = await tried(harness, port)
    assert (echo.outcome, echo.cause) == (EchoOutcome.ANSWERED, "")
    assert echo.milliseconds >= 0
    assert (await steps(harness))[-1] == ("test", "device/PACS1", "success")


@pytest.mark.parametrize(
    ("conditions", "cause"),
    [
        ({"require_calling_aet": ["SOMEONE"]}, "calling-title"),
        ({"ae_title": "OTHER", "require_called_aet": True}, "called-title"),
        ({"service": CT_STORAGE}, "service"),
        ({"status": 0x0122}, "service"),
    ],
)
async def test_a_refusal_says_why(harness: Harness, conditions: dict[str, Any], cause: str) -> None:
    async with pynetdicom_device(**conditions) as port:
        echo = await tried(harness, port)
    assert (echo.outcome, echo.cause) == (EchoOutcome.REFUSED, cause)
    assert (await steps(harness))[-1] == ("test", "device/PACS1", "failure")


@asynccontextmanager
async def listener(answer: bytes) -> AsyncIterator[int]:
    """Something that listens and says one thing."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"", "ended"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no-dicom"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "no-dicom"),
        (b"\x03\x00\x00\x00\x00\x01\x00", "ended"),
    ],
)
async def test_what_speaks_no_dicom_is_told_apart_in_the_process_log_alone(harness: Harness, answer: bytes, cause: str) -> None:
    with capture_logs() as lines:
        async with listener(answer) as port:
            echo = await tried(harness, port, probe=BRIEF)
    assert echo == NOBODY
    assert [line["cause"] for line in lines if line["event"] == "device.unreachable"] == [cause]


async def test_what_never_answers_is_not_waited_for(harness: Harness) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    await harness.do("operator", devices.put_device, replace(PACS, port=server.sockets[0].getsockname()[1]))
    probe = DimseProbe(PEERS, answer_within=0.2)
    echo = await devices.try_device(harness.application, harness.people["operator"], probe, "PACS1")
    assert echo == NOBODY
    server.close()
    await server.wait_closed()


async def test_where_nothing_is(harness: Harness) -> None:
    heard = []
    with capture_logs() as lines:
        for port, host in ((free_port(), "127.0.0.1"), (104, "no-such-host.invalid")):
            heard.append(await tried(harness, port, host, BRIEF))
    assert heard == [NOBODY, NOBODY]
    assert [line["cause"] for line in lines if line["event"] == "device.unreachable"] == ["nobody-listens", "unknown-host"]
    assert (await steps(harness))[-1] == ("test", "device/PACS1", "failure")
    await harness.do("operator", devices.add_device, MODALITY)
    with pytest.raises(Invalid, match="no-address"):
        await devices.try_device(harness.application, harness.people["operator"], PROBE, "CT1")


NOBODY = Echo(
    EchoOutcome.UNREACHABLE, cause="no-device", detail="no DICOM device answers at the address entered for PACS1", calling="TELEMED"
)
"""What is told, whatever stands at the address and why it does not answer."""


async def noted(harness: Harness, title: str) -> list[DeviceCall]:
    """All last calls, once this title is among them."""
    async with asyncio.timeout(20):
        while True:
            found: list[DeviceCall] = await harness.ask("operator", devices.last_calls)
            if title in {call.title for call in found}:
                return found
            await asyncio.sleep(0.01)


async def test_whoever_knocks_under_many_titles_leaves_few(harness: Harness) -> None:
    calls = DeviceCalls(harness.application)
    calls.note("CLINIC1", "10.1.2.3")
    await noted(harness, "CLINIC1")
    for number in range(KEPT_REFUSED + 10):
        calls.note(f"X{number}\0", "192.0.2.7", "unknown")
        await noted(harness, f"X{number}?")
    found = await noted(harness, "CLINIC1")
    assert len(found) == KEPT_REFUSED + 1
    assert (found[0].title, found[0].refused, found[0].address) == (f"X{KEPT_REFUSED + 9}?", "unknown", "192.0.2.7")
    assert (found[-1].title, found[-1].refused) == ("CLINIC1", "")
    with pytest.raises(Forbidden):
        await harness.ask("sysadmin", devices.last_calls)
