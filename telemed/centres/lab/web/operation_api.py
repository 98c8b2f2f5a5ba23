"""The content of a message, opened for a reason that is on record."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from telemed.centres.lab import operation
from telemed.centres.lab.web.keys import MESSAGE_READER
from telemed.domain.policy import Action
from telemed.service.execution import execute
from telemed.web.api.inputs import Input
from telemed.web.api.operation import Call, answer
from telemed.web.api.operation import operation as api_operation
from telemed.web.api.shapes import Shape

SHOWN = 64 << 10
"""Bytes of a message that are shown; the whole of it is fetched as a file."""

READ_AS = ("utf-8", "gb18030", "iso-8859-1")
"""Character sets in which a message is shown: UTF-8 first, as it is the strictest."""


class OpenInput(Input):
    """`reason`: why the content is looked at; it stands in the audit trail."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=operation.LONGEST_REASON)]


class ReadingShape(Shape):
    """The content under one character set: `fits` is true if every byte has a meaning in it; others are shown by their value."""

    character_set: str
    fits: bool
    lines: list[str]


class ContentShape(Shape):
    """A message's content under the character sets that senders use. `left_out` counts bytes at the end that are not shown."""

    readings: Annotated[list[ReadingShape], Field(min_length=1)]
    left_out: int


@api_operation(
    "POST", "/lab/messages/{message_id}/open", body=OpenInput, returns=ContentShape, errors=(403, 404, 422), right=Action.MESSAGE_OPEN
)
async def open_message(call: Call[OpenInput]) -> web.Response:
    """Show a message's content for a reason, which is put on record."""
    message = await execute(call.application, operation.open_message, call.person, call.path("message_id"), call.body.reason)
    content = await call.request.app[MESSAGE_READER].content(message)
    shown = content[:SHOWN]
    return answer(ContentShape(readings=[reading(shown, name) for name in READ_AS], left_out=len(content) - len(shown)))


def reading(content: bytes, character_set: str) -> ReadingShape:
    """Return bytes as lines of text, one a segment."""
    try:
        text, fits = content.decode(character_set), True
    except UnicodeDecodeError:
        text, fits = content.decode(character_set, errors="backslashreplace"), False
    visible = "".join(sign if sign.isprintable() or sign in "\r\n" else f"\\x{ord(sign):02x}" for sign in text)
    return ReadingShape(character_set=character_set, fits=fits, lines=[line for line in visible.splitlines() if line])
