"""Metadata as DICOM JSON: right by the oracle, whatever the bytes; kept for a series, and never stale."""

from __future__ import annotations

import gzip
import json
import warnings
from base64 import b64decode, b64encode
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from dicom_gateway import UnreadableDICOM
from dicom_gateway.json_dataset import Describer, Head, describe_series
from dicom_gateway.scanner import scan
from tests import real_files
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, stow

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def head_of(part10: bytes) -> Head | None:
    """The object up to its pixels; None for what is deflated or no DICOM."""
    try:
        found = scan(part10)
    except UnreadableDICOM:
        return None
    if found.syntax.deflated:
        return None
    pixels = found.pixel_data
    return Head(part10[: pixels.element_offset + 12] if pixels else part10, pixels is not None)


def described(part10: bytes) -> dict[str, Any]:
    head = head_of(part10)
    assert head is not None
    found: dict[str, Any] = json.loads(Describer().describe(head))
    return found


def by_oracle(part10: bytes) -> dict[str, Any]:
    """What pydicom says, as far as it says it by the same rules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = dcmread(BytesIO(part10), stop_before_pixels=True)
        said = {}
        for tag in data_set.keys():  # noqa: SIM118  # iterating would read values that cannot be read
            try:
                element = data_set[tag]
                if tag.element and tag != 0x00080005:
                    said[f"{tag:08X}"] = comparable(element.to_json_dict(lambda _: "elsewhere", 1368))  # characters of base64: 1024 bytes
            except Exception:  # noqa: S112  # pydicom gives up on values that break their VR's rules
                continue
    return said


def comparable(element: dict[str, Any]) -> dict[str, Any]:
    """Without what the two writers may say differently: empty values, padding, addresses, places of long text."""
    values = [_comparable_value(value) for value in element.get("Value", [])]
    plain = {"vr": element["vr"]}
    if any(value not in (None, "", {}) for value in values):
        plain["Value"] = values
    if element.get("InlineBinary"):
        plain["InlineBinary"] = element["InlineBinary"]
    return plain


def _comparable_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        if set(value) <= {"Alphabetic", "Ideographic", "Phonetic"}:
            return {group: text.strip() for group, text in value.items() if text.strip()} or None
        return {tag: comparable(inner) for tag, inner in value.items() if tag != "00080005" and not tag.endswith("0000")}
    return value


@real_files.needs("dicom/*")
def test_real_files_are_described_as_pydicom_describes_them() -> None:
    compared = 0
    for path in real_files.files("dicom/*"):
        part10 = path.read_bytes()
        if head_of(part10) is None:
            continue
        ours = described(part10)
        for tag, expected in by_oracle(part10).items():
            if expected["vr"] == "OW" and "expb" in path.name:  # pydicom leaves words in the file's order
                expected["InlineBinary"] = swapped(expected["InlineBinary"])
            if "BulkDataURI" in ours[tag]:
                assert ours[tag]["vr"] == expected["vr"]
            else:
                assert comparable(ours[tag]) == expected, f"{path.name} {tag}"
            compared += 1
    assert compared > 2000


def swapped(text: str) -> str:
    """Base64 of the same words in the other byte order."""
    content = b64decode(text)
    return b64encode(b"".join(content[i : i + 2][::-1] for i in range(0, len(content), 2))).decode()


_text = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\\^=\x1b"), min_size=1, max_size=12)
_number = st.integers(-(2**15), 2**15 - 1)


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    """Data sets with values of many kinds, sequences and private elements."""
    data_set = Dataset()
    for keyword, values in {
        "PatientName": _text.map(lambda t: f"{t}^x={t}"),
        "StudyDescription": _text,
        "ImageComments": _text,
        "ImageType": st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", "AXIAL", ""]), min_size=1, max_size=4),
        "ImagePositionPatient": st.lists(st.decimals(-999, 999, places=3).map(str), min_size=3, max_size=3),
        "InstanceNumber": _number,
        "SmallestImagePixelValue": _number,
        "RecommendedDisplayFrameRateInFloat": st.floats(width=32, allow_nan=False, allow_infinity=False),
        "FrameIncrementPointer": st.just(0x00181063),
        "ICCProfile": st.binary(min_size=0, max_size=2000).map(lambda b: b + bytes(len(b) % 2)),
    }.items():
        if draw(st.booleans()):
            setattr(data_set, keyword, draw(values))
    data_set.PixelRepresentation = 1
    if draw(st.booleans()):
        block = data_set.private_block(0x0009, "INVENTED", create=True)
        block.add_new(0x01, "SH", draw(_text)[:8])
        block.add_new(0x02, "FD", draw(st.floats(allow_nan=False, allow_infinity=False)))
    if depth < 3 and draw(st.booleans()):
        data_set.ReferencedImageSequence = Sequence(draw(st.lists(data_sets(depth + 1), max_size=2)))
        data_set["ReferencedImageSequence"].is_undefined_length = draw(st.booleans())
    return data_set


@settings(max_examples=60, deadline=None)
@given(data_set=data_sets(), syntax=st.sampled_from(SYNTAXES))
def test_any_data_set_is_described_as_pydicom_describes_it(data_set: Dataset, syntax: Any) -> None:
    data_set.SpecificCharacterSet = "ISO_IR 192"
    part10 = part10_of(data_set, syntax)
    ours = {tag: comparable(element) for tag, element in described(part10).items() if "BulkDataURI" not in element}
    for tag, expected in by_oracle(part10).items():
        if tag in ours and expected["vr"] != "UN":
            assert ours[tag] == expected


_SLICES = {syntax: part10_of(ct_slice(InstanceNumber=1), syntax) for syntax in SYNTAXES}


@settings(max_examples=150, deadline=None)
@given(data=st.data(), syntax=st.sampled_from(SYNTAXES))
def test_a_damaged_head_is_described_as_far_as_it_goes(data: st.DataObject, syntax: Any) -> None:
    content = bytearray(_SLICES[syntax])
    for place in data.draw(st.lists(st.integers(350, 1500), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(350, 1600))
    assert isinstance(json.loads(describe_series([(Head(bytes(content[:cut]), True), "a/")])), list)


async def test_a_series_is_described_once_and_anew_when_it_grows(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    study, series = generate_uid(), generate_uid()
    slices = [ct_slice(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n) for n in (3, 1, 2)]
    where = f"/studies/{study}/series/{series}/metadata"
    await stow(http, gateway, [part10_of(each) for each in slices[:2]])
    status, body, headers = await get(http, gateway, where)
    assert status == 200
    assert headers["Content-Type"] == "application/dicom+json"
    assert [each["00200013"]["Value"] for each in json.loads(body)] == [[1], [3]]
    first = headers["ETag"]
    assert first.startswith('"')  # a strong one
    assert (await get(http, gateway, where, **{"If-None-Match": first}))[0] == 304
    assert (await get(http, gateway, where))[1:2] == (body,)
    await stow(http, gateway, [part10_of(slices[0])])  # a repeat changes nothing
    assert (await get(http, gateway, where, **{"If-None-Match": first}))[0] == 304
    slices[1].PatientName = "Other^Name"
    await stow(http, gateway, [part10_of(slices[1])])  # nor does what is kept aside
    assert (await get(http, gateway, where, **{"If-None-Match": first}))[0] == 304
    await stow(http, gateway, [part10_of(slices[2])])
    status, body, headers = await get(http, gateway, where, **{"If-None-Match": first})
    assert status == 200
    assert headers["ETag"] != first
    assert [each["00200013"]["Value"] for each in json.loads(body)] == [[1], [2], [3]]


async def test_a_compressed_answer_is_the_same_answer(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    study = generate_uid()
    slices = [ct_slice(StudyInstanceUID=study) for _ in range(3)]
    await stow(http, gateway, [part10_of(each) for each in slices])
    series = f"/studies/{study}/series/{slices[0].SeriesInstanceUID}"
    async with aiohttp.ClientSession(auto_decompress=False) as raw:
        for where in (f"/studies/{study}/metadata", series + "/metadata", f"{series}/instances/{slices[0].SOPInstanceUID}/metadata"):
            status, plain, headers = await get(raw, gateway, where, **{"Accept-Encoding": "identity"})
            assert status == 200
            assert "Content-Encoding" not in headers
            status, packed, answer = await get(raw, gateway, where, **{"Accept-Encoding": "br, gzip;q=0.5"})
            assert (status, answer["Content-Encoding"]) == (200, "gzip")
            assert gzip.decompress(packed) == plain
            assert answer["ETag"] != headers["ETag"]
            for etag in (answer["ETag"], headers["ETag"]):
                assert (await get(raw, gateway, where, **{"If-None-Match": etag, "Accept-Encoding": "gzip"}))[0] == 304
            assert "Content-Encoding" not in (await get(raw, gateway, where, **{"Accept-Encoding": "gzip;q=0"}))[2]
        assert (await get(raw, gateway, f"/studies/{study}/metadata", Accept="text/html"))[0] == 406


async def test_bulk_data_are_where_the_metadata_say_at_every_level(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    profile = bytes(range(256)) * 8
    inner = Dataset()
    inner.ICCProfile = profile
    slice_ = ct_slice(ICCProfile=profile, OpticalPathSequence=[Dataset(), inner])
    await stow(http, gateway, [part10_of(slice_)])
    study = f"/studies/{slice_.StudyInstanceUID}"
    series = f"{study}/series/{slice_.SeriesInstanceUID}"
    for level in (study, series, f"{series}/instances/{slice_.SOPInstanceUID}"):
        _, body, _ = await get(http, gateway, level + "/metadata")
        (found,) = json.loads(body)
        for uri, expected in (
            (found["7FE00010"]["BulkDataURI"], slice_.PixelData),
            (found["00282000"]["BulkDataURI"], profile),
            (found["00480105"]["Value"][1]["00282000"]["BulkDataURI"], profile),
        ):
            status, content, _ = await get(http, gateway, urljoin(level + "/metadata", uri))
            assert (status, content) == (200, expected), uri
