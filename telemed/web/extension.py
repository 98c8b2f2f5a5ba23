"""A centre's share of the pages and of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from telemed.domain.events import EventKind
from telemed.domain.evidence import EvidenceType
from telemed.domain.policy import Action, Relation


@dataclass(frozen=True, slots=True)
class ReadingPanel:
    """How the reading page shows one type of evidence.

    `name` is the panel's name in addresses of the page, `label` and `icon` stand on its tab. `template` draws the panel and is given
    `panel` and `items` (the case's evidence of this type); `script` is the ES module that fills it (`panels.js` says how), `style` its
    sheet, both below `static/`.
    """

    type: EvidenceType
    name: str
    label: str
    icon: str
    template: str
    script: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class CentreTab:
    """A tab of the bar for everybody who may take `action` in `relation`; it is the current one on `href` and all pages below it.

    Where it names a `centre`, only for who works there.
    """

    href: str
    label: str
    action: Action
    relation: Relation
    centre: str = ""


@dataclass(frozen=True, slots=True)
class PatientLink:
    """A page about a case's patient, linked from the case and from its reading page for who may take `action` on the case.

    `address` has `{patient}` in place of the record's id; `key` opens it.
    """

    address: str
    label: str
    icon: str
    key: str
    action: Action

    def href(self, patient_id: str) -> str:
        return self.address.format(patient=patient_id)


@dataclass(frozen=True, slots=True)
class WebExtension:
    """Modules are named and imported when the web application is made: other roles start without them.

    `folder` holds `templates/` and `static/`, which are laid over the platform's own; a name that is taken there is refused.
    """

    api_modules: tuple[str, ...] = ()
    page_modules: tuple[str, ...] = ()
    folder: Path | None = None
    panel: ReadingPanel | None = None
    tabs: tuple[CentreTab, ...] = ()
    patient_links: tuple[PatientLink, ...] = ()
    event_labels: Mapping[EventKind, str] = field(default_factory=dict)
    actor_labels: Mapping[str, str] = field(default_factory=dict)
