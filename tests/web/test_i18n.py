"""Languages: which one an answer speaks, and that no text that a person reads stands outside the catalogue."""

from __future__ import annotations

import io
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from telemed.web import i18n, templating

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "telemed"
TEMPLATES = sorted([*templating.TEMPLATE_FOLDER.rglob("*.html"), *PACKAGE.glob("centres/*/web/templates/**/*.html")])
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


@cache
def messages() -> list[tuple[str, str | tuple[str, ...]]]:
    """Every message of code and templates with its file, found as `babel.cfg` says."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "t": None, "tn": (1, 2)}
    found = extract_from_dir(PACKAGE, methods, options, keywords)
    return [(f"telemed/{name}:{line}", message) for name, line, message, _, _ in found if message]


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    """The Chinese catalogue."""
    content = (PACKAGE / "web/locale/zh_CN/LC_MESSAGES/telemed.po").read_bytes()
    return read_po(io.BytesIO(content), locale="zh_CN")


def singular(message: str | tuple[str, ...]) -> str:
    """The key of a message."""
    return message if isinstance(message, str) else message[0]


def test_every_message_is_translated(chinese: Catalog) -> None:
    assert len(messages()) > 250
    missing = []
    for place, message in messages():
        entry = chinese.get(singular(message))
        strings = [] if entry is None else [entry.string] if isinstance(entry.string, str) else list(entry.string)
        if not strings or not all(strings):
            missing.append(f"{place}: {message!r}")
    assert missing == []


def test_message_ids_are_english() -> None:
    assert [f"{place}: {message!r}" for place, message in messages() if CJK.search(str(message))] == []


def test_translations_keep_every_placeholder(chinese: Catalog) -> None:
    """A plural may leave the number of its singular form out; a translation may not."""
    wrong = []
    for entry in chinese:
        if not entry.id:
            continue
        ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        wanted = {name for text in ids for name in PLACEHOLDER.findall(text)}
        strings = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        wrong += [f"{ids[0]!r}: {text!r}" for text in strings if set(PLACEHOLDER.findall(text)) != wanted]
    assert wrong == []


def test_no_translation_is_kept_without_its_message(chinese: Catalog) -> None:
    known = {singular(message) for _, message in messages()}
    stale = [entry.id for entry in chinese if entry.id and entry.locations and singular(entry.id) not in known]
    assert stale == []


class VisibleText(HTMLParser):
    """Texts of a page, and of the attributes that are read out or shown."""

    SHOWN = frozenset({"title", "placeholder", "aria-label", "alt", "data-key-label", "label"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style", "kbd"}
        self.texts += [value for name, value in attrs if name in self.SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style", "kbd"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


#: The same in every language.
INTERNATIONAL = frozenset(
    {"English", "Ctrl", "TLS", "PDF", "CSV", "XLSX", "JSON", "Python", "SHA-256", "YYYY-MM", "case/…", "kB", "MB", "mm"}
)
ATTRIBUTE = re.compile(r'^[\w-]+="')  # a template may put attributes together and print them inside a tag


def literal_text(source: str) -> list[str]:
    """Words that stand in a template outside of expressions: letters of any script, two or more."""
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    pieces = []
    for _, kind, value in environment.lex(source):
        if kind == "data":
            pieces.append(value)
        elif kind == "variable_begin":
            pieces.append("\x00")  # what an expression gives is not literal
    reader = VisibleText()
    reader.feed("".join(pieces))
    return [text.strip() for text in reader.texts if speaks(text.strip()) and not ATTRIBUTE.match(text.strip())]


def speaks(text: str) -> bool:
    """Has it a word of two letters or more that is not the same in every language?"""
    return any(re.search(r"[^\W\d_]{2,}", word) and word not in INTERNATIONAL for word in re.split(r"[\s\x00·]+", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_text_of_their_own(path: Path) -> None:
    assert literal_text(path.read_text("utf-8")) == []


def test_texts_of_every_script_reach_the_browser() -> None:
    """Those of the platform's modules, and of every centre's."""
    sent = i18n.javascript_messages("zh-CN")
    folders = {place.rpartition("/static/js/")[0] for place, _ in messages() if "/static/js/" in place}
    assert folders >= {"telemed/web", "telemed/centres/ecg/web"}
    assert {singular(message) for place, message in messages() if "/static/js/" in place} == set(sent)


def test_the_search_for_literal_text_finds_some() -> None:
    assert literal_text('<p title="Hello {{ name }}">{{ _("x") }} 你好</p>') == ["Hello \x00", "\x00 你好"]


@pytest.mark.parametrize(
    ("query", "cookie", "account", "header", "chosen"),
    [
        (None, None, None, None, "zh-CN"),
        ("en", "zh-CN", "zh-CN", "zh", "en"),
        (None, "en", "zh-CN", "zh", "en"),
        (None, None, "en", "zh", "en"),
        (None, None, None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, None, None, "fr, zh-TW;q=0.5, en;q=0.4", "zh-CN"),
        (None, None, None, "fr", "zh-CN"),
        (None, None, None, "en;q=0, zh", "zh-CN"),
        ("xx", "yy", "zz", "en;q=nonsense", "zh-CN"),
        ("zh-Hans-CN", None, None, "en", "zh-CN"),
    ],
)
def test_the_language_of_an_answer(query: str | None, cookie: str | None, account: str | None, header: str | None, chosen: str) -> None:
    assert i18n.choose_language(query, cookie, account, header) == chosen


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_that_a_browser_sends_can_break_the_choice(query: str, cookie: str, account: str, header: str) -> None:
    assert i18n.choose_language(query, cookie, account, header) in i18n.LANGUAGES


def test_a_language_ends_with_its_block() -> None:
    with i18n.speaking("en"):
        assert i18n.gettext("Sign in") == "Sign in"
        with i18n.speaking("zh-CN"):
            assert i18n.gettext("Sign in") == "登录"
        assert i18n.gettext("Sign in") == "Sign in"


def test_plurals() -> None:
    one, many = "%(num)d unread notice", "%(num)d unread notices"
    with i18n.speaking("en"):
        assert [i18n.ngettext(one, many, number) for number in (1, 2)] == [one, many]
    with i18n.speaking("zh-CN"):
        assert i18n.ngettext(one, many, 2) == "%(num)d 条未读通知"


def test_the_modules_get_their_texts_and_no_others() -> None:
    texts = i18n.javascript_messages("zh-CN")
    assert texts["Undo"] == "撤销"
    assert "Body part" not in texts
    assert i18n.javascript_messages("en") == {}
