"""Chinese names as DICOM person names: the alphabetic group in pinyin, the ideographic one as written (PS3.5 6.2.1.2, annex K)."""

from __future__ import annotations

import re

_HANZI = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
# Family names of two characters in use (the commoner half of the "Hundred Family Surnames" compounds).
COMPOUND_FAMILY_NAMES = frozenset({
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "司空", "夏侯", "长孙", "宇文", "轩辕",
    "端木", "独孤", "南宫", "西门", "东郭", "百里", "呼延", "闻人", "澹台", "公羊", "申屠", "钟离", "万俟", "太史", "赫连", "濮阳",
})  # fmt: skip
# Characters that are read otherwise as family names.
FAMILY_READINGS = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "区": "ou", "查": "zha", "任": "ren", "朴": "piao", "盖": "ge", "翟": "zhai",
    "华": "hua", "尉迟": "yuchi", "万俟": "moqi", "长孙": "zhangsun", "澹台": "tantai", "洗": "xian", "冼": "xian", "乐": "yue",
    "缪": "miao", "宓": "mi", "覃": "qin", "郇": "xun", "繁": "po", "员": "yun", "牟": "mou", "折": "she", "黑": "he", "秘": "bi",
}  # fmt: skip


def person_name(written: str) -> str:
    """A person name (PN) for a name as people write it: `王小东` gives `Wang^Xiaodong=王^小东`, `Ann Lee` gives `Lee^Ann`."""
    name = re.sub(r"[\\=^\s·]+", " ", written).strip()
    if not name:
        return ""
    if not _HANZI.search(name):
        *first, last = name.split(" ")
        return "^".join(part for part in (last, " ".join(first)) if part)
    if " " in name:
        family, _, given = name.partition(" ")
    else:
        length = 2 if name[:2] in COMPOUND_FAMILY_NAMES else 1
        family, given = name[:length], name[length:]
    latin = [FAMILY_READINGS.get(family) or _pinyin(family), _pinyin(given.replace(" ", ""))]
    return f"{'^'.join(part.capitalize() for part in latin if part)}={'^'.join(part for part in (family, given) if part)}"


def _pinyin(characters: str) -> str:
    from pypinyin import lazy_pinyin  # its dictionaries take a quarter of a second: loaded with the first Chinese name

    return "".join(lazy_pinyin(characters))


def readings(characters: str) -> list[set[str]]:
    """The syllables that each character may be read as, without tones, `v` for ü; as a family name too. A character that has no
    reading stands for itself."""
    from pypinyin import Style, pinyin

    found = [set(each) for character in characters for each in pinyin(character, style=Style.NORMAL, heteronym=True)]
    for at, character in enumerate(characters):
        if character in FAMILY_READINGS:
            found[at].add(FAMILY_READINGS[character])
    return found
