"""What cannot be seen is taken out of texts; what belongs to the spelling of a script stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.texts import INVISIBLE, JOINED, shown, visible, visible_in


@pytest.mark.parametrize("code", [code for first, last in INVISIBLE[:-1] for code in (first, last)] + [0x202B, 0x2068, 0xE0041])
def test_what_cannot_be_seen_goes(code: int) -> None:
    assert visible(f"张{chr(code)}伟{chr(code)}") == "张伟"


@pytest.mark.parametrize("code", [0x200A, 0x2010, 0x2027, 0x202F, 0x205F, 0x2070, 0xFEFE, 0xFFFC, 0xAC, 0xAE, 0x3000, 0x0A, 0x09])
def test_what_can_be_seen_stays(code: int) -> None:
    assert visible(f"张{chr(code)}伟") == f"张{chr(code)}伟"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_joiners_stay_where_they_are_spelling(joiner: str) -> None:
    for letter in (chr(first) for first, _ in JOINED):
        assert visible(f"{letter}{joiner}{letter}") == f"{letter}{joiner}{letter}"
    for letter in ("a", "张", "1", "👩", "\u05ff", "\u1100"):
        assert visible(f"{letter}{joiner}{letter}") == letter * 2
    assert visible(joiner) == ""


@given(st.text(max_size=60))
def test_nothing_is_left_of_it_and_nothing_else_is_lost(text: str) -> None:
    seen = visible(text)
    assert visible(seen) == seen
    kept = [c for c in text if unicodedata.category(c) != "Cf"]
    assert [c for c in seen if unicodedata.category(c) != "Cf"] == kept
    assert not any(first <= ord(c) <= last for c in seen for first, last in INVISIBLE)


@given(st.text(max_size=60) | st.text(alphabet="a张م\u200b\u200c\u202e\ufeff\U000e0041 ", max_size=20))
def test_or_it_is_shown_by_its_number_and_the_rest_stays(text: str) -> None:
    seen = shown(text)
    assert visible(seen) == seen
    assert (seen == text) is (visible(text) == text)


def test_how_it_is_shown() -> None:
    assert shown("张\u202e伟\u200b\u200d") == "张‹U+202E›伟‹U+200B›‹U+200D›"
    assert shown("plain") == "plain"


def test_texts_are_cleaned_at_any_depth() -> None:
    assert visible_in({"a\u200b": ["x\u202e", {"b": "\ufeffy"}, 1, None, True]}) == {"a\u200b": ["x", {"b": "y"}, 1, None, True]}
