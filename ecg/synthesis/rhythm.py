"""Rhythms: when atria and ventricles beat. Times in seconds; each rhythm is a list of events in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

Random = np.random.Generator


@dataclass(slots=True)
class Course:
    """The course of the heart: times of P onset; QRS onsets with the kind of beat; stretches of atrial fibrillation and
    flutter, of ventricular fibrillation and torsades de pointes, and of anything worth naming (name, begin, end)."""

    p_waves: list[float] = field(default_factory=list)
    beats: list[tuple[float, str]] = field(default_factory=list)
    fibrillation: list[tuple[float, float]] = field(default_factory=list)
    flutter: list[tuple[float, float]] = field(default_factory=list)
    chaos: list[tuple[float, float]] = field(default_factory=list)
    twisting: list[tuple[float, float]] = field(default_factory=list)
    episodes: list[tuple[str, float, float]] = field(default_factory=list)


RESPIRATION: Final = 0.25
"""Breaths a second, which speed and slow the sinus node."""

LEAD_IN: Final = 2.0
"""Seconds that a rhythm runs before the recording begins, so that it begins in the middle of things."""


def sinus_intervals(seconds: float, rate: float, dice: Random, arrhythmia: float = 0.03) -> list[float]:
    """Times of sinus beats from -LEAD_IN to the end at a mean `rate` a minute, swinging with the breath."""
    times, at = [], -LEAD_IN
    phase = dice.uniform(0, 2 * np.pi)
    while at < seconds:
        times.append(at)
        swing = arrhythmia * np.sin(2 * np.pi * RESPIRATION * at + phase)
        at += 60 / rate * float(1 + swing + 0.008 * dice.standard_normal())
    return times


def sinus(
    seconds: float,
    dice: Random,
    *,
    rate: float = 72.0,
    kind: str = "normal",
    pr: float = 0.16,
    arrhythmia: float = 0.03,
) -> Course:
    """Regular sinus rhythm."""
    course = Course()
    for at in sinus_intervals(seconds, rate, dice, arrhythmia):
        course.p_waves.append(at)
        course.beats.append((at + pr, kind))
    return course


def pauses(seconds: float, dice: Random) -> Course:
    """Sinus rhythm with a sinus arrest of 3.4 s that no escape beat ends."""
    course = sinus(seconds, dice, rate=64)
    begin = next(at for at, _ in course.beats if at > seconds * 0.25)
    silent = 3.4 - 60 / 64

    def later(at: float) -> float:
        return at + silent if at > begin else at

    course.p_waves = [later(at) for at in course.p_waves]
    course.beats = [(later(at), kind) for at, kind in course.beats]
    course.episodes.append(("pause", begin, begin + 3.4))
    return course


def fibrillation(seconds: float, dice: Random, *, rate: float = 96.0, kind: str = "normal") -> Course:
    """Atrial fibrillation: no P waves, RR intervals without order."""
    course = Course(fibrillation=[(-LEAD_IN, seconds)], episodes=[("AF", 0.0, seconds)])
    at = -LEAD_IN
    while at < seconds:
        course.beats.append((at, kind))
        at += max(0.34, 60 / rate * float(dice.gamma(22, 1 / 22)))
    return course


def flutter(seconds: float, dice: Random, *, conduction: int = 4) -> Course:
    """Atrial flutter at 300 a minute, one wave in `conduction` conducted."""
    course = Course(flutter=[(-LEAD_IN, seconds)], episodes=[("flutter", 0.0, seconds)])
    at = -LEAD_IN + 0.08
    while at < seconds:
        course.beats.append((at, "normal"))
        at += 0.2 * conduction
    return course


def complete_block(seconds: float, dice: Random) -> Course:
    """Third-degree AV block: atria at 84, a ventricular escape rhythm at 34 a minute, neither minding the other."""
    course = Course(episodes=[("third-degree AV block", 0.0, seconds)])
    course.p_waves = sinus_intervals(seconds, 84, dice, 0.02)
    course.beats = [(at + 0.31, "escape") for at in sinus_intervals(seconds, 34, dice, 0.0)]
    return course


def ventricular_ectopy(seconds: float, dice: Random, *, every: int = 5, rate: float = 75.0) -> Course:
    """Sinus rhythm with a premature ventricular beat as every so-manieth beat and full compensatory pauses; 2 is
    bigeminy."""
    course = Course()
    for n, at in enumerate(sinus_intervals(seconds, rate, dice, 0.02)):
        if n % every == every - 1:
            # The sinus beat under the pause finds the ventricles refractory; its P wave hides in the T wave.
            course.beats.append((course.beats[-1][0] + 0.44 + 0.02 * float(dice.standard_normal()), "PVC"))
        else:
            course.beats.append((at + 0.16, "normal"))
        course.p_waves.append(at)
    return course


def ventricular_run(seconds: float, dice: Random, *, beats: int = 12, rate: float = 170.0) -> Course:
    """Sinus rhythm, a run of ventricular tachycardia, sinus rhythm again; P waves march through."""
    course = sinus(seconds, dice, rate=80, arrhythmia=0.02)
    before = max(at for at, _ in course.beats if at < seconds * 0.3)
    run = [before + 0.42 + n * 60 / rate * float(1 + 0.008 * dice.standard_normal()) for n in range(beats)]
    after = [(at, kind) for at, kind in course.beats if at > run[-1] + 0.65]
    course.beats = [(at, kind) for at, kind in course.beats if at <= before] + [(at, "VT") for at in run] + after
    course.episodes.append(("VT", run[0], run[-1]))
    return course


def paced(seconds: float, dice: Random, *, rate: float = 70.0) -> Course:
    """Ventricular pacing on demand at a fixed rate; the atria fibrillate finely."""
    course = Course(fibrillation=[(-LEAD_IN, seconds)])
    course.beats = [(at, "paced") for at in np.arange(-LEAD_IN, seconds, 60 / rate).tolist()]
    return course


def torsades(seconds: float, dice: Random) -> Course:
    """Slow sinus rhythm with a long QT, then torsades de pointes to the end."""
    course = sinus(seconds, dice, rate=56, kind="long QT", arrhythmia=0.02)
    last = max(at for at, _ in course.beats if at < seconds * 0.3)
    begin = last + 0.46
    course.p_waves = [at for at in course.p_waves if at < last]
    course.beats = [(at, kind) for at, kind in course.beats if at <= last]
    course.twisting.append((begin, seconds))
    course.episodes.append(("torsades", begin, seconds))
    return course


def ventricular_fibrillation(seconds: float, dice: Random) -> Course:
    """Coarse ventricular fibrillation from beginning to end."""
    return Course(chaos=[(-LEAD_IN, seconds)], episodes=[("VF", 0.0, seconds)])


RHYTHMS: Final[Mapping[str, Callable[[float, Random], Course]]] = {
    "sinus": sinus,
    "bradycardia": lambda seconds, dice: sinus(seconds, dice, rate=46, pr=0.17),
    "tachycardia": lambda seconds, dice: sinus(seconds, dice, rate=132, arrhythmia=0.01, pr=0.13),
    "sinus-pause": pauses,
    "atrial-fibrillation": lambda seconds, dice: fibrillation(seconds, dice, rate=108),
    "atrial-flutter": flutter,
    "complete-block": complete_block,
    "ventricular-ectopics": ventricular_ectopy,
    "bigeminy": lambda seconds, dice: ventricular_ectopy(seconds, dice, every=2),
    "ventricular-tachycardia-run": ventricular_run,
    "ventricular-paced": paced,
    "inferior-infarction": lambda seconds, dice: sinus(seconds, dice, rate=62, kind="inferior infarction"),
    "anterior-infarction": lambda seconds, dice: sinus(seconds, dice, rate=92, kind="anterior infarction"),
    "left-bundle-branch-block": lambda seconds, dice: sinus(seconds, dice, rate=70, kind="LBBB"),
    "right-bundle-branch-block": lambda seconds, dice: sinus(seconds, dice, rate=68, kind="RBBB"),
    "left-ventricular-hypertrophy": lambda seconds, dice: sinus(seconds, dice, rate=70, kind="LVH"),
    "long-qt": lambda seconds, dice: sinus(seconds, dice, rate=66, kind="long QT"),
    "hyperkalaemia": lambda seconds, dice: sinus(seconds, dice, rate=58, kind="hyperkalaemia", pr=0.22),
    "limb-lead-reversal": sinus,
    "torsades": torsades,
    "ventricular-fibrillation": ventricular_fibrillation,
}
"""Rhythm and beats by the name of what the ECG shows."""
