"""Breaking text into lines: Chinese between any two characters, Latin words and numbers only at their ends.

The rules are the ones that matter of the Unicode line breaking algorithm (UAX #14) and of GB/T 15834 (punctuation):
closing marks never begin a line, opening marks never end one, and a number keeps its sign and its unit.
"""

import unicodedata
from collections.abc import Callable

# Marks that may not begin a line, and marks that may not end one.
NOT_FIRST = frozenset("，。、；：？！）》」』】〕〉”’…—～·％‰℃℉,.;:?!)]}>%/~°′″々ー﹐﹑﹒﹔﹕﹖﹗﹚﹜﹞")
NOT_LAST = frozenset("（《「『【〔〈“‘([{<￥¥$＄±≥≤≈＋－×÷=＝+#№")


def break_lines(text: str, width: float, width_of: Callable[[str], float]) -> list[str]:
    """Lines of at most `width`, in the unit of `width_of` (the advance of one character). A newline always breaks.

    A word that is wider than a line is broken inside. Spaces at the end of a line are dropped.
    """
    return [line for paragraph in text.split("\n") for line in _break_paragraph(paragraph, width, width_of)]


def _break_paragraph(text: str, width: float, width_of: Callable[[str], float]) -> list[str]:
    lines = []
    start = 0
    opportunity = 0
    used = 0.0
    position = 0
    while position < len(text):
        if position > start and may_break(text[position - 1], text[position]):
            opportunity = position
        used += width_of(text[position])
        if used > width and not text[position].isspace() and position > start:
            # Without an opportunity on this line the word itself is broken here.
            end = opportunity if opportunity > start else _before_marks(text, start, position)
            lines.append(text[start:end].rstrip())
            start = position = opportunity = end
            used = 0.0
            continue
        position += 1
    lines.append(text[start:].rstrip())
    return lines


def _before_marks(text: str, start: int, position: int) -> int:
    """Keep combining marks with their base when a long word is broken."""
    end = position
    while end - 1 > start and unicodedata.combining(text[end]):
        end -= 1
    return end


def may_break(before: str, after: str) -> bool:
    """True if a line may end between two neighbouring characters."""
    if after.isspace() or after in NOT_FIRST or unicodedata.combining(after):
        return False
    if before.isspace():
        return True
    if before in NOT_LAST:
        return False
    return _is_wide(before) or _is_wide(after) or (before == "-" and after.isalpha())


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")
