"""Names and numbers as lists show them: enough to tell two people apart, not enough to know one.

OWASP ASVS 5, section 14.2 asks for masking in lists; which characters stay is common practice of Chinese
hospital displays (surname; first 3 and last 4 of a resident identity number; first 3 and last 4 of a phone).
"""

from __future__ import annotations

from typing import Final

_MASK: Final = "*"


def mask_name(name: str | None) -> str:
    """``张三丰`` -> ``张**``; ``Garcia Lopez, Maria`` -> ``G*****``. DICOM's ``^`` separates like a space."""
    text = (name or "").strip()
    if not text:
        return ""
    if text.isascii():
        family = text.replace("^", " ").replace(",", " ").split()
        return f"{family[0][0]}{_MASK * 5}" if family else ""  # a fixed length gives nothing away
    bare = text.replace("^", "").replace(" ", "")
    return bare[0] + _MASK * min(len(bare) - 1, 3) if len(bare) > 1 else bare


def mask_number(number: str | None, first: int = 3, last: int = 4) -> str:
    """Keep the first and last characters of an identity or phone number; mask short ones whole."""
    text = (number or "").strip()
    if len(text) < first + last + 3:
        return _MASK * len(text)
    return text[:first] + _MASK * (len(text) - first - last) + text[-last:]
