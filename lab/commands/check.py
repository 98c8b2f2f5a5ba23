"""`lab check FILE|-`: whether a message can be read, and what was odd about it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from lab import hl7
from lab.commands import source

NAME: Final = "check"
HELP: Final = "whether every message can be read as its type; one line each with what was odd about it"


def arguments(parser: ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("--profile", default="generic", help="the instrument's profile, for ASTM")


def run(chosen: Namespace) -> None:
    """Print a line a message. Raises LabError for the first that cannot be read."""
    raw = source.content(chosen)
    if source.is_astm(raw):
        session = source.session(chosen, raw)
        notes = [*session.notes, *(note for each in session.transmissions for note in each.notes)]
        print("; ".join([f"ASTM: {len(session.results)} results, {session.answers.count('NAK')} frames refused", *notes]))
        return
    for message in source.messages(chosen, raw):
        content = hl7.read(message)
        odd = [*content.notes, *(f"{each.code.code}: {each.value.note}" for each in content.observations if each.value.note)]
        counts = f"{len(message)} segments, {len(content.observations)} results"
        print("; ".join([f"{content.type} {content.control_id}: {counts}", *odd]))
