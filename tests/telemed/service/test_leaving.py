"""Somebody leaves: what was in hand goes on with others, and every way in is closed, all at once or not at all."""

from __future__ import annotations

import asyncio

import pytest

from telemed.domain.accounts import AccountEntry
from telemed.domain.errors import Forbidden, Invalid, NotAuthenticated, NotFound
from telemed.domain.people import Person, Role
from telemed.domain.report import VersionKind
from telemed.service import account_administration as administration
from telemed.service import case_reading as reading
from telemed.service import reporting
from telemed.service.authentication import authenticate
from telemed.service.leaving import Leaving, leave, preview_leaving
from tests.telemed.harness import PASSWORD, SECTIONS, Harness

pytestmark = pytest.mark.database

ADMIN, LEAVER = "secadmin", "imaging.huba"


async def colleague(
    harness: Harness, username: str = "li.na", *, centre: str = "imaging", hub: str = "HUBA", role: str = "specialist"
) -> str:
    return await harness.add_person(Person(username, "李娜", hub, frozenset({Role(role)}), frozenset({centre})))


async def left(harness: Harness, to: str = "", who: str = LEAVER) -> Leaving:
    done: Leaving = await harness.do(ADMIN, leave, who, to)
    return done


async def last_line(harness: Harness, case_id: str) -> tuple[str, str, dict[str, object]]:
    line = (await harness.application.queries.history(case_id))[-1]
    return line.action, line.actor, dict(line.detail)


async def test_cases_go_back_to_the_list_with_their_drafts(harness: Harness) -> None:
    claimed, written = await harness.claimed(), await harness.written()
    await authenticate(harness.application, LEAVER, PASSWORD)
    said = await harness.ask(ADMIN, preview_leaving, LEAVER)
    assert (said.cases, said.amendments, said.in_review, said.sessions, said.active) == ({"imaging": 2}, 0, 0, 1, True)
    assert (await harness.case(claimed.id)).claimed_by == LEAVER
    await left(harness)
    for case in (claimed, written):
        now = await harness.case(case.id)
        assert (now.status.value, now.hub, now.claimed_by) == ("requested", "HUBA", None)
        assert await last_line(harness, case.id) == ("release", "system", {"reader": LEAVER, "reason": "left"})
    assert (await harness.versions(written.id))[-1].sections == SECTIONS["imaging"]
    with pytest.raises(NotAuthenticated):
        await authenticate(harness.application, LEAVER, PASSWORD)


async def test_or_to_a_colleague_who_may_read_them(harness: Harness) -> None:
    case, heir = await harness.written(), await colleague(harness)
    said = await harness.ask(ADMIN, preview_leaving, LEAVER)
    assert [person.username for person in said.colleagues] == [heir]
    done = await left(harness, heir)
    assert (done.handed_to, done.active) == (heir, False)
    now, report = await harness.case(case.id), (await harness.versions(case.id))[-1]
    assert (now.claimed_by, report.author, report.sections) == (heir, heir, SECTIONS["imaging"])
    assert await last_line(harness, case.id) == ("reassign", "system", {"from": LEAVER, "to": heir, "reason": "left"})
    await harness.save(case.id, heir, SECTIONS["imaging"])


@pytest.mark.parametrize(
    "about", [{"centre": "ecg"}, {"hub": "HUBB"}, {"role": "reviewer"}, {"username": LEAVER}], ids=["centre", "hub", "role", "themselves"]
)
async def test_nobody_is_handed_what_they_may_not_read(harness: Harness, about: dict[str, str]) -> None:
    case = await harness.claimed()
    heir = about.get("username") or await colleague(harness, **about)
    with pytest.raises(Invalid, match="colleague"):
        await left(harness, heir)
    assert (await harness.case(case.id)).claimed_by == LEAVER
    assert (await harness.ask(ADMIN, preview_leaving, LEAVER)).active


async def test_nor_somebody_whose_account_is_closed(harness: Harness) -> None:
    await harness.claimed()
    heir = await colleague(harness)
    await harness.do(ADMIN, administration.disable_account, heir)
    with pytest.raises(Invalid, match="colleague"):
        await left(harness, heir)


async def test_who_has_left_takes_nothing_in_hand(harness: Harness) -> None:
    """What was asked for before the account was closed, and is carried out after it."""
    waiting, answered = await harness.requested(), await harness.signed()
    await left(harness)
    with pytest.raises(NotAuthenticated):
        await harness.do(LEAVER, reading.claim_case, waiting.id)
    with pytest.raises(NotAuthenticated):
        await harness.do(LEAVER, reporting.new_version, answered.id, VersionKind.AMENDMENT, "复核", None)
    assert [(await harness.case(case.id)).claimed_by for case in (waiting, answered)] == [None, None]


async def test_who_reads_elsewhere_from_now_on_claims_by_the_new_rights(harness: Harness) -> None:
    waiting, person = await harness.requested(), harness.people[LEAVER]
    entry = AccountEntry(LEAVER, person.name, "HUBA", ["specialist"], ["ecg"])
    await harness.do(ADMIN, administration.change_account, LEAVER, entry, "*")
    with pytest.raises(NotFound):
        await harness.do(LEAVER, reading.claim_case, waiting.id)


async def test_claimed_and_handed_over_at_once_no_case_stays_with_who_leaves(harness: Harness) -> None:
    heir = await colleague(harness)
    held, waiting = await harness.claimed(), [await harness.requested() for _ in range(3)]
    acts = [harness.do(LEAVER, reading.claim_case, case.id) for case in waiting]
    acts.insert(1, harness.do(ADMIN, leave, LEAVER, heir))
    ended = await asyncio.gather(*acts, harness.do(LEAVER, reading.reassign_case, held.id, heir, "换班"), return_exceptions=True)
    assert not [each for each in ended if isinstance(each, Exception) and not isinstance(each, NotAuthenticated | Forbidden | NotFound)]
    assert {(await harness.case(case.id)).claimed_by for case in (held, *waiting)} <= {None, heir}


async def test_of_two_who_leave_to_each_other_one_has_the_cases(harness: Harness) -> None:
    other = await colleague(harness)
    cases = [await harness.claimed(), await harness.claimed(reader=other)]
    ended = await asyncio.gather(harness.do(ADMIN, leave, LEAVER, other), harness.do(ADMIN, leave, other, LEAVER), return_exceptions=True)
    assert [type(each) for each in ended if isinstance(each, Exception)] == [Invalid]
    stays = [name for name in (LEAVER, other) if (await harness.ask(ADMIN, administration.account_of, name)).active]
    assert [(await harness.case(case.id)).claimed_by for case in cases] == stays * 2


async def test_twice_is_once(harness: Harness) -> None:
    case, heir = await harness.claimed(), await colleague(harness)
    await left(harness, heir)
    before = await harness.history(case.id)
    assert (await left(harness, heir)).cases == {}
    assert await harness.history(case.id) == before
    lines = [line for line in await harness.audited("account:") if line[0] == "account:leave"]
    assert lines == [("account:leave", ADMIN, f"person/{LEAVER}", "success")]


async def test_what_is_signed_stays_with_the_reviewer(harness: Harness) -> None:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    said = await harness.ask(ADMIN, preview_leaving, "imaging.main")
    assert (said.cases, said.in_review) == ({}, 1)
    await left(harness, who="imaging.main")
    await harness.review(case.id)
    assert (await harness.case(case.id)).status == "completed"


async def test_what_a_reviewer_sends_back_afterwards_is_handed_over_by_leaving_again(harness: Harness) -> None:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    await left(harness, who="imaging.main")
    await harness.do("imaging2.main", reporting.send_back, case.id, "请补充描述")
    await left(harness, who="imaging.main")
    assert (await harness.case(case.id)).claimed_by is None


@pytest.mark.parametrize("to", ["", "li.na"])
async def test_an_open_amendment_keeps_nobody_from_amending(harness: Harness, to: str) -> None:
    case, heir = await harness.signed(), await colleague(harness)
    await harness.do(LEAVER, reporting.new_version, case.id, reporting.VersionKind.AMENDMENT, "更正部位", SECTIONS["imaging"])
    assert (await harness.ask(ADMIN, preview_leaving, LEAVER)).amendments == 1
    await left(harness, to)
    assert len(await harness.versions(case.id)) == 2
    if to:
        await harness.save(case.id, heir, SECTIONS["imaging"])
    else:
        assert (await last_line(harness, case.id))[2]["reason"] == "left"
        await harness.do(heir, reporting.new_version, case.id, reporting.VersionKind.AMENDMENT, "更正部位", SECTIONS["imaging"])


async def test_who_has_nothing_in_hand_leaves_as_well(harness: Harness) -> None:
    await left(harness, who="clinic1")
    assert not (await harness.ask(ADMIN, administration.account_of, "clinic1")).active


async def test_the_record_tells_each_case_and_the_whole(harness: Harness) -> None:
    case = await harness.claimed()
    await left(harness)
    assert (await harness.audited("case:release"))[-1] == ("case:release", "system", f"case/{case.id}", "success")
    line = (await harness.application.queries.audit({"action": "account:leave"}, None, 5))[0]
    assert dict(line.detail) == {"cases": 1, "sessions": 0}


async def test_the_preview_names_no_case(harness: Harness) -> None:
    """The security administrator sees how many there are, and nothing of whom."""
    case = await harness.claimed()
    said = await harness.ask(ADMIN, preview_leaving, LEAVER)
    assert case.id not in str(said)
    assert case.accession_number not in str(said)
    with pytest.raises(Forbidden):
        await harness.ask("operator", preview_leaving, LEAVER)
