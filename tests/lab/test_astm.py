"""ASTM: what a receiver answers to each frame, what the records say, and profiles that are data."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.astm import ACK, ANSWERS, NAK, Event, Receiver, Session, read
from lab.astm.frames import checksum
from lab.errors import BadTable, LabError, UnreadableTransmission
from lab.hl7 import parse
from lab.instruments import CALIBRATION, CONTROL, PATIENT, profile, purpose, read_profile
from tests.lab.real_files import case, needs_cases
from tests.lab.samples import message

HEADER, LAST = "H|\\^&|||DEMO^XC-1|||||||LIS2-A2|P|1|20261120083000", "L|1|N"


def frame(number: int, text: str, *, last: bool = True, off: int = 0) -> bytes:
    core = str(number % 8).encode() + text.encode() + (b"\x03" if last else b"\x17")
    return b"\x02" + core + b"%02X" % ((sum(core) + off) % 256) + b"\r\n"


def sent(*records: str) -> bytes:
    """A transmission, each record in a frame of its own."""
    frames = [frame(number, record + "\r") for number, record in enumerate((HEADER, *records, LAST), 1)]
    return b"\x05" + b"".join(frames) + b"\x04"


@needs_cases
def test_the_frames_of_cases() -> None:
    one = case("21-")
    session = read(one.content, zone=ZoneInfo("Asia/Shanghai"))
    assert session.answers == [said.split()[0] for said in one.expected["answers"]]
    results = {result.code: result for result in session.results}
    for code, wanted in one.expected["results"].items():
        if isinstance(wanted, dict):
            assert (results[code].as_sent, results[code].held) == (wanted["as_sent"], wanted["held"])
        else:
            assert results[code].value == wanted
    assert {result.specimen for result in session.results} == {one.expected["specimen"]}
    assert results["WBC"].at.text == "2026-11-20T08:29:00+08:00"
    assert session.transmissions[0].complete


def test_checksums_repeats_and_numbers() -> None:
    raw = (
        b"\x05"
        + frame(1, HEADER + "\r")
        + frame(2, "P|1\r", off=1)
        + frame(2, "P|1\r")
        + frame(2, "P|1\r")
        + frame(4, "O|1|S9||^^^WBC\r")
        + frame(3, "O|1|S9||^^^WBC\r")
    )
    raw += frame(4, "R|1|^^^WBC|6.1", last=False) + frame(5, "2|10*9/L||N||F\r") + frame(6, LAST + "\r") + b"\x04"
    session = read(raw)
    assert session.answers == [ACK, ACK, NAK, ACK, ACK, NAK, ACK, ACK, ACK, ACK]
    assert [(result.specimen, result.code, result.value) for result in session.results] == [("S9", "WBC", 6.12)]
    assert any("checksum" in note for note in session.notes)
    assert any("4 came where 3 is next" in note for note in session.notes)


def test_frame_numbers_go_round() -> None:
    session = read(sent(*["P|1"] * 18))
    assert session.answers == [ACK] * 21
    assert session.transmissions[0].notes == []


def test_a_repeat_with_other_text_is_said() -> None:
    session = read(b"\x05" + frame(1, HEADER + "\r") + frame(2, "P|1||A\r") + frame(2, "P|1||B\r") + frame(3, LAST + "\r") + b"\x04")
    assert session.answers == [ACK] * 5
    assert "other text" in session.notes[0]


def test_several_records_in_one_frame_and_bare_records() -> None:
    records = [HEADER, "P|1", "O|1|S1||^^^GLU", "R|1|^^^GLU|5.0|mmol/L", "C|1|I|checked", "R|2|^^^NA|<120|mmol/L", LAST]
    framed = read(b"\x05" + frame(1, "\r".join(records)) + b"\x04")
    bare = read("\r\n".join(records).encode())
    for session in (framed, bare):
        assert [(result.code, result.value, result.comparator) for result in session.results] == [("GLU", 5.0, ""), ("NA", 120.0, "<")]
        assert session.results[0].comments == ["checked"]
    assert (framed.answers, bare.answers) == ([ACK, ACK], [])


def test_a_broken_off_transmission_is_said() -> None:
    begun = b"\x05" + frame(1, HEADER + "\r") + frame(2, "P|1\r")
    assert read(begun).notes == ["the transmission did not end"]
    assert read(begun + sent("P|1")).notes == ["a transmission was broken off by another"]
    assert [each.complete for each in read(begun + sent("P|1")).transmissions] == [False, True]
    assert read(begun + b"\x023O|1").answers == [ACK] * 3
    assert read(begun + b"\x023O|1" + frame(3, "O|1|S\r") + b"\x04").answers == [ACK, ACK, ACK, NAK, ACK]


def test_escapes_and_delimiters_of_the_header() -> None:
    session = read(b"\x05" + frame(1, "H!~*@\rP!1\rO!1!S@F@1!!***A\rR!1!***A!a@S@b\rL!1!N\r") + b"\x04")
    assert [(result.specimen, result.code, result.text) for result in session.results] == [("S!1", "A", "a*b")]


def test_controls_and_queries() -> None:
    session = read(sent("P|1", "O|1|QC1||^^^GLU|||||||Q", "R|1|^^^GLU|5.0", "Q|1|^S77||ALL", "O|2|S1||^^^GLU", "R|1|^^^GLU|5.1"))
    assert [result.purpose for result in session.results] == [CONTROL, PATIENT]
    assert session.transmissions[0].queries == ["S77"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"hello", "begin with"),
        (b"H|||^", "begin with"),
        (b"\x05" + frame(1, "P|1\r") + b"\x04", "begin with"),
        ((HEADER + "\r").encode() + b"P|1|\xff", "character set"),
    ],
)
def test_what_is_no_transmission_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(UnreadableTransmission, match=said):
        read(raw)


def test_the_character_set_of_the_profile() -> None:
    raw = "\r".join([HEADER, "P|1", "O|1|S1", "R|1|^^^X|乗亊阴性", LAST]).encode("gbk")
    assert read(raw, read_profile('name = "x"\ncharacter_set = "GBK"')).results[0].text == "乗亊阴性"


def test_places_of_the_profile() -> None:
    raw = sent("P|1", "O|1||2^7^  S5^B|^^^^WBC", "R|1|^^^^WBC^1|6.1")
    assert read(raw).results[0].specimen == "2"
    assert read(raw, profile("rack-position-specimen")).results[0].specimen == "S5"
    assert read(raw, read_profile('name = "x"\nspecimen = "O-4.3"\ncode = "R-3.6"\nhold_marks = "."')).results[0].code == "1"
    assert read(raw, read_profile('name = "x"\nhold_marks = "."')).results[0].held


@pytest.mark.parametrize(
    "text",
    ["", "name = 5", 'name = "x"\nrack = 1', "name = ", 'name = "x"\nspecimen = ["O3"]', 'name = "x"\ncode = 3', 'name = "x"\ncontrol = ["Q"]', 'name = "x"\ncharacter_set = "KLINGON"', 'name = "x"\nhold_marks = 3'],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(BadTable):
        read_profile(text)


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(BadTable, match="generic"):
        profile("no such")


@pytest.mark.parametrize(("flag", "meant"), [("0", PATIENT), ("1", CALIBRATION), ("2", CONTROL), ("", PATIENT)])
def test_what_an_hl7_message_of_an_analyser_is_about(flag: str, meant: str) -> None:
    assert purpose(parse(message(application=flag).encode()), profile("msh-16-purpose")) == meant
    assert purpose(parse(message(application=flag).encode()), profile()) == PATIENT


# Properties


def events(raw: bytes, cuts: list[int]) -> list[Event]:
    receiver, found, start = Receiver(), [], 0
    for cut in [*sorted(cuts), len(raw)]:
        found += receiver.feed(raw[start:cut])
        start = cut
    return found


@given(st.lists(st.sampled_from(["P|1", "O|1|S1||^^^A", "R|1|^^^A|5.0", "C|1|I|x"]), max_size=8), st.lists(st.integers(0, 400), max_size=6))
def test_events_are_the_same_wherever_the_line_is_cut(records: list[str], cuts: list[int]) -> None:
    raw = sent(*records)
    assert events(raw, [cut for cut in cuts if cut <= len(raw)]) == events(raw, [])
    assert {event.answer for event in events(raw, [])} <= {ACK, ""}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for candidate in (raw, b"\x05" + frame(1, HEADER + "\r") + raw, b"\x05\x02" + raw + b"\x03"):
        assert isinstance(read_or_refused(candidate), Session | str)


def read_or_refused(raw: bytes) -> Session | str:
    try:
        return read(raw)
    except LabError as error:
        return error.reason


@given(st.binary(min_size=1, max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_one_changed_byte_is_noticed(text: bytes, place: int, change: int) -> None:
    core = b"1" + text
    changed = bytearray(core)
    changed[place % len(core)] = (changed[place % len(core)] + change) % 256
    assert checksum(core) != checksum(bytes(changed))


def test_the_bytes_of_answers() -> None:
    assert ANSWERS == {ACK: b"\x06", NAK: b"\x15"}


def test_a_frame_beyond_the_limit() -> None:
    receiver = Receiver(largest=100)
    assert [event.answer for event in receiver.feed(b"\x021" + b"x" * 200)] == [NAK]
    assert receiver.waiting == 0
