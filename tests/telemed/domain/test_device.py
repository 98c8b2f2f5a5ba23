"""What may be entered about a device: each fault at its field, and nothing that is typed breaks the check."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.device import MAX_CERTIFICATES, MAX_NETWORKS, DeviceEntry, device_of
from telemed.domain.errors import Invalid
from telemed.domain.network import EntityUse, Institution, Level, Network

NETWORK = Network({code: Institution(code, code, code, Level.MEMBER) for code in ("CLINIC1", "CLINIC2")})
PACS = DeviceEntry("PACS1", "CLINIC1", "10.1.2.3", 104, ("store", "query"), "GB18030", ("10.1.0.0/16", "192.0.2.7"))


def faults(entry: DeviceEntry) -> set[tuple[str, str]]:
    try:
        device_of(entry, NETWORK)
    except Invalid as error:
        return {(each.field, each.code) for each in error.errors}
    return set()


def test_a_sound_entry_is_a_device() -> None:
    device = device_of(PACS, NETWORK)
    assert (device.title, device.institution, device.host, device.port, device.active) == ("PACS1", "CLINIC1", "10.1.2.3", 104, True)
    assert device.uses == {EntityUse.STORE, EntityUse.QUERY}
    assert device.calls_from == {"10.1.0.0/16", "192.0.2.7/32"}


@pytest.mark.parametrize(
    "change",
    [
        {"host": "pacs.clinic1.example"},
        {"host": "fd00::7"},
        {"host": "pacs_1"},
        {"host": "", "port": None, "uses": ()},
        {"title": "CLINIC1"},
        {"title": "A B/C#?%2F"},
        {"calls_from": ()},
        {"character_set": ""},
        {"character_set": "\\ISO 2022 IR 58"},
    ],
)
def test_what_may_be_entered(change: dict[str, object]) -> None:
    assert faults(replace(PACS, **change)) == set()  # type: ignore[arg-type]  # each is of its field's type


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"title": ""}, "title", "ae-title"),
        ({"title": "17_characters_are"}, "title", "ae-title"),
        ({"title": "BACK\\SLASH"}, "title", "ae-title"),
        ({"title": " CT"}, "title", "ae-title"),
        ({"title": "检查"}, "title", "ae-title"),
        ({"title": ".."}, "title", "ae-title"),
        ({"title": "CLINIC2"}, "title", "code-of-another"),
        ({"institution": ""}, "institution", "no-institution"),
        ({"institution": "CLINIC9"}, "institution", "no-institution"),
        ({"host": "10.1.2.300"}, "host", "host"),
        ({"host": "pacs:104"}, "host", "host"),
        ({"host": "http://pacs"}, "host", "host"),
        ({"host": ""}, "host", "address-needed"),
        ({"host": "", "uses": ()}, "host", "required"),
        ({"port": None}, "port", "required"),
        ({"port": 65536}, "port", "range"),
        ({"port": -1}, "port", "range"),
        ({"uses": ("print",)}, "uses", "choice"),
        ({"character_set": "UTF-8"}, "character_set", "character-set"),
        ({"calls_from": ("10.1.2.3/16",)}, "calls_from", "network-of-host"),
        ({"calls_from": ("the ward",)}, "calls_from", "ip-network"),
        ({"calls_from": ("10.0.0.1",) * (MAX_NETWORKS + 1)}, "calls_from", "too-many"),
        ({"certificates": ("ab" * 31,)}, "certificates", "fingerprint"),
        ({"certificates": ("zz" * 32,)}, "certificates", "fingerprint"),
        ({"certificates": ("ab" * 32,) * (MAX_CERTIFICATES + 1)}, "certificates", "too-many"),
    ],
)
def test_each_fault_stands_at_its_field(change: dict[str, object], field: str, code: str) -> None:
    assert faults(replace(PACS, **change)) == {(field, code)}  # type: ignore[arg-type]  # each is of its field's type


def test_all_faults_are_told_at_once() -> None:
    wrong = DeviceEntry("", "", "", None, ("store",), "x", ("y",))
    assert {field for field, _ in faults(wrong)} == {"title", "institution", "host", "port", "character_set", "calls_from"}


@given(
    st.builds(
        DeviceEntry,
        title=st.text(max_size=20),
        institution=st.sampled_from(["CLINIC1", "CLINIC2", ""]),
        host=st.text(max_size=30) | st.ip_addresses().map(str) | st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True),
        port=st.none() | st.integers(),
        uses=st.lists(st.sampled_from(["store", "query"]) | st.text(max_size=5), max_size=3),
        character_set=st.text(max_size=20),
        tls=st.booleans(),
        authority=st.text(max_size=50) | st.text(max_size=50).map(lambda t: f"-----BEGIN CERTIFICATE-----{t}-----END CERTIFICATE-----"),
        calls_from=st.lists(st.text(max_size=20) | st.ip_addresses(network="10.0.0.0/8").map(lambda ip: f"{ip}/16"), max_size=3),
    )
)
def test_nothing_that_is_typed_breaks_the_check(entry: DeviceEntry) -> None:
    if faults(entry):
        return
    device = device_of(entry, NETWORK)
    assert bool(device.host) == bool(device.port)
    assert device.obstacle_to_call("10.0.0.1") in ("", "network", "no-place", "certificate")
    assert all(ipaddress.ip_network(network) for network in device.calls_from)


OWN, OTHER = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(
    ("entered", "address", "shown", "obstacle"),
    [
        ({}, "10.0.0.1", "", "no-place"),  # nothing says where it is: refused by default
        ({}, "10.0.0.1", OTHER, "certificate"),
        ({"calls_from": ("10.0.0.0/30",)}, "10.0.0.3", "", ""),
        ({"calls_from": ("10.0.0.0/30",)}, "10.0.0.4", "", "network"),
        ({"calls_from": ("10.0.0.0/30",)}, "10.0.0.3", OTHER, "certificate"),  # it speaks for another, or for nobody
        ({"certificates": (OWN,)}, "203.0.113.9", OWN, ""),
        ({"certificates": (OWN, OTHER)}, "203.0.113.9", OTHER, ""),
        ({"certificates": (OWN,)}, "10.0.0.1", "", "certificate"),
        ({"certificates": (OWN,)}, "10.0.0.1", OTHER, "certificate"),
        ({"certificates": (OWN,), "calls_from": ("10.0.0.0/30",)}, "10.0.0.1", OWN, ""),
        ({"certificates": (OWN,), "calls_from": ("10.0.0.0/30",)}, "10.0.0.4", OWN, "network"),
        ({"host": "10.0.0.9", "port": 104}, "10.0.0.9", "", ""),  # where it is addressed it may call from
        ({"host": "10.0.0.9", "port": 104}, "10.0.0.8", "", "network"),
        ({"host": "pacs.example", "port": 104}, "10.0.0.9", "", "no-place"),
        ({"host": "10.0.0.9", "port": 104, "calls_from": ("10.0.0.0/30",)}, "10.0.0.9", "", "network"),
    ],
)
def test_who_may_call_is_entered(entered: dict[str, object], address: str, shown: str, obstacle: str) -> None:
    device = device_of(replace(DeviceEntry("CT1", "CLINIC1"), **entered), NETWORK)  # type: ignore[arg-type]
    assert device.obstacle_to_call(address, shown) == obstacle


def test_a_fingerprint_may_be_typed_as_tools_print_it() -> None:
    printed = ":".join(["AB"] * 32)
    assert device_of(replace(PACS, certificates=(printed, f" {OTHER} ")), NETWORK).certificates == {OWN, OTHER}


def test_the_code_of_an_institution_is_an_ae_title_where_it_was_entered() -> None:
    assert NETWORK.entity("CLINIC1") is None
    entered = replace(NETWORK, entities={"CLINIC1": device_of(DeviceEntry("CLINIC1", "CLINIC1", calls_from=("10.0.0.1",)), NETWORK)})
    assert entered.entity("CLINIC1") is not None
