"""Rules for what a person enters about a device of the network: its AE title, its address, its owner."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

from telemed.domain.errors import FieldError, Invalid
from telemed.domain.network import ApplicationEntity, EntityUse, Network

TITLE = re.compile(r"(?!\.{1,2}\Z)[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
"""An AE title: up to 16 characters, no backslash, no space at its ends (PS3.5 table 6.2-1); nor `.` and `..`, which no web address
can end in."""

HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?")
"""A host name (RFC 1123, with the underscore that hospital networks use)."""

MAX_NETWORKS = 20
"""Networks that one device may call from: more are better said as a wider one (practice)."""

MAX_CERTIFICATES = 8
"""Certificates that one device may show: its own, and the next one while they are changed (practice)."""

FINGERPRINT = re.compile(r"[0-9a-f]{64}")
"""SHA-256 of a certificate in DER, as tools print it without its colons."""

MAX_AUTHORITY = 32 * 1024
"""Characters of the certificates that a device's may be of: a chain has some 2,000 for each."""

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", re.ASCII)
"""One certificate in PEM (RFC 7468)."""

CHARACTER_SETS = (
    "ISO_IR 192", "GB18030", "GBK", "ISO_IR 6", "ISO_IR 13", "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 126",
    "ISO_IR 127", "ISO_IR 138", "ISO_IR 144", "ISO_IR 148", "ISO_IR 166", "ISO_IR 203",
    *(f"ISO 2022 IR {number}" for number in (6, 13, 58, 87, 100, 101, 109, 110, 126, 127, 138, 144, 148, 149, 159, 166, 203)),
)  # fmt: skip
"""Defined terms of Specific Character Set (PS3.3 C.12.1.1.2)."""


@dataclass(frozen=True, slots=True)
class DeviceCall:
    """The last call under an AE title; `refused` is unknown, switched-off, network, certificate, no-place or called-title,
    empty where it was let in."""

    title: str
    called_at: datetime
    address: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device as it was typed. `port` is 0 or None where there is none; `calls_from` may be written as hosts or networks."""

    title: str
    institution: str
    host: str = ""
    port: int | None = 0
    uses: Sequence[str] = ()
    character_set: str = ""
    calls_from: Sequence[str] = ()
    active: bool = True
    tls: bool = False
    authority: str = ""
    certificates: Sequence[str] = ()


def device_of(entry: DeviceEntry, network: Network) -> ApplicationEntity:
    """The device that was meant. Raises Invalid, which names every field that is wrong."""
    if faults := tuple(_faults(entry, network)):
        raise Invalid(*faults)
    return as_it_stands(entry)


def as_it_stands(entry: DeviceEntry) -> ApplicationEntity:
    """Return the device that was entered before: what may be addressed may have become narrower since."""
    return ApplicationEntity(
        entry.title,
        entry.institution,
        entry.host.strip(),
        entry.port or 0,
        frozenset(map(EntityUse, entry.uses)),
        entry.character_set,
        entry.active,
        frozenset(str(ip_network(each.strip())) for each in entry.calls_from),
        entry.tls,
        certificates_in(entry.authority),
        frozenset(map(fingerprint_of, entry.certificates)),
    )


def fingerprint_of(text: str) -> str:
    """A fingerprint as it was typed, without colons and spaces."""
    return re.sub(r"[\s:]", "", text).lower()


def certificates_in(text: str) -> str:
    """The certificates of a PEM text without what stands around them."""
    return "".join(found.group().replace("\r\n", "\n") + "\n" for found in CERTIFICATE.finditer(text))


def _faults(entry: DeviceEntry, network: Network) -> Iterator[FieldError]:
    if not TITLE.fullmatch(entry.title):
        yield FieldError("title", "ae-title")
    elif entry.title in network.institutions and entry.title != entry.institution:
        yield FieldError("title", "code-of-another")
    if entry.institution not in network.institutions:
        yield FieldError("institution", "no-institution")
    yield from _address_faults(entry, network)
    known = {use.value for use in EntityUse}
    if not known.issuperset(entry.uses):
        yield FieldError("uses", "choice", ", ".join(sorted(known)))
    if not set(entry.character_set.split("\\")) <= {"", *CHARACTER_SETS}:
        yield FieldError("character_set", "character-set")
    if len(entry.calls_from) > MAX_NETWORKS:
        yield FieldError("calls_from", "too-many", str(MAX_NETWORKS))
    yield from _network_faults(entry.calls_from)
    yield from _certificate_faults(entry.certificates)
    yield from _authority_faults(entry.authority.strip())


def _address_faults(entry: DeviceEntry, network: Network) -> Iterator[FieldError]:
    host = entry.host.strip()
    if host and not _is_host(host):
        yield FieldError("host", "host")
    elif lies_outside(host, network):
        yield FieldError("host", "address-outside", str(network.device_networks))
    if entry.port and not 0 < entry.port < 1 << 16:
        yield FieldError("port", "range", "1-65535")
    if entry.uses and not host:
        yield FieldError("host", "address-needed")
    elif entry.port and not host:
        yield FieldError("host", "required")
    if (host or entry.uses) and not entry.port:
        yield FieldError("port", "required")


def lies_outside(host: str, network: Network) -> bool:
    """True for an IP address at which no device may be addressed. What a name stands for is asked when the device is called."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return not network.device_networks.hold(host)


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        # What consists of digits and dots was meant as an address, and is none.
        return HOST.fullmatch(text) is not None and not re.fullmatch(r"[0-9.]+", text)
    return True


def _network_faults(networks: Iterable[str]) -> Iterator[FieldError]:
    for text in networks:
        try:
            ip_network(text.strip())
        except ValueError:
            try:
                meant = ip_network(text.strip(), strict=False)
            except ValueError:
                yield FieldError("calls_from", "ip-network", text[:60])
            else:
                yield FieldError("calls_from", "network-of-host", str(meant))
            return  # one sentence at a field is enough


def _certificate_faults(certificates: Sequence[str]) -> Iterator[FieldError]:
    if len(certificates) > MAX_CERTIFICATES:
        yield FieldError("certificates", "too-many", str(MAX_CERTIFICATES))
    wrong = next((text for text in certificates if not FINGERPRINT.fullmatch(fingerprint_of(text))), None)
    if wrong is not None:
        yield FieldError("certificates", "fingerprint", wrong[:60])


def _authority_faults(text: str) -> Iterator[FieldError]:
    if not text:
        return
    if len(text) > MAX_AUTHORITY:
        yield FieldError("authority", "too-long", str(MAX_AUTHORITY))
    elif "PRIVATE KEY" in text:
        yield FieldError("authority", "private-key")
    elif not _are_certificates(certificates_in(text)):
        yield FieldError("authority", "certificate")


def _are_certificates(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ValueError, OSError):  # ssl.SSLError is an OSError
        return False
    return bool(text)
