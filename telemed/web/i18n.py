"""Languages: which one a request speaks, and the catalogue behind it.

Message ids are short English texts, so English needs no catalogue; Chinese lives in
``locale/zh_CN/LC_MESSAGES/telemed.po``. The ``.po`` file is read at start and compiled in memory: there is
no binary beside it that could be stale. ``babel.cfg`` says which files are searched for messages.

A text that stands as data (a label in ``centres``, a word in ``appearance``) is marked for the catalogue with
``_ = str`` at the head of its module; the template that shows it says ``_(text)``.
"""

from __future__ import annotations

import functools
import gettext as gnu_gettext
import io
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import jinja2
from aiohttp import web
from aiohttp.typedefs import Middleware
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

DEFAULT_LANGUAGE: Final = "zh-CN"
#: BCP 47 tag -> the language's own name, in the order in which a person is offered them.
LANGUAGES: Final = {"zh-CN": "中文", "en": "English"}
LANGUAGE_COOKIE: Final = "lang"
LANGUAGE_COOKIE_AGE: Final = 365 * 24 * 3600  # seconds
_CATALOGUES: Final = {"zh-CN": Path(__file__).parent / "locale/zh_CN/LC_MESSAGES/telemed.po"}
_JAVASCRIPT_FOLDER: Final = "/web/static/js/"  # of the platform and of every centre
_MAX_ACCEPT_LANGUAGE: Final = 500  # characters read of the header; browsers send fewer than 100

_language: ContextVar[str] = ContextVar("language", default=DEFAULT_LANGUAGE)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def match_language(tag: str | None) -> str | None:
    """The supported language for a BCP 47 tag (``zh``, ``zh-Hans-CN``, ``en_GB``), or None."""
    primary = (tag or "").strip().replace("_", "-").split("-")[0].lower()
    return next((known for known in LANGUAGES if known.split("-")[0] == primary), None)


def _from_accept_language(header: str | None) -> str | None:
    """The best supported language of an Accept-Language header (RFC 9110, section 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in (header or "")[:_MAX_ACCEPT_LANGUAGE].split(","):
        tag, _, parameter = part.partition(";")
        language = match_language(tag)
        if language is None:
            continue
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if weight > 0:
            weighted.append((weight, language))
    return max(weighted, key=lambda pair: pair[0])[1] if weighted else None


def choose_language(query: str | None, cookie: str | None, account: str | None, accept_language: str | None) -> str:
    """The language of an answer: what the address asks for, then the cookie, the account, the browser, Chinese."""
    return (
        match_language(query)
        or match_language(cookie)
        or match_language(account)
        or _from_accept_language(accept_language)
        or DEFAULT_LANGUAGE
    )


def _read_catalogue(language: str) -> Catalog | None:
    path = _CATALOGUES.get(language)
    if path is None:
        return None
    with path.open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"), domain="telemed")


@functools.cache
def translations(language: str) -> gnu_gettext.NullTranslations:
    """The compiled catalogue of a language of ``LANGUAGES``; English is the message ids themselves."""
    catalogue = _read_catalogue(language)
    if catalogue is None:
        return gnu_gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gnu_gettext.GNUTranslations(compiled)


def _stands_in_javascript(message: Message) -> bool:
    return any(_JAVASCRIPT_FOLDER in path for path, _ in message.locations)


@functools.cache
def javascript_messages(language: str) -> dict[str, str]:
    """Message id -> translation, for the texts that stand in ``static/js``.

    A plural's key is its singular id, and its value the form for "many": Chinese has one form, and English
    is served by the ids in the code.
    """
    catalogue = _read_catalogue(language)
    if catalogue is None:
        return {}
    texts: dict[str, str] = {}
    for message in catalogue:
        if not message.id or not message.string or not _stands_in_javascript(message):
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        texts[key] = message.string if isinstance(message.string, str) else message.string[-1]
    return texts


def current_language() -> str:
    """The language of the request being answered (Chinese outside of one)."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Texts made inside the block are in this language."""
    token = _language.set(match_language(language) or DEFAULT_LANGUAGE)
    try:
        yield
    finally:
        _language.reset(token)


def gettext(message: str) -> str:
    """The message in the language of the request being answered."""
    return translations(current_language()).gettext(message) if message else ""


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of the message for this number, in the language of the request being answered."""
    return translations(current_language()).ngettext(singular, plural, number)


def install(environment: jinja2.Environment) -> None:
    """Give templates ``_()``, ``gettext``, ``ngettext`` and ``{% trans %}``."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension at run time
        gettext, ngettext, newstyle=True
    )


def language_middleware(account_language: Callable[[web.Request], str | None]) -> Middleware:
    """Answer every request in its language, and remember a choice made with ``?lang=`` in a cookie.

    ``account_language`` gives the language kept with the signed-in account, or None.
    """

    @web.middleware
    async def choose(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = match_language(request.query.get("lang"))
        language = choose_language(
            asked,
            request.cookies.get(LANGUAGE_COOKIE),
            account_language(request),
            request.headers.get("Accept-Language"),
        )
        with speaking(language):
            response = await handler(request)
        if not response.prepared:  # a stream that has begun can take no further header
            response.headers.setdefault("Content-Language", language)
            if asked is not None:
                response.set_cookie(LANGUAGE_COOKIE, asked, max_age=LANGUAGE_COOKIE_AGE, samesite="Lax", path="/")
        return response

    return choose
