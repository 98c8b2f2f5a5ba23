"""A message that lies aside, read once more."""

from __future__ import annotations

from telemed.centres.lab.domain import RESULTS, LabMessage, MessageState
from telemed.centres.lab.intake import take_results
from telemed.centres.lab.ports import LabMessages, MessageReader
from telemed.centres.lab.service import settle_replay
from telemed.domain.errors import Forbidden, InvalidTransition, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, may
from telemed.service.application import Application
from telemed.service.ports.unit_of_work import UnitOfWork


async def replay(application: Application, reader: MessageReader, person: Person, message_id: str, character_set: str) -> LabMessage:
    """Read a quarantined message again and take it, or write down why it still cannot be. May be repeated.

    Raises Forbidden, NotFound, or InvalidTransition for a message that does not lie aside or whose name was accepted with other content.
    """
    async with application.reading() as work:
        message = await _aside(work, person, message_id)
    reason, results = await reader.read(message, character_set)
    async with application.writing() as work:
        message = await _aside(work, person, message_id)
        await settle_replay(work, person, message, reason)
        if not reason:
            await take_results(work, [(message.id, results)])
            work.outbox.count(RESULTS.type, message.sender)
        return message


async def _aside(work: UnitOfWork, person: Person, message_id: str) -> LabMessage:
    if not may(person, Action.MESSAGE_REPLAY):
        raise Forbidden(Action.MESSAGE_REPLAY)
    message = await work.repository(LabMessages).get(message_id)
    if message is None:
        raise NotFound("message", message_id)
    same_name = await work.repository(LabMessages).known({message.name})
    taken = any(each.state is MessageState.ACCEPTED for each in same_name)
    if message.state is not MessageState.QUARANTINED or taken:
        raise InvalidTransition("message", message.state, "replay")
    return message
