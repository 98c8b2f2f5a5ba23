"""Connections to members' systems, and messages on their way."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from telemed.centres.lab import ways_out
from telemed.centres.lab.ways_out import Connection, Delivery, DeliveryState
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.policy import Action
from telemed.service.execution import execute, query
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape

CONNECTIONS = "/lab/connections"
CONNECTION = CONNECTIONS + "/{connection_id}"

ADDRESS = re.compile(r"\[?([0-9A-Za-z_.:-]{1,253}?)\]?:([0-9]{1,5})")


class ConnectionInput(Input):
    """A member's system at `host:port`. `sends`: message types; `authority`: certificates (PEM) of which its own must be; `mode`:
    original, or enhanced (MSH-15 AL)."""

    member: Annotated[str, Field(min_length=1, max_length=16)]
    address: Annotated[str, Field(min_length=3, max_length=270)]
    sends: Annotated[list[str], Field(min_length=1, max_length=8)]
    tls: bool = False
    authority: Annotated[str, Field(max_length=65536)] = ""
    character_set: Literal["UNICODE UTF-8", "GB 18030-2000", "GBK"] = "UNICODE UTF-8"
    mode: Literal["original", "enhanced"] = "original"


class ConnectionShape(Shape):
    """`waiting`: messages that wait; `failures` in a row and the last one in words; `next_at`: when it is tried again."""

    id: str
    member: str
    address: str
    sends: list[str]
    tls: bool
    character_set: str
    mode: str
    paused: bool
    waiting: int
    failures: int
    error: str
    next_at: datetime | None
    sent_at: datetime | None
    created_at: datetime


class ConnectionListShape(Shape):
    items: list[ConnectionShape]
    next: str | None = None


class DeliveryShape(Shape):
    """A message on its way, without its content. `answer` is MSA-1 of its acknowledgement."""

    id: str
    type: str
    control_id: str
    about: str
    state: str
    attempts: int
    answer: str
    reason: str
    created_at: datetime
    settled_at: datetime | None


class DeliveryListShape(Shape):
    items: list[DeliveryShape]
    next: str | None = None


class DeliveriesQuery(Input):
    """Without a state all of them."""

    state: Literal["waiting", "sent", "held", "refused"] | None = None


def connection_shape(connection: Connection, waiting: int = 0) -> ConnectionShape:
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    return ConnectionShape(
        id=connection.id,
        member=connection.member,
        address=f"{host}:{connection.port}",
        sends=list(connection.sends),
        tls=connection.tls,
        character_set=connection.character_set,
        mode=connection.mode,
        paused=connection.paused,
        waiting=waiting,
        failures=connection.failures,
        error=connection.error,
        next_at=connection.next_at,
        sent_at=connection.sent_at,
        created_at=connection.created_at,
    )


def delivery_shape(delivery: Delivery) -> DeliveryShape:
    return DeliveryShape(
        id=delivery.id,
        type=delivery.type,
        control_id=delivery.control_id,
        about=delivery.about,
        state=delivery.state.value,
        attempts=delivery.attempts,
        answer=delivery.answer_code,
        reason=delivery.reason,
        created_at=delivery.created_at,
        settled_at=delivery.settled_at,
    )


@operation(
    "POST", CONNECTIONS, body=ConnectionInput, returns=ConnectionShape, status=201, errors=(403, 422), right=Action.CONNECTION_MANAGE
)
async def enter(call: Call[ConnectionInput]) -> web.Response:
    """Enter a member's system that messages are sent to. The same address again changes it."""
    asked = call.body
    place = ADDRESS.fullmatch(asked.address)
    if place is None or not 0 < int(place[2]) < 65536:
        raise Invalid(FieldError("address", "pattern", "192.0.2.7:2575"))
    wanted = ways_out.new_connection(
        call.application.now(), asked.member, place[1], int(place[2]), tuple(dict.fromkeys(asked.sends)), asked.character_set, asked.mode,
        asked.authority, tls=asked.tls,
    )  # fmt: skip
    entered = await execute(call.application, ways_out.enter_connection, call.person, wanted)
    return answer(connection_shape(entered), status=201)


@operation("GET", CONNECTIONS, returns=ConnectionListShape, errors=(403,))
async def connections(call: Call[Nothing]) -> web.Response:
    """The members' systems that messages are sent to, and how the sending goes."""
    found, waiting = await query(call.application, ways_out.connections_of, call.person)
    return answer(ConnectionListShape(items=[connection_shape(each, waiting.get(each.id, 0)) for each in found]))


@operation("POST", CONNECTION + "/pause", returns=ConnectionShape, errors=(403, 404))
async def pause(call: Call[Nothing]) -> web.Response:
    """Send nothing more to this system; messages wait. Others are not touched."""
    return answer(
        connection_shape(await execute(call.application, ways_out.pause_connection, call.person, call.path("connection_id"), paused=True))
    )


@operation("POST", CONNECTION + "/resume", returns=ConnectionShape, errors=(403, 404))
async def resume(call: Call[Nothing]) -> web.Response:
    """Go on sending, now."""
    return answer(
        connection_shape(await execute(call.application, ways_out.pause_connection, call.person, call.path("connection_id"), paused=False))
    )


@operation(
    "GET", CONNECTION + "/deliveries", query=DeliveriesQuery, returns=DeliveryListShape, errors=(403, 404), right=Action.CONNECTION_MANAGE
)
async def deliveries(call: Call[Nothing]) -> web.Response:
    """What went to this system and what waits, newest first."""
    asked: DeliveriesQuery = call.query
    state = DeliveryState(asked.state) if asked.state else None
    found = await query(call.application, ways_out.deliveries_of, call.person, call.path("connection_id"), state)
    return answer(DeliveryListShape(items=[delivery_shape(each) for each in found]))


@operation("POST", "/lab/deliveries/{delivery_id}/send", returns=DeliveryShape, errors=(403, 404, 409))
async def send_again(call: Call[Nothing]) -> web.Response:
    """Send a message once more that was answered with an error or rejected."""
    return answer(delivery_shape(await execute(call.application, ways_out.send_again, call.person, call.path("delivery_id"))))
