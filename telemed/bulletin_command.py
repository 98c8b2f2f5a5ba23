"""`telemed stats`: the monthly bulletin on the terminal, or as a file."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from telemed import bootstrap
from telemed.adapters.printing.table_export import WRITERS, write
from telemed.domain.errors import Invalid
from telemed.service.statistics import Month, Reach, bulletin
from telemed.service.table_export import Cell, Sheet
from telemed.settings import Settings
from telemed.web.i18n import speaking
from telemed.web.labels.statistics import sheet_of

FORMATS = ("table", *WRITERS)
PAPER_COLUMNS = 140
"""Width where there is no terminal."""


async def write_bulletin(settings: Settings, month: str, kind: str, output: Path | None, language: str) -> int:
    """0, or 2 with a plain sentence where the month is none or the file cannot be written."""
    try:
        wanted = Month.parse(month)
    except Invalid:
        print(f"telemed: {month} is no month; write it as YYYY-MM, e.g. 2026-11.", file=sys.stderr)
        return 2
    async with bootstrap.open_parts(settings) as parts:
        region = parts.application.region
        today = parts.application.now().astimezone(region.network.zone).date()
        everybody = Reach(tuple(sorted(region.centres, key=lambda code: region.centres[code].order)))
        found = await bulletin(region, parts.application.statistics, everybody, wanted, today)
        with speaking(language):
            sheet = sheet_of(found, region)
    if kind == "table":
        show(sheet, Console(width=None if sys.stdout.isatty() else PAPER_COLUMNS))
        return 0
    return _keep(write(sheet, kind), output)


def _keep(content: bytes, output: Path | None) -> int:
    try:
        if output is not None:
            output.write_bytes(content)
        else:
            sys.stdout.buffer.write(content)
    except OSError as error:
        print(f"telemed: {error.filename or output} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def show(sheet: Sheet, console: Console) -> None:
    """Every table of the sheet. The centres stand side by side: they are few, and what is said of each is long."""
    console.print(f"[bold]{sheet.title}[/]  {sheet.subtitle}")
    for number, table in enumerate(sheet.tables):
        labels, rows = [column.label for column in table.columns], table.rows
        turned = number == 0
        if turned:
            whole = [labels, *rows]
            labels, rows = [str(line[0]) for line in whole], [[line[place] for line in whole] for place in range(1, len(labels))]
        drawn = Table(title=table.title, title_justify="left", show_lines=turned)
        for place, label in enumerate(labels):
            drawn.add_column(label, overflow="fold", justify="right" if not turned and table.columns[place].number else "left")
        for row in rows:
            drawn.add_row(*map(_shown, row))
        console.print(drawn)


def _shown(cell: Cell) -> str:
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)
