"""An Orthanc (Debian's package with its DICOMweb plugin) that holds as much as the index of `bench.qido`.

Its own intake would take hours for two million objects. So one object is stored through it, and the rows that it wrote for it
are written for all others with their own identifiers and values, into Orthanc's own SQLite database (schema 6, Orthanc 1.10).
All instances share the one file on disk; where Orthanc opens files to answer, it finds this one in memory.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.dicomweb import PLUGIN, Side, slices, stow
from bench.network_of_studies import rows_of
from bench.running import free_port, running

PATIENT, STUDY, SERIES, INSTANCE = 1, 2, 3, 4
BATCH = 2000  # studies of one transaction
_TABLES = {"Resources": 4, "MainDicomTags": 4, "DicomIdentifiers": 4, "Metadata": 3, "AttachedFiles": 8}
_TIME = "20260101T080000"

Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def filled_orthanc(folder: Path, studies: int, instances: int) -> Iterator[Side]:
    """Orthanc with so many studies of so many instances, on a port of its own."""
    place = folder / "orthanc"
    place.mkdir()
    with _orthanc(folder, place) as side:
        stow(side, slices(1)[1])
    _fill(place / "index", studies, instances)
    with ExitStack() as stack:
        yield stack.enter_context(_orthanc(folder, place))


@contextmanager
def _orthanc(folder: Path, place: Path) -> Iterator[Side]:
    port, http = free_port(), free_port()
    configuration = folder / "orthanc.json"
    places = {"StorageDirectory": str(place), "IndexDirectory": str(place)}
    configuration.write_text(json.dumps({**places, "DicomPort": port, "HttpPort": http, "Plugins": [str(PLUGIN)]}))
    with running("Orthanc", "ORTHANC", port, ["Orthanc", str(configuration)]):
        side = Side("Orthanc", f"http://127.0.0.1:{http}/dicom-web")
        urllib.request.urlopen(f"{side.url}/studies?limit=1").close()
        yield side


def _fill(database: Path, studies: int, instances: int) -> None:
    connection = sqlite3.connect(database)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000")
    # Built in one go afterwards: the order in which rows came is nothing that a search would notice.
    indexes = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
    triggers = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    for kind, names in (("INDEX", indexes), ("TRIGGER", triggers)):
        for name in names:
            connection.execute(f"DROP {kind} {name}")
    (file,) = connection.execute("SELECT * FROM AttachedFiles LIMIT 1").fetchall()
    ids = iter(range(1_000_000, 1 << 40))
    patients: dict[str, int] = {}
    dice, counted = random.Random(1), iter(range(1, studies * instances + 1))
    for start in range(0, studies, BATCH):
        rows: Rows = {table: [] for table in _TABLES}
        for number in range(start, min(start + BATCH, studies)):
            _study(rows, rows_of(number, instances, dice, counted), patients, ids, file)
        for table, width in _TABLES.items():
            places = ",".join("?" * width)
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows[table])  # noqa: S608  # names of our own
        connection.commit()
    connection.executemany("INSERT INTO PatientRecyclingOrder (patientId) VALUES (?)", [(patient,) for patient in patients.values()])
    for sql in (*indexes.values(), *triggers.values()):
        connection.execute(sql)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _study(rows: Rows, ours: dict[str, list[dict[str, Any]]], patients: dict[str, int], ids: Iterator[int], file: tuple[Any, ...]) -> None:
    """The rows of one study, from those that the other index has of it."""
    (study,) = ours["study"]
    who = {
        (0x0010, 0x0010): study["patient_name"], (0x0010, 0x0020): study["patient_id"],
        (0x0010, 0x0030): study["patient_birth_date"], (0x0010, 0x0040): study["patient_sex"],
    }  # fmt: skip
    patient = patients.get(study["patient_id"])
    if patient is None:
        patient = patients[study["patient_id"]] = _resource(rows, ids, PATIENT, None, [study["patient_id"]], who)
    uids = [study["patient_id"], study["study_instance_uid"]]
    what = {
        (0x0008, 0x0020): study["study_date"], (0x0008, 0x0030): study["study_time"], (0x0008, 0x0050): study["accession_number"],
        (0x0008, 0x1030): study["study_description"], (0x0020, 0x000D): study["study_instance_uid"], (0x0020, 0x0010): study["study_id"],
    }  # fmt: skip
    parent = _resource(rows, ids, STUDY, patient, uids, {**who, **what})
    for series in ours["series"]:
        described = {
            (0x0008, 0x0060): series["modality"], (0x0008, 0x103E): series["series_description"],
            (0x0018, 0x0015): series["body_part_examined"], (0x0020, 0x000E): series["series_instance_uid"],
            (0x0020, 0x0011): str(series["series_number"]),
        }  # fmt: skip
        below = [*uids, series["series_instance_uid"]]
        place = _resource(rows, ids, SERIES, parent, below, described)
        for instance in (each for each in ours["instance"] if each["series_id"] == series["id"]):
            number = str(instance["instance_number"])
            tags = {
                (0x0008, 0x0018): instance["sop_instance_uid"], (0x0008, 0x0012): study["study_date"],
                (0x0008, 0x0013): study["study_time"],
                (0x0020, 0x0012): "1", (0x0020, 0x0013): number, (0x0020, 0x0032): f"-158.1\\-179.0\\{number}",
                (0x0020, 0x0037): "1\\0\\0\\0\\1\\0",
            }  # fmt: skip
            id_ = _resource(rows, ids, INSTANCE, place, [*below, instance["sop_instance_uid"]], tags)
            facts = {
                1: number,
                2: _TIME,
                3: "",
                8: "Plugins",
                9: instance["transfer_syntax_uid"],
                10: instance["sop_class_uid"],
                14: "6350",
            }
            rows["Metadata"] += [(id_, kind, value) for kind, value in facts.items()]
            rows["AttachedFiles"].append((id_, *file[1:]))


# Those that Orthanc looks up by an index of their own, upper case and without what is not ASCII.
_IDENTIFIERS = {
    PATIENT: {(0x0010, 0x0010), (0x0010, 0x0020), (0x0010, 0x0030)},
    STUDY: {
        (0x0010, 0x0010), (0x0010, 0x0020), (0x0010, 0x0030), (0x0020, 0x000D), (0x0008, 0x0050), (0x0008, 0x1030), (0x0008, 0x0020),
    },
    SERIES: {(0x0020, 0x000E)},
    INSTANCE: {(0x0008, 0x0018)},
}  # fmt: skip


def _resource(rows: Rows, ids: Iterator[int], level: int, parent: int | None, uids: list[str], tags: dict[tuple[int, int], str]) -> int:
    """One patient, study, series or instance; its number."""
    id_, digest = next(ids), hashlib.sha1("|".join(uids).encode(), usedforsecurity=False).hexdigest()
    rows["Resources"].append((id_, level, "-".join(digest[at : at + 8] for at in range(0, 40, 8)), parent))
    rows["MainDicomTags"] += [(id_, *tag, value) for tag, value in tags.items()]
    rows["DicomIdentifiers"] += [
        (id_, *tag, tags[tag].encode("ascii", "ignore").decode().upper().strip()) for tag in tags if tag in _IDENTIFIERS[level]
    ]
    if level != INSTANCE:
        rows["Metadata"].append((id_, 7, _TIME))
    if level == SERIES:
        rows["Metadata"].append((id_, 3, ""))
    return id_
