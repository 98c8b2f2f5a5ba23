"""HL7 aECG and GE MUSE XML; XML that means harm."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecg
from ecg.limits import MAX_XML_DEPTH, MAX_XML_ELEMENTS


def sequence(code: str, digits: str, origin: str = "0", scale: str = "2.5", unit: str = "uV") -> str:
    return (
        f'<component><sequence><code code="{code}"/><value xsi:type="SLIST_PQ"><origin value="{origin}" unit="{unit}"/>'
        f'<scale value="{scale}" unit="{unit}"/><digits>{digits}</digits></value></sequence></component>'
    )


def sequence_set(head: str, *sequences: str, step: str = "2", unit: str = "ms") -> str:
    time = (
        '<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">'
        f'<head value="{head}"/><increment value="{step}" unit="{unit}"/></value></sequence></component>'
    )
    return f"<component><sequenceSet>{time}{''.join(sequences)}</sequenceSet></component>"


def aecg(*sets: str, code: str = "RHYTHM") -> bytes:
    return (
        '<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<component><series><code code="{code}"/>{"".join(sets)}</series></component></AnnotatedECG>'
    ).encode()


@given(st.lists(st.integers(-30000, 30000), min_size=1, max_size=100), st.sampled_from(["uV", "mV", "nV"]))
def test_aecg_origin_scale_and_unit(numbers: list[int], unit: str) -> None:
    microvolts = {"uV": 1.0, "mV": 1e3, "nV": 1e-3}[unit]
    lead = sequence("MDC_ECG_LEAD_AVL", " ".join(map(str, numbers)), "5", "0.5", unit)
    recording = ecg.read(aecg(sequence_set("20250101120000", lead)))
    assert recording.leads == ("aVL",)
    assert recording.rate == 500
    np.testing.assert_allclose(recording.samples[0], (5 + np.array(numbers) * 0.5) * microvolts, rtol=1e-6)


def test_aecg_sets_after_each_other_lie_on_one_time_axis() -> None:
    first = sequence_set("20250101120000.000", sequence("MDC_ECG_LEAD_I", "1 2 3", scale="1"))
    later = sequence_set("20250101120000.010", sequence("MDC_ECG_LEAD_V1", "7 8", scale="1"))
    recording = ecg.read(aecg(first, later))
    assert recording.leads == ("I", "V1")
    nan = np.nan
    np.testing.assert_array_equal(recording.samples, [[1, 2, 3, nan, nan, nan, nan], [nan] * 5 + [7, 8]])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1 2 x"))), "no number"),
        (aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1 2", unit="mmHg"))), "volts"),
        (aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1 2", scale="much"))), "scale"),
        (aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1 2"), step="0")), "increment"),
        (aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1 2"), unit="fortnight")), "increment"),
        (aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1"), sequence("MDC_ECG_LEAD_II", "1 2"))), "lengths"),
        (aecg(sequence_set("2025")), "no leads"),
        (aecg(), "no sequence set"),
        (
            aecg(
                sequence_set("20250101", sequence("MDC_ECG_LEAD_I", "1")),
                sequence_set("20990101", sequence("MDC_ECG_LEAD_I", "1")),
            ),
            "can be read",
        ),
    ],
)
def test_aecg_that_cannot_be_read_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason) as caught:
        ecg.read(content)
    assert caught.value.format == "HL7 aECG"


def muse(leads: dict[str, list[int]], *, rate: str = "500", units: str = "4.88", kind: str = "Rhythm") -> bytes:
    rows = "".join(
        f"<LeadData><LeadID>{name}</LeadID><LeadAmplitudeUnitsPerBit>{units}</LeadAmplitudeUnitsPerBit>"
        "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><WaveFormData>"
        f"{base64.b64encode(np.array(numbers, '<i2').tobytes()).decode()}</WaveFormData></LeadData>"
        for name, numbers in leads.items()
    )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>'
        "<PatientDemographics><PatientID>M1</PatientID><DateofBirth>02-29-1960</DateofBirth><Gender>FEMALE</Gender>"
        "<PatientLastName>Li</PatientLastName><PatientFirstName>Na</PatientFirstName><PatientAge>65</PatientAge>"
        "</PatientDemographics><TestDemographics><AcquisitionDevice>MAC55</AcquisitionDevice>"
        "<AcquisitionTime>09:30:05</AcquisitionTime><AcquisitionDate>11-20-2025</AcquisitionDate></TestDemographics>"
        "<RestingECGMeasurements><VentricularRate>72</VentricularRate><QTCorrected>430</QTCorrected>"
        "</RestingECGMeasurements><Diagnosis><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag>"
        "<StmtText>Normal sinus rhythm</StmtText></DiagnosisStatement><DiagnosisStatement><StmtText>Possible</StmtText>"
        "</DiagnosisStatement><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>LVH</StmtText>"
        "</DiagnosisStatement></Diagnosis><Waveform><WaveformType>Median</WaveformType></Waveform>"
        f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{rate}</SampleBase><SampleExponent>0</SampleExponent>"
        f"<HighPassFilter>5</HighPassFilter><LowPassFilter>150</LowPassFilter>{rows}</Waveform></RestingECG>"
    ).encode("latin-1")


@given(st.lists(st.tuples(*[st.integers(-3000, 3000)] * 8), min_size=1, max_size=60))
def test_muse_derives_the_limb_leads_that_are_absent(frames: list[tuple[int, ...]]) -> None:
    numbers = np.array(frames).T
    names = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
    recording = ecg.read(muse({name: row.tolist() for name, row in zip(names, numbers, strict=True)}))
    assert recording.leads == ecg.leads.STANDARD_12
    for name, row in zip(names, numbers, strict=True):
        np.testing.assert_allclose(recording.lead(name), row * 4.88, rtol=1e-6)
    one, two = numbers[0] * 4.88, numbers[1] * 4.88
    for name, expected in (("III", two - one), ("aVR", -(one + two) / 2), ("aVL", one - two / 2), ("aVF", two - one / 2)):
        np.testing.assert_allclose(recording.lead(name), expected, atol=0.01)


def test_muse_says_what_the_device_said() -> None:
    recording = ecg.read(muse({"I": [1, -32768], "II": [3, 4]}))
    assert recording.statements == ("Normal sinus rhythm", "Possible LVH")
    assert recording.reported == {"rate": 72, "qtc_bazett": 430}
    assert recording.patient == ecg.Patient("M1", "Na Li", "female", "1960-02-29", 65)
    assert str(recording.start) == "2025-11-20 09:30:05"
    assert recording.filters == "0.05-150 Hz"
    assert np.isnan(recording.lead("I")[1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (muse({"I": [1]}, rate="0"), "rate"),
        (muse({"I": [1]}, rate="nan"), "not a number"),
        (muse({"I": [1]}, units=""), "LeadAmplitudeUnitsPerBit"),
        (muse({"I": [1], "II": [1, 2]}), "lengths"),
        (muse({}), "no leads"),
        (muse({"I": [1]}, kind="Median"), "no rhythm"),
        (muse({"I": [1]}).replace(b"<WaveFormData>", b"<WaveFormData>!!"), "base64"),
    ],
)
def test_muse_that_cannot_be_read_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason):
        ecg.read(content)


HARM = {
    "expansion": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><AnnotatedECG>&b;</AnnotatedECG>',
    "external": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><RestingECG>&a;</RestingECG>',
    "deep": b"<restingecgdata>" + b"<a>" * (MAX_XML_DEPTH + 1) + b"</a>" * (MAX_XML_DEPTH + 1) + b"</restingecgdata>",
    "many": b"<AnnotatedECG>" + b"<a/>" * (MAX_XML_ELEMENTS + 1) + b"</AnnotatedECG>",
    "cut": b"<RestingECG><Waveform>",
    "encoding": b'<?xml version="1.0" encoding="klingon"?><RestingECG></RestingECG>',
    "long number": aecg(sequence_set("2025", sequence("MDC_ECG_LEAD_I", "1" * 2_000_000))),
}


@pytest.mark.parametrize("content", HARM.values(), ids=HARM)
def test_xml_that_means_harm_is_refused(content: bytes) -> None:
    with pytest.raises(ecg.UnreadableECG):
        ecg.read(content)
