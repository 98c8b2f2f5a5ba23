"""Earlier studies are asked for when a case is submitted: of which archives, once, which of them, and what is said meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import PRIORS, add_setting
from telemed.domain.case import Case, CaseStatus
from telemed.domain.jobs import JobKind
from telemed.domain.patient import Patient, Sex
from telemed.domain.transfer import Transfer, TransferKind, TransferStatus
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import transfers
from telemed.service.transfers import RemotePrior
from telemed.web.i18n import speaking
from telemed.web.labels.transfers import transfer_lines
from tests.demo_region import free_port
from tests.dicom_gateway.devices import keys_of
from tests.telemed.harness import patient_card
from tests.telemed.service.test_transfers import FIND, MOVE, Post, earlier, pacs, post

__all__ = ["pacs", "post"]


def of_patient(study: str, day: str, **attributes: str) -> Dataset:
    image = earlier(study, day)
    for keyword, value in attributes.items():
        setattr(image, keyword, value)
    return image


def uids(count: int) -> list[str]:
    return [str(generate_uid()) for _ in range(count)]


async def fetched(post: Post, case: Case) -> list[str]:
    """Studies that are priors of the case."""
    return [str(each.study_instance_uid) for each in await post.evidence(case.id)]


async def limits(post: Post, **numbers: object) -> None:
    async with post.harness.application.engine.begin() as connection:
        await connection.execute(sa.delete(t.region_setting).where(t.region_setting.c.name == PRIORS))
        await add_setting(connection, PRIORS, numbers)
    await post.harness.application.refresh()


async def test_they_come_by_themselves_and_once(post: Post, pacs: Callable[..., Any]) -> None:
    (study,) = uids(1)
    await post.device("PACS1", "CLINIC1", await pacs(of_patient(study, "20230102"), of_patient(study, "20230102")), "query")
    case = await post.harness.requested(patient=patient_card(1))
    await post.work()
    done = await post.transfer(case.id)
    assert (done.kind, done.asked_by, done.status, done.completed) == (TransferKind.PRIORS, "system", TransferStatus.DONE, 2)
    assert await fetched(post, case) == [study]
    assert [who for _, who, _, _ in await post.harness.audited("priors:fetch")] == ["system", "system"]
    assert "priors-fetched" in await post.harness.history(case.id)

    await post.harness.do("imaging.huba", reading.claim_case, case.id)
    await post.harness.do("imaging.huba", reading.return_case, case.id, "体位？")
    await post.harness.do("clinic1", case_request.submit_case, case.id)  # the answer goes back: nobody is asked again
    assert (await post.harness.case(case.id)).status is not CaseStatus.ON_HOLD
    await post.work()
    assert (await post.transfer(case.id)).id == done.id
    await post.handlers[JobKind.FETCH_PRIORS].run({"transfer": done.id})  # the job itself once more
    assert await fetched(post, case) == [study]


async def test_only_the_newest_of_the_last_years(post: Post, pacs: Callable[..., Any]) -> None:
    await limits(post, studies=2, years=5)
    this_year = post.harness.clock.now.year
    old, third, second, first = uids(4)
    days = {old: f"{this_year - 6}0101", third: f"{this_year - 3}0101", second: f"{this_year - 2}0101", first: f"{this_year - 1}0101"}
    await post.device("PACS1", "CLINIC1", await pacs(*(of_patient(study, day) for study, day in days.items())), "query")
    case = await post.harness.requested(patient=patient_card(1))
    await post.work()
    assert set(await fetched(post, case)) == {first, second}
    await limits(post, studies=9, years="many")  # no number: as for everybody
    other = await post.harness.requested(patient=patient_card(1))
    await post.work()
    assert set(await fetched(post, other)) == {first, second, third, old}


async def test_another_patient_with_the_number_is_passed_over(post: Post, pacs: Callable[..., Any]) -> None:
    same, unsaid, elder, woman = uids(4)
    images = [
        of_patient(same, "20230101", PatientBirthDate="19610305", PatientSex="M"),
        of_patient(unsaid, "20230102", PatientBirthDate="", PatientSex=""),
        of_patient(elder, "20230103", PatientBirthDate="19310305", PatientSex="M"),
        of_patient(woman, "20230104", PatientBirthDate="19610305", PatientSex="F"),
    ]
    await post.device("PACS1", "CLINIC1", await pacs(*images), "query")
    case = await post.harness.requested(patient=patient_card(1))
    await post.work()
    assert set(await fetched(post, case)) == {same, unsaid}


SURE = {"PatientName": "Zhang^Wei=张^伟", "PatientBirthDate": "19610305", "PatientSex": "M"}


async def test_of_a_hubs_archive_only_what_is_surely_the_patients(post: Post, pacs: Callable[..., Any]) -> None:
    ours, nameless, unborn, other = uids(4)
    images = [
        of_patient(ours, "20230101", **SURE),
        of_patient(nameless, "20230101", **SURE | {"PatientName": "Zhang^Wei"}),
        of_patient(unborn, "20230101", **SURE | {"PatientBirthDate": ""}),
        of_patient(other, "20230101", **SURE | {"PatientSex": "F"}),
    ]
    await post.device("PACSA", "HUBA", await pacs(*images), "query")
    case = await post.harness.requested(patient=patient_card(1))
    assert case.hub == "HUBA"
    await post.work()
    assert await fetched(post, case) == [ours]
    async with post.harness.application.reading() as work:
        study = await work.studies.facts("CLINIC1", ours)
    assert study is not None  # kept as the member's, whose case it is


async def test_a_hubs_archive_without_c_get_says_so(post: Post) -> None:
    archive = AE(ae_title="PACSA")
    for each in (FIND, MOVE):
        archive.add_supported_context(each)

    def find(event: Any) -> Any:
        about = {"PatientID": "P00001", "StudyInstanceUID": "1.2.3", "StudyDate": "20230102"}
        yield 0xFF00, keys_of(SpecificCharacterSet="ISO_IR 192", QueryRetrieveLevel="STUDY", **about, **SURE)

    server: Any = await asyncio.to_thread(
        lambda: archive.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find)])
    )
    try:
        await post.device("PACSA", "HUBA", server.server_address[1], "query")
        case = await post.harness.requested(patient=patient_card(1))
        await post.work()
    finally:
        await asyncio.to_thread(server.shutdown)
    assert "C-GET" in (await post.transfer(case.id)).error
    assert await fetched(post, case) == []


@pytest.mark.parametrize("centre", ["ecg", "lab"])
async def test_cases_without_images_ask_nobody(post: Post, centre: str) -> None:
    await post.device("PACS1", "CLINIC1", free_port(), "query")
    case = await post.harness.requested(centre, patient=patient_card(1))
    assert await post.harness.ask("clinic1", transfers.transfers_of, case.id) == []


async def words(post: Post, case: Case) -> str:
    with speaking("en"):
        (line,) = transfer_lines(await post.harness.ask("imaging.huba", transfers.transfers_of, case.id))
    return line.words


async def test_what_is_said_of_it(post: Post, pacs: Callable[..., Any]) -> None:
    port = await pacs()
    await post.device("PACS1", "CLINIC1", free_port(), "query")
    case = await post.harness.claimed(patient=patient_card(1))  # who has claimed it keeps it, whatever the hour
    assert await words(post, case) == "asked"
    await post.work()
    assert await words(post, case) == "did not answer, is asked again by itself"
    for _ in range(transfers.TRIES):
        post.harness.clock.forward(hours=2)
        await post.work()
    assert await words(post, case) == "did not answer"
    assert await post.harness.ask("imaging.huba", transfers.may_fetch_priors, case.id)
    assert not await post.harness.ask("imaging.hubb", transfers.may_fetch_priors, case.id)
    async with post.harness.application.engine.begin() as connection:
        await connection.execute(sa.update(t.application_entity).values(port=port))
    await post.harness.application.refresh()
    again: Transfer = await post.harness.do("imaging.huba", transfers.fetch_priors, case.id)
    await post.work()
    with speaking("en"):
        lines = transfer_lines(await post.harness.ask("imaging.huba", transfers.transfers_of, case.id))
    assert again.asked_by == "imaging.huba"
    assert [(line.words, line.again) for line in lines] == [("none found", False), ("did not answer", True)]


PATIENT = Patient("p", "p", "CLINIC1", "张伟", Sex.MALE, date(1961, 3, 5))


@given(
    born=st.just("19610305") | st.text(max_size=9) | st.dates().map(lambda day: f"{day:%Y%m%d}"),
    sex=st.sampled_from(["M", "F", "O", "", "X"]),
)
def test_only_what_both_have_tells_patients_apart(born: str, sex: str) -> None:
    prior = RemotePrior("1.2.3", "20230101", "", "CT", birth_date=born, sex=sex)
    disagrees = (len(born) == 8 and born != "19610305") or sex in ("F", "O")
    assert transfers.is_of(PATIENT, prior) is not disagrees
    nothing_known = Patient("p", "p", "CLINIC1", "张伟", Sex.UNKNOWN, None)
    assert transfers.is_of(nothing_known, prior)
    named = RemotePrior("1.2.3", "20230101", "", "CT", name="Zhang^Wei=张^伟", birth_date=born, sex=sex)
    assert transfers.is_surely_of(PATIENT, named) is (born == "19610305" and sex == "M")
    assert not transfers.is_surely_of(PATIENT, prior)
    assert not transfers.is_surely_of(nothing_known, named)
