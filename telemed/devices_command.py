"""`telemed device`: the AE titles of the network's devices, their addresses and what they are addressed for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

from rich.console import Console
from rich.table import Table

from telemed import centres
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import writing
from telemed.domain.device import CERTIFICATE, FINGERPRINT, DeviceEntry, fingerprint_of
from telemed.domain.errors import Invalid, NotFound
from telemed.domain.people import Person, Role
from telemed.service import devices
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.settings import Settings
from telemed.web.i18n import speaking
from telemed.web.problems import fault_text

AT_THE_MACHINE = Person("command-line", "", "", frozenset({Role.OPERATOR}))
"""Who has the machine may do here what the operator may, and the audit trail says so."""


class WrongDevice(ValueError):
    """The sentence says what is wrong."""


def device_of(
    title: str,
    institution: str,
    address: str,
    uses: list[str],
    character_set: str,
    calls_from: Sequence[str] = (),
    *,
    tls: bool = False,
    authority: str = "",
    certificates: Sequence[str] = (),
) -> DeviceEntry:
    """A device as it was typed. `address` is host:port or empty, `calls_from` networks, `authority` a PEM file or empty,
    `certificates` fingerprints or PEM files. Raises `WrongDevice`."""
    host, _, port = address.rpartition(":")
    if address and not (host and port.isascii() and port.isdecimal() and len(port) <= 5):
        raise WrongDevice(f"{address!r} is no address of the form host:port")
    about = (uses, character_set, calls_from)
    shown = [each for text in certificates for each in _fingerprints(text)]
    trusted = _text_of(authority) if authority else ""
    return DeviceEntry(title, institution, host.strip("[]"), int(port or 0), *about, tls=tls, authority=trusted, certificates=shown)


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text("utf-8", "replace")
    except OSError as error:
        raise WrongDevice(f"{file} cannot be read ({error.strerror})") from None


def _fingerprints(text: str) -> list[str]:
    """What was typed, or the fingerprint of the certificate in the file of this name: the device's own, the first of a chain."""
    if FINGERPRINT.fullmatch(fingerprint_of(text)):
        return [text]
    found = CERTIFICATE.search(_text_of(text))
    if found is None:
        raise WrongDevice(f"{text} holds no certificate in PEM")
    return [sha256(PEM_cert_to_DER_cert(found.group())).hexdigest()]


@asynccontextmanager
async def _work(settings: Settings) -> AsyncIterator[UnitOfWork]:
    engine = make_engine(settings.database)
    try:
        async with engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            region = await load_region(connection, centres.discover(), settings.time_zone, device_networks=settings.reach)
        async with writing(engine, region) as work:
            yield work
    finally:
        await engine.dispose()


async def put_device(settings: Settings, entry: DeviceEntry) -> None:
    """Add the device, or change the one of this title. Raises `WrongDevice`."""
    try:
        async with _work(settings) as work:
            await devices.put_device(work, AT_THE_MACHINE, entry)
    except Invalid as error:
        with speaking("en"):
            raise WrongDevice("; ".join(f"{each.field} {fault_text(each)}" for each in error.errors)) from None


async def remove_device(settings: Settings, title: str) -> bool:
    """False where there was none."""
    try:
        async with _work(settings) as work:
            await devices.remove_device(work, AT_THE_MACHINE, title)
    except NotFound:
        return False
    return True


async def show_devices(settings: Settings, console: Console) -> None:
    """All devices as a table."""
    async with _work(settings) as work:
        found = await devices.list_devices(work, AT_THE_MACHINE)
    table = Table("AE title", "institution", "address", "addressed for", "calls from", "character set", "on", box=None)
    for device in found:
        address = f"{device.host}:{device.port}{' TLS' if device.tls else ''}" if device.host else ""
        places = sorted(device.places) + ["with its certificate"] * bool(device.certificates) or ["nowhere yet"]
        lists = (", ".join(sorted(device.uses)), ", ".join(places))
        table.add_row(device.title, device.institution, address, *lists, device.character_set, "yes" if device.active else "no")
    console.print(table)
