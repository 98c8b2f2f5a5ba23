"""A centre's share of the pages and of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from telemed.domain.events import EventKind
from telemed.domain.evidence import EvidenceType


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
class WebExtension:
    """Modules are named and imported when the web application is made: other roles start without them.

    `folder` holds `templates/` and `static/`, which are laid over the platform's own; a name that is taken there is refused.
    """

    api_modules: tuple[str, ...] = ()
    page_modules: tuple[str, ...] = ()
    folder: Path | None = None
    panel: ReadingPanel | None = None
    event_labels: Mapping[EventKind, str] = field(default_factory=dict)
    actor_labels: Mapping[str, str] = field(default_factory=dict)
