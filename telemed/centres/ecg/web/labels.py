"""Labels of what the ECG centre writes into a case's history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from telemed.centres.ecg.domain import EcgEvent
from telemed.domain.events import EventKind

_ = str  # marks text for the translation catalogue

EVENTS: Final[Mapping[EventKind, str]] = {EcgEvent.READ: _("Tracing read by the platform")}
