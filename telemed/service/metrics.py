"""Counts for whoever watches over the installation: how it is, nothing of whom it is about."""

from __future__ import annotations

from typing import Protocol


class Metrics(Protocol):
    """The metrics of all processes of this machine and of what they have in common."""

    async def exposition(self) -> bytes:
        """In the text format of Prometheus, version 0.0.4 or what `CONTENT_TYPE` of its library says. Raises nothing that a database
        or a store does: what cannot be asked is left out."""
        ...
