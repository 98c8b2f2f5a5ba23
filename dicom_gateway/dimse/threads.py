"""Associations that pynetdicom serves, each in a thread, on sockets that were accepted elsewhere."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from pynetdicom import AE
from pynetdicom.transport import ThreadedAssociationServer

_PATIENCE = 10.0  # seconds for a thread to notice that its association was aborted


class ThreadedAssociations(ThreadedAssociationServer):
    """pynetdicom's server without a port of its own."""

    daemon_threads = True

    def __init__(self, ae: AE, address: tuple[str, int], handlers: list[Any]) -> None:
        super().__init__(ae, address, ae.ae_title, ae.supported_contexts, evt_handlers=handlers)
        cast(socket.socket, self.socket).close()

    def server_bind(self) -> None:
        """There is nothing to bind."""

    def server_activate(self) -> None:
        """Nor to listen on."""

    def serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        """Serve the association on `connection` in a thread."""
        self.process_request(connection, address)

    async def close(self) -> None:
        """Abort what is open and wait for the threads."""
        associations = self.active_associations
        for association in associations:
            await asyncio.to_thread(association.abort)
        for association in associations:
            await asyncio.to_thread(association.join, _PATIENCE)
