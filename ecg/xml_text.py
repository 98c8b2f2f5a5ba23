"""Text as XML can hold it."""

from __future__ import annotations

import re
from typing import Final

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything but the characters of XML 1.0, production 2."""


def xml_text(text: str) -> str:
    """The text with a space for each character that XML 1.0 has no way to write."""
    return _FORBIDDEN.sub(" ", text)
