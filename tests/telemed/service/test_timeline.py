"""Who holds a case sees the patient's whole timeline, of every hub and centre, for as long as they hold it; nobody else does."""

from __future__ import annotations

import pytest

from telemed.domain.case import Case
from telemed.domain.errors import DomainError, NotFound
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.policy import Action
from telemed.service import case_reading as reading
from telemed.service import evidence
from telemed.service.access import case_for, case_to_look_back_at
from telemed.service.case_view import view_case
from telemed.service.identity import new_id
from telemed.service.queries import PriorCase
from telemed.service.reading_view import PriorReading, read_prior
from tests.telemed.harness import Harness, patient_card

pytestmark = pytest.mark.database

READER = "imaging.huba"
NOBODY = ("imaging.hubb", "imaging.main", "imaging2.main", "ecg.main", "clinic2", "operator", "auditor", "sysadmin", "secadmin")


async def priors(harness: Harness, case: Case, reader: str = READER) -> dict[str, PriorCase]:
    """What the reader is shown of the patient beside this case, as it is now."""
    found = await harness.application.queries.priors(harness.people[reader], await harness.case(case.id))
    return {prior.case.id: prior for prior in found}


async def looks_back(harness: Harness, reader: str, case: Case) -> bool:
    """True if report and evidence are open to them, which are opened together."""
    seen = []
    for look, more in ((read_prior, ()), (case_to_look_back_at, (Action.EVIDENCE_READ,))):
        try:
            await harness.ask(reader, look, case.id, *more)
            seen.append(True)
        except DomainError:
            seen.append(False)
    assert len(set(seen)) == 1
    return seen[0]


@pytest.fixture
async def tracing(harness: Harness) -> Case:
    """An answered ECG of the patient, at the same hub, with a file."""
    requested = await harness.requested("ecg", patient=patient_card(1))
    paper = Evidence(new_id(), requested.id, EvidenceType.DOCUMENT, "a.pdf", "clinic1", harness.application.now(), sha256="ab")
    await harness.do("clinic1", evidence.attach, requested.id, paper)
    await harness.do("ecg.huba", reading.claim_case, requested.id)
    await harness.save(requested.id, "ecg.huba", {"findings": "窦性心律", "impression": "正常心电图"})
    await harness.sign(requested.id, "ecg.huba")
    return await harness.case(requested.id)


async def test_the_timeline_is_there_from_the_claim_to_the_release(harness: Harness, tracing: Case) -> None:
    elsewhere = await harness.signed(reader="imaging.hubb", by="clinic3", patient=patient_card(1, "CLINIC3"))
    case = await harness.requested(patient=patient_card(1))
    assert await priors(harness, case) == {}
    assert not await looks_back(harness, READER, tracing)
    await harness.do(READER, reading.claim_case, case.id)
    shown = await priors(harness, case)
    assert shown.keys() == {tracing.id, elsewhere.id}
    assert [e.name for e in shown[tracing.id].evidence] == ["a.pdf"]
    assert not any(prior.openable for prior in shown.values())
    assert await looks_back(harness, READER, tracing)
    assert await looks_back(harness, READER, elsewhere)
    await harness.do(READER, reading.release_case, case.id)
    assert await priors(harness, case) == {}
    assert not await looks_back(harness, READER, tracing)
    assert not await looks_back(harness, READER, elsewhere)


async def test_it_ends_with_the_answer(harness: Harness, tracing: Case) -> None:
    case = await harness.written(patient=patient_card(1))
    assert await looks_back(harness, READER, tracing)
    await harness.sign(case.id, READER)
    assert not await looks_back(harness, READER, tracing)
    assert await priors(harness, case) == {}


async def test_it_moves_with_the_case(harness: Harness, tracing: Case) -> None:
    case = await harness.claimed(patient=patient_card(1))
    await harness.do(READER, reading.escalate_case, case.id, "疑难")
    assert not await looks_back(harness, READER, tracing)
    await harness.do("imaging.main", reading.claim_case, case.id)
    assert await looks_back(harness, "imaging.main", tracing)
    assert not await looks_back(harness, READER, tracing)


@pytest.mark.parametrize("reader", NOBODY)
async def test_nobody_else_looks_back(harness: Harness, tracing: Case, reader: str) -> None:
    await harness.claimed(patient=patient_card(1))
    assert not await looks_back(harness, reader, tracing)


async def test_another_patients_case_opens_nothing(harness: Harness, tracing: Case) -> None:
    await harness.claimed(patient=patient_card(2, name="李四"))
    assert not await looks_back(harness, READER, tracing)


async def test_what_is_not_answered_is_named_and_no_more(harness: Harness) -> None:
    running = await harness.written("ecg", "ecg.huba", patient=patient_card(1))
    draft = await harness.draft("ecg", patient=patient_card(1))
    case = await harness.claimed(patient=patient_card(1))
    shown = await priors(harness, case)
    assert shown.keys() == {running.id}
    assert (shown[running.id].readable, list(shown[running.id].evidence)) == (False, [])
    assert not await looks_back(harness, READER, running)
    assert not await looks_back(harness, READER, draft)


async def test_only_what_was_released_is_read_and_no_step_is_opened(harness: Harness, tracing: Case) -> None:
    await harness.claimed(patient=patient_card(1))
    prior: PriorReading = await harness.ask(READER, read_prior, tracing.id)
    assert prior.looked_back
    assert prior.report is not None
    assert prior.report.released
    assert prior.report.sections["impression"] == "正常心电图"
    for action in (Action.CASE_READ, Action.REPORT_READ_DRAFT, Action.EVIDENCE_ADD, Action.CRITICAL_TELL, Action.EVIDENCE_EXPORT):
        with pytest.raises(NotFound):
            await harness.ask(READER, case_for, tracing.id, action)
    with pytest.raises(NotFound):
        await harness.ask(READER, view_case, tracing.id)


async def test_a_case_of_ones_own_is_read_as_such(harness: Harness) -> None:
    before = await harness.signed(patient=patient_card(1))
    await harness.claimed(patient=patient_card(1))
    assert not (await harness.ask(READER, read_prior, before.id)).looked_back
