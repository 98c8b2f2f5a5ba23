"""Places where anchors of the audit trail are kept: the object store, and others that who changes the database does not reach.

A further place is a folder (a write-once file system, a share of another machine), a bucket with object lock, or a syslog collector.
Nothing is ever removed from a further place.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from storage import StorageError, StoreUnavailable, open_store
from storage.protocol import ObjectStore

FOLDER: Final = "audit/anchors/"
"""Beginning of the keys of anchors in an object store."""

SCHEMES: Final = ("file", "s3", "syslog", "syslog+tcp")
SYSLOG_PORT: Final = 514


class AnchorPlace(Protocol):
    """One place. Names of anchors sort by position."""

    @property
    def label(self) -> str:
        """Return the place as a person names it, without keys."""
        ...

    @property
    def readable(self) -> bool:
        """True if what was put there can be read again."""
        ...

    async def put(self, name: str, content: bytes) -> None:
        """Keep it. The same name again is the same anchor. Raises StorageError."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all anchors there, in order. Raises StorageError."""
        ...

    async def read(self, name: str) -> bytes:
        """Raises StorageError."""
        ...

    async def close(self) -> None:
        """Give back what it holds open of its own."""
        ...


class StorePlace:
    """Implements `AnchorPlace` in an object store."""

    readable = True

    def __init__(self, store: ObjectStore, label: str = "the object store") -> None:
        self.store, self.label = store, label

    async def put(self, name: str, content: bytes) -> None:
        await self.store.put(FOLDER + name, content, media_type="application/json")

    async def names(self) -> list[str]:
        return [key.removeprefix(FOLDER) async for key in self.store.list(FOLDER)]

    async def read(self, name: str) -> bytes:
        return await self.store.read(FOLDER + name)

    async def delete(self, name: str) -> None:
        await self.store.delete(FOLDER + name)

    async def close(self) -> None:
        """The store is its owner's to close."""


class BucketPlace:
    """Implements `AnchorPlace` in a bucket, which is opened with the first question."""

    readable = True

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self._url, self._keys = url, keys
        self._opened: StorePlace | None = None
        self.label = f"s3://{urlsplit(url).netloc.rpartition('@')[2]}"

    @property
    def _place(self) -> StorePlace:
        if self._opened is None:
            self._opened = StorePlace(open_store(self._url, self._keys))
        return self._opened

    async def put(self, name: str, content: bytes) -> None:
        await self._place.put(name, content)

    async def names(self) -> list[str]:
        return await self._place.names()

    async def read(self, name: str) -> bytes:
        return await self._place.read(name)

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.store.close()


class FolderPlace:
    """Implements `AnchorPlace` in a folder: each anchor is written once, synced, and never written again."""

    readable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.label = str(folder)

    async def put(self, name: str, content: bytes) -> None:
        await asyncio.to_thread(self._put, name, content)

    def _put(self, name: str, content: bytes) -> None:
        file = self._folder / name
        try:
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o444)
        except FileExistsError:
            return
        except OSError as error:
            raise StoreUnavailable(f"{file} cannot be written: {error.strerror}") from None
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            with suppress(OSError):
                file.unlink()
            raise StoreUnavailable(f"{file} cannot be written: {error.strerror}") from None

    async def names(self) -> list[str]:
        try:
            return sorted(await asyncio.to_thread(lambda: [f.name for f in self._folder.iterdir() if f.suffix == ".json"]))
        except OSError as error:
            raise StoreUnavailable(f"{self._folder} cannot be read: {error.strerror}") from None

    async def read(self, name: str) -> bytes:
        try:
            return await asyncio.to_thread((self._folder / name).read_bytes)
        except OSError as error:
            raise StoreUnavailable(f"{self._folder / name} cannot be read: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is held open."""


class SyslogPlace:
    """Implements `AnchorPlace` at a collector of logs, which keeps what it was sent (facility auth)."""

    readable = False

    def __init__(self, split: SplitResult) -> None:
        self._address = (split.hostname or "", split.port or SYSLOG_PORT) if split.netloc else unquote(split.path)
        self._kind = socket.SOCK_STREAM if split.scheme == "syslog+tcp" else socket.SOCK_DGRAM
        self.label = f"{split.scheme}://{split.netloc}{split.path}"

    async def put(self, name: str, content: bytes) -> None:
        await asyncio.to_thread(self._send, f"telemed: audit-anchor {content.decode()}")

    def _send(self, message: str) -> None:
        try:
            handler = _RaisingHandler(self._address, SysLogHandler.LOG_AUTH, self._kind)
        except OSError as error:
            raise StoreUnavailable(f"{self.label} does not answer: {error.strerror or error}") from None
        try:
            handler.emit(logging.LogRecord("telemed.audit", logging.INFO, "", 0, message, None, None))
        except OSError as error:
            raise StoreUnavailable(f"{self.label} does not take it: {error.strerror or error}") from None
        finally:
            handler.close()

    async def names(self) -> list[str]:
        return []

    async def read(self, name: str) -> bytes:
        raise StoreUnavailable(f"{self.label} cannot be read back: {name}")

    async def close(self) -> None:
        """Each message has a connection of its own."""


class _RaisingHandler(SysLogHandler):
    """What goes wrong is said to the caller, not printed."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        raise  # noqa: PLE0704 - called by `emit` while it handles the error


def place_fault(url: str) -> str:
    """Return what is wrong with the URL of a place, or an empty text."""
    split = urlsplit(url)
    if split.scheme not in SCHEMES:
        known = "file:///folder, s3://bucket?endpoint=..., syslog://host:port or syslog+tcp://host:port"
        return f"a place for anchors is {known}, not {split.scheme or url[:40]!r}"
    if split.scheme == "file" and (split.netloc not in ("", "localhost") or not unquote(split.path).startswith("/")):
        return "a folder for anchors is named by its absolute path: file:///mnt/anchors"
    return ""


def place_of(url: str, keys: Mapping[str, str]) -> AnchorPlace:
    """Return the place that a URL names; `keys` are those of S3 where it carries none. Raises BadStoreURL."""
    split = urlsplit(url)
    if split.scheme == "s3":
        return BucketPlace(url, keys)
    if split.scheme == "file":
        return FolderPlace(Path(unquote(split.path)))
    return SyslogPlace(split)


async def anchors_in(place: AnchorPlace, most: int) -> tuple[dict[str, bytes], int, str]:
    """Read the newest anchors of a place, at most so many. Returns them by name, how many there are, and what went wrong, or empty."""
    found: dict[str, bytes] = {}
    names: list[str] = []
    try:
        names = await place.names()
        for name in names[-most:]:
            found[name] = await place.read(name)
    except StorageError as error:
        return found, len(names), str(error)
    return found, len(names), ""
