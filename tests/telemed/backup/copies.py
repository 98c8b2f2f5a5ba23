"""Backups of a copy of an installation, as the commands make them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from telemed import backup_command
from telemed.adapters.backup.making import Report
from telemed.adapters.clock import utc_now
from telemed.backups import Plan, make
from telemed.bootstrap import stored_objects
from telemed.centres import extensions
from telemed.settings import Settings


@dataclass
class Backups:
    """Backups of one installation at one place."""

    settings: Settings
    place: str
    more: dict[str, Any] = field(default_factory=dict)
    made: int = 0

    def plan(self, keep: int = 7) -> Plan:
        return Plan(self.place, keep, **self.more)

    async def make(self, keep: int = 7) -> Report:
        """Make a snapshot. Those of one test are a minute apart."""
        self.made += 1
        now = utc_now() + timedelta(minutes=self.made)
        return await make(self.settings, self.plan(keep), stored_objects(extensions()), now, lambda what, done, of: None)

    async def check(self) -> tuple[int, str]:
        printed = io.StringIO()
        console = Console(file=printed, width=1000)
        return await backup_command.check(self.settings, self.plan(), console, as_json=False), printed.getvalue()

    async def restore(self, into: Path, at: str = "", **settings: Any) -> tuple[int, str]:
        """Put it back into a new folder; returns the status of the verification and all that was said."""
        printed = io.StringIO()
        console = Console(file=printed, width=1000)
        to = Settings(data_dir=into, **settings)
        return await backup_command.restore(to, self.plan(), at, console), printed.getvalue()


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
