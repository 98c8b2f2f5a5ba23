"""Images kept compact at rest: the worker's job, and that nobody outside can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from dicom_gateway import Outcome, Source
from dicom_gateway.compact import compact_key
from dicom_gateway.index import Scope, StoredInstance, Target, dicom_study
from dicom_gateway.objects import Objects
from dicom_gateway.pixels.transcode import transcode
from dicom_gateway.transfer_syntax import RLE_LOSSLESS
from storage import ObjectMissing
from telemed import bootstrap
from telemed.adapters.dicom.study_compactor import StudyCompactor
from telemed.adapters.jobs.worker import Worker
from telemed.extension import Parts
from telemed.settings import Settings
from telemed.verification import verify_installation
from tests.demo_region import put_in_place
from tests.telemed.test_image_quality import STUDY, arrive, slices, work_until


@asynccontextmanager
async def installation(folder: Path, codec: Literal["", "htj2k", "jpeg-ls"]) -> AsyncIterator[tuple[Parts, Worker]]:
    settings = Settings(data_dir=folder, stable_after_seconds=1, compact_at_rest=codec)
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts:
        yield parts, bootstrap.worker(parts)


async def instances(parts: Parts) -> list[StoredInstance]:
    return await parts.index.locate(Target(studies=(STUDY,)), Scope(dicom_study.c.owner == "CLINIC1"))


async def kept_as_sent(parts: Parts) -> list[str]:
    """Keys of the objects that lie in the store as they came."""
    found = []
    for each in await instances(parts):
        try:
            await parts.store.inner.size(each.object_key)
        except ObjectMissing:
            continue
        found.append(each.object_key)
    return found


async def all_compact(parts: Parts) -> bool:
    return bool(await instances(parts)) and not await kept_as_sent(parts)


@pytest.mark.parametrize("codec", ["htj2k", "jpeg-ls"])
async def test_nobody_can_tell_and_the_disk_can(tmp_path: Path, codec: Literal["htj2k", "jpeg-ls"]) -> None:
    files = slices(3)
    async with installation(tmp_path, codec) as (parts, workers):
        await arrive(parts, files)
        before = await instances(parts)
        await work_until(workers, lambda: all_compact(parts))
        assert await instances(parts) == before  # syntax, size and digests on record are those of what was sent
        objects = Objects(parts.index, parts.store)
        for each, content in zip(before, files, strict=True):
            assert await parts.store.read(each.object_key) == content
            frame = await objects.frame(each, 1, await objects.frame_index(each))
            assert frame[0] in content
            assert len(await parts.store.inner.read(compact_key(each.object_key))) < 0.9 * len(content)
        again = await parts.intake.receive(files[0], "CLINIC1", Source("upload"))
        assert again.outcome is Outcome.DUPLICATE
        settings = parts.settings
    assert await verify_installation(settings, Console(quiet=True)) == 0


async def test_switched_off_nothing_happens_and_what_is_compact_stays_readable(tmp_path: Path) -> None:
    *files, late = slices(3)
    async with installation(tmp_path, "htj2k") as (parts, workers):
        await arrive(parts, files)
        await work_until(workers, lambda: all_compact(parts))
    async with installation(tmp_path, "") as (parts, workers):
        assert [await parts.store.read(each.object_key) for each in await instances(parts)] == files
        await arrive(parts, [late])
        await work_until(workers, lambda: _assessed(parts, 3))
        assert len(await kept_as_sent(parts)) == 1


async def _assessed(parts: Parts, images: int) -> bool:
    found = await parts.application.image_quality.of_studies("CLINIC1", [STUDY])
    return bool(found) and found[0].images == images


async def test_a_compact_form_that_was_changed_is_named(tmp_path: Path) -> None:
    async with installation(tmp_path, "htj2k") as (parts, workers):
        await arrive(parts, slices(2))
        await work_until(workers, lambda: all_compact(parts))
        key = compact_key((await instances(parts))[0].object_key)
        content = bytearray(await parts.store.inner.read(key))
        content[-200:-100] = bytes(100)
        await parts.store.inner.put(key, bytes(content))
        settings = parts.settings
    assert await verify_installation(settings, Console(quiet=True)) == 1


async def test_cut_off_or_repeated_the_job_does_no_harm(tmp_path: Path) -> None:
    files = slices(2)
    async with installation(tmp_path, "") as (parts, _):
        await arrive(parts, files)
        compactor = StudyCompactor(parts.index, parts.store, parts.measuring, "htj2k")
        first, second = await instances(parts)
        await parts.store.inner.put(compact_key(first.object_key), b"what a crash left before it was whole")
        assert await parts.store.read(first.object_key) == files[0]
        for _ in range(2):
            await compactor.job({"owner": "CLINIC1", "study": STUDY})
            assert await kept_as_sent(parts) == []
            assert [await parts.store.read(each.object_key) for each in (first, second)] == files


async def test_what_is_compressed_or_damaged_is_left_alone(tmp_path: Path) -> None:
    plain, compressed = slices(2)
    async with installation(tmp_path, "") as (parts, _):
        await arrive(parts, [plain, transcode(compressed, RLE_LOSSLESS)])
        damaged = (await instances(parts))[0].object_key
        await parts.store.inner.put(damaged, plain[:-2] + b"xx")
        await StudyCompactor(parts.index, parts.store, parts.measuring, "htj2k").job({"owner": "CLINIC1", "study": STUDY})
        assert len(await kept_as_sent(parts)) == 2
