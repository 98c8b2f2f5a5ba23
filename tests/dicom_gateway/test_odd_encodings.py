"""Objects as devices write them, off the beaten track: what they hold is told completely, and every address that is told answers."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.dicom_gateway.conftest import Gateway, parts_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, stow

MPEG4 = "1.2.840.10008.1.2.4.102"
MPEG2_FRAGMENTABLE = "1.2.840.10008.1.2.4.100.1"
MOVIE_GROUP, DIGITAL_SIGNATURES, TRAILING_PADDING = "7FE11001", "FFFAFFFA", "FFFCFFFC"


def place_of(data_set: Dataset) -> str:
    return f"/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}/instances/{data_set.SOPInstanceUID}"


async def told(http: aiohttp.ClientSession, gateway: Gateway, data_set: Dataset, content: bytes) -> dict[str, Any]:
    """The metadata of an object after it was stored."""
    status, said = await stow(http, gateway, [content])
    assert status == 200, said
    status, body, _ = await get(http, gateway, place_of(data_set) + "/metadata")
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)[0]
    return found


def encapsulated(data_set: Dataset, syntax: str, value: bytes) -> bytes:
    """The object with pixel data of undefined length, written with its delimiter."""
    data_set.PixelData = value
    data_set["PixelData"].VR = "OB"
    data_set["PixelData"].is_undefined_length = True
    return part10_of(data_set, UID(syntax))


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def explicit(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """An element of a VR with a length of 32 bits."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value) if length is None else length) + value


# Video


def video(frames: int = 250) -> Dataset:
    return ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.1.1", Modality="ES", NumberOfFrames=frames, SamplesPerPixel=3,
                    PhotometricInterpretation="YBR_PARTIAL_420", BitsAllocated=8, BitsStored=8, HighBit=7, PlanarConfiguration=0)  # fmt: skip


@pytest.mark.parametrize(("syntax", "fragments", "kind"), [(MPEG4, 1, "video/mp4"), (MPEG2_FRAGMENTABLE, 3, "video/mpeg")])
async def test_a_video_is_given_as_a_stream_at_the_address_that_metadata_name(
    gateway: Gateway, http: aiohttp.ClientSession, syntax: str, fragments: int, kind: str
) -> None:
    film = bytes(range(256)) * 300
    size = len(film) // fragments
    made = video()
    content = encapsulated(made, syntax, encapsulate([film[n * size : (n + 1) * size] for n in range(fragments)], has_bot=False))
    found = await told(http, gateway, made, content)
    where = urljoin(place_of(made) + "/metadata", found["7FE00010"]["BulkDataURI"])
    rendered = place_of(made) + "/rendered"
    for address, accept, given in ((where, "*/*", kind), (where, "application/octet-stream", "application/octet-stream"),
                                   (where, kind, kind), (rendered, kind, kind), (rendered, "*/*", kind), (rendered, "video/*", kind)):  # fmt: skip
        status, body, headers = await get(http, gateway, address, Accept=accept)
        assert (status, body) == (200, film), (address, accept)
        assert headers["Content-Type"].split(";")[0] == given
        assert headers["Accept-Ranges"] == "bytes"
        first, last = len(film) // 3 - 5, len(film) // 3 + 4  # from the end of a fragment into the next
        cut = {"Range": f"bytes={first}-{last}", "If-Range": headers["ETag"]}
        status, body, headers = await get(http, gateway, address, Accept=accept, **cut)
        assert (status, body, headers["Content-Range"]) == (206, film[first : last + 1], f"bytes {first}-{last}/{len(film)}")
    status, _, _ = await get(http, gateway, where, Range=f"bytes={len(film)}-")
    assert status == 416
    status, body, headers = await get(http, gateway, where, Accept=f'multipart/related; type="{kind}"')
    assert [content for _, content in parts_of(body, headers["Content-Type"])] == [film]
    for address, accept in ((rendered, "image/jpeg"), (place_of(made) + "/frames/1/rendered", kind), (where, "image/jpeg")):
        assert (await get(http, gateway, address, Accept=accept))[0] == 406
    status, body, _ = await get(http, gateway, place_of(made) + "/frames/1", Accept="multipart/related; type=application/octet-stream")
    assert (status, "this is video" in json.loads(body)["detail"]) == (404, True)


async def test_every_frame_of_compressed_pictures_is_in_their_bulk_data(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    made = ct_slice(NumberOfFrames=3)
    found = await told(http, gateway, made, encapsulated(made, JPEGBaseline8Bit, encapsulate([b"ab", b"cd", b"ef"])))
    status, body, _ = await get(http, gateway, place_of(made) + "/" + found["7FE00010"]["BulkDataURI"])
    assert (status, body) == (200, b"abcdef")
    status, body, headers = await get(
        http, gateway, place_of(made) + "/bulkdata", Accept="multipart/related; type=application/octet-stream"
    )
    assert [content for _, content in parts_of(body, headers["Content-Type"])] == [b"abcdef"]


# What stands behind the pixels


def with_a_tail(**attributes: Any) -> Dataset:
    made = ct_slice(**attributes)
    made.add_new(0x7FE10010, "LO", "GEMS_Ultrasound_MovieGroup_001")
    signature = Dataset()
    signature.MACIDNumber = 7
    movie = Dataset()
    movie.add_new(0x7FE10010, "LO", "GEMS_Ultrasound_MovieGroup_001")
    movie.add_new(0x7FE11060, "OB", bytes(range(256)) * 10)
    made.add_new(0x7FE11001, "SQ", Sequence([movie]))
    made.DigitalSignaturesSequence = Sequence([signature])
    made.DataSetTrailingPadding = bytes(2000)
    return made


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
async def test_elements_behind_the_pixels_are_told(gateway: Gateway, http: aiohttp.ClientSession, syntax: Any) -> None:
    made = with_a_tail()
    found = await told(http, gateway, made, part10_of(made, syntax))
    assert found[DIGITAL_SIGNATURES]["Value"] == [{"04000005": {"vr": "US", "Value": [7]}}]
    assert found["7FE10010"]["Value"] == ["GEMS_Ultrasound_MovieGroup_001"]
    assert TRAILING_PADDING not in found
    assert list(found) == sorted(found)
    uri = found[MOVIE_GROUP]["Value"][0]["7FE11060"]["BulkDataURI"]
    status, body, _ = await get(http, gateway, urljoin(place_of(made) + "/metadata", uri))
    assert (status, body) == (200, bytes(range(256)) * 10)
    status, body, _ = await get(http, gateway, f"/instances?SOPInstanceUID={made.SOPInstanceUID}&includefield={DIGITAL_SIGNATURES}")
    assert json.loads(body)[0][DIGITAL_SIGNATURES]["Value"]
    status, body, _ = await get(http, gateway, place_of(made) + "/metadata", Accept='multipart/related; type="application/dicom+xml"')
    assert b'tag="FFFAFFFA"' in body


async def test_elements_behind_encapsulated_pixels_are_told(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Which end with the delimiter of a sequence, as the last element may."""
    made = with_a_tail()
    found = await told(http, gateway, made, encapsulated(made, RLELossless, encapsulate([b"\1\2", b"\3\4"])))
    assert found[DIGITAL_SIGNATURES]["Value"] == [{"04000005": {"vr": "US", "Value": [7]}}]


def icon(encoded: bytes | None) -> Dataset:
    """An icon, its pixels encapsulated or plain, and an element behind them."""
    made = Dataset()
    made.Rows = made.Columns = 2
    made.PixelData = encapsulate([encoded]) if encoded else bytes(4)
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = encoded is not None
    made.DigitalSignaturesSequence = Sequence([Dataset()])
    return made


async def test_pixels_of_an_icon_are_told_as_well_and_what_stands_behind_them(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    made = ct_slice(IconImageSequence=Sequence([icon(b"\xff\xd8small!\xff\xd9")]))
    found = await told(http, gateway, made, encapsulated(made, JPEGBaseline8Bit, encapsulate([b"ab"])))
    small = found["00880200"]["Value"][0]
    assert DIGITAL_SIGNATURES in small
    status, body, _ = await get(http, gateway, urljoin(place_of(made) + "/metadata", small["7FE00010"]["BulkDataURI"]))
    assert (status, body.rstrip(b"\0")) == (200, b"\xff\xd8small!\xff\xd9")
    plain = ct_slice(IconImageSequence=Sequence([icon(None)]))
    small = (await told(http, gateway, plain, part10_of(plain)))["00880200"]["Value"][0]
    assert (b64decode(small["7FE00010"]["InlineBinary"]), DIGITAL_SIGNATURES in small) == (bytes(4), True)


# What an encoding does not say


@pytest.mark.parametrize("sign", [0, 1])
async def test_numbers_of_unknown_sign_go_by_the_pixels(gateway: Gateway, http: aiohttp.ClientSession, sign: int) -> None:
    """In explicit data as UN, which is always little endian (PS3.5 6.2.2), and in items with pixels of their own."""
    kind, low = ("SS", -1000) if sign else ("US", 64536)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        small = Dataset()
        small.PixelRepresentation = 1 - sign
        small.SmallestImagePixelValue = 64536 if sign else -1000
        small["SmallestImagePixelValue"].VR = "US" if sign else "SS"
        made = ct_slice(PixelRepresentation=sign, IconImageSequence=Sequence([small]), PixelData=None)
        behind = b""
        for tag, value in ((0x00280106, 64536), (0x00280120, 32768)):
            head = struct.pack(">HH" if syntax == ExplicitVRBigEndian else "<HH", tag >> 16, tag & 0xFFFF)
            length = struct.pack(">I" if syntax == ExplicitVRBigEndian else "<I", 2)
            behind += head + (b"" if syntax == ImplicitVRLittleEndian else b"UN\0\0") + length + struct.pack("<H", value)
        found = await told(http, gateway, made, part10_of(made, syntax) + behind)
        assert found["00280106"] == {"vr": kind, "Value": [low]}
        assert found["00280120"] == {"vr": kind, "Value": [-32768 if sign else 32768]}
        (inner,) = found["00880200"]["Value"]
        assert inner["00280106"] == ({"vr": "US", "Value": [64536]} if sign else {"vr": "SS", "Value": [-1000]})


async def test_what_is_called_a_sequence_and_holds_no_item_is_bytes(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    made = ct_slice(PixelData=None)
    named = implicit(0x0040A170, b"NAMED TYPE")
    item = named + implicit(0x0040A171, b"1.2.3\0") + implicit(0x0040A192, b"20200101")
    sequence = implicit(0x0040A730, struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)
    plain = part10_of(made, ImplicitVRLittleEndian)
    request = implicit(0x00400275, b"NO ITEM ")
    found = await told(http, gateway, made, plain + request + named + implicit(0x0040A171, b"1.2.4\0") + sequence)
    assert b64decode(found["0040A170"]["InlineBinary"]) == b"NAMED TYPE"
    assert found["0040A171"]["Value"] == ["1.2.4"]
    (inner,) = found["0040A730"]["Value"]
    assert (inner["0040A170"]["vr"], inner["0040A171"]["Value"], inner["0040A192"]["Value"]) == ("UN", ["1.2.3"], ["20200101"])
    status, body, _ = await get(http, gateway, place_of(made), Accept="application/dicom")
    assert (status, body[-len(sequence) :]) == (200, sequence)


async def test_a_damaged_sequence_takes_nothing_with_it(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    made = ct_slice(PixelData=None)
    behind = struct.pack("<HH2sH", 0x0040, 0xA992, b"UI", 6) + b"1.2.3\0"
    found = await told(http, gateway, made, part10_of(made) + explicit(0x0040A730, b"SQ", b"NO ITEMS") + behind)
    assert (found["0040A730"], found["0040A992"]["Value"]) == ({"vr": "SQ"}, ["1.2.3"])


@pytest.mark.parametrize("blank", [b"  ", b"\0\0", b"??"])
async def test_a_blank_vr_has_a_short_length(gateway: Gateway, http: aiohttp.ClientSession, blank: bytes) -> None:
    made = ct_slice(PixelRepresentation=1, PixelPaddingValue=-2000)
    content = part10_of(made)
    for tag in ((0x0028, 0x0120), (0x0028, 0x0103), (0x0008, 0x0060)):
        at = content.index(struct.pack("<HH", *tag), 400 if tag[0] == 8 else 0)
        content = content[: at + 4] + blank + content[at + 6 :]
    found = await told(http, gateway, made, content)
    assert (found["00280120"]["Value"], found["00080060"]["Value"]) == ([-2000], ["CT"])
    assert (await get(http, gateway, place_of(made) + "/rendered", Accept="image/png"))[0] == 200


async def test_implicit_elements_that_slipped_in_are_still_read(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Their lengths look like blanks: 8,224 is two blanks, 65,536 two NULs."""
    for length in (8224, 65536):
        made = ct_slice(PixelData=None)
        behind = struct.pack("<HH2sH", 0x0070, 0x0080, b"CS", 4) + b"NAME"
        found = await told(http, gateway, made, part10_of(made) + implicit(0x00291001, bytes(length)) + behind)
        assert found["00700080"]["Value"] == ["NAME"]


# Frames


@pytest.mark.parametrize("where", ["front", "middle", "end", "many"])
async def test_fragments_in_which_nothing_is_are_passed(gateway: Gateway, http: aiohttp.ClientSession, where: str) -> None:
    full = [b"\xff\xd8one!\xff\xd9", b"\xff\xd8two!\xff\xd9", b"\xff\xd8three\xff\xd9\0"]
    pieces = {"front": [b"", *full], "middle": [full[0], b"", *full[1:]], "end": [*full, b""], "many": [*full, b"", b"", b""]}[where]
    value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(piece)) + piece for piece in (b"", *pieces))
    made = ct_slice(NumberOfFrames=3)
    await told(http, gateway, made, encapsulated(made, JPEGBaseline8Bit, value))
    kept = 'multipart/related; type="image/jpeg"'
    for number, expected in enumerate(full, 1):
        status, body, headers = await get(http, gateway, f"{place_of(made)}/frames/{number}", Accept=kept)
        assert status == 200, body
        assert [content for _, content in parts_of(body, headers["Content-Type"])] == [expected]


async def test_bytes_in_big_endian_words_are_swapped_to_the_last(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """An odd number of 8-bit samples in OW: the last byte stands second in its word (PS3.5 8.1.1 and 7.3)."""
    samples = bytes(range(1, 28))
    made = ct_slice(Rows=3, Columns=3, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0,
                    BitsAllocated=8, BitsStored=8, HighBit=7)  # fmt: skip
    padded = samples + b"\0"
    made.PixelData = b"".join(padded[n : n + 2][::-1] for n in range(0, 28, 2))
    made["PixelData"].VR = "OW"
    await told(http, gateway, made, part10_of(made, ExplicitVRBigEndian))
    status, body, headers = await get(
        http, gateway, place_of(made) + "/frames/1", Accept="multipart/related; type=application/octet-stream"
    )
    assert status == 200
    assert parts_of(body, headers["Content-Type"])[0][1] == samples


# Which UIDs count


async def test_the_uids_of_the_data_set_count(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """File meta information is a copy (PS3.10 7.1), which tools that de-identify forget."""
    made = ct_slice()
    content = part10_of(made)
    at = content.index(made.SOPInstanceUID.encode())
    content = (
        content[:at] + content[at : at + len(made.SOPInstanceUID)].replace(b"1.2.", b"2.3.", 1) + content[at + len(made.SOPInstanceUID) :]
    )
    assert dcmread(BytesIO(content)).file_meta.MediaStorageSOPInstanceUID != made.SOPInstanceUID
    found = await told(http, gateway, made, content)
    assert found["00080018"]["Value"] == [made.SOPInstanceUID]
    assert (await stow(http, gateway, [part10_of(made)]))[0] == 200  # the same object, told of rightly
