"""Modality worklist: dcmtk's findscu and pynetdicom ask; nobody sees another institution's items."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import generate_uid
from pynetdicom.association import Association

from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import WORKLIST, keys_of, with_association
from tests.dicom_gateway.test_clients import run

CHINESE = "Wang^Xiaodong=王^小东"


def item(accession: str, **attributes: Any) -> Dataset:
    step = keys_of(
        ScheduledStationAETitle="CT1",
        ScheduledProcedureStepStartDate="20261118",
        ScheduledProcedureStepStartTime="093000",
        Modality="CT",
        ScheduledProcedureStepDescription="胸部",
        ScheduledProcedureStepID=accession,
    )
    base = {"PatientName": CHINESE, "PatientID": "P1", "AccessionNumber": accession, "StudyInstanceUID": generate_uid()}
    return keys_of(**(base | {"RequestedProcedureID": accession, "ScheduledProcedureStepSequence": [step]} | attributes))


async def ask(gateway: Gateway, title: str, keys: Dataset, cancel_after: int | None = None) -> tuple[list[Dataset], int]:
    """Identifiers of all pending responses, and the final status."""

    def use(association: Association) -> tuple[list[Dataset], int]:
        found: list[Dataset] = []
        for answer, identifier in association.send_c_find(keys, WORKLIST, msg_id=7):
            if answer.Status not in (0xFF00, 0xFF01):
                return found, int(answer.Status)
            found.append(identifier or Dataset())
            if len(found) == cancel_after:
                association.send_c_cancel(7, query_model=WORKLIST)
        return found, -1

    return await with_association(gateway.dimse.port, title, [WORKLIST], use)


async def test_each_institution_finds_its_own_items(gateway: Gateway) -> None:
    gateway.items |= {"CLINIC1": [item("A1"), item("A2")], "CLINIC2": [item("B1")]}
    keys = keys_of(AccessionNumber="", ScheduledProcedureStepSequence=[keys_of(Modality="CT", ScheduledProcedureStepDescription="")])
    for title, expected in (("CLINIC1", {"A1", "A2"}), ("CLINIC2", {"B1"})):
        found, end = await ask(gateway, title, keys)
        assert ({each.AccessionNumber for each in found}, end) == (expected, 0)
    foreign = keys_of(AccessionNumber="B1", PatientName="")
    assert await ask(gateway, "CLINIC1", foreign) == ([], 0)


@pytest.mark.parametrize("terms", ["GB18030", "GBK", "ISO_IR 192", "\\ISO 2022 IR 58", ""])
async def test_names_come_in_the_character_set_that_was_asked_in(gateway: Gateway, terms: str) -> None:
    gateway.items["CLINIC1"] = [item("A1")]
    keys = keys_of(PatientName="王*", ScheduledProcedureStepSequence=[keys_of(ScheduledProcedureStepDescription="")])
    keys.SpecificCharacterSet = terms.split("\\") if "\\" in terms else terms or "ISO_IR 192"
    if "\\" in terms:
        keys.PatientName = "Wang*"  # pydicom does not write the escape sequence of this set
    if not terms:
        keys.PatientName = "Wang*"
        del keys.SpecificCharacterSet
    ((answer,), _) = await ask(gateway, "CLINIC1", keys)
    said = answer.SpecificCharacterSet
    assert (said if isinstance(said, str) else "\\".join(said)) == (terms or "ISO_IR 192")
    # pydicom leaves the escape sequence of GB 2312 in the text
    assert str(answer.PatientName).replace("\x1b$)A", "") == CHINESE
    assert answer.ScheduledProcedureStepSequence[0].ScheduledProcedureStepDescription.replace("\x1b$)A", "") == "胸部"


async def test_what_a_character_set_cannot_say_comes_in_unicode(gateway: Gateway) -> None:
    gateway.items["CLINIC1"] = [item("A1")]
    keys = keys_of(PatientName="", SpecificCharacterSet="ISO_IR 100")
    ((answer,), _) = await ask(gateway, "CLINIC1", keys)
    assert (answer.SpecificCharacterSet, answer.PatientName) == ("ISO_IR 192", CHINESE)


async def test_cancelling_ends_the_answers(gateway: Gateway) -> None:
    gateway.items["CLINIC1"] = [item(f"A{number}") for number in range(3000)]
    found, end = await ask(gateway, "CLINIC1", keys_of(AccessionNumber=""), cancel_after=3)
    assert end == 0xFE00
    assert 3 <= len(found) < 3000


async def test_a_query_that_cannot_be_understood_is_refused(gateway: Gateway) -> None:
    keys = keys_of(ScheduledProcedureStepSequence=[keys_of(ScheduledProcedureStepStartDate="yesterday")])
    assert await ask(gateway, "CLINIC1", keys) == ([], 0xA900)


@pytest.mark.skipif(shutil.which("findscu") is None, reason="dcmtk is not installed")
async def test_findscu_reads_the_worklist(gateway: Gateway, tmp_path: Path) -> None:
    gateway.items["CLINIC1"] = [item("A1"), item("A2", PatientID="P2")]
    asked = ["-k", "PatientName", "-k", "PatientID=P2", "-k", "AccessionNumber", "-k", "StudyInstanceUID"]
    asked += [
        "-k",
        "ScheduledProcedureStepSequence[0].Modality=CT",
        "-k",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate=20261101-",
    ]
    peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(gateway.dimse.port))
    answers = tmp_path / "answers"
    answers.mkdir()
    await run("findscu", "-W", "-X", "-od", str(answers), *asked, *peer)
    files = await asyncio.to_thread(lambda: sorted(answers.iterdir()))
    (answer,) = [await asyncio.to_thread(dcmread, file, force=True) for file in files]
    assert (answer.AccessionNumber, answer.PatientName) == ("A2", CHINESE)
    assert answer.ScheduledProcedureStepSequence[0].Modality == "CT"


@pytest.mark.parametrize(
    ("encoded", "terms"), [("王*".encode(), None), ("王*".encode("gb18030"), None), (b"\x1b$)A\xcd\xf5*", ["", "ISO 2022 IR 58"])]
)
async def test_chinese_keys_are_understood_also_without_a_character_set(gateway: Gateway, encoded: bytes, terms: list[str] | None) -> None:
    gateway.items["CLINIC1"] = [item("A1"), item("A2", PatientName="Li^Si=李^四")]
    keys = keys_of(AccessionNumber="", ScheduledProcedureStepSequence=[keys_of(Modality="CT")])
    if terms:
        keys.SpecificCharacterSet = terms
    keys[0x00100010] = RawDataElement(Tag(0x00100010), "PN", len(encoded), encoded + b" " * (len(encoded) % 2), 0, True, True, True)
    found, _ = await ask(gateway, "CLINIC1", keys)
    assert [each.AccessionNumber for each in found] == ["A1"]
    assert str(found[0].PatientName).replace("\x1b$)A", "") == CHINESE
