"""The socket of associations that pynetdicom serves or makes for us.

It differs from pynetdicom's own in two ways for which that offers no other place: what has come is acknowledged at once, and a
socket is closed also where there is nothing to shut down. Only associations made here have it; others of the process keep theirs.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

from pynetdicom import AE
from pynetdicom.transport import AddressInformation, AssociationSocket

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class PromptSocket(AssociationSocket):
    """Acknowledges what has come, and is closed when it is shut down."""

    def recv(self, nr_bytes: int) -> bytearray:
        """Return up to `nr_bytes`. dcmtk leaves Nagle on and would hold the rest of its answer back for a delayed ACK (40 ms); each
        read uses the socket option up."""
        content = super().recv(nr_bytes)
        if self.socket is not None and _QUICKACK is not None:
            with contextlib.suppress(OSError):  # it may have been closed meanwhile
                self.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return content

    def _shutdown_socket(self) -> None:
        """Close the socket, also where the peer has gone or never was there; pynetdicom would leave it open until it is collected."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()


def make_prompt(association: Any) -> None:
    """Give an accepted association this socket. pynetdicom makes its own, with no say for the server, and announces the connection
    as it does so: it cannot be made twice."""
    association.dul.socket.__class__ = PromptSocket


class RequestingEntity(AE):
    """An application entity whose associations have this socket."""

    def _create_socket(self, assoc: Any, address: AddressInformation, tls_args: tuple[ssl.SSLContext, str] | None) -> AssociationSocket:
        made = PromptSocket(assoc, address=address)
        if tls_args is not None:
            made.tls_args = tls_args
        return made
