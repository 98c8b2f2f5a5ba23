"""Devices as peers that we call: as which AE title, in which networks, and over TLS where they speak it."""

from __future__ import annotations

import ssl
from functools import lru_cache

from dicom_gateway import Destination
from dicom_gateway.upper_layer.addresses import MayCall
from dicom_gateway.upper_layer.sender import Peer
from telemed.domain.device_networks import DEFAULT
from telemed.domain.network import ApplicationEntity

KEPT = 64
"""TLS contexts that are kept: making one reads the authorities of the system, some 10 ms."""


class DevicePeers:
    """`certificate` is a PEM file with our certificate and key, shown to devices that ask for one; `authorities` one with the
    authorities of devices for which none is entered. Without it they are those of the operating system.
    `may_call` says at which IP addresses devices may be addressed: whoever calls one goes this way, and is asked at each call."""

    def __init__(self, ae_title: str, certificate: str = "", authorities: str = "", may_call: MayCall = DEFAULT.hold) -> None:
        self.ae_title, self._may_call = ae_title, may_call
        self._certificate, self._authorities = certificate, authorities
        self._context = lru_cache(KEPT)(self._made)

    def peer(self, device: ApplicationEntity) -> Peer:
        return Peer(device.host, device.port, device.title, self.ae_title, self._tls(device), self._may_call)

    def destination(self, device: ApplicationEntity) -> Destination:
        return Destination(device.host, device.port, self._tls(device), self._may_call)

    def _tls(self, device: ApplicationEntity) -> ssl.SSLContext | None:
        return self._context(device.authority) if device.tls else None

    def _made(self, authority: str) -> ssl.SSLContext:
        """A certificate is always checked. Where an authority was entered for the device, what counts is that the certificate is of
        it: those of devices seldom name an address. Elsewhere the name in it must be the address too."""
        known = None if authority else self._authorities or None
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=known, cadata=authority or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the device's own certificate may be what was entered
        context.check_hostname = not authority
        if self._certificate:
            context.load_cert_chain(self._certificate)
        return context
