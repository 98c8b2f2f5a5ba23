"""One object on its way into a bucket."""

from __future__ import annotations

import hashlib
import io
import tempfile
from typing import IO

from minio import Minio

PART = 16 * 1024 * 1024  # bytes; above one part the upload is a multipart one
_MAX_PARTS = 10_000  # Amazon S3 user guide, "Amazon S3 multipart upload limits"
DIGEST_HEADER = "x-amz-meta-sha256"


class Abandoned(Exception):
    """The caller was cancelled during the upload. Not an error: it ends work that nobody waits for."""


class Upload:
    """Content gathered with its digest and size, then sent. All methods but `abandon` block: they belong in a thread.

    `content` is all of it, or None where it is to come by `write`: then it is kept in memory up to one part of
    16 MiB, and above that in an unnamed file in the system's folder for temporary files.
    """

    def __init__(self, content: bytes | None = None) -> None:
        self._content: IO[bytes]
        if content is None:
            self._content = tempfile.SpooledTemporaryFile(max_size=PART)  # noqa: SIM115 - `close` closes it
        else:
            self._content = io.BytesIO(content)
        self._whole = content
        self._digest = hashlib.sha256()
        self._abandoned = False
        self.size = len(content or b"")

    @property
    def sha256(self) -> str:
        """Digest of what was gathered, 64 hex digits."""
        return self._digest.hexdigest()

    def abandon(self) -> None:
        """Let the upload under way fail at its next part, upon which the SDK aborts it on the server."""
        self._abandoned = True

    def write(self, piece: bytes) -> None:
        """Append `piece`. Raises OSError."""
        self._content.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def read(self, size: int) -> bytes:
        """For the SDK: the next `size` bytes. Raises `Abandoned`."""
        if self._abandoned:
            raise Abandoned
        return self._content.read(size)

    def send(self, client: Minio, bucket: str, name: str, media_type: str) -> None:
        """Upload everything gathered, its digest kept as metadata. Raises what the SDK and urllib3 raise.

        The parts go one after another: the SDK's own parallel uploads would leave threads behind after a failure.
        """
        if self._whole is not None:
            self._digest.update(self._whole)
        self._content.seek(0)
        client.put_object(
            bucket,
            name,
            self,  # type: ignore[arg-type]  # the SDK asks for a BinaryIO and uses `read` alone
            self.size,
            content_type=media_type,
            metadata={DIGEST_HEADER: self.sha256},
            part_size=max(PART, -(-self.size // _MAX_PARTS)),
            num_parallel_uploads=1,
        )

    def close(self) -> None:
        """Give back memory and disk space."""
        self._content.close()
