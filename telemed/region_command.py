"""`telemed region`: the region written to a file, and taken from one."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed import centres
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import reading, writing
from telemed.devices_command import AT_THE_MACHINE
from telemed.domain.region import Change, RegionContent
from telemed.service import regions
from telemed.service.ports.region import Region
from telemed.service.region_file import LARGEST_FILE, RegionRefused, read_region, write_region
from telemed.settings import Settings
from telemed.web.i18n import gettext, ngettext
from telemed.web.labels.region import KINDS, SIGNS, change_text, further_text, placed_text
from telemed.web.problems import region_sentence


class WrongRegion(ValueError):
    """A file that is not taken; `sentences` say why, each with its line and column."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(sentences[0])
        self.sentences = sentences


async def the_region(engine: AsyncEngine, settings: Settings) -> Region:
    """Return the region as use cases know it."""
    async with engine.connect() as bare:
        return await load_region(await bare.execution_options(reading=True), centres.discover(), settings.time_zone)


async def export_region(settings: Settings, file: Path | None) -> None:
    """Write the region to the file, or to standard output."""
    engine = make_engine(settings.database)
    try:
        async with reading(engine, await the_region(engine, settings)) as work:
            text = write_region(await work.region_records.content())
    finally:
        await engine.dispose()
    if file is None:
        sys.stdout.write(text)
        return
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)


async def import_region(settings: Settings, file: Path, *, dry_run: bool) -> list[Change]:
    """Take the region from the file, all or nothing, and return what changed; with `dry_run` what would. Raises WrongRegion."""
    given = bytes_of(file)
    engine = make_engine(settings.database)
    try:
        region = await the_region(engine, settings)
        if dry_run:
            async with reading(engine, region) as work:
                wanted = read_sound(given, region, await work.region_records.content())
                return await regions.taken_difference(work, AT_THE_MACHINE, wanted)
        async with writing(engine, region) as work:
            wanted = read_sound(given, region, await work.region_records.content())
            return await regions.take_region(work, AT_THE_MACHINE, wanted, "*")
    finally:
        await engine.dispose()


def bytes_of(file: Path) -> bytes:
    """Return what stands in the file, as far as a region's may go and one byte more. Raises WrongRegion."""
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WrongRegion(gettext("%(file)s cannot be read: %(reason)s.") % {"file": file, "reason": reason}) from None


def read_sound(given: bytes, region: Region, kept: RegionContent) -> RegionContent:
    """Return the region that the file describes. Raises WrongRegion with every fault."""
    try:
        return read_region(given, regions.surroundings(region, kept))
    except RegionRefused as refused:
        said = [placed_text(each, region_sentence(each.fault)) for each in refused.found]
        raise WrongRegion(*said, *([further_text(refused.more)] if refused.more else [])) from None


def show_changes(changes: list[Change], console: Console, *, dry_run: bool) -> None:
    """Print the difference, a line for each thing, and what became of it."""
    for change in changes:
        sign, _tone, word = SIGNS[change.sign]
        line = f"{sign} {gettext(word)}  {gettext(KINDS[change.kind])} {change.key}: {change_text(change)}"
        console.print(Text(line), soft_wrap=True)
    if not changes:
        console.print(gettext("Nothing differs."))
    elif dry_run:
        console.print(ngettext("%(num)d change, not made.", "%(num)d changes, not made.", len(changes)) % {"num": len(changes)})
    else:
        console.print(ngettext("%(num)d change made.", "%(num)d changes made.", len(changes)) % {"num": len(changes)})
