"""ECG recordings for screens: drawn by the `ecg` library in a pool, or read by range from what was stored when they came."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import cache
from typing import Any

from storage.errors import ObjectMissing
from storage.protocol import ObjectStore
from telemed.centres.ecg.adapters.analysis import BEATS, RESULTS, SAMPLES, STATE, revise
from telemed.centres.ecg.domain import Edit, EditKind, Tracing, TracingKind
from telemed.centres.ecg.ports import MAX_BINS
from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.service.files import DamagedFile

SECONDS = 20.0
REMEMBERED = 64
"""Drawings that are kept: the same tracing is opened by several people. A recording never changes."""


def draw_recording(content: bytes) -> bytes:
    """The SVG. Raises DamagedFile, which says what is wrong with the file."""
    import ecg
    from ecg.drawing import draw, to_svg

    try:
        recording = ecg.read(content)
    except ecg.UnreadableECG as error:
        raise DamagedFile(error.format, error.reason) from None
    return to_svg(draw(recording)).encode()


class StoredTracingReader:
    """Implements `telemed.centres.ecg.ports.TracingReader`."""

    def __init__(self, store: ObjectStore, pool: Executor) -> None:
        self._store, self._pool = store, pool

    def levels(self, tracing: Tracing) -> list[dict[str, int]]:
        from ecg import pyramid

        return [{"samples": level.samples, "count": level.count} for level in pyramid.levels(len(tracing.leads), tracing.samples)]

    def filters(self, rate: float) -> list[dict[str, Any]]:
        return screen_filters(rate)

    async def samples(self, tracing: Tracing, level: int, first: int, count: int, leads: Sequence[str]) -> bytes:
        from ecg import pyramid

        chain = pyramid.levels(len(tracing.leads), tracing.samples)
        rows = [tracing.leads.index(lead) for lead in leads if lead in tracing.leads]
        if len(rows) != len(leads):
            raise Invalid(FieldError("query.leads", "choice", " ".join(tracing.leads)))
        if level >= len(chain):
            raise Invalid(FieldError("query.level", "range", f"0-{len(chain) - 1}"))
        if first >= chain[level].count:
            raise Invalid(FieldError("query.first", "range", f"0-{chain[level].count - 1}"))
        if count > MAX_BINS:
            raise Invalid(FieldError("query.count", "range", f"1-{MAX_BINS}"))
        place = pyramid.stretch(chain, len(tracing.leads), level, first, count)
        content = await self._store.read(f"{tracing.key}/{SAMPLES}", offset=place.offset, length=place.length)
        found = pyramid.cut(content, place, chain[level].values, len(tracing.leads), first, count)
        return (found[rows] if rows else found).tobytes()

    async def results(self, tracing: Tracing, edits: Sequence[Edit]) -> bytes:
        counting = [edit for edit in edits if edit.counts and edit.kind is not EditKind.STRIP]
        if not counting or tracing.kind is not TracingKind.HOLTER:
            return await self._store.read(f"{tracing.key}/{RESULTS}")
        told = json.dumps([[edit.kind.value, dict(edit.detail)] for edit in counting], sort_keys=True)
        key = f"{tracing.key}/revised/{hashlib.sha256(told.encode()).hexdigest()}.json"
        try:
            return await self._store.read(key)
        except ObjectMissing:
            made = await self._revise(tracing, counting)
        await self._store.put(key, made, media_type="application/json")
        return made

    async def _revise(self, tracing: Tracing, edits: Sequence[Edit]) -> bytes:
        state = await self._store.read(f"{tracing.key}/{STATE}")
        return await asyncio.get_running_loop().run_in_executor(self._pool, revise, state, list(edits))

    async def beats(self, tracing: Tracing) -> bytes:
        if tracing.kind is not TracingKind.HOLTER:
            raise NotFound("beats", tracing.id)
        return await self._store.read(f"{tracing.key}/{BEATS}")


@cache
def screen_filters(rate: float) -> list[dict[str, Any]]:
    """The named filters of `ecg.drawing` for a sampling rate, with their coefficients: the screen runs the same ones."""
    from ecg.drawing.filters import FILTERS, effective, stages_of, with_notch

    named = dict(FILTERS)
    named |= {"diagnostic-50": with_notch(FILTERS["diagnostic"], 50.0), "muscle-50": with_notch(FILTERS["muscle"], 50.0)}
    found = []
    for name, chosen in named.items():
        used = effective(chosen, rate)
        band = {"high_pass": used.high_pass, "low_pass": used.low_pass, "notch": used.notch}
        stages = [[[float(value) for value in section] for section in stage] for stage in stages_of(rate, chosen)]
        found.append({"name": name, **band, "diagnostic": used.diagnostic, "stages": stages})
    return found
