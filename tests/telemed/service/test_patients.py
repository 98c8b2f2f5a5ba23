"""The patient index: the same person once for each member, matched across members by rule, merged and split by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

import pytest

from telemed.domain.case import Case
from telemed.domain.errors import Forbidden, Invalid, NotFound
from telemed.domain.patient import RESIDENT_ID, Identifier, Patient
from telemed.service import patients
from telemed.service.queries import DuplicateCandidate
from tests.telemed.harness import Harness, patient_card, resident_id

pytestmark = pytest.mark.database


async def record_of(harness: Harness, by: str = "clinic1", **card: object) -> Patient:
    """The record that a new case of this card points to."""
    number = card.pop("number", 1)
    case = await harness.draft(by=by, patient=patient_card(number, by.upper(), **card))  # type: ignore[arg-type]  # given by keyword
    async with harness.application.reading() as work:
        patient = await work.patients.get(case.patient.id)
    assert patient is not None
    return patient


async def again(harness: Harness, patient: Patient) -> Patient:
    async with harness.application.reading() as work:
        found = await work.patients.get(patient.id)
    assert found is not None
    return found


async def doubts(harness: Harness, username: str = "operator") -> Sequence[DuplicateCandidate]:
    return await harness.application.queries.duplicate_candidates(harness.people[username], 50)


class TestOneMember:
    async def test_the_same_card_twice_is_one_record(self, harness: Harness) -> None:
        assert (await record_of(harness)).id == (await record_of(harness)).id

    async def test_many_at_once_are_one_record(self, harness: Harness) -> None:
        made = await asyncio.gather(*(record_of(harness) for _ in range(6)))
        assert len({patient.id for patient in made}) == 1

    async def test_what_a_later_card_adds_is_kept(self, harness: Harness) -> None:
        own = (Identifier("CLINIC1", "P00001"),)
        await record_of(harness, identifiers=own, birth_date=None)
        fuller = await record_of(harness, phone="13800000000")
        assert {i.system for i in fuller.identifiers} == {RESIDENT_ID, "CLINIC1"}
        assert (fuller.birth_date, fuller.phone) == (date(1961, 3, 5), "13800000000")

    async def test_one_number_names_one_patient(self, harness: Harness) -> None:
        await record_of(harness, identifiers=(Identifier("CLINIC1", "P1"),))
        with pytest.raises(Invalid) as refused:
            await record_of(harness, name="王芳", identifiers=(Identifier("CLINIC1", "P1"),))
        assert refused.value.errors[0].code == "number-of-another-patient"

    async def test_numbers_are_not_readable_in_the_database(self, harness: Harness) -> None:
        """Nor is the telephone number; they are found again all the same."""
        await record_of(harness, phone="13800000000")
        async with harness.application.engine.connect() as connection:
            for table in ("patient", "patient_identifier"):
                rows = (await connection.exec_driver_sql(f"SELECT * FROM {table}")).all()  # noqa: S608  # two constant names
                shown = " ".join(str(value) for row in rows for value in row)
                assert resident_id(1) not in shown
                assert "P00001" not in shown
                assert "13800000000" not in shown


class TestAcrossMembers:
    async def test_the_same_resident_number_and_name_is_one_person(self, harness: Harness) -> None:
        here, there = await record_of(harness), await record_of(harness, "clinic2")
        assert here.id != there.id
        assert here.master_id == there.master_id

    async def test_another_name_is_for_a_person_to_look_at(self, harness: Harness) -> None:
        here, there = await record_of(harness), await record_of(harness, "clinic2", name="章伟")
        assert here.master_id != there.master_id
        assert [({d.first.id, d.second.id}, d.rule) for d in await doubts(harness)] == [({here.id, there.id}, "resident-id-name-differs")]

    async def test_the_same_name_sex_and_birth_date_too(self, harness: Harness) -> None:
        await record_of(harness)
        await record_of(harness, "clinic2", identifiers=())
        assert [d.rule for d in await doubts(harness)] == ["name-sex-birth-date"]

    async def test_two_resident_numbers_are_two_people(self, harness: Harness) -> None:
        here, there = await record_of(harness, number=1), await record_of(harness, "clinic2", number=2)
        assert here.master_id != there.master_id
        assert await doubts(harness) == []

    async def test_a_member_sees_doubts_about_its_own_records_only(self, harness: Harness) -> None:
        await record_of(harness)
        await record_of(harness, identifiers=(Identifier("CLINIC1", "P7"),))
        await record_of(harness, "clinic2", name="章伟")
        assert len(await doubts(harness)) >= 2
        assert [d.rule for d in await doubts(harness, "clinic1")] == ["name-sex-birth-date"]
        assert await doubts(harness, "clinic2") == []
        with pytest.raises(Forbidden):
            await doubts(harness, "imaging.huba")


class TestByHand:
    async def two(self, harness: Harness) -> tuple[Patient, Patient]:
        return await record_of(harness), await record_of(harness, identifiers=(Identifier("CLINIC1", "P7"),))

    async def test_merged_they_share_a_master_and_the_doubt_is_settled(self, harness: Harness) -> None:
        kept, joined = await self.two(harness)
        assert len(await doubts(harness, "clinic1")) == 1
        await harness.do("clinic1", patients.merge_patients, kept.id, joined.id, "同一人")
        assert (await again(harness, joined)).local_master_id == (await again(harness, kept)).local_master_id
        assert (await again(harness, joined)).identifiers == joined.identifiers, "both keep what was written"
        assert await doubts(harness, "clinic1") == []
        await harness.do("clinic1", patients.merge_patients, kept.id, joined.id, "同一人")

    async def test_split_it_is_alone_again_and_the_others_stay_together(self, harness: Harness) -> None:
        kept, joined = await self.two(harness)
        third = await record_of(harness, identifiers=(Identifier("CLINIC1", "P8"),))
        for other in (joined, third):
            await harness.do("clinic1", patients.merge_patients, kept.id, other.id, "同一人")
        await harness.do("clinic1", patients.split_patient, kept.id, "不是同一人")
        alone, *others = [(await again(harness, p)).local_master_id for p in (kept, joined, third)]
        assert alone == kept.id
        assert len(set(others)) == 1
        assert alone not in others

    async def test_a_foreign_record_is_not_there(self, harness: Harness) -> None:
        here, there = await record_of(harness), await record_of(harness, "clinic2", name="章伟")
        for kept, joined in ((here, there), (there, here)):
            with pytest.raises(NotFound):
                await harness.do("clinic1", patients.merge_patients, kept.id, joined.id, "x")
        with pytest.raises(NotFound):
            await harness.do("clinic1", patients.split_patient, there.id, "x")
        assert (await again(harness, here)).master_id != (await again(harness, there)).master_id

    async def test_the_operator_merges_across_members(self, harness: Harness) -> None:
        here, there = await record_of(harness), await record_of(harness, "clinic2", name="章伟")
        await harness.do("operator", patients.merge_patients, here.id, there.id, "已核对")
        assert (await again(harness, there)).master_id == here.master_id
        assert (await harness.audited("patient:merge"))[0][1] == "operator"

    async def test_the_hub_may_not(self, harness: Harness) -> None:
        kept, joined = await self.two(harness)
        with pytest.raises(Forbidden):
            await harness.do("imaging.huba", patients.merge_patients, kept.id, joined.id, "x")

    async def test_earlier_cases_of_the_person_are_shown_to_who_may_see_them(self, harness: Harness) -> None:
        first = await harness.requested(patient=patient_card(1))
        second = await harness.requested(patient=patient_card(1))
        elsewhere = await harness.requested(by="clinic3", patient=patient_card(1, "CLINIC3"))
        drafted = await harness.draft(patient=patient_card(1))
        queries = harness.application.queries
        hub = await queries.priors(harness.people["imaging.huba"], second)
        assert [prior.case.id for prior in hub] == [first.id], "neither the draft nor the other hub's case"
        member = await queries.priors(harness.people["clinic1"], second)
        assert {prior.case.id for prior in member} == {first.id, drafted.id}
        assert elsewhere.id not in {prior.case.id for prior in member}


class TestTwoMembers:
    """What one member says of its own records is its own affair: another member's patients stay who they are."""

    async def strangers(self, harness: Harness, first: str = "clinic1", second: str = "clinic2") -> dict[str, list[Case]]:
        """Two patients who are both known to two members, by their resident numbers; each with a case at HUBA."""
        made: dict[str, list[Case]] = {}
        for by in (first, second):
            code = harness.people[by].institution
            made[by] = [
                await harness.requested(by=by, patient=patient_card(number, code, name)) for number, name in ((1, "甲甲"), (2, "乙乙"))
            ]
        return made

    async def seen_beside(self, harness: Harness, case: Case, reader: str = "imaging.huba") -> set[str]:
        return {prior.case.id for prior in await harness.application.queries.priors(harness.people[reader], case)}

    async def merge(self, harness: Harness, by: str, cases: list[Case]) -> None:
        await harness.do(by, patients.merge_patients, cases[0].patient.id, cases[1].patient.id, "x")

    @pytest.mark.parametrize("order", [("clinic1", "clinic2"), ("clinic2", "clinic1")])
    async def test_a_strangers_merge_joins_nobody_of_ours(self, harness: Harness, order: tuple[str, str]) -> None:
        made = await self.strangers(harness, *order)
        (first, second), theirs = made["clinic1"], made["clinic2"]
        before = [await self.seen_beside(harness, case) for case in (first, second)]
        assert before == [{theirs[0].id}, {theirs[1].id}], "each of them is known to both members"
        await self.merge(harness, "clinic2", theirs)
        assert [await self.seen_beside(harness, case) for case in (first, second)] == before
        assert await self.seen_beside(harness, theirs[0]) == {theirs[1].id, first.id}, "their own records are one person to them"

    async def test_patients_who_come_after_the_merge_are_two_as_well(self, harness: Harness) -> None:
        theirs = [await harness.requested(by="clinic2", patient=patient_card(n, "CLINIC2", name)) for n, name in ((1, "甲甲"), (2, "乙乙"))]
        await self.merge(harness, "clinic2", theirs)
        first, second = [await harness.requested(patient=patient_card(n, name=name)) for n, name in ((1, "甲甲"), (2, "乙乙"))]
        assert await self.seen_beside(harness, first) == {theirs[0].id}
        assert await self.seen_beside(harness, second) == {theirs[1].id}

    async def test_what_it_would_mean_for_others_is_for_the_operator_to_decide(self, harness: Harness) -> None:
        made = await self.strangers(harness)
        await self.merge(harness, "clinic2", made["clinic2"])
        ours, theirs = [[case.patient.id for case in made[by]] for by in ("clinic1", "clinic2")]
        found = {frozenset((d.first.id, d.second.id)) for d in await doubts(harness) if d.rule == "joined-by-one-member"}
        assert found == {frozenset((ours[0], theirs[1])), frozenset((ours[1], theirs[0]))}
        await harness.do("operator", patients.merge_patients, ours[0], theirs[1], "已核对")
        assert await self.seen_beside(harness, made["clinic1"][0]) == {made["clinic1"][1].id, *(case.id for case in made["clinic2"])}
        for record in (ours[1], theirs[1]):
            await harness.do("operator", patients.split_patient, record, "误合并")
        assert await self.seen_beside(harness, made["clinic1"][0]) == {made["clinic2"][0].id}

    async def test_taking_it_back_leaves_the_others_where_they_are(self, harness: Harness) -> None:
        made = await self.strangers(harness)
        await self.merge(harness, "clinic2", made["clinic2"])
        await harness.do("clinic2", patients.split_patient, made["clinic2"][0].patient.id, "误合并")
        first, second = made["clinic1"]
        assert await self.seen_beside(harness, first) == set(), "they say that theirs is somebody else"
        assert await self.seen_beside(harness, second) == {made["clinic2"][1].id}

    async def lines(self, harness: Harness, case: Case) -> list[tuple[str, str, dict[str, object]]]:
        found = await harness.application.queries.history(case.id)
        return [(line.action, line.actor, dict(line.detail)) for line in found if line.action.startswith("patient-")]

    async def test_each_is_told_and_nobody_is_named(self, harness: Harness) -> None:
        made = await self.strangers(harness)
        ours, theirs = made["clinic1"], made["clinic2"]
        assert [await self.lines(harness, case) for case in ours] == [[("patient-matched", "system", {"rule": "resident-id"})]] * 2
        assert await harness.application.queries.unread_notices(harness.people["clinic1"]) == 0, "what a rule says rings no bell"
        await self.merge(harness, "clinic2", theirs)
        for case in ours:
            assert (await self.lines(harness, case))[1:] == [("patient-doubted", "system", {})]
        await harness.do("operator", patients.merge_patients, ours[0].patient.id, theirs[1].patient.id, "已核对")
        for case in (ours[0], theirs[1]):
            assert (await self.lines(harness, case))[-1] == ("patient-joined", "operator", {"reason": "已核对"})
        await harness.do("clinic2", patients.split_patient, theirs[1].patient.id, "王芳说不是")
        assert (await self.lines(harness, ours[0]))[-1] == ("patient-split", "system", {})
        told = [n.line.action for n in await harness.application.queries.notices(harness.people["clinic1"], None, 50)]
        assert sorted(set(told)) == ["patient-doubted", "patient-joined", "patient-split"]
        assert ("patient:match", "clinic2", f"patient/{ours[0].patient.id}", "success") in await harness.audited("patient:match")

    async def test_a_member_is_shown_its_own_joined_records_alone(self, harness: Harness) -> None:
        made = await self.strangers(harness)
        queries = harness.application.queries
        assert await queries.merged(harness.people["clinic2"], 20) == []
        await self.merge(harness, "clinic2", made["clinic2"])
        (merged,) = await queries.merged(harness.people["clinic2"], 20)
        assert {merged.record.member, merged.kept.member} == {"CLINIC2"}
        assert await queries.merged(harness.people["clinic1"], 20) == []
