"""Accept headers as DICOMweb uses them (PS3.18 section 8.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*("[^"]*"|[^;,\s]+)')
_RANGE = re.compile(r'\s*([\w*.+-]+/[\w*.+-]+)((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^;,\s]+))*)\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Acceptable:
    """One media range: `kind` is the type, or the type of the parts of a multipart answer; `syntax` the transfer
    syntax asked for (None where the caller names none)."""

    kind: str
    multipart: bool
    syntax: str | None
    quality: float = 1.0

    def takes(self, kind: str) -> bool:
        """True if an entity of media type `kind` is acceptable."""
        return self.kind in (kind, "*/*", kind.split("/", maxsplit=1)[0] + "/*")


def accepted(request: web.Request) -> list[Acceptable]:
    """Return the media ranges that the caller takes, best first: the `accept` of the query (PS3.18 8.3.3.1) comes before the header."""
    return [*(acceptable(",".join(request.query.getall("accept", []))) if "accept" in request.query else ()),
            *acceptable(",".join(request.headers.getall("Accept", [])))]  # fmt: skip


def acceptable(header: str) -> list[Acceptable]:
    """The ranges of an Accept header, best first; an empty header accepts anything."""
    ranges = []
    for kind, parameters in _RANGE.findall(header or "*/*"):
        named = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(parameters)}
        try:
            quality = float(named.get("q", "1"))
        except ValueError:
            quality = 1.0
        multipart = kind.lower() == "multipart/related"
        kind = named.get("type", "*/*") if multipart else kind
        ranges.append(Acceptable(kind.lower(), multipart, named.get("transfer-syntax"), quality))
    return sorted((r for r in ranges if r.quality > 0), key=lambda r: -r.quality)
