"""Loggers' files are read as they come; excursions, gaps and the mean kinetic temperature follow from the readings."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError, UnreadableLog
from lab.temperature import Log, Reading, excursions, gaps, mean_kinetic, read, required_band
from tests.lab.real_files import case, needs_cases

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 20, 8, tzinfo=ZONE)


def celsius(raw: bytes | str) -> list[float]:
    return [round(reading.celsius, 1) for reading in read(raw if isinstance(raw, bytes) else raw.encode(), ZONE).readings]


def readings(*values: float, minutes: int = 5) -> list[Reading]:
    return [Reading(START + timedelta(minutes=minutes * number), value) for number, value in enumerate(values)]


@needs_cases
def test_three_columns_of_cases() -> None:
    one = case("25-")
    log = read(one.content, ZONE)
    assert (len(log.readings), log.unread) == (one.expected["readings"], [])
    found = excursions(log.readings, *required_band(one.expected["required"]))
    alarm = one.expected["alarm"]
    assert [(f"{each.start:%H:%M}", f"{each.until:%H:%M}", each.extreme, each.side, each.readings) for each in found] == [
        (alarm["above_from"], alarm["above_until"], alarm["highest"], "above", 2)
    ]
    assert [[f"{gap.start:%H:%M}", f"{gap.until:%H:%M}"] for gap in gaps(log.readings)] == [one.expected["gap"]]
    assert {reading.at.utcoffset() for reading in log.readings} == {timedelta(hours=8)}


@pytest.mark.parametrize(
    "text",
    [
        "1 20-Nov-2026 08:00:00 4.1 °C\n2 20-NOV-2026 08:05:00 8.4 °C", "No.,Date,Time,CH1(℃),RH%\n1,2026-11-20,08:00,4.1,40\n2,2026-11-20,08:05,8.4,41",
        "2026-11-20 08:00 4.1\n2026-11-20 08:05 8.4", "2026-11-20\t08:00\t4,1\r\n2026-11-20\t08:05\t8,4\r\n", "1 2026/11/20 8:00:00 4.1\n2 2026/11/20 8:05:00 8.4", "1\t20.11.2026\t08:00:00\t4.1\n2\t20.11.2026\t08:05:00\t8.4",
        "1 11/20/2026 8:00:00 AM 4.1\n2 11/20/2026 8:05:00 AM 8.4", "2026-11-20T08:00:00+08:00 4.1\n2026-11-20T00:05:00Z 8.4", "Date;Time;Temperature (°C)\n20.11.2026;08:00;4,1\n20.11.2026;08:05;8,4", "1,2026-11-20,08:00,4.1\n2,2026-11-20,08:05,8.4",
        "Time,Humidity,Temp(°F)\n2026-11-20 08:00,40,39.38\n2026-11-20 08:05,41,47.12", "温度记录仪\n报警时间,温度上限\n,8\n\n时间\t温度\n2026年11月20日 08:00\t4.1\n2026年11月20日 08:05\t8.4℃", "时间,温度\n2026-11-20 08:00,＋４．１\n2026-11-20 08:05,8.4",
    ],
)  # fmt: skip
def test_forms_of_files(text: str) -> None:
    log = read(text.encode(), ZONE)
    assert [(reading.at, round(reading.celsius, 1)) for reading in log.readings] == [(START, 4.1), (START + timedelta(minutes=5), 8.4)]
    assert (log.unread, log.notes) == ([], [])


def test_rows_that_cannot_be_read_are_listed() -> None:
    log = read(
        '型号,X\n序列号,E1\n\n序号,时间,温度(℃)\n1,2026-11-20 08:00:00,4.1\n2,2026-11-20 08:05:00,----\n3,2026-13-20 08:10:00,5\n4,2026-11-20 25:10:00,5\n5,2026-11-20 08:15,999\n6\n7,2026-11-20 08:20,"8,4"\n'.encode(
            "gb18030"
        ),
        ZONE,
    )
    assert ([round(each.celsius, 1) for each in log.readings], log.unread) == ([4.1, 8.4], [2, 3, 4, 5, 6])


def test_further_channels_are_not_left_out_in_silence() -> None:
    log = read("时间,通道1温度,通道2温度\n2026-11-20 08:00,4.1,9.9\n".encode(), ZONE)
    assert [reading.celsius for reading in log.readings] == [4.1]
    assert log.notes == ["of 2 columns of temperatures 通道1温度 is read"]


def test_character_sets() -> None:
    text = "时间,温度\n2026-11-20 08:00,4.1\n"
    for raw in (text.encode(), text.encode("utf-8-sig"), text.encode("gb18030"), text.encode("utf-16")):
        assert celsius(raw) == [4.1]


def test_readings_out_of_order_are_sorted_and_that_is_said() -> None:
    log = read(b"2026-11-20 08:05 8.4\n2026-11-20 08:00 4.1\n", ZONE)
    assert [reading.celsius for reading in log.readings] == [4.1, 8.4]
    assert log.notes


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no row"),
        (b"hello\nworld", "no row"),
        (b"%PDF-1.7", "document"),
        (b"\xff\xff\xff", "neither"),
        (b"1 05/06/2026 08:00 4.1\n2 05/06/2026 08:05 4.1", "two ways"),
        (b"2026-11-20 08:00 warm", "no row"),
    ],
)
def test_what_is_no_log_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(UnreadableLog, match=said):
        read(raw, ZONE)


@pytest.mark.parametrize(("text", "band"), [("2-8", (2, 8)), ("-25--15", (-25, -15)), ("15～25", (15, 25))])
def test_bands(text: str, band: tuple[float, float]) -> None:
    assert required_band(text) == band


@pytest.mark.parametrize("text", ["", "cold", "8-2", "5"])
def test_no_band(text: str) -> None:
    with pytest.raises(UnreadableLog):
        required_band(text)


@pytest.mark.parametrize(("value", "side"), [(1.9, "below"), (2.0, ""), (8.0, ""), (8.1, "above")])
def test_the_ends_of_a_band_belong_to_it(value: float, side: str) -> None:
    assert [each.side for each in excursions(readings(5, value, 5), 2, 8)] == ([side] if side else [])


def test_from_above_to_below_is_two_excursions() -> None:
    found = excursions(readings(9, 9.5, 1, 0, 5), 2, 8)
    assert [(each.side, each.extreme, each.readings) for each in found] == [("above", 9.5, 2), ("below", 0, 2)]
    assert found[0].until == found[1].start
    assert excursions(readings(5, 9), 2, 8)[0].until == START + timedelta(minutes=5)


def test_gaps_against_a_known_interval() -> None:
    assert gaps(readings(5, 5, 5, minutes=30)) == []
    assert len(gaps(readings(5, 5, 5, minutes=30), timedelta(minutes=10))) == 2
    assert gaps(readings(5, 5), timedelta(minutes=2.5)) == []
    assert gaps(readings(5)) == []


def test_the_mean_kinetic_temperature_leans_to_the_warm() -> None:
    assert round(mean_kinetic(readings(5, 5, 5)), 6) == 5
    # exp(-10000/278.15) is 0.08967 of exp(-10000/298.15): 10000 / (33.54017 - ln(1.08967 / 2)) K = 292.848 K
    assert round(mean_kinetic(readings(5, 25)), 2) == 19.70
    with pytest.raises(UnreadableLog):
        mean_kinetic([])


@given(st.lists(st.floats(-40, 60), min_size=1, max_size=50))
def test_the_mean_kinetic_temperature_lies_between_mean_and_warmest(values: list[float]) -> None:
    found = mean_kinetic(readings(*values))
    assert sum(values) / len(values) - 1e-6 <= found <= max(values) + 1e-6


@given(st.lists(st.floats(-40, 60).map(lambda value: round(value, 1)), min_size=1, max_size=30))
def test_what_is_written_is_read_and_every_reading_outside_is_in_an_excursion(values: list[float]) -> None:
    rows = readings(*values)
    log = read("\n".join(f"{row.at:%Y-%m-%d %H:%M} {row.celsius}" for row in rows).encode(), ZONE)
    assert log.readings == rows
    found = excursions(rows, 2, 8)
    assert sum(each.readings for each in found) == sum(not 2 <= value <= 8 for value in values)
    assert all(each.start <= each.until for each in found)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for candidate in (raw, b"2026-11-20 08:00 4.1\n" + raw, "时间,温度\n".encode() + raw):
        assert read_or_refused(candidate)


def read_or_refused(raw: bytes) -> Log | str:
    try:
        return read(raw, ZONE)
    except LabError as error:
        return error.reason
