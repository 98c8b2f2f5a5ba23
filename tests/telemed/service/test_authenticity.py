"""Is this report genuine? Whoever holds its code learns that, and nothing of the patient."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path

import pytest

from telemed.adapters.signatures.signature_inspector import PooledInspector
from telemed.domain.case import Case
from telemed.domain.errors import NotFound
from telemed.domain.report import VersionKind
from telemed.service import reporting
from telemed.service.authenticity import Authenticity, check_report
from tests.telemed.harness import SECTIONS, Harness


@pytest.fixture
def inspector(printers: Executor, keys: Path) -> PooledInspector:
    return PooledInspector(printers, keys)


async def code_of(harness: Harness, case: Case, version: int = 1) -> str:
    return (await harness.versions(case.id))[version - 1].verification_code


async def test_a_report_as_issued(harness: Harness, inspector: PooledInspector) -> None:
    case = await harness.signed()
    found = await check_report(harness.application, inspector, await code_of(harness, case))
    assert (found.intact, found.newer, found.status, found.hub, found.member) == (True, False, "final", "HUBA", "CLINIC1")
    assert found.signatures is not None
    assert [(s.role, s.valid) for s in found.signatures] == [("author", True)]
    assert found.sha256 == (await harness.versions(case.id))[0].pdf_sha256
    assert ("report:verify", "public", f"case/{case.id}", "success") in await harness.audited("report:verify")


async def test_two_signatures_where_two_people_signed(harness: Harness, inspector: PooledInspector) -> None:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    await harness.review(case.id)
    found = await check_report(harness.application, inspector, await code_of(harness, case))
    assert found.signatures is not None
    assert [(s.role, s.valid) for s in found.signatures] == [("author", True), ("reviewer", True)]


async def test_nothing_of_the_patient_but_a_masked_name(harness: Harness, inspector: PooledInspector) -> None:
    case = await harness.signed()
    shown = str(asdict(await check_report(harness.application, inspector, await code_of(harness, case))))
    for secret in (case.patient.name, case.accession_number, "1961", "头痛", "颅内", case.id, case.patient.id):
        assert secret not in shown
    assert case.patient.name[0] in shown
    assert case.accession_number[-4:] in shown


async def test_an_older_version_says_that_there_is_a_newer_one(harness: Harness, inspector: PooledInspector) -> None:
    case = await harness.signed()
    old = await code_of(harness, case)
    await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "补充所见", SECTIONS["imaging"])
    assert not (await check_report(harness.application, inspector, old)).newer  # not signed yet
    await harness.sign(case.id, "imaging.huba")
    assert (await check_report(harness.application, inspector, old)).newer
    amended = await check_report(harness.application, inspector, await code_of(harness, case, 2))
    assert (amended.newer, amended.version, amended.status) == (False, 2, "amended")


@pytest.mark.parametrize("damage", ["changed", "gone"])
async def test_a_stored_file_that_is_not_the_one_issued(harness: Harness, inspector: PooledInspector, damage: str) -> None:
    case = await harness.signed()
    report = (await harness.versions(case.id))[0]
    content = await harness.application.store.read(report.pdf_key)
    await harness.application.store.delete(report.pdf_key)
    if damage == "changed":
        await harness.application.store.put(report.pdf_key, content + b" ")
    found: Authenticity = await check_report(harness.application, inspector, report.verification_code)
    assert (found.intact, found.signatures) == (False, None)
    assert ("report:verify", "public", f"case/{case.id}", "altered") in await harness.audited("report:verify")


async def test_a_code_is_read_as_people_write_it(harness: Harness, inspector: PooledInspector) -> None:
    code = await code_of(harness, await harness.signed())
    typed = f" {code[:4]}-{code[4:8].lower()} {code[8:]} "
    assert (await check_report(harness.application, inspector, typed)).code == code


@pytest.mark.parametrize("code", ["", "A", "ABCDEFGHJKLM", "0IO1ABCDEFGH", "ABCDEFGHJKLMN", "一二三四五六七八九十甲乙", "' OR 1=1 --"])
async def test_any_other_code_finds_nothing(harness: Harness, inspector: PooledInspector, code: str) -> None:
    with pytest.raises(NotFound):
        await check_report(harness.application, inspector, code)
