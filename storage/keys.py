"""The form of a key. It is the same for every backend, and makes leaving the store's folder impossible."""

from __future__ import annotations

import re

from storage.errors import BadKey, StorageError

MAX_CHARACTERS = 512
MAX_CHARACTERS_IN_PART = 255  # the longest file name on Linux file systems (NAME_MAX)

_PART = rf"(?!\.{{0,2}}(?:/|\Z))[ !-.0-~]{{1,{MAX_CHARACTERS_IN_PART}}}"  # printable ASCII but "/", not "." or ".."
_KEY = re.compile(rf"(?=.{{1,{MAX_CHARACTERS}}}\Z){_PART}(?:/{_PART})*")
_MEDIA_TYPE = re.compile(r"[!-~](?:[ -~]{0,254}[!-~])?")


def is_key(text: str) -> bool:
    """True if `text` has the form of a key."""
    return _KEY.fullmatch(text) is not None


def check_key(key: str) -> None:
    """Raise `BadKey` unless `key` has the form that `storage.protocol` describes."""
    if not is_key(key):
        raise BadKey(
            f"The key {_shown(key)} cannot be used: a key is 1 to {MAX_CHARACTERS} printable ASCII characters in "
            f"parts of at most {MAX_CHARACTERS_IN_PART}, separated by single '/', and no part is '.' or '..'.",
            key,
        )


def check_prefix(prefix: str) -> None:
    """Raise `BadKey` unless `prefix` can be the beginning of a key: whole parts, then perhaps a part begun."""
    folder, _, begun = prefix.rpartition("/")
    if ("/" in prefix and not is_key(folder)) or (begun and begun not in (".", "..") and not is_key(begun)):
        raise BadKey(f"The prefix {_shown(prefix)} cannot be the beginning of any key.", prefix)


def check_range(key: str, offset: int, length: int | None) -> None:
    """Raise `StorageError` for a negative offset or length."""
    if offset < 0 or (length is not None and length < 0):
        raise StorageError(f"Offset and length of a read are 0 or more, not {offset} and {length}.", key)


def check_chunk(key: str, chunk: int) -> None:
    """Raise `StorageError` for a chunk size that could never make progress."""
    if chunk < 1:
        raise StorageError(f"The chunk size of a stream is 1 byte or more, not {chunk}.", key)


def check_media_type(key: str, media_type: str) -> None:
    """Raise `StorageError` for a media type that cannot stand in an HTTP header."""
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise StorageError(f"The media type {_shown(media_type)} is not 1 to 256 printable ASCII characters.", key)


def _shown(text: str) -> str:
    """`text` quoted for a message, and cut where it is long."""
    return repr(text) if len(text) <= 80 else repr(text[:80]) + "..."
