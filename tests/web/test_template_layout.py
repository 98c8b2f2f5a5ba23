"""Breaking the lines of templates changes nothing that is drawn, whatever the templates are asked to show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from tests.web.template_layout import BLOCKS, MAX_LENGTH, PRESERVING, ROOT, LayoutError, faults, laid_out, templates

ENVIRONMENT = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=True)
BLOCK_TAG = rf"</?(?:{'|'.join(sorted(BLOCKS, key=len, reverse=True))})\b[^>]*>"


def tokens(source: str) -> str:
    """The template as its environment reads it: markup, and a numbered mark for each piece of Jinja, white space in it aside."""
    marks: dict[str, str] = {}
    text, inside = "", []
    for _, kind, value in ENVIRONMENT.lexer.tokeniter(source, None):
        if kind == "data":
            text += value
        elif kind.endswith("_begin"):
            inside = [kind]
        elif kind.endswith("_end"):
            # Two texts side by side are one.
            key = re.sub(r"""(["'])\x00\1""", "", "\x00".join(inside)).replace("\x00", " ")
            text += f"⟦{marks.setdefault(key, str(len(marks)))}⟧" if not kind.startswith("comment") else ""
        elif kind != "whitespace" and not kind.startswith("comment"):
            inside.append(value)
    return text


def drawn(source: str) -> str:
    """What stays of a template when white space that is not drawn is taken away."""
    kept: list[str] = []
    pieces = []
    for piece in re.split(r"(<[^>]*>)", tokens(source)):
        if tag := re.match(r"<(/?)([a-z][\w-]*)", piece):
            if tag[2] in PRESERVING and not tag[1]:
                kept.append(tag[2])
            elif tag[1] and kept[-1:] == [tag[2]]:
                kept.pop()
            # White space between attributes is one space; in a value it stays.
            piece = "".join(
                part if part[:1] in {'"', "'"} else re.sub(r"\s+", " ", part) for part in re.split(r"""("[^"]*"|'[^']*')""", piece)
            )
        elif not kept:
            piece = re.sub(r"\s+", " ", piece)
        pieces.append(piece)
    text = "".join(pieces)
    # An element that is empty stays so, and one that is not: a style may ask.
    text = re.sub(r"<(\w+)([^>]*)> </\1>", r"<\1\2>⟦ ⟧</\1>", text)
    edges = f"(?:{BLOCK_TAG})"
    return re.sub(rf" (?={edges})", "", re.sub(rf"({edges}) ", r"\1", text)).strip()


@pytest.mark.parametrize("limit", [30, 80, 120, MAX_LENGTH])
@pytest.mark.parametrize("file", templates(), ids=lambda file: str(file.relative_to(ROOT)))
def test_breaking_lines_changes_nothing_that_is_drawn(file: Path, limit: int) -> None:
    source = file.read_text("utf-8")
    broken = laid_out(source, limit)
    assert drawn(broken) == drawn(source)
    ENVIRONMENT.parse(broken)


@pytest.mark.parametrize("limit", [60, MAX_LENGTH])
@pytest.mark.parametrize("file", templates(), ids=lambda file: str(file.relative_to(ROOT)))
def test_what_is_laid_out_stays_as_it_is(file: Path, limit: int) -> None:
    once = laid_out(file.read_text("utf-8"), limit)
    assert laid_out(once, limit) == once


def test_no_line_of_a_template_is_too_long() -> None:
    assert faults(templates()) == []


@pytest.mark.parametrize(
    ("source", "broken"),
    [
        ('<b class="one" title="two">', '<b class="one"\n  title="two">'),
        ("<b>one two three four five</b>", "<b>one two three\n  four five</b>"),
        ("<b>one</b><i>two and three</i>", "<b>one</b><i>two\n  and three</i>"),
        ("<td>one</td><td>two three</td>", "<td>one</td>\n<td>two three</td>"),
        ("<b>{{ one }}</b>{{ two_three }}", "<b>{{ one }}</b>\n{{- two_three }}"),
        ("{% if one %}<b>two three</b>{% endif %}", "{% if one -%}\n<b>two three</b>\n{%- endif %}"),
        ("{% if one %}{{ two_three_four }}{% endif %}", "{% if one %}\n{{- two_three_four }}\n{%- endif %}"),
        ("{{ f('one, two', 'three', four) }}", "{{ f('one, two',\n  'three', four) }}"),
        ("<p>one two three four five six</p>", "<p>one two three four five six</p>"),
        ("<pre>one two three four five</pre>", "<pre>one two three four five</pre>"),
        (r"{{ f('it\'s, two', three, four) }}", "{{ f('it\\'s, two',\n  three, four) }}"),
        ("{# one two three four five six #}", "{# one two three\n  four five six #}"),
        ("<b>one</b><i>two</i><b>three</b>", "<b>one</b><i>two</i><b>three</b>"),
    ],
)
def test_lines_are_broken_where_nobody_sees_it(source: str, broken: str) -> None:
    assert laid_out(source + "\n", 21) == broken + "\n"


def test_a_line_that_fits_stays_as_it_was_written() -> None:
    source = "<b>" + "x" * (MAX_LENGTH - 11) + " <i></i>\n"
    assert len(source) == MAX_LENGTH + 1
    assert laid_out(source) == source
    assert laid_out("<b>x" + source[3:]).count("\n") == 2


@pytest.mark.parametrize("source", ["<b class='", "{{ one", "{% if 'one %}", "{# one", "<b title={{ one }", "<!-- one", "<!doctype"])
def test_what_does_not_end_is_said(source: str) -> None:
    with pytest.raises(LayoutError, match="is not closed"):
        laid_out(source)
