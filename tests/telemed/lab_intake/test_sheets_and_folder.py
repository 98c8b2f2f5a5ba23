"""Results in sheets by mapped columns, and files that laboratory systems leave in a folder."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database import tables as t
from telemed.centres.lab import service
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.taken_sheets import TakenSheets
from telemed.centres.lab.adapters.watched_folder import WatchedFolder
from telemed.centres.lab.domain import Result, SheetPreview
from telemed.domain.errors import Forbidden, Invalid
from tests.telemed.harness import Harness
from tests.telemed.lab_intake.conftest import Work
from tests.telemed.lab_intake.senders import potassium, report
from tests.telemed.moments import Clock

Shown = Callable[..., Awaitable[list[Result]]]

COLUMNS = {
    "patient": "病历号",
    "specimen": "条码",
    "name": "姓名",
    "sex": "性别",
    "birth": "出生日期",
    "observed": "采样时间",
    "tests": {"钾(mmol/L)": "2823-3", "白细胞": "6690-2"},
}
HEAD = "病历号,条码,姓名,性别,出生日期,采样时间,钾(mmol/L),白细胞\n"
ROWS = "P1,T1,张三,男,1961-03-05,2026-11-18 08:00,4.1,6.1\nP2,T2,李四,女,1970-01-02,2026-11-18 08:05,7.3,----\n"
GOOD = (HEAD + ROWS).encode()
ONE_WRONG = (HEAD + ROWS + "P3,T3,王五,男,yesterday,,4.0,\n").encode("gb18030")


@pytest.fixture
def take(application: SqlApplication) -> Callable[..., Awaitable[SheetPreview]]:
    reader = TakenSheets(application, MessageIntake(application))

    async def taken(raw: bytes = GOOD, columns: dict[str, Any] = COLUMNS, *, leave_out: bool = False) -> SheetPreview:
        return await reader.take("CLINIC1", raw, columns, "", leave_out=leave_out)

    return taken


Take = Callable[..., Awaitable[SheetPreview]]


@pytest.mark.database
async def test_a_sheet_gives_the_results_of_its_mapped_columns_once(take: Take, results: Shown) -> None:
    seen = await take()
    assert (seen.results, seen.refused, seen.reason) == (4, (), "")
    await take()
    assert {each.code.loinc: (each.value.number, each.value.as_sent, each.version) for each in await results("P1")} == {
        "2823-3": (4.1, "4.1", 1),
        "6690-2": (6.1, "6.1", 1),
    }
    assert {(each.code.loinc, each.value.number, each.value.flag) for each in await results("P2")} == {
        ("2823-3", 7.3, "HH"),
        ("6690-2", None, ""),
    }


async def test_a_sheet_with_a_wrong_row_is_taken_whole_or_without_it_as_the_person_says(take: Take, results: Shown) -> None:
    with pytest.raises(Invalid) as refused:
        await take(ONE_WRONG)
    (error,) = refused.value.errors
    assert error.field == "row 4"
    assert "yesterday" in error.expected
    assert await results("P1") == []
    seen = await take(ONE_WRONG, leave_out=True)
    assert (seen.results, [row for row, _ in seen.refused]) == (4, [4])
    assert len(await results("P1")) == 2
    assert await results("P3") == []


UNREADABLE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "no header": (b"", COLUMNS),
    "a column that is not there": (GOOD, COLUMNS | {"patient": "住院号"}),
    "no columns mapped": (GOOD, {}),
    "a page under the name of a sheet": (b"<html><table></table></html>", COLUMNS),
    "a broken workbook": (b"PK\x03\x04broken", COLUMNS),
    "no rows": (HEAD.encode(), COLUMNS),
}


@pytest.mark.parametrize("named", UNREADABLE)
async def test_a_sheet_that_cannot_be_read_says_why(named: str, take: Take) -> None:
    with pytest.raises(Invalid) as refused:
        await take(*UNREADABLE[named])
    assert refused.value.errors[0].expected


async def test_a_workbook_is_read_as_csv_is(take: Take, results: Shown) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for line in (HEAD + ROWS).splitlines():
        book.active.append(line.split(","))
    packed = io.BytesIO()
    book.save(packed)
    assert (await take(packed.getvalue())).results == 4
    assert len(await results("P1")) == 2


async def test_a_critical_value_of_a_sheet_rings_in_a_case_that_shows_nobody_else(
    take: Take, work: Work, application: SqlApplication, harness: Harness
) -> None:
    await harness.do("clinic1", service.map_sheet_columns, COLUMNS)
    await take()
    await work()
    async with application.engine.connect() as connection:
        (case,) = (await connection.execute(sa.select(t.case))).mappings().all()
        (finding,) = (await connection.execute(sa.select(t.critical_value.c.finding))).scalars()
        (key,) = (await connection.execute(sa.select(t.evidence.c.key))).scalars()
    assert "7.3" in finding
    assert case["member"] == "CLINIC1"
    shown = b"".join([piece async for piece in application.store.stream(key)]).decode()
    assert "李四" in shown
    assert "7.3" in shown
    assert "张三" not in shown
    assert "P1" not in shown


async def test_only_a_members_own_people_take_sheets(harness: Harness) -> None:
    assert await harness.ask("clinic1", service.sheet_columns_of) == {}
    await harness.do("clinic1", service.map_sheet_columns, COLUMNS)
    assert await harness.ask("clinic1", service.sheet_columns_of) == COLUMNS
    assert await harness.ask("clinic2", service.sheet_columns_of) == {}
    for person in ("operator", "lab.huba", "sysadmin", "auditor"):
        with pytest.raises(Forbidden):
            await harness.ask(person, service.sheet_columns_of)
        with pytest.raises(Forbidden):
            await harness.do(person, service.map_sheet_columns, COLUMNS)


@pytest.fixture
async def folder(application: SqlApplication, tmp_path: Path) -> WatchedFolder:
    (tmp_path / "inbox" / "CLINIC1").mkdir(parents=True)
    return WatchedFolder(application, MessageIntake(application), tmp_path / "inbox")


async def look(folder: WatchedFolder, clock: Clock) -> int:
    """As the watch does: once to see a file, once when it has not grown."""
    await folder.once()
    clock.forward(seconds=4)
    return await folder.once()


ASTM_FILE = b"H|\\^&|||X^1\rP|1|P9\rO|1|T9||^^^2823-3\rR|1|^^^2823-3|4.4|mmol/L||N||F\rL|1|N\r"


@pytest.mark.database
async def test_files_of_every_kind_are_taken_and_put_away(
    folder: WatchedFolder, clock: Clock, tmp_path: Path, results: Shown, harness: Harness
) -> None:
    await harness.do("clinic1", service.map_sheet_columns, COLUMNS)
    inbox = tmp_path / "inbox" / "CLINIC1"
    batch = b"BHS|^~\\&|LIS|CLINIC1\r" + report("K1") + report("K2", order="O43") + b"BTS|2\r"
    for name, content in (("a.hl7", batch), ("b.csv", GOOD), ("c.txt", ASTM_FILE), ("d.tmp", b"MSH|still")):
        (inbox / name).write_bytes(content)
    assert await look(folder, clock) == 3
    assert len(await results()) == 2
    assert len(await results("P1")) == 2
    assert [each.value.number for each in await results("P9")] == [4.4]
    assert sorted(path.name for path in inbox.iterdir()) == ["d.tmp", "processed"]
    (day,) = (inbox / "processed").iterdir()
    assert sorted(path.name for path in day.iterdir()) == ["a.hl7", "b.csv", "c.txt"]


async def test_the_same_file_again_is_nothing_new(folder: WatchedFolder, clock: Clock, tmp_path: Path, results: Shown) -> None:
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / "inbox" / "CLINIC1" / name).write_bytes(report("K1"))
    assert await look(folder, clock) == 2
    assert [each.version for each in await results()] == [1]


async def test_a_file_that_grows_waits_until_it_is_whole(folder: WatchedFolder, clock: Clock, tmp_path: Path, results: Shown) -> None:
    file = tmp_path / "inbox" / "CLINIC1" / "a.hl7"
    file.write_bytes(report("K1")[:100])
    await folder.once()
    clock.forward(seconds=4)
    file.write_bytes(report("K1"))
    assert await folder.once() == 0
    clock.forward(seconds=4)
    assert await folder.once() == 1
    assert len(await results()) == 1


ASIDE = {
    "another member's": (report("K1", sender="CLINIC2"), "CLINIC2"),
    "of no type that is taken": (report("K1", kind="ADT^A01"), "ADT^A01"),
    "wrong characters": (report("K1").decode().encode("gbk"), "UTF-8"),
    "a sheet without a mapping": (GOOD, "No columns are mapped"),
    "nothing that is known": (b"\x00\x01\x02", "No columns are mapped"),
}


@pytest.mark.parametrize("named", ASIDE)
async def test_a_file_that_cannot_be_taken_is_put_aside_with_the_reason(
    named: str, folder: WatchedFolder, clock: Clock, tmp_path: Path, results: Shown
) -> None:
    content, reason = ASIDE[named]
    (tmp_path / "inbox" / "CLINIC1" / "a.dat").write_bytes(content)
    assert await look(folder, clock) == 1
    failed = tmp_path / "inbox" / "CLINIC1" / "failed"
    assert (failed / "a.dat").read_bytes() == content
    assert reason in (failed / "a.dat.reason.txt").read_text()
    assert await results() == []


async def test_a_store_that_is_away_leaves_files_where_they_are(
    folder: WatchedFolder, clock: Clock, tmp_path: Path, application: SqlApplication, results: Shown
) -> None:
    file = tmp_path / "inbox" / "CLINIC1" / "a.hl7"
    file.write_bytes(report("K1", potassium("4.1")))
    async with application.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE lab_message RENAME TO lab_message_away"))
    with pytest.raises(OSError, match="could not be stored"):
        await look(folder, clock)
    assert file.exists()
    async with application.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE lab_message_away RENAME TO lab_message"))
    assert await folder.once() == 1
    assert len(await results()) == 1
