"""SCP-ECG: every coding of EN 1064, written by an encoder of the tests' own."""

from __future__ import annotations

import random
import struct
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecg
from tests import real_files
from tests.ecg.scp_record import (
    DEFAULT_TABLE,
    data_section,
    differences,
    huffman,
    leads_section,
    patient_section,
    raw,
    record,
    sealed,
)


@given(st.lists(st.integers(-5000, 5000), min_size=3, max_size=300), st.sampled_from([0, 1, 2]), st.booleans())
def test_codings_are_undone(numbers: list[int], order: int, coded: bool) -> None:
    stored = differences(numbers, order) if order else numbers
    sections = {3: leads_section([len(numbers)], [1])}
    sections[6] = data_section([huffman(stored) if coded else raw(stored)], coding=order)
    if coded:
        sections[2] = DEFAULT_TABLE
    recording = ecg.read(record(sections))
    assert recording.leads == ("I",)
    assert recording.rate == 500
    np.testing.assert_allclose(recording.samples[0], numbers, atol=0.01)


def test_custom_tables_and_a_switch_between_them() -> None:
    # Table 1: "0" is 7, "10" switches to table 2. Table 2: "0" is -7, "11" is followed by a number of 4 bits.
    first = struct.pack("<H", 2) + struct.pack("<BBBhI", 1, 1, 1, 7, 0) + struct.pack("<BBBhI", 2, 2, 0, 2, 0b01)
    second = struct.pack("<H", 2) + struct.pack("<BBBhI", 1, 1, 1, -7, 0) + struct.pack("<BBBhI", 2, 6, 1, 0, 0b11)
    row = int(("00" + "10" + "0" + "110101" + "111111").ljust(24, "1"), 2).to_bytes(3, "big")
    content = record({2: struct.pack("<H", 2) + first + second, 3: leads_section([5], [2]), 6: data_section([row])})
    assert ecg.read(content).lead("II").tolist() == [7, 7, -7, 5, -1]


def test_a_subtracted_reference_beat_is_added_back() -> None:
    whole = np.random.default_rng(1).integers(-40, 40, 400)
    beat = (900 * np.hanning(60)).astype(int)
    fiducial, beats = 30, [(71, 100, 129), (271, 300, 329)]  # samples from 1: begin, fiducial, end
    residual = whole.copy()
    for begin, at, end in beats:
        shift = fiducial - at
        residual[begin - 1 : end] -= beat[begin - 1 + shift : end + shift]
    places = b"".join(struct.pack("<HIII", 0, *ends) for ends in beats)
    kept = b"".join(struct.pack("<II", begin, end) for begin, _, end in beats)
    content = record(
        {
            2: DEFAULT_TABLE,
            3: leads_section([400], [3], flags=5),
            4: struct.pack("<HHH", 120, fiducial, 2) + places + kept,
            5: data_section([huffman(differences(beat.tolist(), 2))], coding=2),
            6: data_section([huffman(differences(residual.tolist(), 1))], coding=1),
        }
    )
    np.testing.assert_allclose(ecg.read(content).lead("V1"), whole, atol=0.01)


def test_decimated_stretches_are_drawn_out_and_protected_ones_kept() -> None:
    truth = np.concatenate((np.linspace(0, 78, 40), 500 + 30 * np.arange(20) % 97, np.linspace(200, 82, 60)))
    outside = [truth[n : n + 4].mean() for n in (*range(0, 40, 4), *range(60, 120, 4))]
    stored = np.rint([*outside[:10], *truth[40:60], *outside[10:]]).astype(int)
    content = record(
        {
            3: leads_section([120], [1]),
            4: struct.pack("<HHH", 200, 50, 1) + struct.pack("<HIII", 0, 45, 50, 55) + struct.pack("<II", 41, 60),
            5: data_section([raw([0] * 50)], interval=2000),
            6: data_section([raw(stored)], interval=8000, bimodal=1),
        }
    )
    recording = ecg.read(content)
    assert recording.rate == 500
    assert recording.samples.shape == (1, 120)
    np.testing.assert_allclose(recording.samples[0, 40:60], truth[40:60], atol=0.51)
    np.testing.assert_allclose(recording.samples[0, 2:38], truth[2:38], atol=1.6)
    np.testing.assert_allclose(recording.samples[0, 62:118], truth[62:118], atol=1.6)


def test_leads_longer_than_their_16_bit_size_are_read_whole() -> None:
    numbers = [np.arange(50_000) % 1000 + lead for lead in range(2)]
    content = record({3: leads_section([50_000] * 2, [1, 2]), 6: data_section([raw(row) for row in numbers])})
    np.testing.assert_array_equal(ecg.read(content).samples, numbers)


def test_patient_device_time_and_statements() -> None:
    device = bytearray(36)
    device[8:13] = b"CP 50"
    statements = b"".join(struct.pack("<BH", n + 1, len(text)) + text for n, text in enumerate((b"Sinus rhythm\0", b"Normal\0")))
    content = record(
        {
            1: patient_section(
                {
                    0: "王".encode("gb18030") + b"\0",
                    1: b"Li\0",
                    2: b"ID-9\0",
                    5: struct.pack("<HBB", 1960, 2, 29),
                    8: b"\x02",
                    14: bytes(device) + b"\0serial-7\0\0\0Maker\0",
                    25: struct.pack("<HBB", 2025, 11, 20),
                    26: bytes([9, 30, 5]),
                }
            ),
            3: leads_section([4], [1]),
            6: data_section([raw([1, 2, 3, 4])]),
            8: struct.pack("<BHBBBBBB", 1, 2025, 11, 20, 9, 31, 0, 2) + statements,
        }
    )
    recording = ecg.read(content)
    assert recording.patient == ecg.Patient("ID-9", "Li 王", "female", "1960-02-29")
    assert recording.start == datetime(2025, 11, 20, 9, 30, 5)
    assert recording.device.model == "CP 50"
    assert recording.statements == ("Sinus rhythm", "Normal")


def test_a_changed_byte_is_noticed() -> None:
    content = bytearray(record({3: leads_section([4], [1]), 6: data_section([raw([1, 2, 3, 4])])}))
    content[-3] ^= 1
    with pytest.raises(ecg.UnreadableECG, match="checksum"):
        ecg.read(bytes(content))


@real_files.needs("ecg/formats/Example.scp")
@pytest.mark.parametrize("seed", range(6))
def test_damage_to_a_real_file_under_a_fitting_checksum_only_ever_gives_unreadable(seed: int) -> None:
    damage_under_a_fitting_checksum((real_files.FOLDER / "ecg/formats/Example.scp").read_bytes(), seed)


@pytest.mark.parametrize("seed", range(6))
def test_damage_under_a_fitting_checksum_only_ever_gives_unreadable(seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(-400, 400, (8, 600))
    sections = {1: patient_section({}), 2: DEFAULT_TABLE, 3: leads_section([600] * 8, list(range(1, 9)))}
    rows = [huffman(differences(row.tolist(), 2)) for row in numbers]
    damage_under_a_fitting_checksum(record(sections | {6: data_section(rows, coding=2)}), seed)


def damage_under_a_fitting_checksum(content: bytes, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(40):
        broken = bytearray(content[: dice.randrange(200, len(content))] if dice.random() < 0.3 else content)
        for _ in range(dice.randrange(1, 12)):
            broken[dice.randrange(6, min(len(broken), 4000))] = dice.randrange(256)
        try:
            recording = ecg.read(sealed(broken))
        except ecg.UnreadableECG:
            continue
        assert recording.samples.shape[0] == len(recording.leads)


@settings(max_examples=150)
@given(st.binary(max_size=120), st.integers(1, 8))
def test_any_content_of_a_section_is_read_or_refused(content: bytes, number: int) -> None:
    sections = {2: DEFAULT_TABLE, 3: leads_section([10], [1]), 6: data_section([huffman(list(range(10)))])}
    try:
        recording = ecg.read(record(sections | {number: content}))
    except ecg.UnreadableECG:
        return
    assert recording.samples.dtype == np.float32
