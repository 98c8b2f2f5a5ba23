"""ECG tracings as pictures: drawn from the recording that was sent, on calibrated paper."""

from __future__ import annotations

from typing import Protocol

LARGEST = 64 * 1024 * 1024
"""Bytes of a recording that is drawn while somebody waits: a resting ECG has some hundred thousand."""


class TracingArtist(Protocol):
    """Draws a recording. Slow: runs in a process of its own."""

    async def draw(self, content: bytes, name: str) -> bytes:
        """The recording as SVG, 25 mm/s and 10 mm/mV. Raises DamagedFile for what cannot be read."""
        ...
