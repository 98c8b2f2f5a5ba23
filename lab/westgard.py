"""Westgard rules over runs of control measurements, told in standard deviations from the target (z).

Sources: J. O. Westgard et al., Clinical Chemistry 27 (1981) 493-501, for 1-2s to 10x; Westgard's rules for three levels (2of3-2s, 3-1s,
6x) and 7-T. Beyond means more than: exactly 2.0 or 3.0 is not beyond, and a point on the mean is on no side.

2-2s and 4-1s hold within a level over runs, and across levels within a run. R-4s is one level above +2s and another below -2s in one
run. 10x and 7-T hold within a level over runs. The rules for three levels hold where a run has three: 2of3-2s and 3-1s in the run, 6x
over two runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Final, Literal, NamedTuple

from lab.errors import LabError

NEW_LOT: Final = "LOT"
"""In place of a run: what came before was another lot, or was mended, and counts no more."""

Run = Mapping[str, float | None]
"""z of each level of a run; None for a level that was not measured."""

ACCEPT, WARN, REJECT, INCOMPLETE = "accept", "warn", "reject", "incomplete"
_LEVELS: Final = 3
"""Levels that the rules for three levels need."""
_TREND: Final = 7


class Violation(NamedTuple):
    """A rule that was broken, by which levels, and their z values, oldest first."""

    rule: str
    levels: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last run is: `accept`, `warn`, `reject`, or `incomplete` where a level is missing and no rule rejects: results wait.

    `rules` are the rules that were broken, rejecting ones first, `missing` the levels that were not measured.
    """

    verdict: str
    rules: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    missing: tuple[str, ...] = ()


class _History:
    """The runs since the last new lot: the last of them, and each level's own values."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = [{level: z for level, z in run.items() if z is not None} for run in runs]
        self.last = self.runs[-1]
        self.series = {level: [run[level] for run in self.runs if level in run] for level in self.last}


_Finder = Callable[[str, _History], Iterator[Violation]]


def z_score(value: float, target: float, deviation: float) -> float:
    """Return how many standard deviations a value is from its target, exactly: 4.2 at 4.0 with 0.1 is 2, and not a little more.

    Raises LabError for a deviation that is not positive or a value that is no number.
    """
    if not (deviation > 0 and all(map(math.isfinite, (value, target, deviation)))):
        raise LabError(f"no z from {value} with target {target} and standard deviation {deviation}; the deviation is more than 0")
    exact = [Fraction(repr(each)) for each in (float(value), float(target), float(deviation))]
    return float((exact[0] - exact[1]) / exact[2])


def judge(runs: Sequence[Run | Literal["LOT"]], rules: Collection[str] | None = None, levels: Collection[str] = ()) -> Verdict:
    """Return what the last run is, with the runs before it, oldest first.

    `rules` names the rules that apply (all of `DEFAULT_RULES` where it is None), `levels` those that every run must have. Raises LabError
    where there is no run, a z is no number, or a rule is not known.
    """
    wanted = DEFAULT_RULES if rules is None else rules
    unknown = sorted(set(wanted) - set(RULES))
    if unknown:
        raise LabError(f"there is no rule {', '.join(unknown)}; there are {', '.join(RULES)}")
    recent = _since_new_lot(runs)
    if not recent or not (recent[-1] or levels):
        raise LabError("there is no run to judge")
    if any(z is not None and not math.isfinite(z) for run in recent for z in run.values()):
        raise LabError("a z is no number; a level that was not measured is None")
    missing = tuple(sorted({level for level, z in recent[-1].items() if z is None} | (set(levels) - set(recent[-1]))))
    history = _History(recent)
    violations = [found for name, rule in RULES.items() if name in wanted for found in rule.find(name, history)]
    violations.sort(key=lambda found: not RULES[found.rule].rejects)
    names = tuple(dict.fromkeys(found.rule for found in violations))
    if any(RULES[name].rejects for name in names):
        verdict = REJECT
    elif missing:
        verdict = INCOMPLETE
    else:
        verdict = WARN if names else ACCEPT
    return Verdict(verdict, names, tuple(violations), missing)


def _since_new_lot(runs: Sequence[Run | Literal["LOT"]]) -> list[Run]:
    recent: list[Run] = []
    for run in runs:
        if isinstance(run, str):
            recent.clear()
        else:
            recent.append(run)
    return recent


def _side(z: float, beyond: float) -> int:
    """Return 1 or -1 where z is beyond on that side, else 0."""
    return (z > beyond) - (z < -beyond)


def _same_side(values: Sequence[float], beyond: float) -> bool:
    return abs(sum(_side(z, beyond) for z in values)) == len(values)


def _one(beyond: float) -> _Finder:
    """One point beyond."""

    def find(rule: str, history: _History) -> Iterator[Violation]:
        return (Violation(rule, (level,), (z,)) for level, z in history.last.items() if _side(z, beyond))

    return find


def _within_level(count: int, beyond: float) -> _Finder:
    """`count` points of one level in a row beyond on one side."""

    def find(rule: str, history: _History) -> Iterator[Violation]:
        for level, series in history.series.items():
            tail = tuple(series[-count:])
            if len(tail) == count and _same_side(tail, beyond):
                yield Violation(rule, (level,), tail)

    return find


def _across_levels(count: int, beyond: float, *, of_three: bool = False) -> _Finder:
    """`count` levels of the last run beyond on one side."""

    def find(rule: str, history: _History) -> Iterator[Violation]:
        if of_three and len(history.last) != _LEVELS:
            return
        for side in (1, -1):
            there = {level: z for level, z in history.last.items() if _side(z, beyond) == side}
            if len(there) >= count:
                yield Violation(rule, tuple(there), tuple(there.values()))

    return find


def _either(*finders: _Finder) -> _Finder:
    def find(rule: str, history: _History) -> Iterator[Violation]:
        for finder in finders:
            yield from finder(rule, history)

    return find


def _opposite(beyond: float) -> _Finder:
    """Two levels of the last run beyond on opposite sides."""

    def find(rule: str, history: _History) -> Iterator[Violation]:
        for (one, first), (other, second) in combinations(history.last.items(), 2):
            if _side(first, beyond) * _side(second, beyond) < 0:
                yield Violation(rule, (one, other), (first, second))

    return find


def _all_of_two_runs(rule: str, history: _History) -> Iterator[Violation]:
    """All three levels of the last two runs on one side of the mean."""
    runs = history.runs[-2:]
    if len(runs) == 2 and all(len(run) == _LEVELS for run in runs):
        values = tuple(z for run in runs for z in run.values())
        if _same_side(values, 0):
            yield Violation(rule, tuple(history.last), values)


def _trend(rule: str, history: _History) -> Iterator[Violation]:
    """Seven points of one level, each above (or each below) the one before it."""
    for level, series in history.series.items():
        tail = tuple(series[-_TREND:])
        if len(tail) == _TREND and abs(sum(_side(after - before, 0) for before, after in pairwise(tail))) == _TREND - 1:
            yield Violation(rule, (level,), tail)


class Rule(NamedTuple):
    """How a rule is found broken, and whether it rejects or warns."""

    find: _Finder
    rejects: bool = True


RULES: Final[Mapping[str, Rule]] = {
    "1-2s": Rule(_one(2), rejects=False),
    "1-3s": Rule(_one(3)),
    "2-2s": Rule(_either(_within_level(2, 2), _across_levels(2, 2))),
    "R-4s": Rule(_opposite(2)),
    "4-1s": Rule(_either(_within_level(4, 1), _across_levels(4, 1))),
    "10x": Rule(_within_level(10, 0)),
    "2of3-2s": Rule(_across_levels(2, 2, of_three=True)),
    "3-1s": Rule(_across_levels(3, 1, of_three=True)),
    "6x": Rule(_all_of_two_runs),
    "7-T": Rule(_trend),
}
DEFAULT_RULES: Final = tuple(name for name in RULES if name != "7-T")
"""All but the trend, which an institution may add."""
