"""The networks in which devices may be addressed: nobody who enters a device makes us call anywhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""Networks of nobody's and everybody's (RFC 1918, section 3; RFC 4193, section 3.1): those of hospitals."""

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
"""The machine itself (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3)."""

METADATA: Final = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
"""Where clouds tell a machine its own keys: AWS, Azure, Google and OpenStack, AWS ECS, Alibaba Cloud, Azure, Oracle Cloud, AWS and
Google over IPv6 (their documentation)."""

TRANSLATED: Final = ip_network("64:ff9b::/96")
"""IPv4 addresses as a translator shows them (RFC 6052, section 2.1)."""

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class DeviceNetworks:
    """Networks as they were given."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, networks: Iterable[str]) -> DeviceNetworks:
        """Return the networks of these texts, such as 192.0.2.0/24. Raises ValueError for what is none."""
        return cls(tuple(map(ip_network, networks)))

    def hold(self, address: str) -> bool:
        """True if a device may be addressed at this IP address.

        A wide network opens neither the machine itself nor its link: those are open where a network of nothing else was given. Where a
        cloud tells its keys is never open, nor is what stands for nobody or for many.
        """
        try:
            meant = _meant(ip_address(address))
        except ValueError:
            return False
        if meant in METADATA or meant.is_unspecified or meant.is_multicast or meant == IPv4Address("255.255.255.255"):
            return False
        fitting = [network for network in self.networks if meant in network]
        if meant.is_loopback:
            return any(network.is_loopback for network in fitting)
        if meant.is_link_local:
            return any(network.is_link_local for network in fitting)
        return bool(fitting)

    def in_demonstration(self) -> DeviceNetworks:
        """The machine itself is open too: whoever tries the demonstration has devices there."""
        return DeviceNetworks((*self.networks, *map(ip_network, LOOPBACK)))

    def __str__(self) -> str:
        return ", ".join(map(str, self.networks))


def _meant(address: Address) -> Address:
    """Return the IPv4 address that one of IPv6 stands for, else the address without the name of a link."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return IPv6Address(int(address))


DEFAULT: Final = DeviceNetworks.of(PRIVATE)
"""What holds where a site says nothing."""
