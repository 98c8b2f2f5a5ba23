"""Accept headers as DICOMweb uses them (PS3.18 section 8.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from aiohttp import web

ANY = "*/*"
_WEIGHT = re.compile(r"0(\.\d*)?|1(\.0*)?")
_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*("[^"]*"|[^;,\s]+)')
_RANGE = re.compile(r'\s*([\w*.+-]+/[\w*.+-]+)((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^;,\s]+))*)\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Acceptable:
    """One media range: `kind` is the type, or the type of the parts of a multipart answer; `syntax` the transfer
    syntax asked for (None where the caller names none). `named` are the types that other ranges name more closely, each with whether
    as parts: what such a range says of them counts (RFC 9110 12.5.1)."""

    kind: str
    multipart: bool
    syntax: str | None
    quality: float = 1.0
    named: frozenset[tuple[str, bool]] = frozenset()

    def takes(self, kind: str) -> bool:
        """True if an entity of media type `kind` is acceptable."""
        if self.kind == kind:
            return True
        family = kind.split("/", maxsplit=1)[0] + "/*"
        if self.kind not in (ANY, family) or (kind, self.multipart) in self.named:
            return False
        return self.kind == family or (family, self.multipart) not in self.named

    @property
    def takes_parts(self) -> bool:
        """True if a multipart answer is acceptable."""
        return self.multipart or self.kind == ANY


def accepted(request: web.Request) -> list[Acceptable]:
    """Return the media ranges that the caller takes, best first: the `accept` of the query (PS3.18 8.3.3.1) comes before the header."""
    return [*(acceptable(",".join(request.query.getall("accept", []))) if "accept" in request.query else ()),
            *acceptable(",".join(request.headers.getall("Accept", [])))]  # fmt: skip


def acceptable(header: str) -> list[Acceptable]:
    """The ranges of an Accept header, best first, of equal ones the closest; an empty header accepts anything."""
    ranges = []
    for kind, parameters in _RANGE.findall(header or ANY):
        given = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(parameters)}
        multipart = kind.lower() in ("multipart/related", "multipart/*")
        kind = given.get("type", ANY) if multipart else kind
        ranges.append(Acceptable(kind.lower(), multipart, given.get("transfer-syntax"), _quality(given.get("q", "1"))))
    named = frozenset((each.kind, each.multipart) for each in ranges if each.kind != ANY)
    return sorted(
        (replace(each, named=named) for each in ranges if each.quality > 0), key=lambda each: (-each.quality, each.kind.count("*"))
    )


def _quality(text: str) -> float:
    """A weight from 0 to 1 (RFC 9110 12.4.2); what is none counts as 1."""
    return float(text) if _WEIGHT.fullmatch(text) else 1.0
