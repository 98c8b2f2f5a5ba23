"""Proving a backup where it lies: every digest of every snapshot, and the signatures of the manifests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from storage import ObjectMissing
from storage.errors import DamagedObject
from telemed.adapters.audit.anchor_key import AnchorVerifier
from telemed.adapters.backup.key_box import KeyPlace, read_keys
from telemed.adapters.backup.layout import BackupRefused, Listed, Manifest, configuration_key
from telemed.adapters.backup.object_copy import Progress
from telemed.adapters.backup.target import Target


@dataclass(slots=True)
class SnapshotState:
    """What was found of one snapshot."""

    name: str
    objects: int = 0
    bytes: int = 0
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def signature_words(manifest: Manifest, content: bytes, signature: bytes, verifier: AnchorVerifier) -> tuple[str, str]:
    """Return what is said of the signature, and what is wrong with it."""
    if not signature:
        return "the manifest is not signed", ""
    for key in verifier.keys:
        if verifier.is_signed(key, content, signature):
            return f"the manifest is signed with the key of the audit trail (SHA-256 {key[:16]}...)", ""
    if not verifier.keys:
        return "the manifest is signed; by which key is not proved: the audit trail's key is not at hand", ""
    return "", f"the manifest of {manifest.snapshot} does not bear the signature of the audit trail's key: it was changed, or is another's"


class BackupCheck:
    """Reads everything once, however many snapshots name it."""

    def __init__(self, target: Target, folder: Path, verifier: AnchorVerifier, keys: KeyPlace, progress: Progress) -> None:
        self._target, self._folder, self._verifier, self._keys, self._progress = target, folder, verifier, keys, progress
        self._found: dict[bytes, str] = {}

    async def run(self) -> list[SnapshotState]:
        """Return what was found of each snapshot, the oldest first. Raises BackupRefused where there is none."""
        if await self._target.marker() is None:
            raise BackupRefused("There is no backup here.")
        names = await self._target.names()
        if not names:
            raise BackupRefused("There is no whole snapshot in the backup.")
        return [await self._snapshot(name) for name in names]

    async def _snapshot(self, name: str) -> SnapshotState:
        state = SnapshotState(name)
        try:
            manifest, content = await self._target.manifest(name)
            said, wrong = signature_words(manifest, content, await self._target.signature(name), self._verifier)
            state.said += [said] * bool(said)
            state.faults += [wrong] * bool(wrong)
            state.objects, state.bytes = manifest.objects, manifest.bytes + manifest.database.size
            state.said += [f"the installation itself had this fault then: {fault}" for fault in manifest.faults]
            state.said += manifest.warnings
            await self._keys_and_configuration(state, manifest)
            await self._database(state, manifest)
            async for lines in self._target.lines(name, manifest.list_sha256, self._folder):
                for line in lines:
                    await self._one(state, line)
        except (DamagedObject, ObjectMissing) as error:
            state.faults.append(str(error))
        return state

    async def _keys_and_configuration(self, state: SnapshotState, manifest: Manifest) -> None:
        if manifest.keys_kept == "apart" and self._keys.apart is None:
            state.said.append("its keys are kept apart and were not looked at")
        elif manifest.keys_kept == "sealed" and not self._keys.passphrase:
            state.said.append("its keys are sealed and were not opened")
        else:
            try:
                await read_keys(state.name, manifest.keys, self._target.store, self._keys)
            except BackupRefused as refused:
                state.faults.append(str(refused))
        content = await self._target.store.read(configuration_key(state.name))
        if hashlib.sha256(content).hexdigest() != manifest.configuration_sha256:
            state.faults.append(f"{configuration_key(state.name)} was changed")

    async def _database(self, state: SnapshotState, manifest: Manifest) -> None:
        for file in manifest.database.files:
            for number, chunk in enumerate(file.chunks):
                if fault := await self._fault(Listed("", chunk, 0)):
                    state.faults.append(f"piece {number + 1} of the database's {file.name}: {fault}")

    async def _one(self, state: SnapshotState, line: Listed) -> None:
        if fault := await self._fault(line):
            state.faults.append(f"{line.key}: {fault}")

    async def _fault(self, line: Listed) -> str:
        name = bytes.fromhex(line.digest)
        if name not in self._found:
            self._found[name] = await self._target.pool.fault_of(line)
            self._progress("proved", len(self._found), 0)
        return self._found[name]
