"""Asking a device whether it is there, by C-ECHO."""

from __future__ import annotations

import time

from dicom_gateway.upper_layer.sender import Cause, SendingFailed, echo
from telemed.adapters.device_peers import DevicePeers
from telemed.domain.network import ApplicationEntity
from telemed.service.devices import Echo, EchoOutcome

_REFUSALS = frozenset({Cause.CALLING_TITLE, Cause.CALLED_TITLE, Cause.BUSY, Cause.REFUSED, Cause.SERVICE})


class DimseProbe:
    """Implements `telemed.service.devices.DeviceProbe`."""

    def __init__(self, peers: DevicePeers) -> None:
        self._peers = peers

    async def echo(self, device: ApplicationEntity) -> Echo:
        begun = time.monotonic()
        try:
            status = await echo(self._peers.peer(device))
        except SendingFailed as error:
            outcome = EchoOutcome.REFUSED if error.cause in _REFUSALS else EchoOutcome.UNREACHABLE
            return Echo(outcome, cause=error.cause.value, detail=str(error), calling=self._peers.ae_title)
        if status != 0:
            return Echo(EchoOutcome.REFUSED, cause=Cause.SERVICE.value, detail=f"{device.title} answers C-ECHO with {status:04X}H")
        return Echo(EchoOutcome.ANSWERED, round((time.monotonic() - begun) * 1000))
