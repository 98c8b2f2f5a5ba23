"""`lab parse FILE|-`: what a message says."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Final

from lab import hl7
from lab.astm import Session
from lab.commands import source
from lab.errors import UnreadableMessage
from lab.hl7 import Content, Message, Observation

NAME: Final = "parse"
HELP: Final = "what a message says: patient, orders, specimens, results; of other types their segments"


def arguments(parser: ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("--json", action="store_true", help="all segments with their parts, as JSON")
    parser.add_argument("--profile", default="generic", help="the instrument's profile, for ASTM")


def run(chosen: Namespace) -> None:
    """Print it."""
    raw = source.content(chosen)
    if source.is_astm(raw):
        for line in _session(source.session(chosen, raw)):
            print(line)
        return
    found = source.messages(chosen, raw)
    if chosen.json:
        print(json.dumps([message.nested() for message in found], ensure_ascii=False, indent=1))
        return
    for message in found:
        for line in _message(message):
            print(line)


def _message(message: Message) -> Iterator[str]:
    sender = " ".join(filter(None, message.sender)) or "nobody"
    yield f"{message.type or 'no type'} {message.control_id or 'without control id'} from {sender}"
    try:
        content = hl7.read(message)
    except UnreadableMessage as error:
        yield f"  {error.reason}"
        yield from (f"  {segment}" for segment in message)
        return
    yield from _content(content)


def _content(content: Content) -> Iterator[str]:
    for patient in content.patients:
        numbers = " ".join(each.id for each in patient.identifiers)
        yield f"  patient   {numbers}  {patient.name}  {patient.sex}  {patient.birth.text}".rstrip()
    for order in content.orders:
        yield f"  order     {order.placer.id or '-'} {order.filler.id or '-'}  {order.code.code} {order.code.name}  {order.status}"
    for specimen in content.specimens:
        rejected = "".join(f"  rejected {reason.code}" for reason in specimen.reject_reasons)
        yield f"  specimen  {specimen.id or '-'}  {specimen.type.name}  {specimen.collected.text}{rejected}".rstrip()
    for shipment in content.shipments:
        yield f"  shipment  {shipment.id}  {len(shipment.packages)} packages"
    for observation in content.observations:
        yield f"  result    {_observation(observation)}"
    if content.acknowledgement is not None:
        yield f"  answer    {content.acknowledgement.code} to {content.acknowledgement.control_id}  {content.acknowledgement.text}".rstrip()
    yield from (f"  note      {note}" for note in content.notes)


def _observation(observation: Observation) -> str:
    value = observation.value
    code, text = observation.code, value.text or value.as_sent or "-"
    parts = [code.code, code.name, text, observation.unit, observation.range, *observation.flags, observation.status]
    return "  ".join(filter(None, [*parts, observation.observed.text, f"({value.note})" if value.note else ""]))


def _session(session: Session) -> Iterator[str]:
    for transmission in session.transmissions:
        yield f"transmission from {transmission.sender or 'nobody'}, {'complete' if transmission.complete else 'not complete'}"
        for result in transmission.results:
            held = "held" if result.held else ""
            parts = [result.specimen or "-", result.code, result.text or "-", result.unit, " ".join(result.flags), result.purpose, held]
            yield "  result    " + "  ".join(part for part in parts if part)
        yield from (f"  note      {note}" for note in transmission.notes)
    yield from (f"note        {note}" for note in session.notes)
