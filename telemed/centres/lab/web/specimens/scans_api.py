"""Scans: one field takes any code, and the step that is due is done, once."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field

from telemed.centres.lab.specimens import scans
from telemed.centres.lab.specimens.scanning import Scan, Station
from telemed.centres.lab.web.specimens.shapes import ScannedListShape, ScannedShape, scanned_shape
from telemed.domain.policy import Action, require
from telemed.service.execution import execute
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation

AT_ONCE = 50
"""Scans of one call: five seconds of ten a second."""


class HandInput(Input):
    """What is in hand: the box, the condition of the next tube with its reason, the courier, the seal of the next box."""

    box: Annotated[str, Field(max_length=20)] = ""
    condition: Literal["good", "damaged", "leaked", "missing", "rejected"] = "good"
    reason: Annotated[str, Field(max_length=2)] = ""
    courier: Annotated[str, Field(max_length=64)] = ""
    seal: Annotated[str, Field(max_length=64)] = ""


class ScanInput(Input):
    """A code, the page's own name of this scan (`id`), when it was made, and what of `hand` is not as the scan before left it."""

    id: Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[\w-]+$")]
    code: Annotated[str, Field(min_length=1, max_length=100)]
    at: AwareDatetime | None = None
    hand: HandInput | None = None


class ScansInput(Input):
    """Scans in the order in which they were made. `hand` is what the page has in hand before the first; each scan leaves it to the next."""

    station: Literal["boxes", "receipt", "courier"]
    hand: HandInput = HandInput()
    scans: Annotated[list[ScanInput], Field(min_length=1, max_length=AT_ONCE)]


@operation("POST", "/lab/scans", body=ScansInput, returns=ScannedListShape, errors=(403, 422), right=Action.SPECIMEN_READ)
async def scan(call: Call[ScansInput]) -> web.Response:
    """Do what is due with each code, and say what it was. A scan that was sent before says the same again."""
    require(call.person, Action.SPECIMEN_READ)
    said: list[ScannedShape] = []
    hand = call.body.hand
    for each in call.body.scans:
        hand = hand.model_copy(update=each.hand.model_dump(exclude_unset=True)) if each.hand else hand
        wanted = Scan(each.id, each.code, each.at, **hand.model_dump())
        done = await scans.scan(call.application, call.person, Station(call.body.station), wanted)
        hand = hand.model_copy(update={name: getattr(done, name) for name in ("box", "condition", "reason", "courier")} | {"seal": ""})
        said.append(scanned_shape(done))
    return answer(ScannedListShape(items=said))


@operation("POST", "/lab/scans/{scan_id}/undo", returns=ScannedShape, errors=(403, 404, 409))
async def undo(call: Call[Nothing]) -> web.Response:
    """Take back what a scan did."""
    require(call.person, Action.SPECIMEN_READ)
    return answer(scanned_shape(await execute(call.application, scans.undo_scan, call.person, call.path("scan_id"))))
