"""One's own password, second factors and sessions; the first page of who must change or set up something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from telemed.domain.authentication_profile import AuthenticationProfile, Requirement
from telemed.domain.second_factor import PASSKEYS as MOST_PASSKEYS
from telemed.service import accounts
from telemed.service.own_factors import own_factors
from telemed.web.i18n import gettext, ngettext
from telemed.web.keys import PASSKEYS, REQUIRED
from telemed.web.pages.page import Visit, home_of, page, render
from telemed.web.pages.session import own_address
from telemed.web.security import session_of

_ = str  # marks text for the translation catalogue


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session in words."""

    id: str
    since: datetime
    seen: datetime
    address: str
    client: str
    current: bool


@page("GET", "/me/security")
async def security(visit: Visit) -> web.StreamResponse:
    """What comes first alone, where something does; else everything that is one's own."""
    person, request = visit.person, visit.request
    required = request.get(REQUIRED) or frozenset()
    profile = visit.application.region.authentication
    following = own_address(visit.query.get("next", "")) or home_of(person)
    lines: list[SessionLine] = []
    if not required:
        async with visit.application.reading() as work:
            found = await accounts.own_sessions(work, person)
        lines = [
            SessionLine(s.token_digest, s.created_at, s.seen_at, s.address, client_name(s.client), s.token_digest == session_of(request))
            for s in found
        ]
    context = {
        "first": next((each.value for each in Requirement if each in required), ""),
        "following": following if required else "/me/security",
        "after_password": "/me/security?next=" + following if Requirement.SECOND_FACTOR in required else following,
        "rules": rules_of(profile),
        "factors": await own_factors(visit.application, person),
        "passkeys_available": request.app[PASSKEYS].available,
        "most_passkeys": MOST_PASSKEYS,
        "must_have": profile.asks_factor_of(person),
        "sessions": lines,
    }
    return await render(visit, "own_security.html", context)


def rules_of(profile: AuthenticationProfile) -> list[str]:
    """Return what a new password must be, in words."""
    rules, found = profile.passwords, []
    found.append(gettext("At least %d characters; 15 and more, such as four words, are better.") % rules.shortest)
    if rules.kinds:
        found.append(gettext("At least %d of: capital letters, small letters, digits, other characters.") % rules.kinds)
    found.append(gettext("None that everybody tries first, and none with your name or your institution's."))
    if rules.history > 1:
        found.append(gettext("None of your last %d passwords.") % rules.history)
    if rules.maximal_age:
        days = rules.maximal_age.days
        latest = ngettext("It is changed after %(num)d day at the latest.", "It is changed after %(num)d days at the latest.", days)
        found.append(latest % {"num": days})
    return found


BROWSERS = ("Edg", "Firefox", "Chrome", "Safari")
"""Names in what browsers say of themselves, the telling ones first: most name others too."""
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"))


def client_name(client: str) -> str:
    """Return a browser's name and system; of any other program what it says of itself, shortened."""
    browser = next((name for name in BROWSERS if f"{name}/" in client), "")
    if not browser:
        return client[:60]
    system = next((name for sign, name in SYSTEMS if sign in client), "")
    return f"{'Edge' if browser == 'Edg' else browser} · {system}" if system else browser
