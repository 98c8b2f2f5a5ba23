"""Words for studies on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from telemed.domain.transfer import UNDER_WAY, Transfer, TransferKind
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

STATUS: Final = {
    "waiting": _("waiting"),
    "under-way": _("under way"),
    "done": _("all arrived"),
    "incomplete": _("not all arrived"),
    "failed": _("failed"),
}

SHOWN = 5
"""Transfers on a page: the newest."""


@dataclass(frozen=True, slots=True)
class TransferLine:
    """A transfer as one line."""

    what: str
    words: str
    status: str
    error: str
    changed_at: datetime
    moving: bool


def transfer_lines(transfers: Sequence[Transfer]) -> list[TransferLine]:
    return [_line(transfer) for transfer in transfers[:SHOWN]]


def _line(transfer: Transfer) -> TransferLine:
    what = gettext("To %s") if transfer.kind is TransferKind.SEND else gettext("Earlier studies from %s")
    words = gettext(STATUS[transfer.status.value])
    if transfer.total or transfer.completed:
        words += " " + gettext("%(done)d of %(all)d images") % {"done": transfer.completed, "all": max(transfer.total, transfer.completed)}
    return TransferLine(
        what % transfer.title, words, transfer.status.value, transfer.error, transfer.changed_at, transfer.status in UNDER_WAY
    )
