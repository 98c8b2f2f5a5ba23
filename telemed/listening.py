"""The ports that an installation listens on, and what is said when one cannot be had."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from telemed.settings import Settings


class PortInUse(Exception):
    """A role's door cannot be opened; the message is a plain sentence."""


@contextlib.contextmanager
def plain_port_error(host: str, port: int, setting: str) -> Iterator[None]:
    """Says which setting names a port that cannot be opened."""
    try:
        yield
    except OSError as error:
        raise PortInUse(f"Port {port} on {host} cannot be opened ({error.strerror or error}). Set {setting} to another one.") from error


def check_shared_ports(settings: Settings) -> None:
    """Check that the ports are ours to share: a port that several processes open together would be opened beside a stranger's
    too. Raises `PortInUse`."""
    shared = (
        (settings.gateways, settings.host, settings.dicom_port, "TELEMED_DICOM_PORT"),
        (settings.webs, settings.web_host, settings.http_port, "TELEMED_HTTP_PORT"),
    )
    for processes, host, port, setting in shared:
        if processes == 1:
            continue
        with plain_port_error(host, port, setting):
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST)[0][0]
            socket.create_server((host, port), family=family).close()
