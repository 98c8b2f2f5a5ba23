"""ECG recordings drawn for the reading page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

import ecg
from ecg.synthesis import resting
from telemed.centres.ecg.adapters.tracing_reader import PooledTracings
from telemed.service.files import DamagedFile

pytestmark = pytest.mark.database


async def test_a_recording_becomes_a_drawing_of_all_its_leads() -> None:
    content = ecg.write(resting("sinus", seed=3).recording, None, "aecg")
    with ThreadPoolExecutor(1) as pool:
        drawn = await PooledTracings(pool).draw(content, "ecg.xml")
    text = drawn.decode()
    assert text.startswith("<svg")
    assert all(f">{lead}<" in text for lead in ("I", "aVR", "V1", "V6"))


async def test_a_damaged_file_says_what_is_wrong() -> None:
    content = ecg.write(resting("sinus", seed=3).recording, None, "aecg")
    with ThreadPoolExecutor(1) as pool, pytest.raises(DamagedFile) as refused:
        await PooledTracings(pool).draw(content[: len(content) // 2], "ecg.xml")
    assert refused.value.reason
