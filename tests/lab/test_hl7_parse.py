"""Any legal or nearly legal message is read; what cannot be one is refused with the reason; the bytes stay as they came."""

from __future__ import annotations

import random
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError, TooLarge, UnreadableMessage, WrongCharacters
from lab.hl7 import Message, messages, parse, read_header
from lab.hl7 import bytes as as_sent
from lab.hl7.delimiters import STANDARD, Delimiters
from lab.hl7.escapes import escape, unescape
from lab.limits import MAX_PARTS
from tests.lab.real_files import Case, case, needs_cases
from tests.lab.samples import ORDER, PATIENT, message, result
from tests.patience import TIMES
from tests.real_files import each

PATH = re.compile(r"[A-Z][A-Z0-9]{2}(\[\d+\])?-\d+(\[\d+\])?(\.\d+)*")


@pytest.mark.parametrize("path", each("lab-cases/*.expected.json"))
def test_texts_of_cases(path: Path) -> None:
    one = case(path.name)
    wanted = {place: text for place, text in one.expected.items() if PATH.fullmatch(place)}
    if wanted:
        found = parse(messages(one.content)[0])
        assert {place: found.text(place) for place in wanted} == wanted
        assert as_sent(found) == bytes(found) == one.content


@needs_cases
def test_escapes_of_cases() -> None:
    one: Case = case("13-")
    observations = parse(one.content).segments("OBX")
    assert [segment.text(5) for segment in observations] == [pair["read"] for pair in one.expected["pairs"]]
    assert [segment.raw(5) for segment in observations] == [pair["sent"] for pair in one.expected["pairs"]]


@pytest.mark.parametrize("path", each("hl7/**/*.hl7"))
def test_messages_from_practice(path: Path) -> None:
    content = path.read_bytes()
    try:
        parts = messages(content)
    except UnreadableMessage:
        assert b"MSH" not in content
        return
    for raw in parts:
        found = parsed_or_refused(raw)
        if isinstance(found, UnreadableMessage):
            assert re.search(rb"MSH\|(\||\s|$)", raw)  # only messages without MSH-2 are refused here
            assert found.header is not None
            assert found.header.control_id == b"".join(raw.split(b"|")[9:10]).decode()
        else:
            assert found.control_id == (found.header.control_id or None)


def parsed_or_refused(raw: bytes) -> Message | UnreadableMessage:
    """Both outcomes are right; in both what came is still there or its reason is said."""
    try:
        found = parse(raw)
    except UnreadableMessage as error:
        assert error.reason  # noqa: PT017  (both outcomes are right; each is looked at)
        return error
    found.nested()
    assert bytes(found) == raw
    return found


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n", "\r\r", "\n\n\r"])
@pytest.mark.parametrize("around", [(b"", b""), (b"\xef\xbb\xbf", b""), (b"\x0b", b"\x1c\r"), (b"\0\0\r\n ", b"\n\0")])
def test_line_ends_and_leftovers(line_end: str, around: tuple[bytes, bytes]) -> None:
    raw = around[0] + message(PATIENT, ORDER, result("4.1")).replace("\r", line_end).encode() + around[1]
    found = parse(raw)
    assert [segment.name for segment in found] == ["MSH", "PID", "OBR", "OBX"]
    assert (found.type, found.control_id, found.sender) == ("ORU^R01", "K1", ("LIS", "CLINIC1"))
    assert bytes(found) == raw
    assert found.notes == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("PID-3[2]", "B"), ("PID-3.4.2", "1.2"), ("PID-3.4", "X"), ("PID-3[3]", None), ("PID-5", "张"), ("PID-5.2", "三"), ("PID-5.3", None), ("PID-99", None),
        ("OBX[1]-5", "5"), ("OBX[2]-5", '""'), ("OBX[3]-11", None), ("OBX[4]-1", None), ("ZZZ-1", None), ("ZA1-1.1.1", "own"), ("MSH-1", "|"),
        ("MSH-2", "^~\\&"), ("MSH-9.2", "R01"), ("MSH-2.2", None), ("MSH-1[2]", None),
    ],
)  # fmt: skip
def test_paths(path: str, text: str | None) -> None:
    raw = message("PID|1||A^^^X&1.2&ISO~B||张^三", "OBX|1|NM|1||5", 'OBX|2|ST|2||""|', "OBX|3", "ZA1|own").encode()
    assert parse(raw).text(path) == text


@pytest.mark.parametrize("path", ["", "PID", "pid-5", "PID-0", "PID[0]-1", "PID-5.1.1.1", "PID-5[x]", "OBX-5-1"])
def test_bad_paths(path: str) -> None:
    with pytest.raises(LabError, match="write it as"):
        parse(message().encode()).text(path)


@pytest.mark.parametrize(
    ("encoding", "escaped"),
    [("^~\\&", "a&b"), ("^~\\&#", "a&b"), ("^~\\", "a&b"), ("^~&", "a\\T\\b"), ("^~", "a\\T\\b"), ("^", "a\\T\\b")],
)
def test_encoding_characters_of_every_length(encoding: str, escaped: str) -> None:
    found = parse(message("NTE|1|L|a\\T\\b|x^y", encoding=encoding).encode())
    assert found.text("MSH-2") == encoding
    assert found.text("NTE-3") == escaped
    assert found.text("NTE-4.2") == "y"


def test_free_text_keeps_separators_that_were_not_escaped() -> None:
    found = parse(message("NTE|1|L|H&E ^ PAS", "OBX|1|ST|A^b^L||H&E|||||||F", "OBX|2|CE|A||H&E^b").encode())
    assert [found.text(path) for path in ("NTE-3", "NTE-3.1", "NTE-3.1.2", "OBX-5", "OBX-3", "OBX[2]-5")] == [
        "H&E ^ PAS",
        "H",
        "E ",
        "H&E",
        "A",
        "H",
    ]


@pytest.mark.parametrize("encoding", ["^", "^~", "^~&", "^~\\&"])
def test_msh_is_nested_as_it_is(encoding: str) -> None:
    assert parse(message("ZZ1|a^b", encoding=encoding).encode()).nested()[0][:4] == ["MSH", "|", encoding, "LIS"]


def test_an_empty_msh_18_is_said_where_it_matters() -> None:
    assert parse(message("NTE|1|L|a", character_set="").encode()).notes == []
    assert parse(message("NTE|1|L|中", character_set="").encode()).notes == ["MSH-18 is empty; the text was read as UTF-8"]


def test_own_delimiters() -> None:
    own = message("NTE|1|L|p^q\\F\\r").translate(str.maketrans("|^~\\&", "@*!?+"))
    found = parse(own.encode())
    assert found.text("NTE-3.2") == "q@r"
    assert found.type == "ORU^R01"


def test_the_truncation_character_separates_nothing() -> None:
    assert parse(message("NTE|1|L|2#\\P\\3", encoding="^~\\&#").encode()).text("NTE-3") == "2##3"
    assert parse(message("NTE|1|L|2\\P\\3").encode()).text("NTE-3") == "2\\P\\3"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"), (b"GET / HTTP/1.1", "not with MSH"), (b"MSH", "MSH-1 is missing"), (b"MSH A", "MSH-1"), (b"MSH||LIS", "MSH-2 is empty"), (b"MSH|^~\\&#!|x", "one to five"),
        (b"MSH|^^\\&|x", "twice"), (b"MSH|^|\\&|x", None), (b"MSH|^~a&|x", "one to five"), (b"MSH|^~\\&|\xff\xfe", "byte 9"), (message().encode() * 2, "part them first"),
        (message("obx|1|NM").encode(), "three capital letters"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(raw: bytes, said: str | None) -> None:
    if said is None:
        assert parse(raw).text("MSH-2") == "^"
        return
    with pytest.raises(UnreadableMessage, match=said):
        parse(raw)


def test_a_refusal_names_the_message_it_refuses() -> None:
    with pytest.raises(WrongCharacters) as refused:
        parse(message(PATIENT, control="K77").encode("gb18030"))
    assert refused.value.header is not None
    assert refused.value.header.control_id == "K77"
    assert refused.value.segment == "PID"
    assert refused.value.condition == "102"


@pytest.mark.parametrize("last", "口丿一仿你伿ï»¿")
@pytest.mark.parametrize("name", ["UNICODE UTF-8", "GB 18030-2000"])
def test_the_last_character_is_kept_where_no_line_end_follows(last: str, name: str) -> None:
    raw = message(f"NTE|1|L|{last}", character_set=name).rstrip().encode("utf-8" if "UTF" in name else "gb18030")
    assert parse(raw).text("NTE-3") == last


def test_text_broken_over_lines_is_joined_and_said() -> None:
    found = parse(message("NTE|1|L|first\nsecond line", "OBX|1|ST|A||x").encode())
    assert found.text("NTE-3") == "first\nsecond line"
    assert found.text("OBX-5") == "x"
    assert found.notes == ["line 3 is no segment and was read as the end of NTE before it"]


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_many_lines_that_are_no_segments(line_end: str) -> None:
    found = parse(message("NTE|1|L|a", *["b"] * 100_000, "NTE|2|L|c").replace("\r", line_end).encode())
    assert [len(segment.text(3) or "") for segment in found.segments("NTE")] == [200_001, 1]
    assert found.notes == ["100000 lines before line 100003 are no segments and were read as the end of NTE before them"]


def test_control_characters_are_shown_and_said() -> None:
    raw = message(result("4.1").replace("20261120080000", "20261120\x0b08")).encode()
    found = parse(raw)
    assert found.text("OBX-14") == "20261120\ufffd08"
    assert found.notes == ["1 control characters are shown as U+FFFD, the first in OBX-14"]
    assert bytes(found) == raw


def test_what_begins_as_a_message_is_given_on_to_be_refused() -> None:
    assert messages(b"MSH") == [b"MSH"]
    with pytest.raises(UnreadableMessage, match="MSH-1"):
        parse(messages(b"MSH")[0])


def test_parts_of_a_segment() -> None:
    assert len(parse(message("ZZZ" + "|" * MAX_PARTS).encode())) == 2
    with pytest.raises(TooLarge):
        parse(message("ZZZ" + "|" * (MAX_PARTS + 1)).encode())
    with pytest.raises(TooLarge):
        parse(message("ZZZ|" + "&" * (MAX_PARTS + 1)).encode())


@pytest.mark.parametrize(
    "row", [result("4.1"), result("4.1").replace("Potassium", "钾离子测定"), "OBX|1|ED|A||^application^pdf^Base64^" + "QUJD" * (1 << 20)]
)
def test_memory_stays_within_four_times_the_message(row: str) -> None:
    raw = message(PATIENT, *[row] * max(1, (4 << 20) // len(row.encode()))).encode()
    tracemalloc.start()
    try:
        found = parse(raw)
        assert found.text("OBX-1") == "1"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak + len(raw) < 4.05 * len(raw)


# Batches


def test_a_batch_gives_its_messages() -> None:
    ones = [message(result(value), control=f"B{value}") for value in ("1", "2", "3")]
    batch = "FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r" + "".join(ones) + "BTS|3\rFTS|1\r"
    assert [parse(raw).control_id for raw in messages(batch.encode())] == ["B1", "B2", "B3"]
    assert [parse(raw).control_id for raw in messages(("FHS|^~\\&|LIS\r" + ones[0] + "FTS|1").encode())] == ["B1"]
    assert messages(ones[0].encode()) == [ones[0].encode()]
    with pytest.raises(UnreadableMessage, match="part it first"):
        parse(batch.encode())
    assert [parse(raw).control_id for raw in messages("\0".join(ones).encode())] == ["B1", "B2", "B3"]
    text = message("NTE|1|L|a\nBTS in words").encode()
    assert parse(messages(b"BHS|^~\\&|\r" + text)[0]).text("NTE-3") == "a\nBTS in words"
    with pytest.raises(UnreadableMessage, match="no message"):
        messages(b"FHS|^~\\&|LIS\rFTS|0\r")


# MSH as bytes


@pytest.mark.parametrize(
    ("accept", "application", "mode"),
    [
        ("", "", "original"),
        ("AL", "NE", "enhanced"),
        ("", "er", "enhanced"),
        ("SU", "", "enhanced"),
        ("", "0", "original"),
        ("", "2", "original"),
        ("XX", "1", "original"),
    ],
)
def test_acknowledgement_mode(accept: str, application: str, mode: str) -> None:
    assert read_header(message(accept=accept, application=application).encode()).mode == mode


def test_header_of_a_damaged_message() -> None:
    header = read_header(b"\x0bMSH||LIS^1.2^ISO|CLINIC1|||20261120||ORU^R01|K9~x|P|2.5.1|||||CHN|\xff\xff\rPID|\xff")
    assert (header.control_id, header.type, header.sender, header.version) == ("K9", "ORU^R01", ("LIS", "CLINIC1"), "2.5.1")
    assert header.field(18) == "ÿÿ"
    assert read_header(message().encode()).receiver == ("TELEMED", "MAIN")
    assert header.field(40) == ""


# Properties

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
DELIMITERS = st.sampled_from(
    [STANDARD, Delimiters(truncation="#"), Delimiters("@", "*", "!", "?", "+"), Delimiters("#", ":", "%", "$", "=")]
)


@given(
    DELIMITERS,
    st.lists(
        st.lists(st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=4
    ),
)
def test_what_is_written_is_read(delimiters: Delimiters, fields: list[list[list[list[str]]]]) -> None:
    written = delimiters.field.join(
        delimiters.repetition.join(
            delimiters.component.join(
                delimiters.subcomponent.join(escape(text, delimiters) for text in component) for component in repetition
            )
            for repetition in field
        )
        for field in fields
    )
    raw = f"MSH{delimiters.field}{delimiters.encoding_characters}\rZZ1{delimiters.field}{written}\r".encode()
    segment = parse(raw).segments("ZZ1")[0]
    for number, field in enumerate(fields, 1):
        for repetition, components in enumerate(field, 1):
            for component, parts in enumerate(components, 1):
                for part, text in enumerate(parts, 1):
                    assert (segment.text(number, repetition, component, part) or "") == text


@given(DELIMITERS, st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_escapes_there_and_back(delimiters: Delimiters, text: str) -> None:
    written = escape(text, delimiters)
    assert not set(written) & {delimiters.field, delimiters.component, delimiters.repetition, delimiters.subcomponent, "\r", "\n"} - {
        delimiters.escape
    }
    seen = unescape(written, delimiters)
    assert seen == "".join(
        "\ufffd" if character < " " and character not in "\t\n" else character for character in re.sub("\r\n|\r", "\n", text)
    )


@given(st.text("ab4 5", max_size=8), st.text("ab4 5", max_size=8))
def test_an_escape_character_that_escapes_nothing_stays(before: str, after: str) -> None:
    assert unescape(f"{before}\\{after}\\", STANDARD) == f"{before}\\{after}\\"
    assert unescape(f"{before}\\{after}\\F\\", STANDARD) == f"{before}\\{after}|"


@given(st.binary(max_size=300))
def test_random_bytes_give_our_errors_only(raw: bytes) -> None:
    for candidate in (raw, b"MSH|^~\\&|" + raw, message(PATIENT, result("5")).encode() + raw):
        parsed_or_refused(candidate)


def test_damaged_messages_give_our_errors_only() -> None:
    seed, dice = message(PATIENT, ORDER, result("4.1"), "NTE|1|L|a\\F\\b").encode(), random.Random(7)
    for _ in range(2000 * TIMES):
        raw = bytearray(seed)
        for _ in range(dice.randint(1, 12)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        parsed_or_refused(bytes(raw))
