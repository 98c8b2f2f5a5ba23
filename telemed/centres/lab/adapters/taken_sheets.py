"""Sheets that a person takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from lab.errors import LabError
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.judging import CriticalRules
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.other_formats import preview, read_sheet
from telemed.centres.lab.domain import SheetPreview
from telemed.centres.lab.intake import Caller, Incoming
from telemed.domain.errors import FieldError, Invalid

SHOWN: Final = 50
"""Results of a preview that are told one by one."""

NOT_STORED: Final = "not-stored"


class TakenSheets:
    """Implements `telemed.centres.lab.ports.SheetReader`."""

    def __init__(self, application: SqlApplication, intake: MessageIntake) -> None:
        self._application, self._intake = application, intake

    async def preview(self, raw: bytes, columns: Mapping[str, Any], character_set: str) -> SheetPreview:
        return (await asyncio.to_thread(self._look, raw, columns, "", character_set))[1]

    async def take(self, member: str, raw: bytes, columns: Mapping[str, Any], character_set: str, *, leave_out: bool) -> SheetPreview:
        message, seen = await asyncio.to_thread(self._look, raw, columns, member, character_set)
        if seen.refused and not leave_out:
            raise Invalid(*(FieldError(f"row {row}", "untakeable-row", reason) for row, reason in seen.refused))
        if not seen.results:
            raise Invalid(FieldError("file", "untakeable-file", "no row holds a result"))
        (reason,) = await self._intake.outcomes([message], Caller(f"sheet/{member}", member=member))
        return SheetPreview(seen.columns, seen.results, seen.first, seen.refused, NOT_STORED if reason is None else reason)

    def _look(self, raw: bytes, columns: Mapping[str, Any], member: str, character_set: str) -> tuple[Incoming, SheetPreview]:
        """A processor's work: of ten thousand rows a second."""
        application = self._application
        zone: tzinfo = application.region.network.zone
        at: datetime = application.now().astimezone(zone)
        try:
            sheet, _ = preview(raw, columns, zone, character_set)
            message, refused = read_sheet(raw, columns, member, at, zone, CriticalRules.of(application.region.settings), character_set)
        except LabError as error:
            raise Invalid(FieldError("file", "untakeable-file", error.reason)) from None
        rows = tuple((each.row, each.reason) for each in refused)
        return message, SheetPreview(sheet.columns, len(message.results), message.results[:SHOWN], rows)
