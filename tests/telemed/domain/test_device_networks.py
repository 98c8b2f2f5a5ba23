"""Where devices may be addressed: below, at and above each network, and what no network opens."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.device_networks import DEFAULT, METADATA, DeviceNetworks

EVERYTHING = DeviceNetworks.of(["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("10.0.0.0", "10.255.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_private_networks_are_open_from_the_first_address_to_the_last(first: str, last: str) -> None:
    lowest, highest = ipaddress.ip_address(first), ipaddress.ip_address(last)
    assert DEFAULT.hold(first)
    assert DEFAULT.hold(last)
    assert not DEFAULT.hold(str(lowest - 1))
    assert not DEFAULT.hold(str(highest + 1))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "::1", "169.254.1.1", "fe80::1", "0.0.0.0", "::",  # noqa: S104
        "224.0.0.1", "ff02::1", "255.255.255.255",
        *sorted(map(str, METADATA)), "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "fe80::1%eth0", "pacs.example", "", "10.1.2", "0x0a000001",
    ],
)  # fmt: skip
def test_no_wide_network_opens_the_machine_its_link_or_a_clouds_keys(address: str) -> None:
    assert not DEFAULT.hold(address)
    assert not EVERYTHING.hold(address)


def test_the_machine_and_its_link_are_open_where_they_are_given_alone() -> None:
    narrow = DeviceNetworks.of(["127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"])
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.1.1", "fe80::1", "fe80::1%eth0"):
        assert narrow.hold(address), address
    for address in map(str, METADATA):
        assert not narrow.hold(address), address
    assert not narrow.hold("10.1.2.3")


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_an_address_in_the_clothes_of_ipv6_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    assert DEFAULT.hold(f"::ffff:{address}")
    assert not DeviceNetworks.of(["::/0"]).hold(f"::ffff:{address}")


@given(st.text(max_size=60))
def test_no_text_breaks_the_check(text: str) -> None:
    assert DEFAULT.hold(text) in (True, False)


def test_in_the_demonstration_the_machine_is_open_too() -> None:
    shown = DEFAULT.in_demonstration()
    assert shown.hold("127.0.0.1")
    assert shown.hold("10.1.2.3")
    assert not shown.hold("169.254.169.254")
    assert str(shown) == "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, 127.0.0.0/8, ::1/128"
