"""Scans: one field takes any code, and the step that is due is done, once."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from telemed.centres.lab.specimens import scans
from telemed.centres.lab.specimens.scanning import Scan, Station
from telemed.centres.lab.web.specimens.shapes import ScannedListShape, ScannedShape, scanned_shape
from telemed.domain.policy import Action, require
from telemed.service.execution import execute
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, answer, operation

AT_ONCE = 50
"""Scans of one call: five seconds of ten a second."""


class ScanInput(BaseModel):
    """A code, the page's own name of this scan (`id`), and what the page has in hand."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[\w-]+$")]
    code: Annotated[str, Field(min_length=1, max_length=100)]
    box: Annotated[str, Field(max_length=20)] = ""
    condition: Literal["good", "damaged", "leaked", "missing", "rejected"] = "good"
    reason: Annotated[str, Field(max_length=2)] = ""
    courier: Annotated[str, Field(max_length=64)] = ""
    seal: Annotated[str, Field(max_length=64)] = ""


class ScansInput(BaseModel):
    """Scans in the order in which they were made. What one takes in hand holds for those after it that name nothing else."""

    model_config = ConfigDict(extra="forbid")

    station: Literal["boxes", "receipt", "courier"]
    scans: Annotated[list[ScanInput], Field(min_length=1, max_length=AT_ONCE)]


@operation("POST", "/lab/scans", body=ScansInput, returns=ScannedListShape, errors=(403, 422))
async def scan(call: Call[ScansInput]) -> web.Response:
    """Do what is due with each code, and say what it was. A scan that was sent before says the same again."""
    require(call.person, Action.SPECIMEN_READ)
    said: list[ScannedShape] = []
    for each in call.body.scans:
        wanted = Scan(each.id, each.code, each.box, each.condition, each.reason, each.courier, each.seal)
        said.append(scanned_shape(await scans.scan(call.application, call.person, Station(call.body.station), wanted)))
    return answer(ScannedListShape(items=said))


@operation("POST", "/lab/scans/{scan_id}/undo", returns=ScannedShape, errors=(403, 404, 409))
async def undo(call: Call[Nothing]) -> web.Response:
    """Take back what a scan did."""
    return answer(scanned_shape(await execute(call.application, scans.undo_scan, call.person, call.path("scan_id"))))
