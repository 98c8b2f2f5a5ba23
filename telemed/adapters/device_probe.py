"""Asking a device whether it is there, by C-ECHO."""

from __future__ import annotations

import time

from dicom_gateway.upper_layer.sender import Cause, Peer, SendingFailed, echo
from telemed.domain.network import ApplicationEntity
from telemed.service.devices import Echo, EchoOutcome

_REFUSALS = frozenset({Cause.CALLING_TITLE, Cause.CALLED_TITLE, Cause.BUSY, Cause.REFUSED, Cause.SERVICE})


class DimseProbe:
    """Implements `telemed.service.devices.DeviceProbe` as the AE title of the platform."""

    def __init__(self, ae_title: str) -> None:
        self._ae_title = ae_title

    async def echo(self, device: ApplicationEntity) -> Echo:
        begun = time.monotonic()
        try:
            status = await echo(Peer(device.host, device.port, device.title, self._ae_title))
        except SendingFailed as error:
            outcome = EchoOutcome.REFUSED if error.cause in _REFUSALS else EchoOutcome.UNREACHABLE
            return Echo(outcome, cause=error.cause.value, detail=str(error), calling=self._ae_title)
        if status != 0:
            return Echo(EchoOutcome.REFUSED, cause=Cause.SERVICE.value, detail=f"{device.title} answers C-ECHO with {status:04X}H")
        return Echo(EchoOutcome.ANSWERED, round((time.monotonic() - begun) * 1000))
