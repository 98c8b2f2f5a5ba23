"""A unit is what the table or UCUM says, or none; numbers are converted only within a kind or by a known molar mass."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lab.units
from lab import catalogue
from lab.units import NotConvertible, canonical, comparable, convert, read
from lab.units.ucum import NotUCUM, measure
from tests.lab.real_files import case, needs_cases

WEIGHTS = {
    "H": 1.008,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "S": 32.06,
    "Na": 22.990,
    "K": 39.098,
    "Cl": 35.45,
    "Ca": 40.078,
    "Mg": 24.305,
    "P": 30.974,
    "Fe": 55.845,
    "I": 126.90,
}
"""IUPAC abridged standard atomic weights 2021."""


def table(name: str) -> list[dict[str, str]]:
    with Path(lab.units.__file__).with_name(name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@needs_cases
def test_units_of_cases() -> None:
    one = case("20-")
    told = list(csv.DictReader(one.content.decode().splitlines()))
    assert len(told) == one.expected["rows"]
    for row in told:
        wanted = re.split(r",? (?:kind|=|never|no conversion|only)|,|: ", row["canonical"])[0]
        got = read(row["sent"])
        if wanted in ("none", "unmapped"):
            assert got is None, row
        elif row["sent"] == "G/L":
            assert got is not None
            assert (got.ucum, bool(got.note), canonical("G/L", "6690-2"), canonical("G/L", "718-7")) == ("g/L", True, "10*9/L", "g/L")
        else:
            assert got is not None, row
            assert got.ucum.removesuffix(f"{{{got.kind}}}") == wanted.removesuffix(f"{{{got.kind}}}"), row
    for one_, other in one.expected["must_not_convert"]:
        with pytest.raises(NotConvertible):
            convert(1, one_, other.split(" without")[0])


@pytest.mark.parametrize(
    ("sent", "ucum"),
    [
        (" mmol/L ", "mmol/L"), ("MMOL/L", "mmol/L"), ("mg/dl", "mg/dL"), ("μmol/l", "umol/L"), ("µg/mL", "ug/mL"), ("X10^12/L", "10*12/L"), ("*10^9/L", "10*9/L"), ("10^9/l", "10*9/L"), ("10**9/L", "10*9/L"),
        ("× 10⁹ / L", "10*9/L"), ("K/uL", "10*3/uL"), ("K/μL", "10*3/uL"), ("T/L", "10*12/L"), ("个/HP", "/[HPF]"), ("次／分", "/min"), ("ug/ml FEU", "ug/mL{FEU}"), ("mg/L(FEU)", "mg/L{FEU}"), ("ng/mL D-DU", "ng/mL{DDU}"),
        ("uIU/ml", "u[IU]/mL"), ("mm Hg", "mm[Hg]"), ("g/(24.h)", "g/(24.h)"), ("g/24h", "g/(24.h)"), ("PG", "pg"), ("mL/min/1.73m2", "mL/min/{1.73_m2}"), ("10*9/L", "10*9/L"),
        ("", None), ("  ", None), ("unk", None), ("109/L", None), ("K/L", None), ("mmol", "mmol"), ("5", None), ("x" * 100, None), ("阳性", None), ("m//L", None), ("(g/L", None), ("g/L)", None), ("mol99/L", None),
    ],
)  # fmt: skip
def test_canonical(sent: str, ucum: str | None) -> None:
    assert canonical(sent) == ucum


def test_every_canonical_unit_is_ucum_and_its_own_canonical_form() -> None:
    for row in table("aliases.csv"):
        ucum = canonical(row["sent"])
        assert ucum == row["ucum"]
        measure(ucum)
        assert canonical(ucum) == ucum, row
    for item in catalogue.items():
        assert canonical(item.ucum) == item.ucum, item


@pytest.mark.parametrize(
    ("value", "from_", "to", "code", "wanted"),
    [
        (100, "mg/dL", "mmol/L", "14749-6", 5.551), (1, "mg/dL", "umol/L", "14682-9", 88.4), (1, "mg/dL", "umol/L", "1700504A", 17.10), (200, "mg/dL", "mmol/L", "14647-2", 5.172), (1, "ng/dL", "pmol/L", "14920-3", 12.87),
        (10, "mg/dL", "mmol/L", "3094-0", 3.57), (140, "meq/L", "mmol/L", "2951-2", 140), (5, "mEq/L", "mmol/L", "2000-8", 2.5), (6.2, "10*3/uL", "10*9/L", None, 6.2), (0.45, "L/L", "%", None, 45), (37, "Cel", "[degF]", None, 98.6),
        (98.6, "[degF]", "Cel", None, 37), (0, "Cel", "K", None, 273.15), (760, "mmHg", "kPa", None, 101.325), (5, "uIU/mL", "mIU/L", None, 5), (1, "kat/L", "U/L", None, 6e7), (40, "IU/L", "U/L", "1742-6", 40), (1, "g/dL", "g/L", None, 10),
        (500, "ng/mL FEU", "mg/L FEU", None, 0.5), (2, "mmol/(24.h)", "mmol/d", None, 2),
    ],
)  # fmt: skip
def test_convert(value: float, from_: str, to: str, code: str | None, wanted: float) -> None:
    assert math.isclose(convert(value, from_, to, code=code), wanted, rel_tol=5e-4)


@pytest.mark.parametrize(
    ("from_", "to", "code"),
    [
        ("mg/dL", "mmol/L", None), ("mg/dL", "mmol/L", "718-7"), ("U/L", "ng/mL", None), ("U/L", "ng/mL", "32673-6"), ("mg/L FEU", "mg/L DDU", None), ("mg/L FEU", "mg/L", None), ("mmol/mol", "%", "4548-4"), ("mg/g{Cre}", "%", None),
        ("IU/L", "U/L", None), ("IU/L", "U/L", "3016-3"), ("S/CO", "COI", None), ("copies/mL", "IU/mL", None), ("/HP", "/uL", None), ("unk", "mmol/L", None), ("mmol/L", "", None), ("meq/L", "mmol/L", "14879-1"), ("mmol/L", "mmol/kg", "14749-6"),
    ],
)  # fmt: skip
def test_what_must_not_be_converted(from_: str, to: str, code: str | None) -> None:
    with pytest.raises(NotConvertible):
        convert(1, from_, to, code=code)
    assert not comparable(from_, to)


def test_comparable() -> None:
    assert comparable("K/uL", "×10⁹/L")
    assert comparable("mg/dL", "g/L")
    assert not comparable("mg/dL", "mmol/L")


def test_molar_masses_follow_from_their_formulas() -> None:
    for row in table("molar_masses.csv"):
        mass = sum(WEIGHTS[symbol] * int(count or 1) for symbol, count in re.findall("([A-Z][a-z]?)([0-9]*)", row["formula"]))
        assert math.isclose(mass, float(row["grams_per_mole"]), abs_tol=0.005), row
        for code in (row["loinc"], row["wst886"]):
            item = catalogue.find(code) if code else None
            assert item is None or {item.loinc, item.wst886} >= {row["loinc"], row["wst886"]}


KINDS = [
    ["mmol/L", "umol/L", "nmol/L", "mol/m3"],
    ["g/L", "mg/dL", "ug/mL", "ng/L"],
    ["10*9/L", "10*3/uL", "/uL", "10*6/mL"],
    ["kPa", "mm[Hg]", "mbar"],
    ["Cel", "K", "[degF]"],
    ["U/L", "kU/L", "nkat/L"],
]


@given(st.sampled_from(KINDS), st.floats(1e-6, 1e6), st.data())
def test_there_and_back(kind: list[str], value: float, data: st.DataObject) -> None:
    one, other = data.draw(st.sampled_from(kind)), data.draw(st.sampled_from(kind))
    assert math.isclose(convert(convert(value, one, other), other, one), value, rel_tol=1e-9, abs_tol=1e-9)


@given(st.sampled_from(["14749-6", "14682-9", "14647-2", "2000-8"]), st.floats(1e-6, 1e6))
def test_mass_and_amount_there_and_back(code: str, value: float) -> None:
    assert math.isclose(convert(convert(value, "mg/dL", "mmol/L", code=code), "mmol/L", "mg/dL", code=code), value, rel_tol=1e-12)


@given(st.text("mgLlUIkK10*^/.()[]{}%-+abc个μ⁹ ", max_size=20))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    found = canonical(text)
    if found is not None:
        assert canonical(found) == found
        measure(found)


@given(st.text(max_size=30))
def test_ucum_refuses_what_it_does_not_know(text: str) -> None:
    try:
        measure(text)
    except NotUCUM as error:
        assert str(error)  # noqa: PT017  (both outcomes are right)
