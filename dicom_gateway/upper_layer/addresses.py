"""The IP addresses of whom we call: a name is resolved once for each call, and called is an address that was judged."""

from __future__ import annotations

import socket
from collections.abc import Callable

MayCall = Callable[[str], bool]
"""True for an IP address that may be called."""


def anywhere(_address: str) -> bool:
    """Every address may be called: for hosts of this library that take no entries from others."""
    return True


class OutsideReach(OSError):
    """The host has addresses, and none of them may be called."""


def addresses_of(host: str, port: int, may_call: MayCall) -> list[str]:
    """Return the addresses of the host that may be called, as the resolver orders them. Blocks: for a thread.

    Raises socket.gaierror for a name that nobody knows, OutsideReach where no address may be called.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    allowed = [address for address in addresses if may_call(address)]
    if not allowed:
        raise OutsideReach(f"{host} lies outside the networks that may be called")
    return allowed
