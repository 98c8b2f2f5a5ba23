"""The ports that an installation listens on, and what is said when one cannot be had."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class PortInUse(Exception):
    """A role's door cannot be opened; the message is a plain sentence."""


@contextlib.contextmanager
def plain_port_error(host: str, port: int, setting: str) -> Iterator[None]:
    """Says which setting names a port that cannot be opened."""
    try:
        yield
    except OSError as error:
        raise PortInUse(f"Port {port} on {host} cannot be opened ({error.strerror or error}). Set {setting} to another one.") from error


class SharedPort(NamedTuple):
    """A port that several processes of a role open together on an address, and the setting that names it."""

    role: str
    processes: int
    host: str
    port: int
    setting: str


def check_shared_ports(ports: Iterable[SharedPort]) -> None:
    """Check that ports are ours to share: one that several processes open together would be opened beside a stranger's too. Raises
    `PortInUse`."""
    for shared in ports:
        if shared.processes == 1:
            continue
        host, port = shared.host, shared.port
        with plain_port_error(host, port, shared.setting):
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST)[0][0]
            socket.create_server((host, port), family=family).close()
