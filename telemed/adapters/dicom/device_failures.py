"""What is told of a device that could not be reached: that it could not, and not what stands at its address instead.

Who enters devices could otherwise ask through us which hosts and ports of a network are there. The reason is in the process log, for
whoever runs the host. What the device itself says, and what concerns certificates, is told: it takes a device to say it.
"""

from __future__ import annotations

from typing import Final

import structlog

from dicom_gateway.upper_layer.sender import Cause, Peer, SendingFailed

log = structlog.get_logger()

NO_DEVICE: Final = "no-device"
"""The one cause for everything else."""

TOLD: Final = frozenset({
    Cause.CALLING_TITLE, Cause.CALLED_TITLE, Cause.BUSY, Cause.REFUSED, Cause.SERVICE, Cause.CERTIFICATE, Cause.OUR_CERTIFICATE,
})  # fmt: skip
"""What a DICOM device answers, and what is between its certificate and ours."""

STORING: Final = Cause.OTHER
"""An association that was there and broke off."""


def told(peer: Peer, error: SendingFailed) -> tuple[str, str]:
    """Return cause and sentence of a failure as people may hear them; what else was heard is logged."""
    if error.cause in TOLD or error.cause is STORING:
        return error.cause.value, str(error)
    log.info("device.unreachable", title=peer.called, host=peer.host, port=peer.port, cause=error.cause.value, heard=str(error))
    return NO_DEVICE, f"no DICOM device answers at the address entered for {peer.called}"
