"""Associations that pynetdicom serves, each in a thread, on sockets that were accepted elsewhere."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

from pynetdicom import AE
from pynetdicom.dimse_primitives import C_GET, C_MOVE
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

log = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds for a thread to notice that its association was aborted

# What serves a retrieve request: (association, request, presentation context).
Retrieve = Callable[[Any, C_MOVE | C_GET, Any], None]
# What is done in the association's thread behind a request: (association, request).
Behind = Callable[[Any, Any], None]


class _Request(RequestHandler):
    """Makes the association for a connection, with our way of serving retrieval."""

    def _create_association(self) -> Any:
        association = super()._create_association()
        server = cast(ThreadedAssociations, self.server)
        by_pynetdicom = association._serve_request

        def serve(request: Any, context_id: int) -> None:
            context = association._accepted_cx.get(context_id)
            if context is None or not isinstance(request, C_MOVE | C_GET) or not request.is_valid_request:
                by_pynetdicom(request, context_id)
                if association.is_established:
                    server.behind(association, request)
                return
            association.dimse.cancel_req = {}
            association._is_paused = True
            try:
                server.retrieve(association, request, context)
            finally:
                association._is_paused = False
                association.dimse.cancel_req = {}

        association._serve_request = serve
        return association


class ThreadedAssociations(ThreadedAssociationServer):
    """pynetdicom's server without a port of its own."""

    daemon_threads = True

    def __init__(self, ae: AE, address: tuple[str, int], handlers: list[Any], retrieve: Retrieve, behind: Behind) -> None:
        super().__init__(ae, address, ae.ae_title, ae.supported_contexts, evt_handlers=handlers, request_handler=_Request)
        cast(socket.socket, self.socket).close()
        self.retrieve = retrieve
        self.behind = behind

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
