"""Accounts for the security administrator: who can sign in, who is new, who leaves. No clinical data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web

from telemed.domain.account_list import MAX_ROWS
from telemed.domain.accounts import LANGUAGES as ACCOUNT_LANGUAGES
from telemed.domain.accounts import MAX_NAME, entity_tag
from telemed.domain.forms import Choice, Field, FieldType, Form
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, require
from telemed.service.account_administration import account_of, sessions_of
from telemed.service.execution import query, record_look
from telemed.service.leaving import Leaving, preview_leaving
from telemed.web.api.accounts import PAGE_LINES, AccountQuery, account_shape, session_shape
from telemed.web.i18n import LANGUAGES, gettext
from telemed.web.keys import ADMINISTRATION
from telemed.web.labels.account_lists import COLUMN_HELP, COLUMN_LABELS
from telemed.web.labels.accounts import ROLES, STATES
from telemed.web.pages.own_security import client_name
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

FILTERS = ("q", "institution", "role", "centre", "state")


@page("GET", "/accounts")
async def accounts(visit: Visit) -> web.StreamResponse:
    """Locked accounts first, then by institution."""
    require(visit.person, Action.ACCOUNT_READ)
    kept = {name: visit.query[name].strip() for name in FILTERS if visit.query.get(name, "").strip()}
    start = {"cursor": visit.query["cursor"]} if visit.query.get("cursor") else {}
    asked = AccountQuery.model_validate_strings(kept | start)
    found = await visit.request.app[ADMINISTRATION].accounts(visit.person, asked.wanted(), asked.cursor, PAGE_LINES)
    await record_look(visit.application, visit.person, Action.ACCOUNT_READ, "accounts")
    address, seen = visit.request.rel_url, asked.cursor + len(found.items)
    return await render(
        visit,
        "accounts.html",
        {
            "accounts": [(account_shape(account), f"/accounts/{quote(account.person.username, safe='')}") for account in found.items],
            "found": found,
            "wanted": {name: kept.get(name, "") for name in FILTERS},
            "filtered": bool(kept),
            "first": asked.cursor,
            "before": address.with_query(kept | {"cursor": str(max(asked.cursor - PAGE_LINES, 0))}) if asked.cursor else None,
            "after": address.with_query(kept | {"cursor": str(seen)}) if seen < found.fitting and found.items else None,
            "roles": ROLES,
            "states": STATES,
            "centres": visit.application.region.centres,
            "institutions": {code: f"{code} {name}" for code, name in institutions_of(visit).items()},
            "role_words": {code: gettext(word) for code, word in ROLES.items()},
            "centre_words": {code: gettext(centre.name) for code, centre in visit.application.region.centres.items()},
            "state_words": {code: gettext(look.word) for code, look in STATES.items()},
            "name_of": visit.name_of,
        },
    )


@page("GET", "/accounts/new")
async def new_account(visit: Visit) -> web.StreamResponse:
    """An empty form."""
    require(visit.person, Action.ACCOUNT_CREATE)
    values = {name: visit.query.get(name, "") for name in ("username", "name", "institution", "language")}
    return await render(visit, "account_new.html", {"form": account_form(visit, new=True), "values": values})


@page("GET", "/accounts/import")
async def import_page(visit: Visit) -> web.StreamResponse:
    """What a list must have, and where to choose the file."""
    require(visit.person, Action.ACCOUNT_IMPORT)
    columns = [(gettext(label), gettext(COLUMN_HELP[name])) for name, label in COLUMN_LABELS.items()]
    return await render(
        visit,
        "accounts_import.html",
        {
            "columns": columns,
            "roles": [gettext(word) for word in ROLES.values()],
            "centres": [gettext(centre.name) for centre in visit.application.region.centres.values()],
            "most": MAX_ROWS,
        },
    )


@page("GET", "/accounts/import/template.csv")
async def template(visit: Visit) -> web.StreamResponse:
    """A list without people: the columns' headings."""
    require(visit.person, Action.ACCOUNT_IMPORT)
    head = ",".join(gettext(label) for label in COLUMN_LABELS.values())
    headers = {"Content-Disposition": 'attachment; filename="accounts.csv"'}
    return web.Response(body=f"\ufeff{head}\r\n".encode(), content_type="text/csv", charset="utf-8", headers=headers)


@page("GET", "/accounts/{username}")
async def one_account(visit: Visit) -> web.StreamResponse:
    """The form with what holds now, the sessions, and what leaving would mean."""
    person: Person = await query(visit.application, account_of, visit.person, visit.path("username"))
    await record_look(visit.application, visit.person, Action.ACCOUNT_READ, f"person/{person.username}")
    account = await visit.request.app[ADMINISTRATION].account(visit.person, person.username)
    shape = account_shape(account)
    leaving = await query(visit.application, preview_leaving, visit.person, person.username)
    return await render(
        visit,
        "account.html",
        {
            "account": shape,
            "api": f"/api/v1/accounts/{quote(person.username, safe='')}",
            "here": visit.request.path,
            "etag": f'"{entity_tag(account.person)}"',
            "form": account_form(visit, new=False),
            "values": {name: getattr(shape, name) for name in shape.__struct_fields__},
            "look": STATES[shape.state],
            "client_name": client_name,
            "sessions": [session_shape(each) for each in await query(visit.application, sessions_of, visit.person, person.username)],
            "leaving": leaving,
            "cases": cases_by_centre(visit, leaving),
            "oneself": person.username == visit.person.username,
        },
    )


def cases_by_centre(visit: Visit, leaving: Leaving) -> Sequence[tuple[str, int]]:
    """How many open cases there are, by the centre's name."""
    centres = visit.application.region.centres
    return [(gettext(centres[code].name) if code in centres else code, count) for code, count in leaving.cases.items()]


def institutions_of(visit: Visit) -> Mapping[str, str]:
    """The names of institutions that take part, by code."""
    network = visit.application.region.network
    return {code: visit.name_of(code) for code in sorted(network.institutions) if network.institutions[code].active}


def account_form(visit: Visit, *, new: bool) -> Form:
    """The form of an account. Its name to sign in with stays once it is made."""
    institutions = tuple(Choice(code, f"{code} {name}") for code, name in institutions_of(visit).items())
    centres = tuple(Choice(code, centre.name) for code, centre in visit.application.region.centres.items())
    languages = (Choice("", _("as the browser asks")), *(Choice(tag, LANGUAGES[tag]) for tag in ACCOUNT_LANGUAGES))
    roles = tuple(Choice(role.value, ROLES[role.value]) for role in Role)
    username: dict[str, Any] = {"required": True, "max_length": 32}
    username["help"] = _("What the person types to sign in: small letters and digits, such as wang.li. It stays.")
    return Form(
        (
            *([Field("username", _("User name"), **username)] if new else []),
            Field("name", _("Name"), required=True, max_length=MAX_NAME),
            Field("title", _("Title"), max_length=MAX_NAME, help=_("As it stands under a report: attending physician.")),
            Field("institution", _("Institution"), FieldType.CHOICE, required=True, choices=institutions),
            Field("roles", _("Roles"), FieldType.CHOICES, required=True, choices=roles,
                  help=_("The operator's and the administrators' roles stand alone, and none of these people sees clinical data.")),
            Field("centres", _("Centres"), FieldType.CHOICES, choices=centres, help=_("Which centres a specialist or reviewer reads.")),
            Field("phone", _("Telephone"), max_length=32, pattern=r"[0-9+\(\) \-]*", help=_("Where the person is called back.")),
            Field("language", _("Language"), FieldType.CHOICE, choices=languages),
        )
    )  # fmt: skip
