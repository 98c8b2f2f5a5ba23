"""`pathology wrap FILE FOLDER`: the slide as DICOM, one object a level, and what is needed to make the file again."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Final

import pathology
from pathology.formats import open_source
from pathology.identifying import identifying_places
from pathology.source import BlankedSource
from pathology.wsi import Identity, wrap

NAME: Final = "wrap"
HELP: Final = "write the slide as DICOM whole-slide images, frames as the scanner made them"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", help="a slide in any known format but DICOM")
    parser.add_argument("folder", type=Path, help="where the objects are written; made if it is not there")
    parser.add_argument("--patient-id", default="")
    parser.add_argument("--patient-name", default="", help="as DICOM has it: FAMILY^GIVEN")
    parser.add_argument("--birth-date", default="", help="YYYYMMDD")
    parser.add_argument("--sex", default="", choices=["", "M", "F", "O"])
    parser.add_argument("--accession-number", default="")
    parser.add_argument("--study-uid", default="", help="derived from the file if not given")
    parser.add_argument("--container", default="", help="the slide's barcode")
    parser.add_argument("--at", type=datetime.fromisoformat, help="when the slide was received (default: now)")
    parser.add_argument("--keep-label", action="store_true", help="keep label, macro and free text in the remainder; they may carry names")


def run(chosen: argparse.Namespace) -> None:
    """Wrap, and say what became of the tiles."""
    identity = Identity(
        chosen.at or datetime.now().replace(microsecond=0),
        patient_id=chosen.patient_id,
        patient_name=chosen.patient_name,
        patient_birth_date=chosen.birth_date,
        patient_sex=chosen.sex,
        study_instance_uid=chosen.study_uid,
        accession_number=chosen.accession_number,
        container_identifier=chosen.container,
    )
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with pathology.open_slide(chosen.file) as slide:
        places = () if chosen.keep_label else identifying_places(slide)
        if places:
            blanked = open_source(BlankedSource(slide.sources[0], (place.as_tuple() for place in places)))
            done = wrap(blanked, chosen.folder, identity)
        else:
            done = wrap(slide, chosen.folder, identity)
    print(f"{len(done.instances)} objects, {done.made_levels} levels made")
    print(f"{done.passed_on} of {done.frames} frames as the scanner stored them, the others coded anew")
    print(f"{done.missing} tiles were not stored, {done.damaged} are damaged; {len(places)} places blanked that may carry a name")
    print("The file can be made again, byte for byte" + (" but for those places." if places else ".") if done.remainder else done.notes[-1])
    print(f"SHA-256 {done.sha256}")
