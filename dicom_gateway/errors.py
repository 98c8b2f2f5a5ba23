"""Errors in objects that were sent."""

from __future__ import annotations

from typing import Any


class UnreadableDICOM(Exception):
    """These bytes are not a DICOM object we can read: `reason` says why, `offset` (bytes) where."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"{reason} (at byte {offset})")
        self.offset = offset
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.offset, self.reason)


class NotStorable(Exception):
    """The object can be read, but lacks or contradicts what its place in an archive depends on."""


class TooLargeToDescribe(Exception):
    """The object is stored, but its metadata would take too much memory; the message says what there is too much of."""
