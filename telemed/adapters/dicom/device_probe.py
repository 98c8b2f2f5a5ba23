"""Asking a device whether it is there, by C-ECHO."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from dicom_gateway.upper_layer.sender import Cause, SendingFailed, echo
from telemed.adapters.dicom.device_failures import NO_DEVICE, told
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.domain.network import ApplicationEntity
from telemed.service.devices import Echo, EchoOutcome

_REFUSALS: Final = frozenset({Cause.CALLING_TITLE, Cause.CALLED_TITLE, Cause.BUSY, Cause.REFUSED, Cause.SERVICE})


ANSWER_WITHIN: Final = 10.0
"""Seconds for connection, association and answer together: somebody waits at the page, and some archives look up names first."""


class DimseProbe:
    """Implements `telemed.service.devices.DeviceProbe`."""

    def __init__(self, peers: DevicePeers, answer_within: float = ANSWER_WITHIN) -> None:
        self._peers, self._within = peers, answer_within

    async def echo(self, device: ApplicationEntity) -> Echo:
        """C-ECHO. Where no device answers, that is said at the end of the time and not before: how soon would tell why."""
        begun = time.monotonic()
        heard = await self._heard(device, begun)
        if heard.cause == NO_DEVICE:
            await asyncio.sleep(begun + self._within - time.monotonic())
        return heard

    async def _heard(self, device: ApplicationEntity, begun: float) -> Echo:
        peer = self._peers.peer(device)
        try:
            async with asyncio.timeout(self._within):
                status = await echo(peer)
        except (TimeoutError, SendingFailed) as error:
            failed = error if isinstance(error, SendingFailed) else SendingFailed("no answer in time", Cause.NO_ANSWER)
            cause, sentence = told(peer, failed)
            outcome = EchoOutcome.REFUSED if cause in _REFUSALS else EchoOutcome.UNREACHABLE
            return Echo(outcome, cause=cause, detail=sentence, calling=self._peers.ae_title)
        if status != 0:
            return Echo(EchoOutcome.REFUSED, cause=Cause.SERVICE.value, detail=f"{device.title} answers C-ECHO with {status:04X}H")
        return Echo(EchoOutcome.ANSWERED, round((time.monotonic() - begun) * 1000))
