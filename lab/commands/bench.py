"""`lab bench FILE|-`: how many times a CPU second the messages of a file are parsed here."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Final

from lab import hl7
from lab.commands import source
from lab.errors import UnreadableMessage
from lab.hl7 import Message

NAME: Final = "bench"
HELP: Final = "messages per CPU second: parsed, with full nesting, and read as their type"


def arguments(parser: ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds for each figure")


def run(chosen: Namespace) -> None:
    """Print the rates. Raises LabError for a file that is no HL7."""
    raws = hl7.messages(source.content(chosen))

    def parse(raw: bytes) -> Message:
        return hl7.parse(raw, chosen.character_set)

    print(f"{len(raws)} messages, {sum(map(len, raws)) / len(raws):.0f} bytes each")
    print(f"parsed               {rate(lambda: [parse(raw) for raw in raws], chosen.seconds) * len(raws):10,.0f} /s")
    print(f"with full nesting    {rate(lambda: [parse(raw).nested() for raw in raws], chosen.seconds) * len(raws):10,.0f} /s")
    try:
        print(f"read as their type   {rate(lambda: [hl7.read(parse(raw)) for raw in raws], chosen.seconds) * len(raws):10,.0f} /s")
    except UnreadableMessage as error:
        print(f"not read as their type: {error.reason}")


def rate(work: Callable[[], object], seconds: float) -> float:
    """Return how often a piece of work is done in a second of CPU time."""
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds or not done:
        work()
        done += 1
    return done / max(time.process_time() - start, 1e-9)
