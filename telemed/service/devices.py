"""The devices of the network: which AE titles may call, where they are addressed and for what. The operator enters them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol

from telemed.domain.device import DeviceCall, DeviceEntry, device_of, lies_outside
from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.network import ApplicationEntity
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.service.application import Application
from telemed.service.execution import query
from telemed.service.ports.unit_of_work import UnitOfWork


class EchoOutcome(StrEnum):
    """The outcome of a C-ECHO."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """The device is there and does not want us."""
    UNREACHABLE = "unreachable"
    """Nothing that speaks DICOM could be reached at the address."""


@dataclass(frozen=True, slots=True)
class Echo:
    """`cause` is a code of why it failed (`dicom_gateway`'s `Cause`, or no-device), `detail` what was heard, in English; `calling` is the
    AE title that asked."""

    outcome: EchoOutcome
    milliseconds: int = 0
    cause: str = ""
    detail: str = ""
    calling: str = ""


class DeviceProbe(Protocol):
    """Asks a device whether it is there."""

    async def echo(self, device: ApplicationEntity) -> Echo:
        """C-ECHO on a new association; takes seconds where nothing answers. Raises nothing that the network does."""
        ...


async def list_devices(work: UnitOfWork, person: Person) -> list[ApplicationEntity]:
    """All devices that were entered, by institution and title."""
    require(person, Action.DEVICE_MANAGE)
    return await work.devices.all()


async def last_calls(work: UnitOfWork, person: Person) -> list[DeviceCall]:
    """The last call under each AE title, newest first: those of devices, and those that were refused lately."""
    require(person, Action.DEVICE_MANAGE)
    return await work.devices.calls()


async def find_device(work: UnitOfWork, person: Person, title: str) -> ApplicationEntity:
    """One device. Raises NotFound."""
    require(person, Action.DEVICE_MANAGE)
    return await _known(work, title)


async def add_device(work: UnitOfWork, person: Person, entry: DeviceEntry) -> ApplicationEntity:
    """A new device; entering the very same again changes nothing. Raises Invalid for what cannot be, and for a title that is
    entered otherwise."""
    require(person, Action.DEVICE_MANAGE)
    device = device_of(entry, work.region.network)
    if await work.devices.add(device):
        _record(work, person, "add", device)
        return device
    if await work.devices.get(device.title) != device:
        raise Invalid(FieldError("title", "title-taken"))
    return device


async def change_device(work: UnitOfWork, person: Person, title: str, entry: DeviceEntry) -> ApplicationEntity:
    """The device of this title as it shall be from now on. Raises NotFound, Invalid; a title itself stays."""
    require(person, Action.DEVICE_MANAGE)
    known = await _known(work, title)
    device = device_of(replace(entry, title=title), work.region.network)
    return await _saved(work, person, known, device, "change")


async def put_device(work: UnitOfWork, person: Person, entry: DeviceEntry) -> ApplicationEntity:
    """Add the device, or change the one of this title. Raises Invalid."""
    require(person, Action.DEVICE_MANAGE)
    known = await work.devices.get(entry.title)
    return await (change_device(work, person, known.title, entry) if known else add_device(work, person, entry))


async def switch_device(work: UnitOfWork, person: Person, title: str, active: bool) -> ApplicationEntity:
    """Let a device take part or not; one that is switched off can neither call nor be addressed. Raises NotFound."""
    require(person, Action.DEVICE_MANAGE)
    known = await _known(work, title)
    return await _saved(work, person, known, replace(known, active=active), "switch-on" if active else "switch-off")


async def remove_device(work: UnitOfWork, person: Person, title: str) -> None:
    """Take a device out of the network. Raises NotFound where there is none (any more)."""
    require(person, Action.DEVICE_MANAGE)
    known = await _known(work, title)
    await work.devices.remove(title)
    _record(work, person, "remove", known)


async def try_device(application: Application, person: Person, probe: DeviceProbe, title: str) -> Echo:
    """C-ECHO now. Raises NotFound, and Invalid for a device without an address, or with one where none may be addressed."""
    device = await query(application, find_device, person, title)
    if not device.host:
        raise Invalid(FieldError("host", "no-address"))
    network = application.region.network
    if lies_outside(device.host, network):
        raise Invalid(FieldError("host", "address-outside", str(network.device_networks)))
    echo = await probe.echo(device)
    async with application.writing() as work:
        _record(work, person, "test", device, "success" if echo.outcome is EchoOutcome.ANSWERED else "failure", cause=echo.cause)
    return echo


async def _known(work: UnitOfWork, title: str) -> ApplicationEntity:
    device = await work.devices.get(title)
    if device is None:
        raise NotFound("device", title)
    return device


async def _saved(work: UnitOfWork, person: Person, known: ApplicationEntity, device: ApplicationEntity, step: str) -> ApplicationEntity:
    if device != known:
        await work.devices.save(device)
        _record(work, person, step, device)
    return device


def _record(work: UnitOfWork, person: Person, step: str, device: ApplicationEntity, outcome: str = "success", cause: str = "") -> None:
    detail: dict[str, Any] = {"step": step, "institution": device.institution}
    detail |= {"address": f"{device.host}:{device.port}"} if device.host else {}
    detail |= {"uses": sorted(device.uses), "calls_from": sorted(device.calls_from), "active": device.active}
    detail |= {"certificates": sorted(device.certificates)} if device.certificates else {}
    detail |= {"tls": device.tls} if device.host else {}
    detail |= {"authority": sha256(device.authority.encode()).hexdigest()} if device.authority else {}
    detail |= {"cause": cause} if cause else {}
    work.outbox.audit(Action.DEVICE_MANAGE, person.username, person.institution, f"device/{device.title}", outcome, detail)
