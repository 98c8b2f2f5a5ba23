"""What importing the package costs and changes, and that its modules stand in an order. Each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import dicom_gateway

# Everything that pynetdicom's modules and their classes hold, before and after; caches and settings are not code.
UNCHANGED = """
import asyncio, importlib, pkgutil, sys
from pathlib import Path

import pynetdicom.ae, pynetdicom.transport

def code():
    held = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("pynetdicom") and name != "pynetdicom._config":
            for key, value in vars(module).items():
                if callable(value):
                    held[name, key] = value
                if isinstance(value, type):
                    held |= {(name, key, part): each for part, each in vars(value).items() if callable(each) or isinstance(each, property)}
    return held

before = code()
assert len(before) > 1000

import dicom_gateway
for each in pkgutil.walk_packages(dicom_gateway.__path__, "dicom_gateway."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from dicom_gateway.dimse.query_retrieve_scu import studies_of_patient
from dicom_gateway.upper_layer.sender import Peer, SendingFailed

async def main(folder):
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'index.sqlite'}")
    async with engine.begin() as connection:
        await connection.run_sync(dicom_gateway.index.metadata.create_all)
    store = storage.open_store((folder / "objects").as_uri())
    intake = dicom_gateway.Intake(engine, store)
    async def everybody(*_):
        return dicom_gateway.Scope(sa.true(), owner="CLINIC1")
    server = await dicom_gateway.start_dimse(dicom_gateway.Index(engine), store, intake, everybody, port=0)
    peer = Peer("127.0.0.1", server.port, "TELEMED", "CLINIC1")
    assert await asyncio.to_thread(studies_of_patient, peer, "P1") == []
    await server.close()
    try:
        await asyncio.to_thread(studies_of_patient, peer, "P1")
        raise AssertionError("nobody listens there")
    except SendingFailed:
        pass
    await intake.close()
    await store.close()
    await engine.dispose()

import storage
asyncio.run(main(Path(sys.argv[1])))
after = code()
changed = sorted(str(key) for key in before if after.get(key) is not before[key])
assert not changed, changed
"""


def fresh(program: str, *arguments: str) -> str:
    """What `program` prints in an interpreter of its own."""
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "module", ["dicom_gateway", "dicom_gateway.quality", "dicom_gateway.pixels", "dicom_gateway.index", "dicom_gateway.intake"]
)
def test_what_needs_no_network_loads_none(module: str) -> None:
    loaded = fresh(f"import sys, {module}; print(*sys.modules)").split()
    assert module in loaded
    assert not {"pynetdicom", "aiohttp"} & set(loaded)


def test_every_public_name_is_found_and_no_other() -> None:
    names = {name: type(getattr(dicom_gateway, name)).__name__ for name in dicom_gateway.__all__}
    assert set(names.values()) <= {"type", "function", "EnumType"}
    with pytest.raises(AttributeError, match="Journal"):
        _ = dicom_gateway.Journal  # type: ignore[attr-defined]


def test_pynetdicom_is_left_as_it_is(tmp_path: Path) -> None:
    """Imported, served with and called with: other associations of the same process are made of what pynetdicom wrote."""
    fresh(UNCHANGED, str(tmp_path))


@pytest.mark.parametrize("package", ["dicom_gateway", "storage", "ecg"])
def test_no_modules_import_each_other(package: str) -> None:
    """Imports for types alone count too: who needs another's type knows it."""
    graph = grimp.build_graph(package, include_external_packages=False, cache_dir=None)
    order = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
