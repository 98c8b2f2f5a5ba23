"""Studies that travel between archives because a person asked: sent to a device of the network, or fetched from a member's PACS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telemed.domain.case import Case
from telemed.domain.network import ApplicationEntity, EntityUse, Network


class TransferKind(StrEnum):
    SEND = "send"
    """One study of a case to a device."""
    PRIORS = "priors"
    """The patient's earlier studies out of the member's PACS."""


class TransferStatus(StrEnum):
    WAITING = "waiting"
    """Not begun, or to be tried again."""
    UNDER_WAY = "under-way"
    DONE = "done"
    INCOMPLETE = "incomplete"
    """Over, and something is missing."""
    FAILED = "failed"
    """Over, and nothing arrived."""


UNDER_WAY = frozenset({TransferStatus.WAITING, TransferStatus.UNDER_WAY})


@dataclass(slots=True)
class Transfer:
    """`total` counts instances and is 0 while unknown; `title` is the AE title of the device, `error` a sentence about the last try."""

    id: str
    kind: TransferKind
    case_id: str
    title: str
    asked_by: str
    institution: str
    asked_at: datetime
    changed_at: datetime
    status: TransferStatus = TransferStatus.WAITING
    study_instance_uid: str = ""
    total: int = 0
    completed: int = 0
    failed: int = 0
    attempts: int = 0
    error: str = ""


def destinations(network: Network, case: Case) -> list[ApplicationEntity]:
    """Return the devices that the studies of this case may be sent to: the member's, and those of the hub that has it."""
    places = dict.fromkeys([case.member, *([case.hub] if case.hub else [])])
    return [device for place in places for device in network.addressed(place, EntityUse.STORE)]


def archives(network: Network, case: Case) -> list[ApplicationEntity]:
    """Return the PACS of the member, and of the hub that has the case, that can be asked for earlier studies."""
    places = dict.fromkeys([case.member, *([case.hub] if case.hub else [])])
    return [device for place in places for device in network.addressed(place, EntityUse.QUERY)]
