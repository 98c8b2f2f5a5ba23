"""What a text may hold: nothing that cannot be seen and changes what is read.

Unicode has characters that turn the direction of what follows, or take no room at all. In a name they make two people of one, in
a report they turn "no" behind the line's end (Unicode Technical Report 36, section 2.9). They come with what is copied from
messengers and word processors, and who writes cannot see them. So they are taken out at the door, not refused. What comes in files stays
as it was sent: there they are shown by their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

INVISIBLE: Final = (
    (0x00AD, 0x00AD), (0x061C, 0x061C), (0x200B, 0x200B), (0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
)  # fmt: skip
"""Soft hyphen; marks, embeddings, overrides and isolates of direction; zero-width space, word joiner and invisible operators;
byte order mark; annotation; tags (Unicode 16, general category Cf)."""

JOINED: Final = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1000, 0x109F), (0x1780, 0x18AF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE))
"""Scripts in which the joiners U+200C and U+200D are part of the spelling: Arabic (Uyghur, Kazakh), the scripts of India, Burmese,
Khmer, Mongolian (Unicode 16, sections 9.2, 12.1, 13.5). Behind a letter of these they stay; elsewhere, in emoji too, they go."""


def _set(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_UNSEEN: Final = re.compile(f"[{_set(INVISIBLE)}]+")
_LONELY_JOINER: Final = re.compile(f"(?<![{_set(JOINED)}])[\u200c\u200d]+")


def visible(text: str) -> str:
    """`text` without what cannot be seen; spaces, line ends and the spelling of every script stay."""
    if text.isascii():
        return text
    return _LONELY_JOINER.sub("", _UNSEEN.sub("", text))


def shown(text: str) -> str:
    """`text` with what cannot be seen written as its number, such as ‹U+202E›."""
    if text.isascii():
        return text
    return _LONELY_JOINER.sub(_numbers, _UNSEEN.sub(_numbers, text))


def _numbers(found: re.Match[str]) -> str:
    return "".join(f"‹U+{ord(character):04X}›" for character in found.group())


def visible_in(value: Any) -> Any:
    """The value of a JSON document with every text in it made visible, names of fields not."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {name: visible_in(each) for name, each in value.items()}
    if isinstance(value, list):
        return [visible_in(each) for each in value]
    return value
