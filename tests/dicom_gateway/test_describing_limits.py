"""How much of an object is described: each limit met exactly, just kept and just passed, and what is answered beyond it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from io import BytesIO

import aiohttp
import pytest
from pydicom import dcmread

from dicom_gateway import UnreadableDICOM
from dicom_gateway.errors import TooLargeToDescribe
from dicom_gateway.json_budget import MAX_PARSED, MAX_TEXT, MAX_VALUES, check_parsed
from dicom_gateway.json_dataset import Head, describe_series
from dicom_gateway.scanner import MAX_DEPTH, MAX_MEMBERS, UNDEFINED, scan
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, stow

PLAIN = ct_slice(PixelData=None)
WRITTEN = part10_of(PLAIN)
CONTENT = 0x0040A730
ITEM, SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE000, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """One element in explicit VR little endian, of a VR with a length of 32 bits."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value) if length is None else length) + value


def own_members() -> int:
    """Elements that a described object has before anything is added."""
    return len(dcmread(BytesIO(WRITTEN)))


def items(count: int) -> bytes:
    """An object with so many items and elements, the items of defined length."""
    return WRITTEN + element(CONTENT, b"SQ", ITEM * (count - own_members() - 1))


def elements(count: int) -> bytes:
    """The same number, of which all are elements of one data set, with tags of their own."""
    added = (element((0x0045 + 2 * (n >> 15)) << 16 | 0x1000 + (n & 0x7FFF), b"UN", b"") for n in range(count - own_members()))
    return WRITTEN + b"".join(added)


def nested(depth: int) -> bytes:
    """An object whose sequences, all of defined length, are nested so deep."""
    sequence = element(CONTENT, b"SQ", b"")
    for _ in range(depth - 1):
        sequence = element(CONTENT, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(sequence)) + sequence)
    return WRITTEN + sequence


def characters(count: int) -> bytes:
    """An object whose metadata have about so many characters, all but some in one value."""
    plain = len(describe_series([(Head(WRITTEN, has_pixels=False), "")]))
    return WRITTEN + element(0x0040A160, b"UT", b"a" * (count - plain))


LIMITS: dict[str, tuple[int, int, Callable[[int], bytes]]] = {
    "items": (MAX_MEMBERS, 1, items),
    "elements": (MAX_MEMBERS, 1, elements),
    "depth": (MAX_DEPTH, 1, nested),
    "characters": (MAX_TEXT - 1000, 2000, characters),  # what is around a value counts as well
    "values": (MAX_VALUES, 1, lambda count: WRITTEN + element(0x00720074, b"UN", bytes(8 * count))),
    "texts": (MAX_VALUES, 1, lambda count: WRITTEN + element(0x00080119, b"UC", b"\\" * (count - 1))),
}


@pytest.mark.parametrize("name", LIMITS)
def test_an_object_is_described_up_to_the_limit(name: str) -> None:
    limit, past, made = LIMITS[name]
    for size in (limit,) if made is elements else (limit - 1, limit):  # a million tags take their time
        assert json.loads(describe_series([(Head(made(size), has_pixels=False), "")]))[0]["00080018"]["Value"] == [PLAIN.SOPInstanceUID]
    with pytest.raises(TooLargeToDescribe):
        describe_series([(Head(made(limit + past), has_pixels=False), "")])


@pytest.mark.parametrize(("character", "counts"), [(b"\x01", 6), ("é".encode(), 4)])
def test_what_is_escaped_or_wide_is_counted_as_it_stands_in_memory(character: bytes, counts: int) -> None:
    plain = part10_of(ct_slice(PixelData=None, SpecificCharacterSet="ISO_IR 192"))
    for count in (MAX_TEXT // counts - 1000, MAX_TEXT // counts + 1000):
        head = Head(plain + element(0x0040A160, b"UT", character * count), has_pixels=False)
        if count * counts > MAX_TEXT:
            with pytest.raises(TooLargeToDescribe):
                describe_series([(head, "")])
        else:
            assert json.loads(describe_series([(head, "")]))[0]["0040A160"]["Value"] == [character.decode() * count]


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_metadata_are_taken_apart_up_to_the_limit(side: int) -> None:
    described = b'"vr":' * (MAX_PARSED + side)
    if side > 0:
        with pytest.raises(TooLargeToDescribe):
            check_parsed(described)
    else:
        check_parsed(described)


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_an_object_comes_in_with_items_up_to_the_limit(side: int) -> None:
    """Of undefined length, as they are looked into there: the sequence and its end count too."""
    longest = MAX_MEMBERS - 2 - _not_passed_in_a_run()
    content = WRITTEN + element(CONTENT, b"SQ", ITEM * (longest + side) + SEQUENCE_END, UNDEFINED)
    if side > 0:
        with pytest.raises(UnreadableDICOM, match="more than 1,000,000 items and elements"):
            scan(content)
    else:
        scan(content)


def _not_passed_in_a_run() -> int:
    """Elements of the object that have lengths of 32 bits; the others are passed in runs and do not count."""
    return sum(each.VR in ("OB", "OW", "SQ", "UT", "UN", "UC", "UR") for each in dcmread(BytesIO(WRITTEN)))


async def test_what_cannot_be_described_is_said_and_can_be_fetched(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    deep = nested(MAX_DEPTH + 28)
    assert (await stow(http, gateway, [deep]))[0] == 200
    study = f"/studies/{PLAIN.StudyInstanceUID}"
    instance = f"{study}/series/{PLAIN.SeriesInstanceUID}/instances/{PLAIN.SOPInstanceUID}"
    for where in (study, instance):
        for kind in ("application/dicom+json", 'multipart/related; type="application/dicom+xml"'):
            status, body, _ = await get(http, gateway, f"{where}/metadata", Accept=kind)
            assert status == 406
            assert "nested more than 32 deep" in json.loads(body)["detail"]
    status, body, _ = await get(http, gateway, instance, Accept="application/dicom")
    assert (status, body) == (200, deep)
