"""`ecg convert FILE OUT --to FORMAT`: the same recording in another format."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime
from typing import Final

import ecg
from ecg.writers import WRITERS

NAME: Final = "convert"
HELP: Final = "write the same recording in another format"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="an ECG in any known format")
    parser.add_argument("out", help="the file to write; a WFDB record by its .hea file, or a zip")
    parser.add_argument("--to", required=True, choices=sorted(WRITERS), help="format of the file to write")
    parser.add_argument("--start", type=datetime.fromisoformat, help="time of recording, where the file has none")


def run(chosen: argparse.Namespace) -> None:
    """Read, and write."""
    recording = ecg.read(chosen.file)
    if chosen.start is not None:
        recording = replace(recording, start=chosen.start)
    ecg.write(recording, chosen.out, chosen.to)
