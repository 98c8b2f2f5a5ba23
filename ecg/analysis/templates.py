"""Beats grouped by the shape of their QRS: a template for each kind, to be named and renamed as a whole.

Editing never changes beats in place: a `TemplateEdits` is a list of statements ("template 3 is V", "beat 1200 is N"),
applied in order; undo drops the last one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ecg.analysis.morphology import BeatWindows

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]

ALIKE, MEMBER = 0.92, 0.88
"""least correlation of all leads' QRS for a template to be formed, and for a beat to be added to it; looser ones take
wide ectopic beats of a bigeminy in among the normal beats whose polarity they share"""
MAX_TEMPLATES = 30
LEAST_MEMBERS = 3
"""beats in one chunk that make a template; a shape seen once or twice is left among the unlike ones"""
SEED_BEATS = 300
"""beats among which the centre of a new template is looked for"""
UNASSIGNED = -1
AAMI = ("N", "S", "V", "F", "Q")


@dataclass(frozen=True, slots=True)
class Templates:
    """`shapes` (k, leads x samples) of unit length, `norms` (k,) median length in microvolts; `labels` of the beats.

    The last label, `len(shapes)`, holds the beats that are like no template.
    """

    shapes: Floats
    norms: Floats
    labels: Labels
    leads: int = 1

    @property
    def sizes(self) -> Labels:
        """Beats by label, the unlike ones last."""
        return np.bincount(self.labels, minlength=len(self.shapes) + 1).astype(np.int64)

    @property
    def spreads(self) -> npt.NDArray[np.float64]:
        """For each template the share of its window that holds its QRS: the middle 96 % of the energy of its slopes.

        Taken from the mean of many beats it is hardly touched by noise, unlike the width of a single beat; slow waves
        and ST have next to no energy of slope.
        """
        if len(self.shapes) == 0:
            return np.zeros(0)
        energy = (np.diff(self.shapes.reshape(len(self.shapes), self.leads, -1), axis=2) ** 2).sum(axis=1)
        share = np.cumsum(energy, axis=1) / (energy.sum(axis=1, keepdims=True) + 1e-9)
        steps = np.arange(share.shape[1])
        bounds = [np.interp((0.02, 0.98), row, steps) for row in share]
        return np.asarray([(last - first) / len(steps) for first, last in bounds], np.float64)


def likeness(windows: BeatWindows, shapes: Floats) -> Floats:
    """Best correlation over all lags of each beat with each shape, (n, k)."""
    best = windows.lags[0] @ shapes.T
    for lag in windows.lags[1:]:
        np.maximum(best, lag @ shapes.T, out=best)
    return best


def group(chunks: Iterable[BeatWindows], count: int) -> Templates:
    """Group `count` beats; each chunk's beats join known templates, and those like none of them form new ones."""
    shapes: list[Floats] = []
    norms: list[float] = []
    labels = np.full(count, UNASSIGNED, np.int64)
    leads = 1
    for windows in chunks:
        leads = windows.qrs.shape[1]
        here = labels[windows.first : windows.first + len(windows.qrs)]
        if shapes:
            like = likeness(windows, np.stack(shapes))
            here[:] = np.where(like.max(axis=1) > MEMBER, like.argmax(axis=1), UNASSIGNED)
        while len(shapes) < MAX_TEMPLATES and (here == UNASSIGNED).any():
            shape, members = _new_template(windows, here == UNASSIGNED)
            if shapes and members.sum() < LEAST_MEMBERS:
                break  # the shape that most beats are like comes first, so all others are rarer
            here[members] = len(shapes)
            shapes.append(shape)
            norms.append(float(np.median(np.linalg.norm(windows.qrs[members].reshape(members.sum(), -1), axis=1))))
    labels[labels == UNASSIGNED] = len(shapes)
    size = len(shapes[0]) if shapes else 0
    stacked = np.stack(shapes) if shapes else np.zeros((0, size), np.float32)
    return Templates(stacked, np.asarray(norms, np.float32), labels, leads)


def _new_template(windows: BeatWindows, free: npt.NDArray[np.bool_]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The shape that most free beats are like, and those beats."""
    middle = windows.lags[len(windows.lags) // 2]
    index = np.flatnonzero(free)
    sample = index[:: max(1, len(index) // SEED_BEATS)]
    alike = middle[sample] @ middle[sample].T > ALIKE
    seed = sample[int(alike.sum(axis=1).argmax())]
    shape = middle[seed]
    flat = windows.qrs.reshape(len(windows.qrs), -1)
    for _ in range(2):
        members = free & (likeness(windows, shape[None])[:, 0] > ALIKE)
        if not members.any():
            break
        shape = np.median(flat[members], axis=0)
        shape = shape / (np.linalg.norm(shape) + 1e-9)
    members = free & (likeness(windows, shape[None])[:, 0] > MEMBER)
    members[seed] = True
    return shape.astype(np.float32), members


@dataclass(frozen=True, slots=True)
class Edit:
    """`name` is the AAMI class that a whole template, or one beat, is given."""

    name: str
    template: int | None = None
    beat: int | None = None

    def __post_init__(self) -> None:
        if self.name not in AAMI:
            raise ValueError(f"beat class {self.name!r} is not one of {', '.join(AAMI)}")
        if (self.template is None) == (self.beat is None):
            raise ValueError("an edit names either a template or a beat")


@dataclass(frozen=True, slots=True)
class TemplateEdits:
    """Immutable list of edits; each method gives a new list."""

    edits: tuple[Edit, ...] = ()

    def relabel(self, template: int, name: str) -> TemplateEdits:
        """All beats of a template become `name`."""
        return replace(self, edits=(*self.edits, Edit(name, template=template)))

    def relabel_beat(self, beat: int, name: str) -> TemplateEdits:
        """One beat, by its number in the list of beats, becomes `name`."""
        return replace(self, edits=(*self.edits, Edit(name, beat=beat)))

    def undo(self) -> TemplateEdits:
        """Without the last edit; nothing happens to an empty list."""
        return replace(self, edits=self.edits[:-1])

    def apply(self, classes: Classes, labels: Labels) -> Classes:
        """The classes after all edits in order. Raises ValueError for a beat that is not there."""
        edited = classes.copy()
        for number, edit in enumerate(self.edits, start=1):
            if edit.template is not None:
                edited[labels == edit.template] = edit.name
            elif edit.beat is not None and 0 <= edit.beat < len(edited):
                edited[edit.beat] = edit.name
            else:
                raise ValueError(f"edit {number}: there is no beat {edit.beat}; the recording has {len(edited)}")
        return edited
