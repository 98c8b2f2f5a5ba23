"""The band of age and sex on the day of collection, or none; flags at, below and above every limit."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import catalogue
from lab.ages import Age, read_age
from lab.critical import critical, default_limits
from lab.errors import BadTable
from lab.ranges import Band, Limits, band, default_bands, flag, read_bands, read_printed
from lab.tables import rows
from tests.lab.real_files import case, needs_cases

ON = date(2026, 11, 20)
ADULT = date(1981, 3, 5)


@needs_cases
def test_bands_of_cases() -> None:
    one = case("28-")
    told = list(csv.DictReader(one.content.decode().splitlines()))
    assert len(told) == one.expected["rows"]
    for row in told:
        found = band(row["code"], row["sex"], date.fromisoformat(row["birth"]), date.fromisoformat(row["at"]))
        assert ([f"{found.low:g}", f"{found.high:g}"] if found else ["", ""]) == [row["low"], row["high"]], row
        assert (flag(float(row["value"]), found) if found else "") == row["flag"], row


def limits(found: Band | None) -> tuple[float | None, float | None] | None:
    return (found.low, found.high) if found else None


def test_codes_of_all_kinds_name_the_same_test() -> None:
    assert (
        limits(band("2823-3", "male", ADULT, ON))
        == limits(band("1400605A", "male", ADULT, ON))
        == limits(band("K", "male", ADULT, ON))
        == (3.5, 5.3)
    )
    assert band("no such", "male", ADULT, ON) is None


def test_a_range_that_depends_on_the_method_needs_the_method() -> None:
    assert band("14629-0", "male", ADULT, ON) is None
    assert limits(band("14629-0", "male", ADULT, ON, method="roche")) == (None, 8.0)
    assert limits(band("14629-0", "male", ADULT, ON, method="Beckman")) == (None, 4.0)
    assert band("14629-0", "male", ADULT, ON, method="another") is None
    assert limits(band("1742-6", "male", ADULT, ON, method="pyridoxal phosphate")) == (9, 60)
    assert limits(band("1742-6", "male", ADULT, ON, method="another")) == (9, 50)


def test_a_range_of_venous_blood_is_none_of_capillary_blood() -> None:
    child = date(2020, 1, 1)
    assert band("6690-2", "male", child, ON) is not None
    assert band("6690-2", "male", child, ON, specimen="capillary") is None


def test_sexes() -> None:
    assert [limits(band("14631-6", sex, ADULT, ON)) for sex in ("male", "female", "unknown")] == [(None, 26.0), (None, 21.0), (None, 23.0)]
    assert band("718-7", "other", ADULT, ON) is None


def test_without_birth_or_before_it_there_is_none() -> None:
    assert band("2823-3", "male", None, ON) is None
    assert band("2823-3", "male", ON + timedelta(days=1), ON) is None
    assert band("2823-3", "male", date(9990, 1, 1), date(9999, 1, 1)) is None


def test_rows_say_whether_they_are_confirmed() -> None:
    adult, child = band("2823-3", "male", ADULT, ON), band("6690-2", "male", date(2020, 1, 1), ON)
    assert adult is not None
    assert child is not None
    assert (adult.confirmed, adult.unit, adult.source) == (True, "mmol/L", "WS/T 404.3-2012")
    assert not child.confirmed


def test_bands_of_one_test_and_source_do_not_overlap() -> None:
    birth = date(2000, 3, 1)
    for one in default_bands():
        for other in default_bands():
            same = (one.code, one.source, one.method, one.specimen) == (other.code, other.source, other.method, other.specimen)
            if one is other or not same or one.sex != other.sex:
                continue
            end = one.below.reached(birth) if one.below else date.max
            assert other.start.reached(birth) >= end or (
                other.below is not None and other.below.reached(birth) <= one.start.reached(birth)
            ), (one, other)


def test_every_row_names_a_test_of_the_catalogue() -> None:
    assert {each.code for each in default_bands()} <= {item.loinc for item in catalogue.items()}


@given(
    st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.sampled_from([read_age("28 d"), read_age("6 mo"), read_age("1 y"), read_age("13 y")])
)
def test_a_band_begins_on_the_day_the_age_is_reached(birth: date, age: Age) -> None:
    first = age.reached(birth)
    row = Band("X", "any", age, None, 1, 2, "", "", 2)
    assert row.covers(birth, first)
    assert not row.covers(birth, first - timedelta(days=1))
    if age.unit != "d":
        assert first.day in (birth.day, 1)
        assert (first.year * 12 + first.month) - (birth.year * 12 + birth.month) - age.number * (12 if age.unit == "y" else 1) in (0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"sex": "both"},
        {"low": "", "high": ""},
        {"low": "9", "high": "1"},
        {"from_age": ""},
        {"from_age": "3 weeks"},
        {"high": "x"},
        {"sources": ""},
    ],
)
def test_a_row_that_cannot_be_used_is_refused(change: dict[str, str]) -> None:
    good = rows("ranges.csv")[0]
    assert len(read_bands([good])) == 1
    with pytest.raises(BadTable, match="row 2"):
        read_bands([{**good, **change}])


# Printed ranges and flags


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3.5-5.3", Limits(3.5, 5.3)), ("3.5--5.3", Limits(3.5, 5.3)), ("0～125", Limits(0, 125)), ("<85", Limits(high=85, high_open=True)), ("≤8.0", Limits(high=8)), (">60", Limits(60, low_open=True)), (">=60", Limits(60)),
        ("阴性", None), ("", None), ("5", None), ("<>5", None), ("1:160", None), ("-5-5", Limits(-5, 5)),
    ],
)  # fmt: skip
def test_printed_ranges(text: str, wanted: Limits | None) -> None:
    assert read_printed(text) == wanted


@pytest.mark.parametrize(
    ("value", "comparator", "wanted"),
    [
        (2.7, "", "LL"), (2.8, "", "LL"), (2.81, "", "L"), (3.49, "", "L"), (3.5, "", "N"), (5.3, "", "N"), (5.31, "", "H"), (6.19, "", "H"), (6.2, "", "HH"), (6.3, "", "HH"), (2.8, "<", "LL"), (3.5, "<", "L"), (3.6, "<", ""), (5.3, ">", "H"),
        (5.2, ">", ""), (7, ">", "HH"), (3.5, "<=", ""), (4, "<>", ""),
    ],
)  # fmt: skip
def test_flags(value: float, comparator: str, wanted: str) -> None:
    assert flag(value, Limits(3.5, 5.3), comparator, (2.8, 6.2)) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(84.9, "N"), (85, "H"), (85.1, "H")])
def test_an_open_end_is_outside(value: float, wanted: str) -> None:
    assert flag(value, Limits(high=85, high_open=True)) == wanted


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_every_value_has_one_flag(value: float, low: float, width: float) -> None:
    high = low + width
    assert flag(value, Limits(low, high)) == ("L" if value < low else "H" if value > high else "N")


# Critical values


@pytest.mark.parametrize(
    ("code", "value", "unit", "wanted"),
    [("2823-3", 2.8, "mmol/L", "low"), ("2823-3", 2.81, "mmol/L", ""), ("K", 6.2, "mmol/L", "high"), ("2823-3", 6.19, "mmol/L", ""), ("14749-6", 46.7, "mg/dL", "low"), ("14749-6", 47, "mg/dL", ""), ("718-7", 6.6, "g/dL", "low"), ("718-7", 400, "g/L", ""), ("1742-6", 9999, "U/L", ""), ("2823-3", 9, "unk", ""), ("777-3", 37, "K/uL", "low")],
)  # fmt: skip
def test_critical_values(code: str, value: float, unit: str, wanted: str) -> None:
    hit = critical(code, value, unit)
    assert (hit.side if hit else "") == wanted


def test_a_comparator_may_be_critical_by_itself() -> None:
    assert critical("2823-3", 2.8, "mmol/L", "<") is not None
    assert critical("2823-3", 3.0, "mmol/L", "<") is None
    assert critical("2823-3", 6.5, "mmol/L", ">") is not None


def test_critical_rows_name_their_source() -> None:
    assert {row.code for row in default_limits()} >= {"2823-3", "2951-2", "2000-8", "14749-6", "718-7", "777-3", "6690-2", "2744-1"}
    assert all(row.source for row in default_limits())
