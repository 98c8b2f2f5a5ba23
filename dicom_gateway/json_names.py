"""Names that stand twice in one object of a JSON text: readers differ on which holds, so none is taken (RFC 8259, section 4)."""

from __future__ import annotations

import json
from typing import Any

SHOWN = 64
"""Characters of a repeated name that are said."""


class _Repeated(Exception):
    """The message is the name."""


def repeated_name(content: bytes) -> str | None:
    """Return the first name that stands twice in an object of the text, cut short; None if there is none, or the text is no JSON."""
    if content.count(b'"') < 4:  # two names at least
        return None
    try:
        json.loads(content, object_pairs_hook=_names_once, parse_int=str, parse_float=str)
    except _Repeated as repeated:
        return str(repeated)
    except (ValueError, RecursionError):
        return None
    return None


def _names_once(pairs: list[tuple[str, Any]]) -> None:
    """No value is kept: what is asked about is names."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _Repeated("".join(c if c.isprintable() else "?" for c in name[:SHOWN]))
        seen.add(name)
