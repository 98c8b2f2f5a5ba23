"""What is beyond a limit is refused before the work, everywhere; what is at it is read."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from lab import astm, sheets, temperature
from lab.errors import TooLarge, UnreadableLog, UnreadableSheet, UnreadableTransmission
from lab.hl7 import messages, parse
from lab.limits import (
    MAX_BATCH_MESSAGES,
    MAX_LOG_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_PARTS,
    MAX_READINGS,
    MAX_RECORDS,
    MAX_SEGMENTS,
    MAX_SHEET_BYTES,
    MAX_SHEET_ROWS,
    MAX_TRANSMISSION_BYTES,
)
from lab.units import canonical
from tests.lab.samples import message

ZONE = ZoneInfo("Asia/Shanghai")
HEADER = b"H|\\^&\r"


def test_bytes_of_a_message() -> None:
    with pytest.raises(TooLarge, match="bytes"):
        parse(bytes(MAX_MESSAGE_BYTES + 1))


def test_segments_of_a_message() -> None:
    assert len(parse(message().encode() + b"ZZ1\r" * (MAX_SEGMENTS - 1))) == MAX_SEGMENTS
    with pytest.raises(TooLarge, match="segments"):
        parse(message().encode() + b"ZZ1\r" * MAX_SEGMENTS)


def test_messages_of_a_batch() -> None:
    one = b"MSH|^~\\&|\r"
    assert len(messages(one * MAX_BATCH_MESSAGES)) == MAX_BATCH_MESSAGES
    with pytest.raises(TooLarge, match="batch"):
        messages(one * (MAX_BATCH_MESSAGES + 1))


def test_transmissions() -> None:
    assert astm.read(HEADER + b"L\r" * (MAX_RECORDS - 1)).transmissions[0].complete
    with pytest.raises(UnreadableTransmission, match="records"):
        astm.read(HEADER + b"L\r" * MAX_RECORDS)
    with pytest.raises(UnreadableTransmission, match="bytes"):
        astm.read(bytes(MAX_TRANSMISSION_BYTES + 1))
    with pytest.raises(UnreadableTransmission, match="fields"):
        astm.read(HEADER + b"P" + b"|" * (MAX_PARTS + 1))


def test_sheets() -> None:
    assert len(sheets.read(b"a,b\n" * MAX_SHEET_ROWS).rows) == MAX_SHEET_ROWS
    with pytest.raises(UnreadableSheet, match="rows"):
        sheets.read(b"a,b\n" * (MAX_SHEET_ROWS + 1))
    with pytest.raises(UnreadableSheet, match="bytes"):
        sheets.read(bytes(MAX_SHEET_BYTES + 1))
    with pytest.raises(UnreadableSheet, match="line"):
        sheets.read(b"a,b\n" + b"x" * 200_000)


def test_logs() -> None:
    with pytest.raises(UnreadableLog, match="lines"):
        temperature.read(b"2026-11-20 08:00 4.1\n" * (MAX_READINGS + 201), ZONE)
    with pytest.raises(UnreadableLog, match="bytes"):
        temperature.read(bytes(MAX_LOG_BYTES + 1), ZONE)


@pytest.mark.parametrize(("depth", "known"), [(4, True), (5, False)])
def test_nesting_of_units(depth: int, known: bool) -> None:
    assert (canonical("(" * depth + "g" + ")" * depth) is not None) == known


@pytest.mark.parametrize(("length", "known"), [(64, True), (65, False)])
def test_length_of_units(length: int, known: bool) -> None:
    text = "g{" + "a" * (length - 3) + "}"
    assert (canonical(text) is not None) == known
