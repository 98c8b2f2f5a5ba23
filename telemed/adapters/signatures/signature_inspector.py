"""Checks signatures in the process that prints: it keeps a processor busy for some hundred milliseconds."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

from telemed.adapters.signatures.pdf_signatures import PdfSigner
from telemed.service.ports.signer import SignatureCheck

SECONDS = 10.0
REMEMBERED = 256
"""Files whose verdict is kept: a report that is looked at again and again costs one check. They never change."""


def check(keys: Path, pdf: bytes) -> list[SignatureCheck]:
    return list(PdfSigner(keys).verify(pdf))


class PooledInspector:
    """Implements `telemed.service.authenticity.SignatureInspector`."""

    def __init__(self, pool: Executor, keys: Path, seconds: float = SECONDS) -> None:
        self._pool, self._keys, self._seconds = pool, keys, seconds
        self._known: OrderedDict[str, list[SignatureCheck]] = OrderedDict()

    async def inspect(self, pdf: bytes) -> Sequence[SignatureCheck]:
        digest = hashlib.sha256(pdf).hexdigest()
        if digest not in self._known:
            running = asyncio.get_running_loop().run_in_executor(self._pool, check, self._keys, pdf)
            self._known[digest] = await asyncio.wait_for(running, self._seconds)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[digest]
