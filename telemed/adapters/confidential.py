"""Identity numbers and telephone numbers at rest: encrypted with AES-SIV (RFC 5297), key in a file of its own.

AES-SIV is deterministic, so an equal number can be found again, and authenticated, so a changed one is noticed.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from telemed.adapters.key_files import kept

KEY_BYTES = 64


class Sealer:
    """Seals and opens short texts with the key of this installation."""

    _current: ClassVar[Sealer | None] = None

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    @classmethod
    def use(cls, key_file: Path) -> Sealer:
        """Take the key of `key_file` for this process; the first caller on a new installation makes it."""
        cls._current = cls(kept(key_file, lambda: os.urandom(KEY_BYTES)))
        return cls._current

    @classmethod
    def current(cls) -> Sealer:
        if cls._current is None:
            raise RuntimeError("no key: call Sealer.use first")
        return cls._current

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
