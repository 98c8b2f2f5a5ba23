"""`telemed verify`: the audit trail, its anchors, the record by the trail's digests, every stored object that a record names. Offline.

It goes on behind a fault and names them all. Nothing is written, so that a copy on a medium that is written once can be proved.

Proved are objects with a digest on record. Of tracings that were analysed before digests were kept it is only seen that their
objects are there; they are counted. Not read are caches (`revised/` of a tracing) and parts of uploads that are on their way.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa
from rich.console import Console
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.compact import CompactStore
from storage import ObjectMissing, StorageError, fingerprint, open_store
from storage.protocol import ObjectStore
from telemed.adapters.audit.anchor_key import AnchorKeyUnusable
from telemed.adapters.audit.anchor_places import StorePlace
from telemed.adapters.audit.anchor_proof import AnchorProof, prove_anchors, read_anchors
from telemed.adapters.audit.chain import ChainFault
from telemed.adapters.audit.record_proof import PLURALS, prove_record
from telemed.adapters.audit.trail import Trail, walk_trail
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.administration import NEW
from telemed.adapters.database.read_only import opened_to_read
from telemed.adapters.object_sweep import PORTION, older_than_a_day, sort_keys
from telemed.adapters.stored_objects import RecordedObject, StoredObjects
from telemed.bootstrap import anchor_keys, anchor_places, stored_objects
from telemed.centres import extensions
from telemed.extension import CentreProof
from telemed.settings import Settings

SHOWN: Final = 100
"""Faults of one part that are named; the others are counted."""


@dataclass(slots=True)
class Part:
    """One part of the proof: what was found, in sentences, and the first `SHOWN` of its faults."""

    name: str
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0

    def wrong(self, *sentences: str) -> None:
        self.fault_count += len(sentences)
        self.faults += sentences[: max(0, SHOWN - len(self.faults))]


@dataclass(frozen=True, slots=True)
class Verification:
    """The whole proof."""

    parts: list[Part]

    @property
    def fault_count(self) -> int:
        return sum(part.fault_count for part in self.parts)

    def print_to(self, console: Console) -> None:
        for part in self.parts:
            for sentence in part.faults:
                console.print(f"[bold red]{part.name}:[/] {escape(sentence)}", soft_wrap=True)
            if part.fault_count > len(part.faults):
                console.print(f"[bold red]{part.name}:[/] and {part.fault_count - len(part.faults)} faults more", soft_wrap=True)
            for sentence in part.said:
                console.print(f"{part.name}: {escape(sentence)}", soft_wrap=True)
        wrong = [f"{part.fault_count} of {part.name}" for part in self.parts if part.fault_count]
        verdict = f"[bold red]{self.fault_count} faults:[/] {', '.join(wrong)}" if wrong else "no fault was found"
        console.print(f"verified: {verdict}", soft_wrap=True)

    def as_json(self) -> bytes:
        """Return the proof as JSON: `whole`, `faults`, and the parts with what was found."""
        return msgspec.json.encode({"whole": not self.fault_count, "faults": self.fault_count, "parts": self.parts})


async def verify_installation(
    settings: Settings, console: Console, sources: Sequence[StoredObjects] | None = None, *, as_json: bool = False
) -> int:
    """0 where everything holds, 1 where something does not. With `as_json` the proof goes to standard output."""
    found = await verify(settings, stored_objects(extensions()) if sources is None else sources)
    if as_json:
        sys.stdout.write(found.as_json().decode() + "\n")
    else:
        found.print_to(console)
    return 1 if found.fault_count else 0


async def verify(settings: Settings, sources: Sequence[StoredObjects]) -> Verification:
    """Prove everything. Raises DatabaseUnavailable or StorageError where there is nothing to be read."""
    async with opened_to_read(settings.database) as engine:
        await _seen_to_be_migrated(engine)
        store = CompactStore(open_store(settings.storage, settings.store_keys, read_only=True))
        try:
            trail, audit = await _audit(engine, store.inner, settings)
            record = await _record(engine, trail)
            objects = await _objects(engine, store, sources)
            proofs = [await extension.prove(engine) for extension in extensions() if extension.prove]
        finally:
            await store.close()
    return Verification([audit, record, objects, *map(_part_of, proofs)])


def _part_of(proof: CentreProof) -> Part:
    part = Part(proof.name, said=proof.said)
    part.wrong(*proof.faults)
    return part


async def _seen_to_be_migrated(engine: AsyncEngine) -> None:
    """Raises DBAPIError where the tables are not those of this version."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        await connection.execute(sa.select(t.audit).limit(0))


async def _audit(engine: AsyncEngine, store: ObjectStore, settings: Settings) -> tuple[Trail, Part]:
    part = Part("audit")
    keys = anchor_keys(settings)
    further = anchor_places(settings)
    try:
        places = await read_anchors([StorePlace(store), *further], keys)
    except AnchorKeyUnusable as unusable:
        part.wrong(str(unusable))
        places = []
    finally:
        for place in further:
            await place.close()
    trail = await walk_trail(engine, {anchor.position for place in places for anchor in place.anchors})
    part.wrong(*(fault.sentence for fault in trail.faults))
    if not trail.faults:
        part.said.append(f"{trail.records} records, the chain is whole")
    part.wrong(*await _cut_since_the_watch(engine, trail))
    proof = await prove_anchors(trail, places, keys) if places else AnchorProof([], [])
    part.wrong(*proof.faults)
    part.said += proof.said
    return trail, part


async def _cut_since_the_watch(engine: AsyncEngine, trail: Trail) -> list[str]:
    """The worker keeps how far it has recomputed the trail: an end before that was cut off."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        query = sa.select(t.audit_check.c.position).where(t.audit_check.c.walk == NEW)
        seen = (await connection.execute(query)).scalar_one_or_none() or 0
    return [f"the worker had recomputed records up to {seen}, and the trail ends with {trail.end}"] if seen > trail.end else []


async def _record(engine: AsyncEngine, trail: Trail) -> Part:
    part = Part("record")
    proof = await prove_record(engine, trail)
    part.wrong(*proof.faults)
    counted = ", ".join(f"{count} {PLURALS[kind]}" for kind, count in proof.good.items())
    part.said.append(f"{counted}: each as the trail says")
    older = ", ".join(f"{count} {PLURALS[kind]}" for kind, count in proof.older.items() if count)
    if older:
        part.said.append(f"older than digests of the record, so that no more can be said: {older}")
    return part


async def _objects(engine: AsyncEngine, store: CompactStore, sources: Sequence[StoredObjects]) -> Part:
    part = Part("objects")
    checked = await verify_objects(engine, store, sources)
    part.wrong(*checked.faults)
    part.fault_count += checked.more
    part.said.append(f"{checked.good}, every digest is right" if not checked.faults else f"{checked.good} have the right digest")
    if checked.without_digest:
        part.said.append(f"without a digest on record: {checked.without_digest}; they are there, no more can be said")
    unnamed, unattributed = await count_unnamed(engine, store.inner, sources, utc_now())
    part.said.append(f"that no record names: {unnamed} older than a day, {unattributed} of no known kind")
    return part


async def verify_audit(engine: AsyncEngine) -> tuple[int, ChainFault | None]:
    """Recompute the chain from its beginning. Returns how many records there are, and the first fault."""
    trail = await walk_trail(engine)
    return trail.records, trail.faults[0] if trail.faults else None


@dataclass(frozen=True, slots=True)
class CheckedObjects:
    """Objects whose digest is right, those that are there and have none on record, the first faults in words, how many more there are."""

    good: int
    without_digest: int
    faults: tuple[str, ...] = ()
    more: int = 0

    @property
    def fault(self) -> str:
        """The first fault, or empty."""
        return self.faults[0] if self.faults else ""


async def verify_objects(engine: AsyncEngine, store: ObjectStore, sources: Sequence[StoredObjects]) -> CheckedObjects:
    """Read every object that a record names."""
    good = without = more = 0
    faults: list[str] = []
    for source in sources:
        try:
            async for recorded in source.recorded(engine):
                fault = await _fault_of(store, recorded)
                if not fault:
                    good += bool(recorded.sha256)
                    without += not recorded.sha256
                elif len(faults) < SHOWN:
                    faults.append(fault)
                else:
                    more += 1
        except (ValueError, TypeError, KeyError) as error:  # a row holds what it may not: what comes behind it is not found by it
            faults.append(f"rows that name objects of the kind {source.noun} cannot be read any more ({type(error).__name__}: {error})")
    return CheckedObjects(good, without, tuple(faults), more)


async def _fault_of(store: ObjectStore, recorded: RecordedObject) -> str:
    try:
        if not recorded.sha256:
            await store.size(recorded.key)
            return ""
        found = await fingerprint(store, recorded.key)
    except ObjectMissing:
        return f"{recorded.key} is missing"
    except StorageError as error:
        return f"{recorded.key}: {error}"
    if found.sha256 != recorded.sha256:
        return f"{recorded.key} was changed: its digest is {found.sha256}, on record is {recorded.sha256}"
    return ""


async def count_unnamed(engine: AsyncEngine, store: ObjectStore, sources: Sequence[StoredObjects], now: datetime) -> tuple[int, int]:
    """Walk the whole store. Returns how many objects older than a day no record names, and how many are of no known kind."""
    unnamed = unattributed = 0
    async for keys in portions(store):
        async with engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            found = await sort_keys(connection, sources, keys)
        unattributed += len(found.unattributed)
        for key in (key for more in found.unnamed.values() for key in more):
            unnamed += bool(await older_than_a_day(store, key, now))
    return unnamed, unattributed


async def portions(store: ObjectStore) -> AsyncIterator[list[str]]:
    """Yield all keys, `PORTION` at a time."""
    keys: list[str] = []
    async for key in store.list():
        keys.append(key)
        if len(keys) == PORTION:
            yield keys
            keys = []
    if keys:
        yield keys
