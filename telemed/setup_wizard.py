"""The questions of `telemed setup`: the network, its hubs and members, and who runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telemed.domain.accounts import RESERVED, USERNAME
from telemed.domain.centre import Centre
from telemed.domain.device import TITLE
from telemed.domain.network import HubService, Institution, Level
from telemed.domain.region import HomeHubs, RegionContent
from telemed.domain.region_rules import HL7_DELIMITERS
from telemed.service.first_administrators import FIRST_ROLES
from telemed.setup_command import ROLE_WORDS, USUAL_NAMES, NewAdministrator
from telemed.web.i18n import gettext


@dataclass(slots=True)
class Wizard:
    """One conversation. `ask` shows a question and returns the line that was typed, `say` shows a line."""

    centres: Mapping[str, Centre]
    ask: Callable[[str], str]
    say: Callable[[str], None]
    institutions: list[Institution] = field(default_factory=list)
    hubs: list[HubService] = field(default_factory=list)
    homes: list[HomeHubs] = field(default_factory=list)

    def region(self) -> RegionContent:
        """Ask for everything that a region needs, and return it."""
        self.say(gettext("An empty line takes what stands in brackets, or ends a list. Ctrl-C leaves everything as it is."))
        name = self._text(gettext("Name of the network"), needed=True)
        code = self._code(gettext("Code of the institution that runs it"), "NETWORK")
        self.institutions.append(Institution(code or "NETWORK", name, "", Level.OPERATOR))
        self._ask_hubs()
        self._ask_members()
        return RegionContent(name, (), tuple(self.institutions), tuple(self.hubs), tuple(self.homes))

    def administrators(self) -> list[NewAdministrator]:
        """Ask who the first people are, one for each role."""
        people: list[NewAdministrator] = []
        for role in FIRST_ROLES:
            self.say(gettext(ROLE_WORDS[role]))
            taken = {each.username for each in people} | RESERVED
            people.append(NewAdministrator(role, *self._person(USUAL_NAMES[role], taken)))
        return people

    def _person(self, usual: str, taken: set[str]) -> tuple[str, str]:
        """User name and name of somebody."""
        wrong = gettext("A user name has small letters, digits, dots and dashes, and is nobody else's.")
        username = self._until(gettext("  User name"), usual, lambda text: bool(USERNAME.fullmatch(text)) and text not in taken, wrong)
        return username, self._text(gettext("  Name"), username)

    def _ask_hubs(self) -> None:
        self.say(gettext("Hubs: the hospitals that read for others, the highest first. A code is also the AE title and the HL7 facility."))
        while True:
            hubs = [each.code for each in self.institutions if each.level in (Level.SUB_HUB, Level.MAIN_HUB)]
            code = self._code(gettext("Code of the next hub (empty: no more)") if hubs else gettext("Code of the first hub"), "")
            if not code:
                if hubs:
                    return
                self.say(gettext("There must be one hub at least."))
                continue
            parent = self._choice(gettext("Hub above it"), ["", *hubs], hubs[0] if hubs else "") if hubs else ""
            self._institution(code, Level.SUB_HUB if parent else Level.MAIN_HUB)
            above = {each.centre for each in self.hubs if each.hub == parent}
            for centre in self._centres_of(code):
                self.hubs.append(HubService(code, centre, parent if centre in above else None))

    def _ask_members(self) -> None:
        self.say(gettext("Members: the institutions that ask."))
        hubs = list(dict.fromkeys(each.hub for each in self.hubs))
        while code := self._code(gettext("Code of the next member (empty: no more)"), ""):
            self._institution(code, Level.MEMBER)
            hub = self._choice(gettext("Its home hub"), hubs, hubs[-1])
            self.homes.append(HomeHubs(code, {each.centre: self._first_serving(each.centre, hub) for each in self.hubs}))

    def _first_serving(self, centre: str, hub: str) -> str:
        """The hub itself, or whoever serves the centre first."""
        serving = [each.hub for each in self.hubs if each.centre == centre]
        return hub if hub in serving else serving[0]

    def _institution(self, code: str, level: Level) -> None:
        name = self._text(gettext("  Name of %(code)s") % {"code": code}, needed=True)
        city, district = self._text(gettext("  City")), self._text(gettext("  District"))
        self.institutions.append(Institution(code, name, "", level, city, district, phone=self._text(gettext("  Telephone"))))

    def _centres_of(self, code: str) -> list[str]:
        ordered = sorted(self.centres.values(), key=lambda centre: centre.order)
        listed = ", ".join(f"{n} {gettext(centre.name)}" for n, centre in enumerate(ordered, 1))
        every = ",".join(str(n) for n, _centre in enumerate(ordered, 1))

        def sound(text: str) -> bool:
            return all(part.strip().isdecimal() and 1 <= int(part) <= len(ordered) for part in text.split(","))

        question = gettext("  Centres of %(code)s (%(listed)s)") % {"code": code, "listed": listed}
        wanted = self._until(question, every, sound, gettext("Write numbers with commas between."))
        return [ordered[n - 1].code for n in sorted({int(part) for part in wanted.split(",")})]

    def _code(self, question: str, default: str) -> str:
        known = {each.code for each in self.institutions}

        def sound(text: str) -> bool:
            return not text or (TITLE.fullmatch(text) is not None and not HL7_DELIMITERS & set(text) and text not in known)

        wrong = gettext("A code is an AE title of 1 to 16 ASCII characters, and no other institution's.")
        return self._until(question, default, sound, wrong)

    def _choice(self, question: str, choices: list[str], default: str) -> str:
        wrong = gettext("There are %(known)s.") % {"known": ", ".join(filter(None, choices))}
        return self._until(question, default, lambda text: text in choices, wrong)

    def _text(self, question: str, default: str = "", *, needed: bool = False) -> str:
        return self._until(question, default, lambda text: bool(text) or not needed, gettext("This is needed."))

    def _until(self, question: str, default: str, sound: Callable[[str], bool], wrong: str) -> str:
        while True:
            typed = self.ask(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
            if sound(typed):
                return typed
            self.say(wrong)
