"""Person names as they are searched for: without case, in any component group, by words, and Chinese ones by pinyin."""

from __future__ import annotations

import re
from itertools import islice, product

MAX_READINGS = 8  # of one name: characters with several readings multiply (单 is dan, chan or shan)
MAX_WORDS = 16  # of one name; what a person has more of is no name
_SEPARATORS = re.compile(r"[\s^,.·、-]+")
_HANZI = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


def fold_name(name: str | None) -> str | None:
    """A person name for matching without case; trailing empty components do not count."""
    if name is None:
        return None
    groups = [group.rstrip("^ ") for group in name.split("=")]
    return "=".join(groups).rstrip("=").casefold() or None


def name_groups(name: str | None) -> set[str]:
    """The component groups of a name, folded: alphabetic, ideographic, phonetic (PS3.5 6.2.1)."""
    return {group for group in (fold_name(name) or "").split("=") if group}


def name_words(name: str | None) -> set[str]:
    """Return the texts of which a fuzzy key may be the beginning: each word, each group without separators (王小东 for 王^小东,
    xiaodong for Xiao Dong), and the pinyin of Chinese characters with its initials (wangxiaodong, xiaodong, wxd)."""
    words: set[str] = set()
    for group in name_groups(name):
        parts = [part for part in _SEPARATORS.split(group) if part][:MAX_WORDS]
        words |= {*parts, "".join(parts), "".join(reversed(parts))}
        if _HANZI.search(group):
            words |= _pinyin(parts)
    return words


def _pinyin(parts: list[str]) -> set[str]:
    """Pinyin of the whole, of all but the first character (the given name), and initials; every reading."""
    characters = "".join(parts)[:MAX_WORDS]
    from pypinyin import Style, pinyin  # its dictionaries take a quarter of a second: loaded with the first Chinese name

    readings = pinyin(characters, style=Style.NORMAL, heteronym=True)
    found: set[str] = set()
    for syllables in islice(product(*readings), MAX_READINGS):
        found |= {"".join(syllables), "".join(syllables[1:]), "".join(syllable[:1] for syllable in syllables)}
    return found - {""}


def fuzzy_words(key: str) -> list[str]:
    """The words of a fuzzy key; a name matches that has a word beginning with each."""
    return [word for word in _SEPARATORS.split(re.sub(r"[=*?]+", " ", (fold_name(key) or ""))) if word][:MAX_WORDS]
