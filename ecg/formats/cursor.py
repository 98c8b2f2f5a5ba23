"""Reading fields of a binary file without ever running past its end."""

from __future__ import annotations

import struct
from typing import Any

from ecg.limits import MAX_TEXT
from ecg.recording import UnreadableECG


class Cursor:
    """A place `at` in `content` between `begin` and `end`; a step beyond the end raises UnreadableECG."""

    def __init__(self, name: str, content: bytes, at: int = 0, end: int | None = None) -> None:
        self.format, self.content, self.at = name, content, at
        self.begin, self.end = at, len(content) if end is None else min(end, len(content))

    @property
    def left(self) -> int:
        """Bytes between here and the end."""
        return self.end - self.at

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes. `what` names them in the error when they are not there."""
        if count < 0 or count > self.left:
            raise UnreadableECG(self.format, self.at, f"{what} needs {count} bytes, {max(self.left, 0)} are left")
        self.at += count
        return self.content[self.at - count : self.at]

    def unpack(self, layout: str, what: str) -> tuple[Any, ...]:
        """The next fields as `struct` lays them out."""
        return struct.unpack(layout, self.take(struct.calcsize(layout), what))

    def number(self, layout: str, what: str) -> int:
        """The next single whole number."""
        return int(self.unpack(layout, what)[0])


def text_of(field: bytes, encodings: tuple[str, ...] = ("utf-8", "gb18030")) -> str:
    """A text field up to its first NUL, stripped; carts in China send GB 18030 where the format knows Latin only."""
    bare = field.split(b"\0", 1)[0][: 4 * MAX_TEXT]
    for encoding in encodings:
        try:
            return bare.decode(encoding).strip()[:MAX_TEXT]
        except UnicodeDecodeError:
            continue
    return bare.decode("latin-1").strip()[:MAX_TEXT]
