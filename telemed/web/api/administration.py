"""For the system administrator: failed jobs. No clinical data."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.errors import NotFound
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, operation
from telemed.web.keys import ADMINISTRATION


@operation("POST", "/jobs/{job}/retry", status=204, errors=(403, 404))
async def retry(call: Call[Nothing]) -> web.Response:
    """Try a failed job again now."""
    number = call.path("job")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound("job", "number")
    await call.request.app[ADMINISTRATION].retry_job(call.person, int(number))
    return web.Response(status=204)
