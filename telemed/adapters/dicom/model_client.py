"""The port for trained models: a study goes to a configured address, findings come back as JSON or as a DICOM SR.

The request is a POST of `multipart/related; type="application/dicom"`, one part for each object (as STOW-RS sends them),
with `X-Study-Instance-UID`. The answer is either `application/json`:
`{"model": "name", "version": "1.2", "findings": [{"text": "...", "confidence": 0.93, "instance": "UID", "box": [x, y, w, h]}]}`
or `application/dicom`: a structured report whose device observer, or manufacturer's model, names the model.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import aiohttp
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_gateway.index import Index, Scope, StoredInstance, Target, dicom_study
from dicom_gateway.scanner import check_deflated
from storage.protocol import ObjectStore
from telemed.adapters.dicom.image_qualities import SqlImageQualities
from telemed.domain.texts import visible
from telemed.service.image_quality import Proposal

PATIENCE = 100.0
"""Seconds for one study, sending and thinking included: below the lease of a job."""
MAX_ANSWER = 8 << 20
MAX_FINDINGS = 200
MAX_TEXT = 2000
_SR_DEPTH = 8


class ModelFailed(Exception):
    """The model did not answer, or not as agreed; the message says how."""


class ModelClient:
    """Asks the model about a study and keeps what it proposes."""

    def __init__(self, index: Index, store: ObjectStore, kept: SqlImageQualities, address: str, token: str = "") -> None:
        self._index, self._store, self._kept = index, store, kept
        self._address, self._token = address, token

    async def job(self, payload: Mapping[str, Any], now: Callable[[], datetime]) -> None:
        """The job `ask-model`. Raises `ModelFailed`; the job is tried again later."""
        owner, uid = payload["owner"], payload["study"]
        instances = await self._index.locate(Target(studies=(uid,)), Scope(dicom_study.c.owner == owner))
        if not instances:
            return
        kind, content = await self._asked(uid, instances)
        model, version, findings = await asyncio.to_thread(read_answer, kind, content)
        await self._kept.keep_proposal(Proposal(owner, uid, model, version, now(), findings))

    async def _asked(self, uid: str, instances: Sequence[StoredInstance]) -> tuple[str, bytes]:
        boundary = uuid.uuid4().hex
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Accept": "application/json, application/dicom",
            "X-Study-Instance-UID": uid,
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._address, data=self._parts(boundary, instances), headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise ModelFailed(f"the model answers {answer.status}")
                content = bytearray()
                async for piece in answer.content.iter_chunked(1 << 16):
                    content += piece
                    if len(content) > MAX_ANSWER:
                        raise ModelFailed(f"the model's answer is longer than {MAX_ANSWER} bytes")
                return answer.content_type, bytes(content)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ModelFailed(f"the model cannot be asked: {error or type(error).__name__}") from None

    async def _parts(self, boundary: str, instances: Sequence[StoredInstance]) -> AsyncIterator[bytes]:
        for instance in instances:
            yield f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
            async for piece in self._store.stream(instance.object_key):
                yield piece
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()


def read_answer(kind: str, content: bytes) -> tuple[str, str, list[dict[str, Any]]]:
    """Model, version and findings of an answer of media type `kind`. Raises `ModelFailed`."""
    if kind == "application/json":
        return _from_json(content)
    if kind == "application/dicom":
        return _from_report(content)
    raise ModelFailed(f"the model answers with {kind}; application/json or application/dicom is agreed")


def _from_json(content: bytes) -> tuple[str, str, list[dict[str, Any]]]:
    try:
        document = json.loads(content)
        model, version, findings = document["model"], document["version"], document["findings"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFailed(f"the model's JSON lacks what is agreed: {error!r}"[:300]) from None
    if not (isinstance(model, str) and model and isinstance(version, str) and isinstance(findings, list)):
        raise ModelFailed("the model's JSON needs model and version as text and findings as a list")
    return visible(model)[:100], visible(version)[:50], [_finding(each) for each in findings[:MAX_FINDINGS]]


def _finding(given: Any) -> dict[str, Any]:
    """One finding with nothing in it but what is known."""
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise ModelFailed("a finding needs a text")
    finding: dict[str, Any] = {"text": visible(given["text"])[:MAX_TEXT]}
    confidence = given.get("confidence")
    if isinstance(confidence, int | float) and 0 <= confidence <= 1:
        finding["confidence"] = float(confidence)
    for name in ("series", "instance"):
        if isinstance(given.get(name), str):
            finding[name] = given[name][:64]
    box = given.get("box")
    if isinstance(box, list) and len(box) == 4 and all(isinstance(n, int | float) and abs(n) < 1e6 for n in box):
        finding["box"] = [float(n) for n in box]
    return finding


def _from_report(content: bytes) -> tuple[str, str, list[dict[str, Any]]]:
    """A structured report (PS3.3 C.17.3): its text, code and number items, one finding each."""
    try:
        check_deflated(content)
        report = dcmread(BytesIO(content))
        lines = list(_lines(report, 0))
        model = str(report.get("ManufacturerModelName") or report.get("Manufacturer") or "")
        versions = report.get("SoftwareVersions") or ""
    except Exception as error:  # pydicom raises whatever its parsing meets
        raise ModelFailed(f"the model's report cannot be read: {error}"[:300]) from None
    if not model or not lines:
        raise ModelFailed("the model's report names no model, or holds no text")
    version = versions if isinstance(versions, str) else ", ".join(map(str, versions))
    return visible(model)[:100], visible(version)[:50], [{"text": visible(line)[:MAX_TEXT]} for line in lines[:MAX_FINDINGS]]


def _lines(item: Dataset, depth: int) -> Iterator[str]:
    if depth > _SR_DEPTH:
        return
    for each in item.get("ContentSequence") or ():
        name = _meaning(each.get("ConceptNameCodeSequence"))
        value = _value(each)
        if value:
            yield f"{name}: {value}" if name else value
        yield from _lines(each, depth + 1)


def _value(item: Dataset) -> str:
    kind = item.get("ValueType", "")
    if kind == "TEXT":
        return str(item.get("TextValue", ""))
    if kind == "CODE":
        return _meaning(item.get("ConceptCodeSequence"))
    if kind == "NUM" and item.get("MeasuredValueSequence"):
        measured = item.MeasuredValueSequence[0]
        unit = measured.get("MeasurementUnitsCodeSequence")
        return f"{measured.get('NumericValue', '')} {unit[0].get('CodeValue', '') if unit else ''}".strip()
    return ""


def _meaning(codes: Any) -> str:
    return str(codes[0].get("CodeMeaning", "")) if codes else ""
