"""UCUM expressions, as far as laboratories use them: terms, prefixes, exponents, annotations (The Unified Code for Units of Measure, 2.1).

An annotation is kept as a kind of its own, which UCUM does not: `mg/L{FEU}` and `mg/L{DDU}` are two things in a laboratory.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from lab.errors import BadTable

_LARGE: Final = {"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1}
_SMALL: Final = {"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18}
_PREFIXES: Final = _LARGE | _SMALL
MAX_LENGTH: Final = 64
"""Longest expression read."""
MAX_DEPTH: Final = 4
MAX_EXPONENT: Final = 24

_COMPONENT: Final = re.compile(
    r"(?P<unit>(?:\[[^\[\]{}]+\]|[A-Za-z%])+|10[*^])?(?P<exponent>[+-]?[0-9]+)?(?P<annotation>\{[^{}]*\})?",
    re.ASCII,
)

Dimension = tuple[tuple[str, int], ...]
"""Base units and their exponents, sorted; a base that cancels out is not there."""


class NotUCUM(ValueError):
    """The text is no UCUM expression of units that are known here."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit as a factor over base units. `cancelled` are bases that stand above and below: mmol/mol is not L/L."""

    factor: Fraction
    dimension: Dimension = ()
    cancelled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Atom:
    factor: Fraction
    dimension: Mapping[str, int]
    metric: bool


@cache
def _atoms() -> Mapping[str, _Atom]:
    found = {}
    with files(__package__).joinpath("atoms.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            try:
                dimension = {base: int(power or 1) for base, power in re.findall(r"([A-Za-z]+)(-?[0-9]+)?", row["dimension"])}
                found[row["code"]] = _Atom(Fraction(row["factor"]), dimension, row["metric"] == "yes")
            except (ValueError, ZeroDivisionError) as error:
                raise BadTable(f"atoms.csv, {row['code']}: {error}") from None
    return found


@lru_cache(maxsize=4096)
def measure(text: str) -> Measure:
    """Return the measure of an expression. Raises NotUCUM."""
    if not text or len(text) > MAX_LENGTH:
        raise NotUCUM(f"a unit has 1 to {MAX_LENGTH} characters")
    reader = _Reader(text)
    found = reader.term(0)
    if reader.rest:
        raise NotUCUM(f"{text!r} is no UCUM expression from {reader.rest!r} on")
    powers = {base: power for base, power in found.above.items() if power}
    cancelled = frozenset(base for base, power in found.above.items() if not power)
    return Measure(found.factor, tuple(sorted(powers.items())), cancelled)


class _Product:
    """A product being gathered: the factor, and the sum of exponents of each base that was named."""

    def __init__(self) -> None:
        self.factor, self.above = Fraction(1), dict[str, int]()

    def times(self, factor: Fraction, dimension: Mapping[str, int], power: int) -> None:
        """Multiply by a factor and a dimension to a power."""
        self.factor *= factor**power
        for base, exponent in dimension.items():
            self.above[base] = self.above.get(base, 0) + exponent * power


class _Reader:
    """Reads an expression from the left: term = component (('.' | '/') component)*."""

    def __init__(self, text: str) -> None:
        self.text = self.rest = text

    def term(self, depth: int) -> _Product:
        """Read up to the end or a closing parenthesis."""
        if depth > MAX_DEPTH:
            raise NotUCUM(f"{self.text!r} is nested too deep")
        product, sign = _Product(), 1
        if self._skip("/"):
            sign = -1
        while True:
            self._component(product, sign, depth)
            if self._skip("."):
                sign = 1
            elif self._skip("/"):
                sign = -1
            else:
                return product

    def _component(self, product: _Product, sign: int, depth: int) -> None:
        if self._skip("("):
            inner = self.term(depth + 1)
            if not self._skip(")"):
                raise NotUCUM(f"{self.text!r} lacks a closing parenthesis")
            product.times(inner.factor, inner.above, sign)
            return
        found = _COMPONENT.match(self.rest)
        if found is None or not found[0]:
            raise NotUCUM(f"{self.text!r} is no UCUM expression from {self.rest!r} on")
        self.rest = self.rest[found.end() :]
        unit, exponent, annotation = found["unit"], found["exponent"], found["annotation"]
        power = int(exponent) if exponent else 1
        if (unit and abs(power) > MAX_EXPONENT) or (not unit and exponent and (not 0 < power < 10**MAX_EXPONENT)):
            raise NotUCUM(f"{self.text!r} has an exponent that no unit has")
        if unit in ("10*", "10^"):
            product.times(Fraction(10), {}, sign * power)
        elif unit:
            atom = _atom(unit)
            product.times(atom.factor, atom.dimension, sign * power)
        elif exponent:
            product.times(Fraction(power), {}, sign)
        if annotation:
            product.times(Fraction(1), {annotation.casefold(): 1}, sign if not unit and not exponent else 1)

    def _skip(self, character: str) -> bool:
        if not self.rest.startswith(character):
            return False
        self.rest = self.rest[1:]
        return True


def _atom(unit: str) -> _Atom:
    """Return an atom with its prefix. Raises NotUCUM."""
    atoms = _atoms()
    if unit in atoms:
        return atoms[unit]
    for length in (1, 2):
        atom, power = atoms.get(unit[length:]), _PREFIXES.get(unit[:length])
        if atom is not None and power is not None and atom.metric:
            return _Atom(atom.factor * Fraction(10) ** power, atom.dimension, metric=False)
    raise NotUCUM(f"{unit!r} is no unit that is known here")
