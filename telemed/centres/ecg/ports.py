"""ECG recordings for screens and paper: drawn as a picture, or as samples by range and results by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from telemed.centres.ecg.domain import Edit, Tracing

LARGEST = 64 * 1024 * 1024
"""Bytes of a recording that is drawn while somebody waits: a resting ECG has some hundred thousand."""

MAX_BINS = 65_536
"""Bins of one answer: at three leads 400 kB; a screen has some thousand columns."""


class TracingArtist(Protocol):
    """Draws a recording. Slow: runs in a process of its own."""

    async def draw(self, content: bytes, name: str) -> bytes:
        """The recording as SVG, 25 mm/s and 10 mm/mV. Raises DamagedFile for what cannot be read."""
        ...


class TracingReader(Protocol):
    """What was made of a recording when it came, and what a reader's edits make of that."""

    def levels(self, tracing: Tracing) -> list[dict[str, int]]:
        """The pyramid's levels, finest first: `samples` a bin and `count` of bins."""
        ...

    def filters(self, rate: float) -> list[dict[str, Any]]:
        """Filters for the screen: `name`, band, `diagnostic`, and `stages` of second-order sections to run both ways."""
        ...

    async def samples(self, tracing: Tracing, level: int, first: int, count: int, leads: Sequence[str]) -> bytes:
        """Bins of the leads (all where none is named), lead after lead, int16 of a microvolt, little-endian. Raises Invalid."""
        ...

    async def results(self, tracing: Tracing, edits: Sequence[Edit]) -> bytes:
        """JSON: beats and the median beat; of a long recording hours, events, templates, trends, after the edits."""
        ...

    async def beats(self, tracing: Tracing) -> bytes:
        """Beats of a long recording: uint32 samples, then a letter and a template a beat. Raises NotFound for a resting one."""
        ...
