"""Words for studies on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from telemed.domain.transfer import UNDER_WAY, Transfer, TransferKind, TransferStatus
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

STATUS: Final = {
    "waiting": _("waiting"),
    "under-way": _("under way"),
    "done": _("all arrived"),
    "incomplete": _("not all arrived"),
    "failed": _("failed"),
}

PRIORS_STATUS: Final = {
    "waiting": _("asked"),
    "under-way": _("asked"),
    "done": _("none found"),
    "incomplete": _("not all arrived"),
    "failed": _("did not answer"),
}
"""Of a fetch of which nothing has come; `RETRIED` where it waits for another try."""

RETRIED: Final = _("did not answer, is asked again by itself")
ARRIVING: Final = _("arriving")

SHOWN = 5
"""Transfers on a page: the newest."""

ENDED_SHORT = frozenset({TransferStatus.FAILED, TransferStatus.INCOMPLETE})


@dataclass(frozen=True, slots=True)
class TransferLine:
    """A transfer as one line. `again`: a fetch that came to nothing, which a person may begin anew."""

    what: str
    words: str
    status: str
    error: str
    changed_at: datetime
    moving: bool
    again: bool = False


def transfer_lines(transfers: Sequence[Transfer]) -> list[TransferLine]:
    return [_line(transfer) for transfer in transfers[:SHOWN]]


def _line(transfer: Transfer) -> TransferLine:
    fetched = transfer.kind is TransferKind.PRIORS
    what = gettext("Earlier studies from %s") if fetched else gettext("To %s")
    words = gettext(_priors_status(transfer) if fetched else STATUS[transfer.status.value])
    if transfer.total or transfer.completed:
        words += " " + gettext("%(done)d of %(all)d images") % {"done": transfer.completed, "all": max(transfer.total, transfer.completed)}
    return TransferLine(
        what % transfer.title,
        words,
        transfer.status.value,
        transfer.error,
        transfer.changed_at,
        transfer.status in UNDER_WAY,
        fetched and transfer.status in ENDED_SHORT,
    )


def _priors_status(transfer: Transfer) -> str:
    if transfer.total or transfer.completed:
        return ARRIVING if transfer.status is TransferStatus.UNDER_WAY else STATUS[transfer.status.value]
    if transfer.status is TransferStatus.WAITING and transfer.error:
        return RETRIED
    return PRIORS_STATUS[transfer.status.value]
