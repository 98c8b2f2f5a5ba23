"""For the operator: the devices of the network, and whether they answer."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from telemed.domain.device import DeviceEntry
from telemed.domain.network import ApplicationEntity
from telemed.domain.policy import Action
from telemed.service import devices
from telemed.service.execution import execute, query, record_look
from telemed.web.api.inputs import DeviceInput, NewDevice, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.keys import PROBE
from telemed.web.labels.devices import echo_words

DEVICE = "/devices/{title}"


class DeviceShape(Shape):
    """`uses` are store (studies may be sent there) and query (a PACS with earlier studies); `calls_from` are networks,
    `certificates` SHA-256 fingerprints of those that it may show when it calls; `host` is empty where the device only calls.
    `authority` are the certificates (PEM) of which the device's must be."""

    title: str
    institution: str
    host: str
    port: int
    uses: list[str]
    character_set: str
    calls_from: list[str]
    active: bool
    tls: bool
    authority: str
    certificates: list[str]


class DeviceCallShape(Shape):
    """The last call under an AE title; `refused` is unknown, switched-off, network, certificate, no-place or called-title,
    empty where it was let in."""

    title: str
    called_at: datetime
    address: str
    refused: str


class DeviceListShape(Shape):
    """`calls` also holds titles that are not entered: those that were refused lately, and institutions' own codes."""

    items: list[DeviceShape]
    calls: list[DeviceCallShape]
    next: str | None = None


class EchoShape(Shape):
    """`outcome` is answered, refused or unreachable; `words` says it in the language of the request, `detail` what was heard."""

    outcome: str
    milliseconds: int
    cause: str
    words: str
    detail: str


def device_shape(device: ApplicationEntity) -> DeviceShape:
    return DeviceShape(
        title=device.title,
        institution=device.institution,
        host=device.host,
        port=device.port,
        uses=sorted(use.value for use in device.uses),
        character_set=device.character_set,
        calls_from=sorted(device.calls_from),
        active=device.active,
        tls=device.tls,
        authority=device.authority,
        certificates=sorted(device.certificates),
    )


def _entry(title: str, body: DeviceInput) -> DeviceEntry:
    address, tls = (body.institution, body.host, body.port), (body.tls, body.authority, body.certificates)
    return DeviceEntry(title, *address, body.uses, body.character_set, body.calls_from, body.active, *tls)


@operation("GET", "/devices", returns=DeviceListShape, errors=(403,))
async def listing(call: Call[Nothing]) -> web.Response:
    """The devices that were entered, by institution, and who called last."""
    found = await query(call.application, devices.list_devices, call.person)
    calls = await query(call.application, devices.last_calls, call.person)
    await record_look(call.application, call.person, Action.DEVICE_MANAGE, "devices")
    said = [DeviceCallShape(title=c.title, called_at=c.called_at, address=c.address, refused=c.refused) for c in calls]
    return answer(DeviceListShape(items=[device_shape(device) for device in found], calls=said))


@operation("POST", "/devices", body=NewDevice, returns=DeviceShape, status=201, errors=(403, 422), right=Action.DEVICE_MANAGE)
async def add(call: Call[NewDevice]) -> web.Response:
    """Enter a device. The very same again changes nothing."""
    device = await execute(call.application, devices.add_device, call.person, _entry(call.body.title, call.body))
    await call.application.refresh()
    return answer(device_shape(device), 201)


@operation("PUT", DEVICE, body=DeviceInput, returns=DeviceShape, errors=(403, 404, 422), right=Action.DEVICE_MANAGE)
async def change(call: Call[DeviceInput]) -> web.Response:
    """Change a device; what is left out is as for a new one."""
    title = call.path("title")
    device = await execute(call.application, devices.change_device, call.person, title, _entry(title, call.body))
    await call.application.refresh()
    return answer(device_shape(device))


@operation("DELETE", DEVICE, status=204, errors=(403, 404))
async def remove(call: Call[Nothing]) -> web.Response:
    """Take a device out of the network."""
    await execute(call.application, devices.remove_device, call.person, call.path("title"))
    await call.application.refresh()
    return web.Response(status=204)


@operation("POST", DEVICE + "/enable", returns=DeviceShape, errors=(403, 404))
async def enable(call: Call[Nothing]) -> web.Response:
    """Let a device that was switched off take part again."""
    return await _switched(call, active=True)


@operation("POST", DEVICE + "/disable", returns=DeviceShape, errors=(403, 404))
async def disable(call: Call[Nothing]) -> web.Response:
    """Switch a device off: it can neither call nor be addressed."""
    return await _switched(call, active=False)


async def _switched(call: Call[Nothing], *, active: bool) -> web.Response:
    device = await execute(call.application, devices.switch_device, call.person, call.path("title"), active)
    await call.application.refresh()
    return answer(device_shape(device))


@operation("POST", DEVICE + "/test", returns=EchoShape, errors=(403, 404, 422), right=Action.DEVICE_MANAGE)
async def echo(call: Call[Nothing]) -> web.Response:
    """Ask the device now whether it is there, by C-ECHO."""
    heard = await devices.try_device(call.application, call.person, call.request.app[PROBE], call.path("title"))
    words = echo_words(heard)
    said = EchoShape(outcome=heard.outcome.value, milliseconds=heard.milliseconds, cause=heard.cause, words=words, detail=heard.detail)
    return answer(said)
