"""Identity numbers and telephone numbers at rest: encrypted with AES-SIV (RFC 5297), key in a file of its own.

AES-SIV is deterministic, so an equal number can be found again, and authenticated, so a changed one is noticed.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy.engine import Dialect

from telemed.adapters.key_files import kept

KEY_BYTES = 64


class IdentityKeyUnusable(Exception):
    """The key of the confidential columns cannot be used; the message is a plain sentence."""


class Sealer:
    """Seals and opens short texts with the key of this installation."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    @classmethod
    def of(cls, key_file: Path) -> Sealer:
        """The sealer with the key in `key_file`; the first caller on a new installation makes the key. Raises IdentityKeyUnusable."""
        try:
            key = kept(key_file, lambda: os.urandom(KEY_BYTES))
        except PermissionError as error:
            raise IdentityKeyUnusable(f"{error.filename or key_file} cannot be read or made: give this user the right to.") from None
        if len(key) != KEY_BYTES:
            raise IdentityKeyUnusable(
                f"{key_file} is no key: it has {len(key)} bytes and not {KEY_BYTES}. Put it back from the backup of keys."
            )
        return cls(key)

    def guard(self, dialect: Dialect) -> None:
        """Seal and open the confidential columns of the engine that has this dialect."""
        _guards[dialect] = self

    @staticmethod
    def on(dialect: Dialect) -> Sealer:
        if (sealer := _guards.get(dialect)) is None:
            raise RuntimeError("this engine has no key for confidential columns: make it with a sealer")
        return sealer

    def seal(self, text: str) -> str:
        return base64.b64encode(self._cipher.encrypt(text.encode(), None)).decode() if text else ""

    def open(self, sealed: str) -> str:
        """Raises ValueError where the text was not sealed with this key, or was changed."""
        if not sealed:
            return ""
        try:
            return self._cipher.decrypt(base64.b64decode(sealed), None).decode()
        except (InvalidTag, ValueError):
            raise ValueError("a confidential column does not open with this installation's key") from None


_guards: WeakKeyDictionary[Dialect, Sealer] = WeakKeyDictionary()  # each engine has a dialect of its own
