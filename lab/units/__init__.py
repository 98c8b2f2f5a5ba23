"""Units as laboratories write them: made canonical by a table of aliases, then by UCUM; converted only where that is certain.

A unit that is misread changes a number by a thousand. So the table comes first (`K/uL` is thousands, not kelvin), what neither the
table nor UCUM knows is no unit, and two units are converted only if they are of one kind, or with the molar mass of the analyte.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from lab import catalogue
from lab.errors import NotConvertible
from lab.units.ucum import MAX_LENGTH, Measure, NotUCUM, measure

__all__ = ["NotConvertible", "Unit", "canonical", "comparable", "convert", "read"]

_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER: Final = re.compile(r"[x*]?\s*10\s*(?:\^|\*{1,2}|E|e)\s*\(?([0-9]{1,2})\)?\s*/\s*(L|l|mL|ml|uL|ul)", re.ASCII)
_D_DIMER: Final = re.compile(r"(.+?)\s*[({]?(FEU|DDU|D-DU)[)}]?", re.IGNORECASE)
"""D-dimer is told in fibrinogen equivalents (FEU) or D-dimer units (DDU), and a FEU is about half a DDU: two kinds."""

_COUNT: Final = "10*9/L"
_TEMPERATURES: Final = {
    "K": (Fraction(1), Fraction(0)),
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction(45967, 180)),
}
"""To kelvin: times the first, plus the second."""


class Unit(NamedTuple):
    """A unit in UCUM. `kind` is what an annotation says (FEU, copies); `note` is what was odd about it as sent."""

    ucum: str
    kind: str = ""
    note: str = ""


@cache
def _aliases() -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
    """Return the table by what is sent, and again without regard to capitals where that is unambiguous."""
    exact: dict[str, Unit] = {}
    with files(__name__).joinpath("aliases.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            unit = Unit(row["ucum"], _kind(row["ucum"]), row["note"] or "")
            exact[_plain(row["sent"])] = unit
    folded: dict[str, Unit | None] = {}
    for sent, unit in exact.items():
        key = sent.casefold()
        folded[key] = unit if folded.get(key, unit) == unit else None
    folded["g/l"] = exact["g/L"]
    return exact, {key: unit for key, unit in folded.items() if unit is not None}


def _plain(sent: str) -> str:
    """Return a unit with its characters made plain: superscripts as powers, narrow letters, u for micro, no blanks around signs."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), sent.strip())
    text = unicodedata.normalize("NFKC", text).replace("μ", "u").replace("×", "x").replace("X10", "x10")
    return re.sub(r"\s*([/^*])\s*", r"\1", re.sub(r"\s+", " ", text)).replace("⋅", ".").replace("∙", ".")


def _kind(ucum: str) -> str:
    found = re.search(r"\{([^{}]*)\}", ucum)
    return found[1] if found else ""


def read(sent: str, code: str = "") -> Unit | None:
    """Return the unit that a text means, None where it is empty or not known: nothing is guessed.

    `code` (LOINC or WS/T 886) decides `G/L`, which is a cell count only for a cell count.
    """
    return _read(sent, code if sent.strip() == "G/L" else "")


@lru_cache(maxsize=4096)
def _read(sent: str, code: str) -> Unit | None:
    text = _plain(sent)
    if not text or len(text) > MAX_LENGTH:
        return None
    exact, folded = _aliases()
    if text == "G/L":
        item = catalogue.find(code)
        return Unit(_COUNT) if item is not None and item.ucum == _COUNT else exact[text]
    if text in exact:
        return exact[text]
    if found := _POWER.fullmatch(text):
        return Unit(f"10*{int(found[1])}/{found[2].replace('l', 'L')}")
    if _is_ucum(text):
        return Unit(_liters(text), _kind(text))
    if text.casefold() in folded:
        return folded[text.casefold()]
    if found := _D_DIMER.fullmatch(text):
        base = _read(found[1], "")
        return Unit(f"{base.ucum}{{{found[2].upper().replace('D-DU', 'DDU')}}}", found[2].upper().replace("D-DU", "DDU")) if base else None
    return None


def _liters(text: str) -> str:
    """Return an expression with litres as L and powers of ten as 10*, as this library writes them."""
    return re.sub(r"(?<![A-Za-z\[{])([munpfd]?)l(?![A-Za-z\]}])", r"\1L", text).replace("10^", "10*")


def _is_ucum(text: str) -> bool:
    """True if UCUM has the expression and laboratories do: no number before it (109/L has lost its power), no kelvin but alone."""
    try:
        found = measure(text)
    except NotUCUM:
        return False
    bases = [base for base, _ in found.dimension]
    lone = len(bases) == 1 or not {"K", "Cel", "degF"}.intersection(bases)
    return lone and not (text[0].isdigit() and not text.startswith(("1/", "10*", "10^")))


def canonical(sent: str, code: str = "") -> str | None:
    """Return the UCUM form of a unit as sent, None where it is empty or not known."""
    unit = read(sent, code)
    return unit.ucum if unit else None


def comparable(one: str, other: str) -> bool:
    """True if two units are of one kind, so that their numbers can be compared without knowing the analyte."""
    left, right = canonical(one), canonical(other)
    return left is not None and right is not None and _same_kind(measure(left), measure(right))


def convert(value: float, from_: str, to: str, code: str | None = None) -> float:
    """Return a value in another unit. `code` (LOINC or WS/T 886) allows mass to amount by its molar mass, and equivalents by valence.

    Of an enzyme IU and U are one. Raises NotConvertible for units that are not known or not of one kind.
    """
    one, other = _known(from_, code), _known(to, code)
    if one == other:
        return value
    times, plus = _conversion(one, other, code or "")
    return float(Fraction(value) * times + plus)


def _known(sent: str, code: str | None) -> str:
    unit = canonical(sent, code or "")
    if unit is None:
        raise NotConvertible(f"{sent!r} is no unit that is known here")
    return unit


@lru_cache(maxsize=4096)
def _conversion(one: str, other: str, code: str) -> tuple[Fraction, Fraction]:
    """Return by what a value is multiplied and what is added then. Raises NotConvertible."""
    if one in _TEMPERATURES and other in _TEMPERATURES:
        (times, plus), (divided, minus) = _TEMPERATURES[one], _TEMPERATURES[other]
        return times / divided, (plus - minus) / divided
    item = catalogue.find(code)
    if item is not None and item.ucum.startswith("U/"):
        one, other = one.replace("[IU]", "U"), other.replace("[IU]", "U")
    left, right = measure(one), measure(other)
    if _same_kind(left, right):
        return left.factor / right.factor, Fraction(0)
    analyte = _analytes().get(code)
    between = _between(left, right, analyte) if analyte is not None else None
    if between is None:
        raise NotConvertible(
            f"{one} and {other} are not of one kind" + ("" if analyte else "; mass and amount need a code with a molar mass")
        )
    return left.factor / right.factor * between, Fraction(0)


def _same_kind(one: Measure, other: Measure) -> bool:
    """Mole and mass fractions are no percentages (HbA1c in mmol/mol and in % are two scales); volume fractions are."""
    if one.dimension != other.dimension:
        return False
    return one.cancelled == other.cancelled or (not one.dimension and one.cancelled | other.cancelled <= {"m"})


class _Analyte(NamedTuple):
    grams_per_mole: Fraction
    valence: int


@cache
def _analytes() -> Mapping[str, _Analyte]:
    found: dict[str, _Analyte] = {}
    with files(__name__).joinpath("molar_masses.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            analyte = _Analyte(Fraction(row["grams_per_mole"]), int(row["valence"] or 0))
            found |= {code: analyte for code in (row["loinc"], row["wst886"]) if code}
    return found


def _between(one: Measure, other: Measure, analyte: _Analyte) -> Fraction | None:
    """Return moles per gram and their like, where the measures differ in nothing but what an amount is told in."""
    per_mole = {"mol": Fraction(1), "g": analyte.grams_per_mole, "eq": Fraction(analyte.valence)}
    left, right = dict(one.dimension), dict(other.dimension)
    for above in per_mole:
        for below in per_mole:
            if above != below and left.get(above) == right.get(below) == 1 and _without(left, above) == _without(right, below):
                return per_mole[below] / per_mole[above] if per_mole[above] and per_mole[below] else None
    return None


def _without(dimension: Mapping[str, int], base: str) -> dict[str, int]:
    return {name: power for name, power in dimension.items() if name != base}
