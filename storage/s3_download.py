"""One object on its way out of a bucket."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from minio import Minio
from urllib3.exceptions import HTTPError

from storage.errors import DamagedObject, StoreUnavailable
from storage.s3_errors import RangeBeyondEnd, translated
from storage.s3_upload import DIGEST_HEADER

_PIECE = 4 * 1024 * 1024  # bytes; large enough that the time of a request does not matter
_ATTEMPTS = 2  # an answer that broke off is asked for once more; urllib3 repeats only what had no answer yet
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")  # RFC 9110, 14.4


@dataclass(frozen=True, slots=True)
class _Answer:
    content: bytes
    total: int
    etag: str
    sha256: str


class Download:
    """The object `name` of `bucket`; `key` and `server` are for messages. Its methods block: call them in a thread."""

    def __init__(self, client: Minio, bucket: str, name: str, key: str, server: str) -> None:
        self._client = client
        self._bucket = bucket
        self._name = name
        self._key = key
        self._server = server
        self._digest = hashlib.sha256()
        self._position = 0
        self._first: _Answer | None = None

    def next(self) -> bytes:
        """The next 4 MiB or what is left; empty at the end. The last piece comes only if the digest of all is right.

        Raises `ObjectMissing`, `StoreUnavailable`, `DamagedObject`.
        """
        first = self._first
        if first is not None and self._position >= first.total:
            return b""
        try:
            answer = self._get(self._position, _PIECE)
        except RangeBeyondEnd as error:
            if first is None:  # every range lies behind the end of an empty object
                return b""
            raise self._changed() from error
        if first is None:
            first = self._first = answer
        elif (answer.etag, answer.total) != (first.etag, first.total):
            raise self._changed()
        self._digest.update(answer.content)
        self._position += len(answer.content)
        if self._position >= first.total:
            self._prove(first.sha256, self._digest.hexdigest())
        return answer.content

    def range(self, offset: int, length: int | None) -> bytes:
        """Bytes `offset` to `offset + length`, which is not 0; proved against the kept digest where that is all."""
        try:
            answer = self._get(offset, length)
        except RangeBeyondEnd:
            return b""
        if len(answer.content) == answer.total:
            self._prove(answer.sha256, hashlib.sha256(answer.content).hexdigest())
        return answer.content

    def _get(self, offset: int, length: int | None) -> _Answer:
        with translated(self._server, self._key):
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return self._get_once(offset, length)
                except HTTPError:
                    if attempt == _ATTEMPTS:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def _get_once(self, offset: int, length: int | None) -> _Answer:
        response = self._client.get_object(self._bucket, self._name, offset=offset, length=length or 0)
        try:
            total = self._total(response.headers, offset, length)
            content = response.read()
        finally:
            response.close()
            response.release_conn()
        expected = total - offset if length is None else min(length, total - offset)
        if len(content) != expected:
            raise DamagedObject(f"{self._server} sent {len(content)} bytes of {self._key} for {expected}.", self._key)
        return _Answer(content, total, response.headers.get("etag", ""), response.headers.get(DIGEST_HEADER, ""))

    def _total(self, headers: Mapping[str, str], offset: int, length: int | None) -> int:
        """Size of the whole object. Raises `StoreUnavailable` where the answer is not the range asked for."""
        # The header counts and not the status: rclone sends the right range, but says 200 instead of 206.
        if found := _CONTENT_RANGE.fullmatch(headers.get("content-range", "")):
            if int(found[1]) == offset:
                return int(found[3])
        elif offset == 0 and (all_of_it := headers.get("content-length", "")).isdigit():
            total = int(all_of_it)
            if length is None or total <= length:  # a server may answer with all where all was asked for
                return total
        raise StoreUnavailable(f"{self._server} did not send the part of {self._key} that was asked for.", self._key)

    def _prove(self, kept: str, found: str) -> None:
        if kept and kept != found:
            raise DamagedObject(f"The object {self._key} is not what was stored: its SHA-256 was {kept} and is {found}.", self._key)

    def _changed(self) -> DamagedObject:
        return DamagedObject(f"The object {self._key} was replaced while it was being read.", self._key)
