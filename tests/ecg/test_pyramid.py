"""Levels of lowest and highest values: every level tells the truth about the samples, wherever it is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg import pyramid


def recording(leads: int, count: int, seed: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    samples = (1000 * dice.standard_normal((leads, count))).astype(np.float32)
    samples[:, count // 3 : count // 3 + 20] = np.nan
    return samples


def read(content: bytes, leads: int, count: int, level: int, first: int, bins: int) -> np.ndarray:
    chain = pyramid.levels(leads, count)
    place = pyramid.stretch(chain, leads, level, first, bins)
    return pyramid.cut(content[place.offset : place.offset + place.length], place, chain[level].values, leads, first, bins)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 80_000), st.data())
def test_a_bin_holds_the_lowest_and_highest_of_its_samples(leads: int, count: int, data: st.DataObject) -> None:
    samples = recording(leads, count, count)
    content = b"".join(pyramid.pieces(samples))
    chain = pyramid.levels(leads, count)
    assert len(content) == sum(2 * leads * level.count * level.values for level in chain)
    number = data.draw(st.integers(0, len(chain) - 1))
    level = chain[number]
    first = data.draw(st.integers(0, level.count - 1))
    bins = data.draw(st.integers(1, 9000))
    found = read(content, leads, count, number, first, bins)
    assert found.shape == (leads, min(bins, level.count - first), level.values)
    whole = np.where(np.isnan(samples), np.nan, np.rint(samples))
    for at in {0, found.shape[1] // 2, found.shape[1] - 1}:
        here = whole[:, (first + at) * level.samples : (first + at + 1) * level.samples]
        for lead in range(leads):
            known = here[lead][~np.isnan(here[lead])]
            wanted = (known.min(), known.max()) if known.size else (pyramid.INVALID, pyramid.INVALID)
            assert (found[lead, at, 0], found[lead, at, -1]) == wanted


def test_voltages_beyond_the_range_are_cut_off_and_not_turned_round() -> None:
    content = b"".join(pyramid.pieces(np.array([[1e6, -1e6, 3.4]], np.float32)))
    assert read(content, 1, 3, 0, 0, 3)[0, :, 0].tolist() == [32767, -32767, 3]


@pytest.mark.parametrize(("level", "first", "bins"), [(9, 0, 1), (-1, 0, 1), (0, 5000, 1), (0, -1, 1), (0, 0, 0)])
def test_what_is_not_there_is_refused(level: int, first: int, bins: int) -> None:
    with pytest.raises(ValueError, match=r"level|bins"):
        pyramid.stretch(pyramid.levels(2, 5000), 2, level, first, bins)
