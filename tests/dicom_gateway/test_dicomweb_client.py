"""The published client `dicomweb-client` against this service: search, metadata, objects, frames, bulk data, pictures, store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless, generate_uid
from requests import HTTPError

from dicom_gateway.pixels.transcode import transcode
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.objects import ct_slice, part10_of

NATIVE = (("application/octet-stream", str(ExplicitVRLittleEndian)),)
STUDY, SERIES, INSTANCE, NAME = "0020000D", "0020000E", "00080018", "00100010"


def client_of(gateway: Gateway, owner: str = "CLINIC1") -> DICOMwebClient:
    made = DICOMwebClient(gateway.url, headers=gateway.headers(owner))
    made.set_http_retry_params(retry=False)
    return made


async def through(work: Callable[..., Any], *arguments: Any) -> Any:
    """The client waits with its thread."""
    return await asyncio.to_thread(work, *arguments)


def readable(data_set: Dataset) -> Dataset:
    """As the client wants to have it: with its file meta information."""
    return dcmread(BytesIO(part10_of(data_set)))


def study_of(count: int, **attributes: Any) -> list[Dataset]:
    study, series = generate_uid(), generate_uid()
    made = [ct_slice(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n + 1, **attributes) for n in range(count)]
    return [readable(each) for each in made]


def uids(data_set: Dataset) -> tuple[str, str, str]:
    return data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID


async def test_searching_at_every_level_with_filters_fields_and_pages(gateway: Gateway) -> None:
    client = client_of(gateway)
    studies = [
        study_of(3, PatientName=name, PatientID=f"Q{n}") for n, name in enumerate(("Wang^Fang=王^芳", "Li^Na=李^娜", "Wang^Lei=王^磊"))
    ]

    def work() -> None:
        for each in studies:
            client.store_instances(each)
        everything = client.search_for_studies()
        pages = [client.search_for_studies(limit=1, offset=n)[0] for n in range(3)]
        assert [page[STUDY] for page in pages] == [found[STUDY] for found in everything]
        assert len(client.search_for_studies(limit=1, get_remaining=True)) == 3
        fuzzy = client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "wangf"})
        assert [found[STUDY]["Value"] for found in fuzzy] == [[studies[0][0].StudyInstanceUID]]
        assert fuzzy[0][NAME]["Value"] == [{"Alphabetic": "Wang^Fang", "Ideographic": "王^芳"}]
        assert len(client.search_for_studies(search_filters={"PatientName": "王*"})) == 2
        (study,) = client.search_for_studies(search_filters={"PatientID": "Q1"}, fields=["StudyDescription", "SOPClassesInStudy"])
        assert study["00081030"]["Value"] == ["Chest 胸部"]
        assert study["00201208"]["Value"] == [3]
        (series,) = client.search_for_series(studies[1][0].StudyInstanceUID, search_filters={"Modality": "CT"})
        found = client.search_for_instances(studies[1][0].StudyInstanceUID, series[SERIES]["Value"][0])
        assert [each[INSTANCE]["Value"][0] for each in found] == [each.SOPInstanceUID for each in studies[1]]
        assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []

    await through(work)


async def test_metadata_of_study_series_and_instance_read_back_as_data_sets(gateway: Gateway) -> None:
    client, sent = client_of(gateway), study_of(3)

    def work() -> None:
        client.store_instances(sent)
        study, series, instance = uids(sent[1])
        for found in (client.retrieve_study_metadata(study), client.retrieve_series_metadata(study, series)):
            assert [each[INSTANCE]["Value"][0] for each in found] == [each.SOPInstanceUID for each in sent]
        described = Dataset.from_json(client.retrieve_instance_metadata(study, series, instance), lambda tag, vr, uri: b"")
        for element in sent[1]:
            if element.keyword not in ("PixelData", "SpecificCharacterSet"):
                assert described[element.tag].value == element.value, element.keyword

    await through(work)


@pytest.mark.parametrize("syntax", [None, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless])
async def test_objects_come_as_sent_or_in_the_syntax_asked_for_with_the_same_pixels(gateway: Gateway, syntax: Any) -> None:
    client, sent = client_of(gateway), study_of(2)
    media = (("application/dicom", str(syntax)),) if syntax else None

    def work() -> None:
        client.store_instances(sent)
        study, series, instance = uids(sent[0])
        one = client.retrieve_instance(study, series, instance, media_types=media)
        assert one.file_meta.TransferSyntaxUID == (syntax or ExplicitVRLittleEndian)
        assert np.array_equal(one.pixel_array, sent[0].pixel_array)
        assert one.PatientName == sent[0].PatientName
        for several in (client.retrieve_study(study, media_types=media), client.retrieve_series(study, series, media_types=media)):
            assert [each.SOPInstanceUID for each in several] == [each.SOPInstanceUID for each in sent]
        client.set_chunk_size(1000)
        for flow in (client.iter_study(study, media_types=media), client.iter_series(study, series, media_types=media)):
            assert [each.SOPInstanceUID for each in flow] == [each.SOPInstanceUID for each in sent]

    await through(work)


async def test_frames_as_kept_and_native_singly_and_several(gateway: Gateway) -> None:
    pixels = [np.full((16, 20), 40 * n, "<u2") for n in range(1, 5)]
    multi = ct_slice(NumberOfFrames=4)
    multi.PixelData = b"".join(frame.tobytes() for frame in pixels)
    compressed = dcmread(BytesIO(transcode(part10_of(multi), JPEGLSLossless)))
    client = client_of(gateway)

    def work() -> None:
        client.store_instances([compressed])
        where = uids(compressed)
        assert client.retrieve_instance_frames(*where, [3], media_types=NATIVE) == [pixels[2].tobytes()]
        assert client.retrieve_instance_frames(*where, [4, 1], media_types=NATIVE) == [pixels[3].tobytes(), pixels[0].tobytes()]
        for media in (None, (("image/jls", str(JPEGLSLossless)),)):  # who takes anything gets what is kept
            assert client.retrieve_instance_frames(*where, [2], media_types=media)[0].startswith(b"\xff\xd8")
        assert list(client.iter_instance_frames(*where, [1, 2], media_types=NATIVE)) == [pixels[0].tobytes(), pixels[1].tobytes()]
        with pytest.raises(HTTPError, match="404"):
            client.retrieve_instance_frames(*where, [5])

    await through(work)


async def test_bulk_data_by_the_addresses_in_the_metadata(gateway: Gateway) -> None:
    client, (sent,) = client_of(gateway), study_of(1)

    def work() -> None:
        client.store_instances([sent])
        study, series, instance = uids(sent)
        described = client.retrieve_instance_metadata(study, series, instance)
        address = f"{gateway.url}/studies/{study}/series/{series}/instances/{instance}/{described['7FE00010']['BulkDataURI']}"
        assert client.retrieve_bulkdata(address) == [sent.PixelData]
        assert list(client.iter_bulkdata(address)) == [sent.PixelData]

    await through(work)


async def test_pictures(gateway: Gateway) -> None:
    client, (sent,) = client_of(gateway), study_of(1)

    def work() -> None:
        client.store_instances([sent])
        where = uids(sent)
        for kind, name in (("image/png", "PNG"), ("image/jpeg", "JPEG")):
            for content in (
                client.retrieve_instance_rendered(*where, media_types=(kind,)),
                client.retrieve_instance_frames_rendered(*where, [1], media_types=(kind,)),
            ):
                picture = Image.open(BytesIO(content))
                assert (picture.format, picture.size) == (name, (20, 16))
        narrow = client.retrieve_instance_rendered(*where, media_types=("image/png",), params={"window": "40,1,linear-exact"})
        assert set(np.unique(np.asarray(Image.open(BytesIO(narrow)).convert("L")))) <= {0, 128, 255}

    await through(work)


async def test_storing_twice_elsewhere_and_with_other_content(gateway: Gateway) -> None:
    client, (sent,) = client_of(gateway), study_of(1)
    other = readable(ct_slice(**dict(zip(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), uids(sent), strict=True))))
    other.PatientComments = "changed"

    def work() -> None:
        for _ in range(2):
            answer = client.store_instances([sent], study_instance_uid=sent.StudyInstanceUID)
            assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [sent.SOPInstanceUID]
            assert "FailedSOPSequence" not in answer
        answer = client.store_instances([other])
        assert answer.ReferencedSOPSequence[0].WarningReason == 0xB000
        with pytest.raises(HTTPError, match="409"):
            client.store_instances([study_of(1)[0]], study_instance_uid=sent.StudyInstanceUID)
        assert "PatientComments" not in client.retrieve_instance(*uids(sent))

    await through(work)


async def test_what_is_not_ones_own_is_not_there(gateway: Gateway) -> None:
    (sent,) = study_of(1)
    mine, others, nobody = client_of(gateway), client_of(gateway, "CLINIC2"), client_of(gateway, "NOBODY")

    def work() -> None:
        mine.store_instances([sent])
        assert others.search_for_studies() == []
        for refused, status in ((others, "404"), (nobody, "401")):
            with pytest.raises(HTTPError, match=status):
                refused.retrieve_instance(*uids(sent))
            with pytest.raises(HTTPError, match=status):
                refused.retrieve_study_metadata(sent.StudyInstanceUID)
        with pytest.raises(HTTPError, match="401"):
            nobody.store_instances([sent])

    await through(work)


async def test_public_files_of_many_syntaxes_go_in_and_come_back(gateway: Gateway, dicom_folder: Path) -> None:
    client = client_of(gateway)
    names = ("MR2_J2KR.dcm", "RG3_J2KR.dcm", "693_UNCR.dcm", "emri_small_big_endian.dcm")
    files = {name: dcmread(dicom_folder / name) for name in names}

    def work() -> None:
        for name, data_set in files.items():
            client.store_instances([data_set])
            back = client.retrieve_instance(*uids(data_set))
            assert back.file_meta.TransferSyntaxUID == data_set.file_meta.TransferSyntaxUID, name
            assert back.PixelData == data_set.PixelData, name
            native = client.retrieve_instance_frames(*uids(data_set), [1], media_types=NATIVE)[0]
            frame = data_set.pixel_array if int(data_set.get("NumberOfFrames", 1)) == 1 else data_set.pixel_array[0]
            assert native[: frame.nbytes] == frame.astype(frame.dtype.newbyteorder("<")).tobytes(), name

    await through(work)
