"""Parts of an answer (RFC 9110 section 14): what a client asks for to go on where it was cut off."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from dicom_gateway.dicomweb.service import Problem

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `end` (behind the last) of `size`; `whole` where no part was asked for."""

    start: int
    end: int
    size: int
    whole: bool

    @property
    def status(self) -> int:
        """200, or 206 for a part."""
        return 200 if self.whole else 206

    def headers(self) -> dict[str, str]:
        """Return the headers that describe the part."""
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(self.end - self.start)}
        if not self.whole:
            headers["Content-Range"] = f"bytes {self.start}-{self.end - 1}/{self.size}"
        return headers


def part_of(request: web.Request, size: int, etag: str) -> Part:
    """The part that `request` asks for: one range, and only if the client's beginning is of the same content (If-Range).
    Several ranges at once, and what is no range, are answered with everything. Raises `Problem` 416 past the end."""
    whole = Part(0, size, size, True)
    found = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if found is None or not (found[1] or found[2]) or max(map(len, found.groups())) > 18:
        return whole
    if request.headers.get("If-Range", f'"{etag}"') != f'"{etag}"':
        return whole
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
    if start >= size or start >= end:
        raise Problem(416, "Range not satisfiable", f"there are {size} bytes", {"Content-Range": f"bytes */{size}"})
    return Part(start, end, size, False)
