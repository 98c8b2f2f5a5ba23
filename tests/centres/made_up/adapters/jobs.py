"""Audiograms read when they arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from telemed.adapters.application import SqlApplication
from tests.centres.made_up import service
from tests.centres.made_up.domain import Audiogram, thresholds


class AudiogramReader:
    """The job `read-audiogram`: `{"case_id", "evidence_id"}`."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        async with self._application.reading() as work:
            evidence = await work.evidence.get(payload["evidence_id"])
        if evidence is None:
            return
        right, left = thresholds(await self._application.store.read(evidence.key))

        async def content() -> AsyncIterator[bytes]:
            yield json.dumps({"right": right, "left": left}).encode()

        key = f"audiometry/{evidence.id}.json"
        stored = await self._application.store.put(key, content(), media_type="application/json")
        async with self._application.writing() as work:
            await service.keep(work, Audiogram(evidence.id, evidence.case_id, right, left, key, stored.sha256))
