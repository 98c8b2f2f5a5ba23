"""De-identification: nothing of a person stays anywhere in an object, what belongs together still does."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedSRStorage, MRImageStorage, SecondaryCaptureImageStorage, VLPhotographicImageStorage, generate_uid

from dicom_gateway.deidentify import NotDeidentifiable, deidentify, replaced_uid
from tests.dicom_gateway.objects import ct_slice, part10_of

KEY, OTHER = b"k" * 32, b"o" * 32
SECRETS = ("Wang", "王", "P0001", "19700101", "ACC1", "Li^Si", "SecretWard", "20240115", "Zhao", "S-NUMBER-1")


def whole() -> Dataset:
    """An object with a name in every place where one can hide."""
    made = ct_slice(InstitutionName="SecretWard", StationName="SecretWard", DeviceSerialNumber="S-NUMBER-1", PatientComments="Zhao")
    nested = Dataset()
    nested.PatientName, nested.AccessionNumber, nested.ScheduledPerformingPhysicianName = "Wang^Deep", "ACC1", "Zhao^Deep"
    nested.ScheduledProcedureStepDescription, nested.ScheduledProcedureStepStartDate = "Zhao", "20240115"
    made.RequestAttributesSequence = Sequence([nested])
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = MRImageStorage, made.SOPInstanceUID
    source.add_new(0x00400244, "DA", "20240115")
    made.SourceImageSequence = Sequence([source])
    block = made.private_block(0x0029, "VENDOR", create=True)
    block.add_new(0x10, "LO", "Wang^Private")
    made.add_new(0x60000010, "US", 2)
    made.add_new(0x60003000, "OW", b"Wang")
    made.add_new(0x60004000, "LT", "Zhao")
    return made


def cleaned(data_set: Dataset, key: bytes = KEY) -> tuple[bytes, Dataset]:
    content = deidentify(part10_of(data_set), key)[1]
    return content, dcmread(BytesIO(content))


def test_no_name_number_or_date_is_left_in_any_corner() -> None:
    content, result = cleaned(whole())
    for secret in SECRETS:
        assert secret.encode() not in content, secret
    assert not [e for e in result.iterall() if e.tag.is_private]
    assert (result.PatientIdentityRemoved, result.DeidentificationMethodCodeSequence[0].CodeValue) == ("YES", "113100")
    assert "2026c" in result.DeidentificationMethod


def test_the_picture_and_what_it_needs_stay() -> None:
    before = whole()
    _, after = cleaned(before)
    assert after.PixelData == before.PixelData
    for keyword in ("Rows", "Columns", "RescaleSlope", "WindowCenter", "Modality", "SOPClassUID", "InstanceNumber"):
        assert after[keyword].value == before[keyword].value, keyword


def test_what_belongs_together_still_does_within_one_export_only() -> None:
    first, second = ct_slice(), ct_slice()
    second.StudyInstanceUID, second.SeriesInstanceUID = first.StudyInstanceUID, first.SeriesInstanceUID
    (_, one), (_, two), (_, elsewhere) = cleaned(first), cleaned(second), cleaned(first, OTHER)
    assert one.StudyInstanceUID == two.StudyInstanceUID != first.StudyInstanceUID
    assert one.PatientID == two.PatientID == str(one.PatientName)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert elsewhere.StudyInstanceUID != one.StudyInstanceUID
    assert elsewhere.PatientID != one.PatientID
    assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID


def test_references_follow_and_what_the_standard_defines_stays() -> None:
    _, result = cleaned(whole())
    assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == result.SOPInstanceUID
    assert result.SourceImageSequence[0].ReferencedSOPClassUID == MRImageStorage


def test_what_the_table_does_not_name_goes_where_it_may_tell_and_instances_get_new_uids() -> None:
    before = whole()
    before.add_new(0x0040A067, "PN", "Wang^Retired")  # Document Author (Trial)
    before.add_new(0x00181FFE, "LO", "Zhao")  # of no edition of the standard
    before.CodingSchemeURL = "http://secretward.invalid/Zhao"
    before.SOPInstanceUIDOfConcatenationSource = source = generate_uid()
    content, after = cleaned(before)
    for secret in (*SECRETS, source):
        assert secret.encode() not in content, secret
    assert after.SOPInstanceUIDOfConcatenationSource == replaced_uid(source, KEY)


def test_a_photograph_whose_class_only_begins_alike_is_no_screen() -> None:
    assert cleaned(ct_slice(SOPClassUID=VLPhotographicImageStorage))[1].SOPClassUID == VLPhotographicImageStorage


def test_a_private_class_keeps_its_name() -> None:
    assert cleaned(ct_slice(SOPClassUID="1.3.12.2.1107.5.9.1"))[1].SOPClassUID == "1.3.12.2.1107.5.9.1"


@given(uid=st.from_regex(r"[1-2](\.(0|[1-9][0-9]{0,8})){2,6}", fullmatch=True))
@settings(max_examples=50)
def test_a_replaced_uid_is_a_uid_and_always_the_same(uid: str) -> None:
    replaced = replaced_uid(uid, KEY)
    assert replaced == replaced_uid(uid, KEY)
    assert len(replaced) <= 64
    assert replaced.startswith("2.25.")


@pytest.mark.parametrize("attributes", [
    {"BurnedInAnnotation": "YES"}, {"Modality": "US"}, {"SOPClassUID": EnhancedSRStorage}, {"RecognizableVisualFeatures": "YES"},
    {"Modality": "CT", "SOPClassUID": SecondaryCaptureImageStorage}, {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
    {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL"]}, {"ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW"]}, {"SpecimenLabelInImage": "YES"},
])  # fmt: skip
def test_what_may_carry_identity_beyond_attributes_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(NotDeidentifiable):
        deidentify(part10_of(ct_slice(**attributes)), KEY)


def test_ultrasound_that_says_it_shows_no_name_goes_out() -> None:
    assert cleaned(ct_slice(Modality="US", BurnedInAnnotation="NO"))[1].Modality == "US"


@given(content=st.binary(max_size=300))
@settings(max_examples=50)
def test_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(NotDeidentifiable):
        deidentify(content, KEY)


def test_public_files_of_every_syntax_keep_their_pixels(dicom_folder: Path) -> None:
    for name in ("MR2_J2KR.dcm", "emri_small_RLE.dcm", "emri_small_big_endian.dcm", "RG3_J2KR.dcm", "693_UNCR.dcm"):
        before = dcmread(dicom_folder / name)
        after = dcmread(BytesIO(deidentify((dicom_folder / name).read_bytes(), KEY)[1]))
        assert after.PixelData == before.PixelData, name
        assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
        assert str(after.StudyInstanceUID) != str(before.StudyInstanceUID)
