"""The temperature of a box: loggers' files and readings in, what they say and a drawing out."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, Field

from dicom_gateway.dicomweb.parts import DamagedParts, Parts, TooManyParts, pieces_of_part
from telemed.centres.lab.specimens import temperature
from telemed.centres.lab.specimens.boxes import view_box
from telemed.centres.lab.specimens.domain import Reading
from telemed.centres.lab.specimens.ports import Temperatures
from telemed.centres.lab.web.specimens.boxes_api import BOX
from telemed.centres.lab.web.specimens.keys import LABEL_PRINTER, LOG_READER
from telemed.centres.lab.web.specimens.shapes import CountedShape, TemperatureShape, temperature_shape
from telemed.domain.errors import NotFound
from telemed.domain.policy import Action, require
from telemed.service.execution import execute, query, record_look
from telemed.service.files import kept_name
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.i18n import gettext
from telemed.web.problems import Problem

LARGEST_FILE = 8 * 1024**2
"""Bytes: a logger's file of 50,000 rows has three million."""

PIECE = 256 * 1024
PARTS = 20
AT_ONCE = 5000
"""Readings of one call."""


class ReadingInput(Input):
    at: AwareDatetime
    celsius: float


class ReadingsInput(Input):
    """Readings of one logger, by its own name. A reading of a time that is known changes nothing."""

    logger: Annotated[str, Field(min_length=1, max_length=64)]
    readings: Annotated[list[ReadingInput], Field(min_length=1, max_length=AT_ONCE)]


async def _answer(call: Call[Nothing], status: int = 200) -> web.Response:
    view = await query(call.application, view_box, call.person, call.request.app[LOG_READER], call.path("box_id"))
    return answer(temperature_shape(view.box, view.assessment, view.logs), status)


@operation(
    "POST",
    BOX + "/temperature",
    returns=TemperatureShape,
    status=201,
    errors=(400, 403, 404, 409, 413, 415, 422),
    request_media_type="multipart/form-data",
    right=Action.SPECIMEN_CARRY,
)
async def attach(call: Call[Nothing]) -> web.Response:
    """Attach a logger's file: text, CSV, or a PDF that is kept as a document."""
    require(call.person, Action.SPECIMEN_CARRY)
    if call.request.content_type != "multipart/form-data":
        raise Problem(415, "unsupported-media-type", "multipart/form-data")
    count = 0
    try:
        parts = Parts(call.request, PARTS)
        while (part := await parts.next()) is not None:
            content = bytearray()
            async for piece in pieces_of_part(part, PIECE):
                content += piece
                if len(content) > LARGEST_FILE:
                    raise Problem(413, "too-large", f"{LARGEST_FILE} bytes")
            if part.filename is None:
                continue
            count += 1
            reader, name = call.request.app[LOG_READER], kept_name(part.filename)
            await temperature.attach_log(call.application, call.person, reader, call.path("box_id"), name, bytes(content))
    except TooManyParts as error:
        raise Problem(413, "too-large", f"{error.most} parts") from None
    except DamagedParts as error:
        raise Problem(400, "malformed", str(error)) from None
    if not count:
        raise Problem(422, "malformed", "multipart/form-data: file")
    return await _answer(call, 201)


@operation("GET", BOX + "/temperature", returns=TemperatureShape, errors=(403, 404))
async def read(call: Call[Nothing]) -> web.Response:
    """What a box's readings say against its band: alarms, silences, mean kinetic temperature."""
    found = await _answer(call)
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"box/{call.path('box_id')}")
    return found


@operation("POST", BOX + "/readings", body=ReadingsInput, returns=CountedShape, errors=(403, 404, 409, 422), right=Action.SPECIMEN_CARRY)
async def add_readings(call: Call[ReadingsInput]) -> web.Response:
    """Take readings that a logger sends itself."""
    found = [Reading(each.at, each.celsius) for each in call.body.readings]
    arguments = (call.person, call.request.app[LOG_READER], call.path("box_id"), call.body.logger, found)
    return answer(CountedShape(readings=await execute(call.application, temperature.add_readings, *arguments)))


@operation("GET", BOX + "/temperature.svg", returns=bytes, errors=(403, 404), media_type="image/svg+xml")
async def drawing(call: Call[Nothing]) -> web.Response:
    """The temperature of a box as a drawing."""
    view = await query(call.application, view_box, call.person, call.request.app[LOG_READER], call.path("box_id"))
    async with call.application.reading() as work:
        readings = await work.repository(Temperatures).readings(view.box.id)
    if not readings:
        raise NotFound("temperature", view.box.id)
    zone = call.application.region.network.zone
    title = gettext("Temperature of box %s") % view.box.id
    drawn = await call.request.app[LABEL_PRINTER].chart(readings, view.box, view.assessment, zone, title)
    return web.Response(body=drawn, content_type="image/svg+xml")


@operation("GET", BOX + "/temperature/{log_id}", returns=bytes, errors=(403, 404), media_type="application/octet-stream")
async def file(call: Call[Nothing]) -> web.Response:
    """A logger's file as it came."""
    log = await query(call.application, temperature.log_of, call.person, call.path("box_id"), call.path("log_id"))
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"box/{log.box_id}")
    content = await call.application.store.read(log.key)
    headers = {"Content-Disposition": f'attachment; filename="{log.id}"'}
    return web.Response(body=content, content_type=log.media_type, headers=headers)
