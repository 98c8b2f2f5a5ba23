"""The demo's material holds together: pictures that are valid and plausible, people that validate, a story that can be played."""

import shutil
import subprocess
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

import ecg
from telemed.centres import discover
from telemed.demo.ct_head import INTERCEPT, SLICES, SPACING_MM, THICKNESS_MM, HeadScan, ct_head
from telemed.demo.dicom_header import StudyOrder
from telemed.demo.evidence import all_makers, evidence_files
from telemed.demo.evidence_order import EvidenceOrder
from telemed.demo.hand_xray import hand_xray
from telemed.demo.lab_panels import PANELS
from telemed.demo.people import PATIENTS, resident_id
from telemed.demo.region import CENTRES, INSTITUTIONS, SPECIALISTS, accounts, network
from telemed.demo.story import ACTIONS, STORY, StoryCase
from telemed.demo.texts import TEXTS
from telemed.domain.case import CASE, CaseKind, CaseStatus, Priority
from telemed.domain.network import Level
from telemed.domain.patient import Sex, resident_id_facts, resident_id_fault
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, may
from telemed.domain.routing import current, plan

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
STUDY = StudyOrder("A20261120-0001", datetime(2026, 11, 20, 8, 30), "江北社区卫生服务中心（演示）")
PEOPLE = {person.username: person for person in accounts()}
REGION = network()

# Attributes of type 1 in the modules that PS3.3 A.3 (CT) and A.26 (DX for presentation) ask for.
COMMON_TYPE_1 = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "ImageType", "SamplesPerPixel",
    "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
CT_TYPE_1 = (
    *COMMON_TYPE_1, "FrameOfReferenceUID", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient",
    "RescaleIntercept", "RescaleSlope", "RescaleType",
)  # fmt: skip
DX_TYPE_1 = (
    *COMMON_TYPE_1, "PresentationIntentType", "ImageLaterality", "ImagerPixelSpacing", "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign", "RescaleIntercept", "RescaleSlope", "RescaleType", "PresentationLUTShape",
    "LossyImageCompression", "BurnedInAnnotation", "AnatomicRegionSequence", "PositionerType", "WindowCenter", "WindowWidth",
)  # fmt: skip


@pytest.fixture(scope="module")
def series() -> list[pydicom.Dataset]:
    return [pydicom.dcmread(BytesIO(file)) for file in ct_head(PATIENTS[0], STUDY, 7, "haemorrhage")]


@pytest.fixture(scope="module")
def normal_head() -> HeadScan:
    return HeadScan(7)


def around(picture: np.ndarray, x: float, y: float, reach: int = 5) -> np.ndarray:
    """The pixels around a place in mm from the middle of a CT slice."""
    column, row = round(x / SPACING_MM + 255.5), round(y / SPACING_MM + 255.5)
    return picture[row - reach : row + reach + 1, column - reach : column + reach + 1]


def test_ct_series_is_one_evenly_spaced_stack(series: list[pydicom.Dataset]) -> None:
    assert len(series) == SLICES
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "AccessionNumber", "PatientID"):
        assert len({str(image[name].value) for image in series}) == 1
    assert len({image.SOPInstanceUID for image in series}) == SLICES
    assert [image.InstanceNumber for image in series] == list(range(1, SLICES + 1))
    heights = [float(image.ImagePositionPatient[2]) for image in series]
    assert np.allclose(np.diff(heights), THICKNESS_MM)
    assert all(image.ImageOrientationPatient == [1, 0, 0, 0, 1, 0] for image in series)


def test_ct_header_is_complete_and_names_the_patient(series: list[pydicom.Dataset]) -> None:
    for image in series:
        assert [name for name in CT_TYPE_1 if image.get(name) in (None, "")] == []
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID
        assert len(image.PixelData) == image.Rows * image.Columns * 2
    first = series[0]
    assert first.AccessionNumber == STUDY.accession_number
    assert first.PatientName.ideographic == "张^建国"
    assert first.PatientName.alphabetic == "Zhang^Jianguo"
    assert first.PatientSex == "M"
    assert first.PatientAge == "065Y"
    assert len(first.WindowCenter) == len(first.WindowWidth) == len(first.WindowCenterWidthExplanation)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="the DICOM validator dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("name", ["ct_head:normal", "hand_xray:normal", "chest_xray:normal"])
def test_the_dicom_validator_finds_no_fault(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(next(evidence_files(name, order_for("imaging/chest-normal"))).content)
    said = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if line.startswith(("Error", "Warning"))] == []


def test_ct_numbers_are_those_of_a_head(normal_head: HeadScan) -> None:
    slice_ = normal_head.hounsfield(22)
    assert slice_[:40, :40].mean() == pytest.approx(-1000, abs=8)
    grey = around(slice_, 12, 15, 4)  # thalamus
    white = around(normal_head.hounsfield(26), 28, 10, 6)  # centrum semiovale
    assert 22 < white.mean() < 34 < grey.mean() < 44
    assert 1.5 < white.std() < 6
    assert slice_.max() > 1000
    assert slice_.min() >= INTERCEPT


def test_ct_stores_what_was_computed(series: list[pydicom.Dataset]) -> None:
    scan = HeadScan(7, "haemorrhage").hounsfield(21)
    image = series[21]
    stored = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    assert np.abs(stored - scan).max() < 0.51  # rounded to whole HU


@pytest.mark.parametrize(
    ("finding", "index", "x", "y", "least", "most"),
    [
        ("epidural", 22, -54, 8, 55, 80),
        ("subdural", 26, 56, 0, 50, 78),
        ("haemorrhage", 22, 29, 2, 52, 80),
        ("infarct", 22, -50, 4, 2, 22),
    ],
)
def test_each_finding_lies_where_its_report_says(
    normal_head: HeadScan, finding: str, index: int, x: float, y: float, least: float, most: float
) -> None:
    ill = around(HeadScan(7, finding).hounsfield(index), x, y).mean()  # type: ignore[arg-type]  # the parameters are findings
    assert least < ill < most
    assert 20 < around(normal_head.hounsfield(index), x, y).mean() < 47


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again, other = (next(ct_head(PATIENTS[1], STUDY, seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    order = order_for("imaging/hand-normal")
    assert next(hand_xray(order.patient, STUDY, order.seed)) == radiograph("hand", "normal")


def test_an_unknown_finding_is_refused() -> None:
    with pytest.raises(KeyError):
        HeadScan(1, "abscess")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(KeyError):
        evidence_files("ct_head:abscess", order_for(TEXTS["imaging/head-normal"].key))


@cache
def radiograph(part: str, finding: str) -> bytes:
    (file,) = evidence_files(f"{part}_xray:{finding}", order_for("imaging/chest-normal"))
    return file.content


@pytest.mark.parametrize("part", ["hand", "chest"])
def test_radiograph_header_and_grey_values(part: str) -> None:
    image = pydicom.dcmread(BytesIO(radiograph(part, "normal")))
    assert [name for name in DX_TYPE_1 if image.get(name) in (None, "")] == []
    assert (image.Modality, image.PresentationIntentType) == ("DX", "FOR PRESENTATION")
    pixels = image.pixel_array
    assert pixels.shape == (image.Rows, image.Columns)
    assert min(pixels.shape) >= 1600
    low, middle, high = np.percentile(pixels, [2, 50, 99.5]) / (2**image.BitsStored - 1)
    assert low < 0.12
    assert 0.02 < middle < 0.9
    assert high > 0.4
    assert len(np.unique(pixels)) > 1500


def test_the_fracture_and_the_pneumonia_change_only_their_place() -> None:
    def difference(part: str, finding: str) -> np.ndarray:
        ill, well = (pydicom.dcmread(BytesIO(radiograph(part, f))) for f in (finding, "normal"))
        return np.asarray(np.abs(ill.pixel_array.astype(int) - well.pixel_array.astype(int)) > 250)

    hand = difference("hand", "fracture")
    assert hand[700:1200, 1000:1300].any()
    assert not hand[:, :700].any()
    chest = difference("chest", "pneumonia")
    assert chest[1000:1400, 300:700].any()  # the patient's right is on the left of the picture
    assert not chest[:, 1000:].any()


def order_for(key: str) -> EvidenceOrder:
    return EvidenceOrder(PATIENTS[6], STUDY, TEXTS[key], "CLINIC1", "陶小满", 4)


@pytest.mark.parametrize("variant", sorted(all_makers()["ecg"].variants))
def test_tracings_are_recordings_of_twelve_leads(variant: str) -> None:
    (file,) = evidence_files(f"ecg:{variant}", order_for("consultation/heart-failure"))
    recording = ecg.read(file.content)
    assert len(recording.leads) == 12
    assert recording.patient.name == PATIENTS[6].name


@pytest.mark.parametrize(
    "name", [f"{kind}:{variant}" for kind in ("referral", "consent") for variant in sorted(all_makers()[kind].variants)]
)
def test_papers_are_pdfs_of_one_page(name: str) -> None:
    (file,) = evidence_files(name, order_for("consultation/heart-failure"))
    reader = PdfReader(BytesIO(file.content))
    assert len(reader.pages) == 1
    assert PATIENTS[6].name in reader.pages[0].extract_text()


@pytest.mark.parametrize("variant", sorted(PANELS))
def test_results_come_as_message_and_as_sheet(variant: str) -> None:
    message, sheet = evidence_files(f"lab:{variant}", order_for("lab/anaemia"))
    segments = [segment.split("|") for segment in message.content.decode().rstrip("\r").split("\r")]
    assert [segment[0] for segment in segments] == ["MSH", "PID", "OBR", *["OBX"] * len(PANELS[variant].results)]
    assert segments[0][3] == "CLINIC1"
    assert segments[0][17] == "UNICODE UTF-8"
    assert segments[2][3] == STUDY.accession_number
    for result, segment in zip(PANELS[variant].results, segments[3:], strict=True):
        assert segment[3].split("^")[0] == result.loinc
        assert segment[8] == result.flag
        assert segment[11] == "F"
    assert len(PdfReader(BytesIO(sheet.content)).pages) == 1


def test_critical_results_are_flagged() -> None:
    flags = {(name, result.name): result.flag for name, panel in PANELS.items() for result in panel.results}
    assert flags["hyperkalaemia", "钾"] == "H"
    assert flags["anaemia", "血红蛋白"] == flags["thrombocytopenia", "血小板计数"] == flags["thyroid", "促甲状腺激素"] == "L"
    assert flags["kidney", "尿蛋白"] == "A"
    assert {flag for (name, _), flag in flags.items() if name == "normal-count"} == {""}


def test_microscopy_is_a_stained_picture() -> None:
    (file,) = evidence_files("microscopy:adenocarcinoma", order_for("pathology/sigmoid-adenocarcinoma"))
    picture = Image.open(BytesIO(file.content))
    assert (picture.format, picture.size) == ("JPEG", (2400, 1800))
    red, green, blue = np.asarray(picture).reshape(-1, 3).mean(axis=0)
    assert red > blue > green  # pink and violet


def test_resident_ids_are_sound_and_tell_the_truth() -> None:
    assert len({patient.resident_id for patient in PATIENTS}) == len({patient.number for patient in PATIENTS}) == len(PATIENTS)
    for patient in PATIENTS:
        assert resident_id_fault(patient.resident_id) == ""
        assert resident_id_facts(patient.resident_id) == (patient.birth_date, Sex(patient.sex))
        assert "****" in patient.phone


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(0, 999))
def test_any_made_up_resident_id_passes_the_rule(birth_date: date, serial: int) -> None:
    assert resident_id_fault(resident_id(birth_date, serial)) == ""


def test_a_serial_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="1000"):
        resident_id(date(1990, 1, 1), 1000)


def test_the_accounts_are_those_promised() -> None:
    firsts = ("consult", "imaging", "ecg", "lab", "pathology")
    promised = {"clinic1", "clinic2", "clinic3", "operator", "sysadmin", "secadmin", "auditor"}
    promised |= {f"{first}.{hub}" for first in firsts for hub in ("huba", "hubb", "main")} | {f"{first}2.main" for first in firsts}
    assert set(PEOPLE) == promised
    assert len(accounts()) == len(promised)
    codes = {institution.code for institution in INSTITUTIONS}
    for person in PEOPLE.values():
        assert person.institution in codes
        assert person.name
        assert person.title
    assert [p.username for p in PEOPLE.values() if Role.REVIEWER in p.roles] == [f"{first}2.main" for first in SPECIALISTS_ORDER]


SPECIALISTS_ORDER = tuple(SPECIALISTS["MAIN"])


@pytest.mark.parametrize("centre", CENTRES)
def test_each_member_has_its_way_up(centre: str) -> None:
    for member, hub in (("CLINIC1", "HUBA"), ("CLINIC2", "HUBA"), ("CLINIC3", "HUBB")):
        assert [service.hub for service in REGION.chain(centre, member)] == [hub, "MAIN"]
        assert REGION.institutions[member].level is Level.MEMBER
    for service in REGION.hubs(centre):
        assert bool(service.two_person) == (service.hub == "MAIN")
        assert service.on_duty(NOW)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_fill_their_centres_forms(text: object) -> None:
    assert isinstance(text, type(TEXTS["lab/anaemia"]))
    centre = discover()[text.centre]
    assert centre.request_form.faults(text.request, "request", complete=True) == []
    assert centre.report_form.faults(text.report, "sections", complete=True) == []
    assert text.critical == "" or text.critical in centre.critical_findings
    for name in text.evidence:
        kind, _, variant = name.partition(":")
        assert variant in all_makers()[kind].variants


def test_each_centre_has_eight_texts_or_more() -> None:
    assert all(sum(text.centre == centre for text in TEXTS.values()) >= 8 for centre in CENTRES)


@pytest.mark.parametrize("case", STORY, ids=lambda case: f"{case.text_key}-{case.patient}-{case.state}")
def test_a_case_can_be_played(case: StoryCase) -> None:
    patient, text = PATIENTS[case.patient], case.text
    Priority(case.priority)
    CaseKind(case.kind)
    assert text.sex in ("", patient.sex)
    assert text.age[0] <= patient.age_on(NOW.date()) <= text.age[1]
    ago = [step.ago for step in case.steps]
    assert ago == sorted(ago, reverse=True)
    assert ago[-1] >= 0
    assert case.steps[0].action == "create"
    assert play(case).value in STANDS[case.state.split(",")[0]]


STANDS = {
    "draft": "draft", "requested": "requested", "requested at MAIN": "requested", "accepted": "accepted", "accepted at MAIN": "accepted",
    "near deadline": "in-progress", "overdue": "in-progress", "in progress": "in-progress", "critical value open": "in-progress",
    "awaiting review": "in-progress", "on hold": "on-hold", "cancelled": "cancelled", "failed": "failed",
    "final": "completed", "final by two people": "completed", "amended": "completed",
}  # fmt: skip

RIGHTS = {
    "create": Action.CASE_CREATE, "attach": Action.EVIDENCE_ADD, "consent": Action.CONSENT_RECORD, "submit": Action.CASE_SUBMIT,
    "claim": Action.CASE_CLAIM, "begin": Action.REPORT_WRITE, "write": Action.REPORT_WRITE, "park": Action.CASE_PARK,
    "return": Action.CASE_RETURN, "decline": Action.CASE_DECLINE, "escalate": Action.CASE_ESCALATE, "cancel": Action.CASE_CANCEL,
    "sign": Action.REPORT_SIGN, "review": Action.REPORT_REVIEW, "amend": Action.REPORT_AMEND, "acknowledge": Action.CASE_ACKNOWLEDGE,
    "critical-declare": Action.CRITICAL_DECLARE, "critical-tell": Action.CRITICAL_TELL,
    "critical-acknowledge": Action.CRITICAL_ACKNOWLEDGE, "critical-act": Action.CRITICAL_ACT,
}  # fmt: skip


def play(case: StoryCase) -> CaseStatus:
    """Walk the steps through the rules: routing, the state table, who may do what and where. Returns the last status."""
    status, hub, holder, signed = CaseStatus.DRAFT, "", "", ""
    need = discover()[case.centre].need_of(case.text.request)
    for step in case.steps:
        who = PEOPLE[step.who]
        assert step.action in ACTIONS
        assert may(who, RIGHTS[step.action]), step
        assert_belongs(case, who, hub)
        match step.action:
            case "submit":
                status = CASE.next(status, "submit")
                offered = current(plan(REGION, case.centre, case.member, need, NOW))
                assert offered is not None
                hub = offered.hub
            case "claim":
                status, holder = CASE.next(status, "claim"), step.who
            case "begin" | "write":
                assert step.who == holder
                status = CASE.next(status, "write")
            case "return" | "cancel":
                assert step.words
                status = CASE.next(status, step.action)
            case "decline" | "escalate":
                assert step.words
                status = CASE.next(CASE.next(status, step.action), "exhaust" if hub == "MAIN" else "offer")
                hub = "MAIN"
            case "sign":
                signed = step.who
                if hub != "MAIN" and status is not CaseStatus.COMPLETED:
                    status = CASE.next(status, "complete")
            case "review":
                assert signed not in ("", step.who)
                status = CASE.next(status, "complete")
            case "amend" | "acknowledge":
                assert status is CaseStatus.COMPLETED
            case "critical-declare":
                assert case.text.critical
    return status


def assert_belongs(case: StoryCase, who: Person, hub: str) -> None:
    """Members act on their own cases; specialists of the case's centre act where the case is."""
    if Role.MEMBER_STAFF in who.roles:
        assert who.institution == case.member
    else:
        assert who.institution == hub
        assert case.centre in who.centres


def test_the_story_shows_everything() -> None:
    assert len(STORY) >= 40
    assert {case.centre for case in STORY} == set(CENTRES)
    assert {case.member for case in STORY} == {"CLINIC1", "CLINIC2", "CLINIC3"}
    assert {play(case) for case in STORY} == set(CaseStatus) - {CaseStatus.REJECTED}  # a state that is left at once
    assert {step.action for case in STORY for step in case.steps} == set(ACTIONS)
    for centre in CENTRES:
        assert len({play(case) for case in STORY if case.centre == centre}) >= 5
    homes = {case.patient: case.member for case in STORY}
    assert all(homes[case.patient] == case.member for case in STORY)


def test_a_series_can_be_taken_slice_by_slice() -> None:
    files = islice(ct_head(PATIENTS[2], STUDY, 9, "subdural"), 2)
    assert [pydicom.dcmread(BytesIO(file), stop_before_pixels=True).InstanceNumber for file in files] == [1, 2]
