"""The template environment: one place for languages, filters and what every page may ask for."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import aiohttp_jinja2
import jinja2
from aiohttp import web

from telemed.domain.patient import masked, masked_name
from telemed.domain.texts import shown
from telemed.web import appearance, i18n
from telemed.web.assets import STATIC_FOLDER, Assets
from telemed.web.dates import LOCAL_ZONE, dicom_day, show_age, show_date, show_datetime, show_exact
from telemed.web.drawn_rows import DrawnRows
from telemed.web.keys import APPLICATION

TEMPLATE_FOLDER: Final = Path(__file__).parent / "templates"
THEME_COOKIE: Final = "theme"
THEMES: Final = ("auto", "light", "dark")


def _isoformat(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""


def _as_can_be_seen(value: object) -> object:
    """Return a text of a file or an old row with what cannot be seen shown by its number; our own markup stays."""
    return shown(value) if type(value) is str else value


def _javascript_texts() -> str:
    """The texts of the ES modules as JSON that is safe inside a ``<script type="application/json">``."""
    return _texts_in(i18n.current_language())


@cache
def _texts_in(language: str) -> str:
    texts = json.dumps(i18n.javascript_messages(language), ensure_ascii=False, separators=(",", ":"))
    return texts.replace("<", "\\u003c")


async def page_context(request: web.Request) -> dict[str, object]:
    """Return what ``base.html`` needs whatever the page: language, theme, the server's time and the zone it is shown in, the address,
    and whether people here are made up."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    application = request.config_dict.get(APPLICATION)
    return {
        "language": i18n.current_language(),
        "languages": i18n.LANGUAGES,
        "theme": theme if theme in THEMES else "auto",
        "server_time": datetime.now(UTC),
        "time_zone": str(LOCAL_ZONE),
        "address": request.rel_url,
        "demonstration": application is not None and application.region.demonstration,
    }


def draw_row(request: web.Request, template: str, row: Hashable) -> str:
    """Return the markup of a row of a list, as templates get it by `drawn_row`."""
    drawn_row = aiohttp_jinja2.get_env(request.app).globals["drawn_row"]
    if not isinstance(drawn_row, DrawnRows):
        raise TypeError("the templates of this application were not set up here")
    return drawn_row(template, row)


def setup(app: web.Application, *, loader: jinja2.BaseLoader | None = None, folders: Sequence[Path] = ()) -> jinja2.Environment:
    """Install templates and static files in the application.

    Undefined names are errors, so that a page that lacks part of its context fails in its test and not
    silently in front of a person. ``loader`` is for further templates, looked for first. Each of ``folders`` has templates and static
    files of a centre.
    """
    assets = Assets(STATIC_FOLDER, *(folder / "static" for folder in folders))
    assets.add_routes(app)
    own = jinja2.FileSystemLoader([TEMPLATE_FOLDER, *(folder / "templates" for folder in folders)])
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.ChoiceLoader([loader, own]) if loader else own,
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_as_can_be_seen,
        trim_blocks=True,
        lstrip_blocks=True,
        context_processors=[page_context],
    )
    i18n.install(environment)
    environment.globals.update(static=assets.url, javascript_texts=_javascript_texts, look_of=appearance, drawn_row=DrawnRows(environment))
    environment.filters.update(
        show_datetime=show_datetime,
        show_exact=show_exact,
        show_date=show_date,
        show_age=show_age,
        dicom_day=dicom_day,
        isoformat=_isoformat,
        mask_name=masked_name,
        mask_number=masked,
    )
    return environment
