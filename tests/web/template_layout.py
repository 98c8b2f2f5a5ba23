"""The layout of lines in templates: none is longer than a reviewer can see, and breaking one changes nothing that is drawn.

``python -m tests.web.template_layout`` breaks the lines that are too long; with ``--check`` it names them instead. Lines
that fit stay as they were written. A line is broken only

- at white space between attributes and inside ``{{ }}`` and ``{% %}``, where it means nothing;
- at white space in a text, which stays white space (not where the styles keep it as it is, see `PRESERVING`);
- beside ``{{ }}`` and ``{% %}``, which then take the line break away again (``{{-``, ``-%}``);
- between tags of which one is a block, where white space is not drawn (HTML Standard, 15.3; CSS Text 3, 4.1.1).

The environment of the templates trims the line break after a ``{% %}`` and the indent before one
(``trim_blocks``, ``lstrip_blocks``), and the rules below count on that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("telemed/web/templates", "telemed/centres/*/web")
MAX_LENGTH: Final = 140  # characters, as for Python
STEP: Final = 2  # characters of an indent
MARKS: Final = 2  # characters that a line may gain: a minus at either end
LAST: Final = 1000  # deeper than any level

_VOID = "area base br col embed hr img input link meta source track use wbr"
_BLOCKS = (
    "address article aside body caption col colgroup datalist dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4"
    " head header hr html legend li link main meta nav ol optgroup option p script section summary table tbody td tfoot th thead title tr"
    " ul"
)
VOID: Final = frozenset(_VOID.split())
BLOCKS: Final = frozenset(_BLOCKS.split())
#: Elements in which the styles of some page keep white space (``white-space: pre-wrap``).
PRESERVING: Final = frozenset({"pre", "textarea", "script", "style", "dd", "p"})

_STRING = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_STATEMENT = re.compile(r"\{%[-+]?\s*(\w+)")
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_OPENING = frozenset({"if", "for", "macro", "call", "block", "filter"})
_BEFORE_OPERATOR = re.compile(r" (?:(?:if|else|and|or)\b|[~+] )")


class LayoutError(Exception):
    """A template whose tags or delimiters do not end."""


@dataclass(frozen=True)
class Break:
    """A place where a line may be broken: source[start:end] is the white space there, which may be none."""

    start: int
    end: int
    level: float  # how deep it lies; the outermost are taken first
    depth: int  # of elements, for the indent
    strong: bool = False  # beside a statement or a block: all of one level are taken together
    before: str = ""  # what ends the line that is over, in place of its last two characters
    after: str = ""  # what begins the new line, in place of its first two characters


@dataclass
class _Token:
    """A piece of a template: kind is text, open, close, void, comment, expression or statement."""

    kind: str
    start: int
    end: int
    name: str = ""
    inner: list[_Token] = field(default_factory=list)  # of a tag: the expressions and statements in it


def _jinja_end(source: str, start: int) -> int:
    """Where the comment, expression or statement that begins at `start` ends."""
    opener = source[start : start + 2]
    if opener == "{#":
        end = source.find("#}", start)
    else:
        closer, at, depth, end = {"{{": "}}", "{%": "%}"}[opener], start + 2, 0, -1
        while at < len(source):
            if string := _STRING.match(source, at):
                at = string.end()
                continue
            if source[at] in "\"'":
                break
            if depth == 0 and source.startswith(closer, at):
                end = at
                break
            depth += {"{": 1, "}": -1}.get(source[at], 0)
            at += 1
    if end < 0:
        raise LayoutError(f"{opener} is not closed")
    return end + 2


def _jinja_token(source: str, start: int) -> _Token:
    end = _jinja_end(source, start)
    kind = {"{#": "comment", "{{": "expression", "{%": "statement"}[source[start : start + 2]]
    word = _STATEMENT.match(source, start)
    return _Token(kind, start, end, word[1] if word else "")


def _tag_token(source: str, start: int, match: re.Match[str]) -> _Token:
    at, quote, inner = match.end(), "", []
    while at < len(source):
        if source[at : at + 2] in ("{{", "{%", "{#"):
            inner.append(_jinja_token(source, at))
            at = inner[-1].end
            continue
        if source[at] in "\"'":
            quote = "" if source[at] == quote else quote or source[at]
        elif source[at] == ">" and not quote:
            name = match[2].lower()
            kind = "close" if match[1] else "void" if name in VOID or source[at - 1] == "/" else "open"
            return _Token(kind, start, at + 1, name, inner)
        at += 1
    raise LayoutError(f"<{match[2]} is not closed")


def _markup_comment(source: str, start: int) -> _Token:
    """A comment of HTML, or a declaration such as ``<!doctype html>``."""
    closer = "-->" if source.startswith("<!--", start) else ">"
    end = source.find(closer, start)
    if end < 0:
        raise LayoutError("<! is not closed")
    return _Token("comment", start, end + len(closer))


def _tokens(source: str) -> Iterator[_Token]:
    at = text = 0
    while at < len(source):
        token = None
        if source[at : at + 2] in ("{{", "{%", "{#"):
            token = _jinja_token(source, at)
        elif source.startswith(("<!--", "<!"), at):
            token = _markup_comment(source, at)
        elif match := _TAG.match(source, at):
            token = _tag_token(source, at, match)
        if token is None:
            at += 1
            continue
        if text < at:
            yield _Token("text", text, at)
        yield token
        at = text = token.end
    if text < at:
        yield _Token("text", text, at)


def _inside_jinja(source: str, token: _Token, level: float, depth: int) -> Iterator[Break]:
    """After commas, before operators and between the pieces of a text, the outermost brackets first."""
    first = re.compile(r"[-+]?\s*\w*").match(source, token.start + 2)
    at, brackets = first.end() if first else token.start, 0
    while at < token.end - 2:
        letter = source[at]
        if string := _STRING.match(source, at):
            at = string.end() - 1
        elif letter in "([{":
            brackets += 1
        elif letter in ")]}":
            brackets -= 1
        elif letter == " " and (source[at - 1] == "," or _BEFORE_OPERATOR.match(source, at)):
            yield Break(at, at + 1, level + 0.01 * brackets + (0 if source[at - 1] == "," else 0.005), depth)
        elif letter == " " and source[at - 1] in "\"'" and source[at + 1] in "\"'":  # one text in two pieces
            yield Break(at, at + 1, level + 0.01 * brackets + 0.005, depth)
        at += 1


def _inside_comment(source: str, token: _Token, level: float, depth: int) -> Iterator[Break]:
    for space in re.finditer(" ", source[token.start + 3 : token.end - 3]):
        at = token.start + 3 + space.start()
        yield Break(at, at + 1, level, depth)


def _inside_tag(source: str, token: _Token, level: int, depth: int) -> Iterator[Break]:
    """Between attributes; then inside the expressions of their values."""
    at, quote, conditions, jinja = token.start, "", 0, {each.start: each for each in token.inner}
    while at < token.end:
        if each := jinja.get(at):
            conditions += 1 if each.name in _OPENING else -1 if each.name.startswith("end") else 0
            yield from _inside_jinja(source, each, level + 1.7, depth + 2)
            at = each.end
            continue
        if source[at] in "\"'":
            quote = "" if source[at] == quote else quote or source[at]
        elif source[at] == " " and not quote and source[at + 1] not in "/>" and not _lost_after_statement(source, at, 1):
            first = " " not in source[token.start : at]  # a name alone on its line says little: the last resort
            yield Break(at, at + 1, level + 1.5 + 0.1 * conditions + (LAST if first else 0), depth + 1)
        at += 1


def _lost_after_statement(source: str, at: int, indent: int) -> bool:
    """True where white space that is put on a new line would be trimmed away: behind a statement, when nothing follows it."""
    return source[at - 2 : at] == "%}" and (indent == 0 or source[at:].lstrip(" ").startswith("{%"))


@dataclass
class _Scanner:
    """Finds the breaks of a template; keeps how deep it is in elements and statements."""

    source: str
    elements: int = 0
    statements: int = 0
    kept: list[str] = field(default_factory=list)  # elements around that keep white space
    breaks: list[Break] = field(default_factory=list)

    @property
    def level(self) -> int:
        return self.elements + self.statements

    def scan(self) -> list[Break]:
        before: _Token | None = None
        for token in _tokens(self.source):
            inner_depth = self.elements
            if before is not None and "text" not in (before.kind, token.kind):
                self._between(before, token)
            self._step(token)
            self._inside(token, inner_depth)
            before = token
        return self.breaks

    def _step(self, token: _Token) -> None:
        if token.kind == "open":
            self.elements += 1
            if token.name in PRESERVING:
                self.kept.append(token.name)
        elif token.kind == "close":
            self.elements -= 1
            if self.kept and self.kept[-1] == token.name:
                self.kept.pop()
        elif token.kind == "statement":
            block_set = token.name == "set" and "=" not in self.source[token.start : token.end]
            self.statements += 1 if token.name in _OPENING or block_set else -1 if token.name.startswith("end") else 0

    def _inside(self, token: _Token, depth: int) -> None:
        source, level = self.source, self.level
        if token.kind == "text":
            self._inside_text(token)
        elif token.kind == "comment" and source.startswith("{#", token.start):
            self.breaks += _inside_comment(source, token, level, depth + 1)
        elif token.kind in ("expression", "statement"):
            self.breaks += _inside_jinja(source, token, level + 0.7, depth + 1)
        elif token.inner or token.kind in ("open", "void"):
            self.breaks += _inside_tag(source, token, level - (token.kind == "open"), depth)

    def _inside_text(self, token: _Token) -> None:
        """White space in a text, its ends included."""
        if self.kept:
            return
        source = self.source
        for space in re.finditer(" +", source[token.start : token.end]):
            start, end = token.start + space.start(), token.start + space.end()
            outermost = start == token.start or end == token.end
            beside = source[start - 2 : start] == "%}" or source[end : end + 2] == "{%"
            if not _lost_after_statement(source, start, self.elements):
                closing = source.startswith("</", end)
                self.breaks.append(Break(start, end, self.level, self.elements - closing, strong=outermost and beside))

    def _between(self, before: _Token, token: _Token) -> None:
        """No white space: between tags only where it is not drawn, else the statement or expression takes it away."""
        depth = self.elements - (token.kind == "close")
        jinja = {"statement", "expression"}
        place = (token.start, token.start, self.level, depth)
        strong = "statement" in (before.kind, token.kind)
        if token.kind == "comment" or before.kind == "comment":
            return
        if before.kind not in jinja and token.kind not in jinja:
            if self._drawn(before, token):
                return
            self.breaks.append(Break(*place, strong=True))
        elif before.kind == "statement" and token.kind == "statement":
            self.breaks.append(Break(*place, strong=True))
        elif token.kind in jinja:
            opener = self.source[token.start : token.start + 2]
            plain = self.source[token.start + 2] in "-+"
            self.breaks.append(Break(*place, strong=strong, after="" if plain else f"{opener}-"))
        else:
            closer = self.source[before.end - 2 : before.end]
            plain = self.source[before.end - 3] in "-+"
            self.breaks.append(Break(*place, strong=strong, before="" if plain else f"-{closer}"))

    def _drawn(self, before: _Token, token: _Token) -> bool:
        """True if white space between two tags may be seen, by a person or by ``:empty``."""
        if before.kind == "open" and token.kind == "close":
            return True
        if (before.kind == "open" and before.name in PRESERVING) or (token.kind == "close" and token.name in PRESERVING):
            return True
        outside = self.kept and not (before.name in PRESERVING or token.name in PRESERVING)
        return bool(outside) or not (before.name in BLOCKS or token.name in BLOCKS)


def _fill(breaks: list[Break], start: int, end: int, room: int, later_room: int) -> list[Break]:
    """As few breaks as make every piece fit, as far as they can."""
    chosen: list[Break] = []
    while end - start > room:
        fitting = [each for each in breaks if start < each.start <= start + room]
        rest = [each for each in breaks if each.start > start]
        if not rest:
            break
        spaces = [each for each in fitting if each.end > each.start and each.start - start > room // 2]
        chosen.append((spaces or fitting or rest[:1])[-1])
        start, room = chosen[-1].end, later_room
    return chosen


def _choose(breaks: list[Break], start: int, end: int, indent: int, base: int, limit: int) -> Iterator[tuple[Break, int]]:
    """The breaks of one line and the indent behind each; `base` is the indent of depth 0, `limit` the longest line."""
    if indent + end - start <= limit - MARKS:
        return
    within = [each for each in breaks if start < each.start and each.end < end]
    if not within:
        return
    level = min(each.level for each in within)
    level_breaks = [each for each in within if each.level == level]
    strong = [each for each in level_breaks if each.strong]
    indents = {each: max(base + STEP * each.depth, 0) for each in level_breaks}
    later = max(indents.values())
    chosen = strong or _fill(level_breaks, start, end, limit - MARKS - indent, limit - MARKS - later)
    begin, begin_indent = start, indent
    for each in [*chosen, None]:
        stop = each.start if each else end
        yield from _choose(breaks, begin, stop, begin_indent, base, limit)
        if each:
            yield each, indents[each]
            begin, begin_indent = each.end, indents[each]


def laid_out(source: str, limit: int = MAX_LENGTH) -> str:
    """Return the template with lines of more than `limit` characters broken where they can be. Raises LayoutError."""
    breaks = sorted(_Scanner(source).scan(), key=lambda each: (each.start, each.end))
    out: list[str] = []
    at = 0
    for line in source.splitlines(keepends=True):
        begin, end = at, at + len(line.rstrip("\n"))
        at += len(line)
        if end - begin <= limit:
            out.append(line)
            continue
        out.append(_broken(source, [each for each in breaks if begin < each.start and each.end < end], begin, end, limit) + "\n")
    return "".join(out)


def _broken(source: str, breaks: list[Break], begin: int, end: int, limit: int) -> str:
    start = begin + len(source[begin:end]) - len(source[begin:end].lstrip(" "))
    indent = start - begin
    chosen = dict(_choose(breaks, start, end, indent, indent - STEP * _depth_at(source, start), limit))
    text, begin_at = source[begin:start], start
    for each in sorted(chosen, key=lambda each: each.start):
        piece = source[begin_at : each.start]
        text += (piece[:-2] + each.before if each.before else piece) + "\n" + " " * chosen[each] + each.after
        begin_at = each.end + (2 if each.after else 0)
    return text + source[begin_at:end]


def _depth_at(source: str, start: int) -> int:
    """The depth in elements at which a line begins; a closing tag at its start counts as closed."""
    depth = 0
    for token in _tokens(source):
        if token.start > start or (token.start == start and token.kind != "close"):
            break
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.kind == "open" and token.end > start:
            depth -= 1  # the line begins inside this tag
    return depth


def templates(root: Path = ROOT) -> list[Path]:
    """Return the templates of the platform and of its centres."""
    return sorted(file for folder in FOLDERS for place in root.glob(folder) for file in place.rglob("*.html"))


def faults(files: Iterable[Path]) -> list[str]:
    """Return a sentence for every line that is too long."""
    return [
        f"{file.relative_to(ROOT)}:{number}: {len(line)} characters, {MAX_LENGTH} at most"
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if len(line) > MAX_LENGTH
    ]


def main(arguments: list[str]) -> int:
    """Break long lines, or with ``--check`` say where they are."""
    if "--check" not in arguments:
        for file in templates():
            source = file.read_text("utf-8")
            if (fresh := laid_out(source)) != source:
                file.write_text(fresh, "utf-8")
    found = faults(templates())
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
