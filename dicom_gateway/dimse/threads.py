"""Associations that pynetdicom serves, each in a thread, on sockets that were accepted elsewhere."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, cast

from pynetdicom import AE
from pynetdicom.dimse_primitives import C_GET, C_MOVE
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from dicom_gateway.dimse.association_socket import make_prompt

log = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds for a thread to notice that its association was aborted

_ROOM = 32  # PDUs that may wait to be sent
_STUCK_AFTER = 60.0  # seconds in which a peer takes nothing of what waits

# What serves a retrieve request: (association, request, presentation context).
Retrieve = Callable[[Any, C_MOVE | C_GET, Any], None]
# What is done in the association's thread behind a request: (association, request).
AfterRequest = Callable[[Any, Any], None]


class _Request(RequestHandler):
    """Makes the association for a connection, with our way of serving retrieval."""

    def _create_association(self) -> Any:
        association: Any = super()._create_association()
        make_prompt(association)
        server = cast(ThreadedAssociations, self.server)
        association.certificate = server.certificates.pop(self.request, b"")
        by_pynetdicom = association._serve_request

        def serve(request: Any, context_id: int) -> None:
            context = association._accepted_cx.get(context_id)
            if context is None or not isinstance(request, C_MOVE | C_GET) or not request.is_valid_request:
                by_pynetdicom(request, context_id)
                if association.is_established:
                    server.after_request(association, request)
            else:
                association.dimse.cancel_req = {}
                association._is_paused = True
                try:
                    server.retrieve(association, request, context)
                finally:
                    association._is_paused = False
                    association.dimse.cancel_req = {}
            association.dul._idle_timer.restart()  # our own work is not the peer's idleness

        association._serve_request = serve
        return association


def is_aborted(association: Any) -> bool:
    """True if the peer has aborted or its connection is lost, for use while a request is served. Nothing is sent then."""
    if association.acse.is_aborted() or not association.dul.is_alive():
        association.is_established = False
    return not association.is_established


def wait_until_writable(association: Any) -> bool:
    """Wait until the peer has taken what was to be sent, once it is much; False where the peer is gone or stuck.

    pynetdicom queues without a limit, and reads no C-CANCEL while anything is queued.
    """
    queue, taken_at = association.dul.to_provider_queue, time.monotonic()
    waiting = queue.qsize()
    if waiting < _ROOM:
        return not is_aborted(association)
    while waiting and not is_aborted(association):
        if time.monotonic() - taken_at > _STUCK_AFTER:
            log.info("%s takes no more answers", association.requestor.ae_title)
            association.abort()
            return False
        time.sleep(0.001)
        if queue.qsize() < waiting:
            taken_at = time.monotonic()
        waiting = queue.qsize()
    return not is_aborted(association)


class ThreadedAssociations(ThreadedAssociationServer):
    """pynetdicom's server without a port of its own."""

    daemon_threads = True

    def __init__(self, ae: AE, address: tuple[str, int], handlers: list[Any], retrieve: Retrieve, after_request: AfterRequest) -> None:
        super().__init__(ae, address, ae.ae_title, ae.supported_contexts, evt_handlers=handlers, request_handler=_Request)
        cast(socket.socket, self.socket).close()
        self.retrieve = retrieve
        self.after_request = after_request
        self.certificates: dict[socket.socket, bytes] = {}

    def server_bind(self) -> None:
        """Bind nothing: connections come from the receiver."""

    def server_activate(self) -> None:
        """Listen on nothing."""

    def serve(self, connection: socket.socket, address: tuple[str, int], certificate: bytes) -> None:
        """Serve the association on `connection` in a thread; `certificate` is what the peer showed where TLS ended."""
        self.certificates[connection] = certificate
        self.process_request(connection, address)

    async def close(self) -> None:
        """Abort what is open and wait for the threads."""
        associations = self.active_associations
        for association in associations:
            await asyncio.to_thread(association.abort)
        for association in associations:
            await asyncio.to_thread(association.join, _PATIENCE)
