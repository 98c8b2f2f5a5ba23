"""Asking a device whether it is there, by C-ECHO."""

from __future__ import annotations

import asyncio
import time

from dicom_gateway.upper_layer.sender import Cause, SendingFailed, echo
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.domain.network import ApplicationEntity
from telemed.service.devices import Echo, EchoOutcome

_REFUSALS = frozenset({Cause.CALLING_TITLE, Cause.CALLED_TITLE, Cause.BUSY, Cause.REFUSED, Cause.SERVICE})


ANSWER_WITHIN = 15.0
"""Seconds for connection, association and answer together: somebody waits at the page."""


class DimseProbe:
    """Implements `telemed.service.devices.DeviceProbe`."""

    def __init__(self, peers: DevicePeers, answer_within: float = ANSWER_WITHIN) -> None:
        self._peers, self._within = peers, answer_within

    async def echo(self, device: ApplicationEntity) -> Echo:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._within):
                status = await echo(self._peers.peer(device))
        except TimeoutError:
            return Echo(EchoOutcome.UNREACHABLE, cause=Cause.NO_ANSWER.value, detail=f"no answer within {self._within:g} s")
        except SendingFailed as error:
            outcome = EchoOutcome.REFUSED if error.cause in _REFUSALS else EchoOutcome.UNREACHABLE
            return Echo(outcome, cause=error.cause.value, detail=str(error), calling=self._peers.ae_title)
        if status != 0:
            return Echo(EchoOutcome.REFUSED, cause=Cause.SERVICE.value, detail=f"{device.title} answers C-ECHO with {status:04X}H")
        return Echo(EchoOutcome.ANSWERED, round((time.monotonic() - begun) * 1000))
