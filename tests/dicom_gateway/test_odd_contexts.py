"""Presentation contexts that propose nothing: each is refused by itself, and the others of its association are served."""

from __future__ import annotations

import pytest

from dicom_gateway.upper_layer.pdu import PDUType, ProposedContext, decode_accept
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.peer import CONTEXTS, LITTLE_ENDIAN, connected, request
from tests.dicom_gateway.test_doors import FIND

EMPTY = {
    "no abstract syntax": (ProposedContext(7, "", (LITTLE_ENDIAN,)), 3),
    "no transfer syntax": (ProposedContext(7, CONTEXTS[0].abstract_syntax, ()), 4),
    "an empty transfer syntax": (ProposedContext(7, CONTEXTS[0].abstract_syntax, ("",)), 4),
}
"""A context that proposes nothing, and the result it has (PS3.8 table 9-18), by what is not there."""


@pytest.mark.parametrize("what", EMPTY)
@pytest.mark.parametrize("asks", [False, True], ids=["stores", "asks too"])
async def test_a_context_that_proposes_nothing_is_refused_alone(what: str, asks: bool, gateway: Gateway) -> None:
    context, result = EMPTY[what]
    others = (*CONTEXTS, ProposedContext(5, FIND, (LITTLE_ENDIAN,))) if asks else CONTEXTS
    async with connected(gateway.dimse.port) as peer:
        await peer.send(request(contexts=(*others[:1], context, *others[1:])).encode())
        kind, body = await peer.pdu()
        assert kind == PDUType.ASSOCIATE_AC
        answered = {each.id: each.result for each in decode_accept(body).contexts}
        assert answered.pop(context.id) in ({3, result} if asks else {result})
        assert answered == {each.id: 0 for each in others}
        assert (await peer.echo()).Status == 0


async def test_an_association_of_nothing_else_is_answered_too(gateway: Gateway) -> None:
    async with connected(gateway.dimse.port) as peer:
        await peer.send(request(contexts=[EMPTY["no abstract syntax"][0]]).encode())
        kind, body = await peer.pdu()
        assert (kind, [each.result for each in decode_accept(body).contexts]) == (PDUType.ASSOCIATE_AC, [3])
