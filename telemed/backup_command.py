"""`telemed backup` and `telemed restore`: made of the settings, said on the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape

from storage import StorageError, open_store
from telemed import backups
from telemed.adapters.backup.checking import BackupCheck, SnapshotState
from telemed.adapters.backup.key_box import KeyPlace
from telemed.adapters.backup.layout import BackupRefused, Manifest
from telemed.adapters.backup.making import Report
from telemed.adapters.backup.object_copy import Progress
from telemed.adapters.backup.restoring import Destination, Restore
from telemed.adapters.backup.target import Target, open_to_read, private_folder, remove_folder, target_url
from telemed.adapters.backup.tombstones import Stones
from telemed.adapters.clock import utc_now
from telemed.backups import Plan
from telemed.bootstrap import anchor_keys, stored_objects
from telemed.centres import extensions, migrations
from telemed.data_folder import DATABASE
from telemed.settings import Settings
from telemed.verification import verify_installation

LOST_KEY = (
    "A lost key cannot be replaced: without keys/identity.key identity numbers and telephones in the backup cannot be read by anybody, "
    "without the audit key its signatures are not continued."
)
OPEN_KEYS = (
    "The keys of the installation lie in the backup in clear: whoever can read it reads everything. Seal them with --passphrase-file or "
    "TELEMED_BACKUP_PASSPHRASE, or keep them apart with --keys or TELEMED_BACKUP_KEYS."
)


def size_words(size: int) -> str:
    """Return bytes as people read them."""
    if size < 1000:
        return f"{size} bytes"
    number = float(size)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} TB"


def shown_progress(console: Console) -> Progress:
    """Say on a terminal what is being done; elsewhere nothing is said before the end."""
    if not console.is_terminal:
        return lambda what, done, total: None

    def show(what: str, done: int, total: int) -> None:
        of = f"{done} of {total}" if total else f"{done}" if done else ""
        console.print(f"{what} {of}".ljust(60), end="\r", soft_wrap=True)

    return show


async def backup(settings: Settings, plan: Plan, console: Console, *, as_json: bool) -> int:
    """Make a backup. Returns 0, or 1 where the installation itself lacks objects that are on record."""
    report = await backups.make(settings, plan, stored_objects(extensions()), utc_now(), shown_progress(console))
    if as_json:
        sys.stdout.write(msgspec.json.encode(asdict(report)).decode() + "\n")
    else:
        _print_report(report, console)
    return 1 if report.faults else 0


def _print_report(report: Report, console: Console) -> None:
    for fault in report.faults:
        console.print(f"[bold red]fault of the installation itself:[/] {escape(fault)}", soft_wrap=True)
    for warning in report.warnings:
        console.print(f"[bold yellow]note:[/] {escape(warning)}", soft_wrap=True)
    if report.removed or report.freed:
        console.print(
            f"removed: {', '.join(report.removed) or 'no snapshot'}; {report.freed} contents that no snapshot names", soft_wrap=True
        )
    console.print(
        f"snapshot {report.snapshot}: {report.objects} objects with {size_words(report.bytes)}, the database with "
        f"{size_words(report.database_bytes)}; new were {report.copied_objects} objects, {size_words(report.copied_bytes)} in all",
        soft_wrap=True,
    )
    if report.keys == "clear":
        console.print(f"[bold yellow]keys:[/] {OPEN_KEYS}", soft_wrap=True)
    console.print(f"[bold]keys:[/] {LOST_KEY}", soft_wrap=True)
    if report.faults:
        console.print(
            "The backup was made without what is missing. Find out with telemed verify, before older backups are gone.", soft_wrap=True
        )


@asynccontextmanager
async def _opened(settings: Settings, plan: Plan) -> AsyncIterator[tuple[Target, Path, KeyPlace]]:
    """The backup, to be read, a folder for temporary files, and where its keys are."""
    passphrase = plan.passphrase(settings)
    target = Target(await asyncio.to_thread(open_to_read, target_url(plan.place), settings.store_keys))
    apart = open_store(target_url(plan.keys), settings.store_keys, read_only=True) if plan.keys else None
    folder = private_folder()
    try:
        yield target, folder, KeyPlace(passphrase, apart)
    finally:
        await asyncio.to_thread(remove_folder, folder)
        await target.close()
        if apart is not None:
            await apart.close()


async def check(settings: Settings, plan: Plan, console: Console, *, as_json: bool) -> int:
    """Prove a backup where it lies. Returns 1 where something is wrong."""
    async with _opened(settings, plan) as (target, folder, keys):
        found = await BackupCheck(target, folder, anchor_keys(settings).verifier(), keys, shown_progress(console)).run()
    faults = sum(len(state.faults) for state in found)
    if as_json:
        sys.stdout.write(msgspec.json.encode({"whole": not faults, "snapshots": [asdict(state) for state in found]}).decode() + "\n")
    else:
        _print_states(found, faults, console)
    return 1 if faults else 0


def _print_states(found: list[SnapshotState], faults: int, console: Console) -> None:
    for state in found:
        for fault in state.faults:
            console.print(f"[bold red]{state.name}:[/] {escape(fault)}", soft_wrap=True)
        for sentence in state.said:
            console.print(f"{state.name}: {escape(sentence)}", soft_wrap=True)
        console.print(f"{state.name}: {state.objects} objects, {size_words(state.bytes)} with the database", soft_wrap=True)
    console.print(f"checked: [bold red]{faults} faults[/]" if faults else "checked: no fault was found", soft_wrap=True)


async def restore(settings: Settings, plan: Plan, at: str, console: Console) -> int:
    """Put a backup back, bring it to this version's schema, and verify it. Returns the status of the verification."""
    destination = Destination(settings.database, settings.storage, settings.store_keys, settings.data_dir, migrations())
    async with _opened(settings, plan) as (target, folder, keys):
        run = Restore(target, destination, folder, shown_progress(console))
        try:
            manifest = await run.run(at, keys, anchor_keys(settings).verifier(), partial(_brought_up, settings, run))
        except StorageError as error:
            if not destination.note.is_file():
                raise
            raise BackupRefused(
                f"The restore was broken off: {str(error).rstrip('.')}. What is there is incomplete: go on with the same command."
            ) from None
    _print_restored(manifest, run, settings, console)
    return await verify_installation(settings, console)


async def _brought_up(settings: Settings, run: Restore, stones: Stones) -> None:
    """This version's schema, nobody signed in, and erased again what was erased since the snapshot."""
    await backups.migrated(settings)
    if ended := await backups.sessions_ended(settings):
        run.said.append(f"sessions ended, so that none goes on that was ended since: {ended}")
    applied = await backups.erased_again(settings, stones, stored_objects(extensions()))
    if applied:
        run.said.append(f"erased again, since the snapshot is older than their erasure: {applied} records")


def _print_restored(manifest: Manifest, run: Restore, settings: Settings, console: Console) -> None:
    for sentence in run.said:
        console.print(escape(sentence), soft_wrap=True)
    at = manifest.taken_at.isoformat(timespec="seconds")
    console.print(
        f"restored: snapshot {manifest.snapshot}, what was on record at {at}: {manifest.objects} objects, {size_words(manifest.bytes)}, "
        f"the audit trail up to record {manifest.database.audit_end}",
        soft_wrap=True,
    )
    where = settings.data_dir / DATABASE if not settings.database_url else "the database that the settings name"
    console.print(f"It lies in {where} and {settings.data_dir / 'keys'}; now it is verified.", soft_wrap=True)
