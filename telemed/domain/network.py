"""The network: institutions, and for each centre its own tree from member to sub-hub to main hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from telemed.domain.device_networks import DEFAULT, DeviceNetworks
from telemed.domain.duty import DayDuty, Holiday
from telemed.domain.duty import DutyPeriod as DutyPeriod


class Level(StrEnum):
    MEMBER = "member"
    SUB_HUB = "sub-hub"
    MAIN_HUB = "main-hub"
    OPERATOR = "operator"


class InstitutionClass(StrEnum):
    """Classes of health institutions: the three grades of hospitals (医院分级管理办法, 1989), and those below them (医疗机构管理条例
    实施细则, 1994, article 3)."""

    TERTIARY = "tertiary"
    SECONDARY = "secondary"
    PRIMARY = "primary"
    COMMUNITY_HEALTH_CENTRE = "community-health-centre"
    TOWNSHIP_HEALTH_CENTRE = "township-health-centre"
    CLINIC = "clinic"
    VILLAGE_CLINIC = "village-clinic"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of an institution who can be called; `title` says for what."""

    name: str
    title: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution. `code` is at once its AE title and its HL7 sending facility (MSH-4). `phone` is where it is reached; empty:
    not known. `classification` is None where nobody has said it."""

    code: str
    name: str
    name_en: str
    level: Level
    city: str = ""
    district: str = ""
    active: bool = True
    phone: str = ""
    classification: InstitutionClass | None = None
    contacts: tuple[Contact, ...] = ()


class EntityUse(StrEnum):
    """Uses for which we address an application entity, beside its calling us."""

    STORE = "store"
    """C-MOVE may send there, studies may be pushed there, storage commitment is reported there."""
    QUERY = "query"
    """A PACS that may be asked for earlier studies, and gives them."""


@dataclass(frozen=True, slots=True)
class ApplicationEntity:
    """A device of an institution by its AE title. `host` is empty where it only calls. `character_set` is the Specific
    Character Set that it wants answers in; empty: the one that it asks in. `calls_from`: networks (192.0.2.0/24) that it may
    call from; `certificates`: SHA-256 fingerprints (64 hexadecimal digits) of those that it may show when it calls. Who has neither,
    and no IP address at which it is addressed, does not call. `tls`: it is called over TLS; `authority`: the certificates (PEM) of
    which its own must be, or its own; empty: those that the installation trusts."""

    title: str
    institution: str
    host: str = ""
    port: int = 0
    uses: frozenset[EntityUse] = frozenset()
    character_set: str = ""
    active: bool = True
    calls_from: frozenset[str] = frozenset()
    tls: bool = False
    authority: str = ""
    certificates: frozenset[str] = frozenset()

    @property
    def places(self) -> frozenset[str]:
        """The networks that it may call from; empty where its certificate speaks for it, or nothing does."""
        if self.calls_from or self.certificates:
            return self.calls_from
        return frozenset({self.host}) if _is_address(self.host) else frozenset()

    def obstacle_to_call(self, address: str, fingerprint: str = "") -> str:
        """Why a connection from this IP address, on which this certificate was shown (empty: none), cannot be the device; empty
        where it can.

        A certificate speaks for the titles that it was entered for and for no other, wherever it comes from.
        """
        if (fingerprint or self.certificates) and fingerprint not in self.certificates:
            return "certificate"
        if not self.places:
            return "" if self.certificates else "no-place"
        return "" if any(ip_address(address) in ip_network(network) for network in self.places) else "network"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class HubService:
    """The service of one hub in one centre.

    `parent` is the next hub up, None at the top. `covers` lists the modalities or specialities read here (None: all).
    `duty` lists when readers are there (None: round the clock). `two_person` names the kinds of case whose report a
    second person reviews. `reader_cap` bounds the cases one reader may hold (None: no bound). One that is not `active` is asked
    nothing. `days` are those whose duty differs from that of their weekday.
    """

    hub: str
    centre: str
    parent: str | None = None
    covers: frozenset[str] | None = None
    duty: tuple[DutyPeriod, ...] | None = None
    two_person: frozenset[str] = frozenset()
    reader_cap: int | None = None
    active: bool = True
    days: Mapping[date, DayDuty] = field(default_factory=dict, hash=False)

    def on_duty(self, moment: datetime) -> bool:
        """True if readers are there at this moment, in region time."""
        if self.duty is None:
            return self.days.get(moment.date()) is not DayDuty.CLOSED
        return any(period.covers(moment, self.days) for period in self.duty)


@dataclass(frozen=True, slots=True)
class Network:
    """Institutions by code, hub services by (centre, hub), home hubs by (centre, member)."""

    institutions: Mapping[str, Institution] = field(default_factory=dict)
    services: Mapping[tuple[str, str], HubService] = field(default_factory=dict)
    home_hubs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    entities: Mapping[str, ApplicationEntity] = field(default_factory=dict)
    districts: tuple[str, ...] = ()
    """All districts of the region as `city district`, also those without an institution."""
    holidays: tuple[Holiday, ...] = ()
    device_networks: DeviceNetworks = DEFAULT
    """Where devices may be addressed."""

    def chain(self, centre: str, member: str) -> Iterator[HubService]:
        """The hubs that answer for `member`, nearest first. A cycle in the tree ends the chain."""
        seen: set[str] = set()
        code = self.home_hubs.get((centre, member))
        while code and code not in seen and (service := self.services.get((centre, code))):
            seen.add(code)
            yield service
            code = service.parent

    def service(self, centre: str, hub: str) -> HubService | None:
        return self.services.get((centre, hub))

    def hubs(self, centre: str) -> list[HubService]:
        return [service for (c, _), service in sorted(self.services.items()) if c == centre]

    def entity(self, title: str) -> ApplicationEntity | None:
        """The device that was entered with this AE title and takes part; an institution's code is one only where it was entered."""
        listed = self.entities.get(title)
        owner = self.institutions.get(listed.institution) if listed and listed.active else None
        return listed if owner is not None and owner.active else None

    def titles(self, institution: str) -> list[str]:
        """AE titles of the institution's devices, its code first."""
        return [institution, *sorted(e.title for e in self.entities.values() if e.institution == institution and e.title != institution)]

    def addressed(self, institution: str, use: EntityUse) -> list[ApplicationEntity]:
        """The institution's active devices that are there for this, by title."""
        fits = (e for e in self.entities.values() if e.institution == institution and e.active and e.host and use in e.uses)
        return sorted(fits, key=lambda e: e.title)

    def name(self, code: str) -> str:
        institution = self.institutions.get(code)
        return institution.name if institution else code
