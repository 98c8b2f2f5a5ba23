"""Wild cards of matching keys (PS3.4 C.2.2.2.4), and person names with them."""

from __future__ import annotations

import re
from itertools import product

from dicom_gateway.index.names import fold_name

_ANY_REST = re.compile(r"(?:\^\*|\^)*\^\*$")  # components of which the last may be anything: nothing too
_GROUPS = 3  # alphabetic, ideographic, phonetic (PS3.5 6.2.1)


def like(pattern: str, text: str) -> bool:
    """`*` is any text, `?` one character. Time grows with the product of the lengths at most, whatever the pattern."""
    at = begun = 0
    star = -1
    position = 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, begun = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at += 1
            position += 1
        elif star >= 0:  # let the last star take one character more
            begun += 1
            at, position = star + 1, begun
        else:
            return False
    return not pattern[at:].strip("*")


def name_shapes(key: str) -> list[str]:
    """Patterns of which a folded name must match one, whole, for a folded key with several component groups: a group that is left
    out, or empty, says nothing, and trailing components may be left out of the name (PS3.5 6.2.1.1)."""
    groups = [group_shapes(group) or ["*"] for group in key.split("=")]
    while len(groups) > 1 and groups[-1] == ["*"]:
        groups.pop()
    shapes = ["=".join(each) for each in product(*groups)]
    return shapes if len(groups) >= _GROUPS else [*shapes, *(f"{shape}=*" for shape in shapes)]


def group_shapes(group: str) -> list[str]:
    """Patterns of which a component group must match one; none where the key says nothing of it. `Lee^Ann^*` is `Lee^Ann` too."""
    if not group.strip("*"):
        return []
    rest = _ANY_REST.search(group)
    if not rest:
        return [group]
    without = group[: rest.start()]
    return [] if not without.strip("*") else [group, without]


def name_matches(wanted: str, have: str) -> bool:
    """True if a name matches the key: without case, in any component group where the key has one, in each that it names where it has
    several. Trailing empty components do not count."""
    key, name = fold_name(wanted) or "", fold_name(have) or ""
    if not key.strip("*=^"):
        return True
    groups = name.split("=")
    if "=" not in key:
        shapes = group_shapes(key)
        return not shapes or any(like(shape, group) for shape in shapes for group in groups if group)
    asked = [group_shapes(group) for group in key.split("=")]
    groups += [""] * (len(asked) - len(groups))
    return all(not shapes or any(like(shape, group) for shape in shapes) for shapes, group in zip(asked, groups, strict=False))
