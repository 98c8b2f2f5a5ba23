"""A list of people becomes accounts: first what each row would do and what is wrong with it, then all of it or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from telemed.domain.account_list import NEEDED, AccountList, ImportPlan, ListWords, PlannedRow, RowState, parts_of, word
from telemed.domain.accounts import DECIDING, AccountEntry, changes, person_of
from telemed.domain.errors import FieldError, Invalid, StaleVersion
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, require
from telemed.service.account_access import record
from telemed.service.account_administration import Invited, new_invitation
from telemed.service.leaving import give_back_unreadable
from telemed.service.ports.unit_of_work import UnitOfWork

AT_ONCE = 500
"""Rows between two words about how far it is."""

Progress = Callable[[int, int], Awaitable[None]]
"""How many rows are done, of how many."""


async def may_import(work: UnitOfWork, person: Person) -> None:
    """Raises Forbidden, before anybody reads a list."""
    require(person, Action.ACCOUNT_IMPORT)


async def plan_import(work: UnitOfWork, person: Person, table: AccountList, words: ListWords) -> ImportPlan:
    """Return what the list would do; nothing changes. Raises Invalid for a list whose columns say too little."""
    require(person, Action.ACCOUNT_IMPORT)
    places = _places(table, words)
    cells = [{column: row[place] if place < len(row) else "" for column, place in places.items()} for row in table.rows]
    known = await work.people.get_many({each["username"] for each in cells if each["username"]})
    seen: set[str] = set()
    rows = []
    for number, cell in zip(table.numbers, cells, strict=True):
        row = _planned(work, person, number, cell, known.get(cell["username"]), words)
        if cell["username"] in seen:
            row = _faulty(number, cell, [FieldError("username", "repeated"), *row.faults])
        seen.add(cell["username"])
        rows.append(row)
    return ImportPlan(rows)


def _places(table: AccountList, words: ListWords) -> dict[str, int]:
    """Return where each known column stands; columns that nobody knows are left alone."""
    found: dict[str, int] = {}
    for place, text in enumerate(table.head):
        column = words.columns.get(word(text))
        if column in found:
            raise Invalid(FieldError("list", "column-twice", text))
        if column is not None:
            found[column] = place
    if missing := [FieldError(column, "column-needed") for column in NEEDED if column not in found]:
        raise Invalid(*missing)
    return found


def _planned(work: UnitOfWork, person: Person, number: int, cell: Mapping[str, str], known: Person | None, words: ListWords) -> PlannedRow:
    try:
        after = person_of(_entry(cell, known, words), work.region.network, work.region.centres, active=known.active if known else True)
    except Invalid as error:
        return _faulty(number, cell, error.errors)
    if known is None:
        return PlannedRow(number, after.username, after.name, RowState.NEW, after)
    what = changes(known, after)
    if not what.keys().isdisjoint(DECIDING):
        if known.username == person.username:
            return _faulty(number, cell, [FieldError("roles", "own-account")])
        if known.has(Role.SECURITY_ADMINISTRATOR):
            return _faulty(number, cell, [FieldError("roles", "one-by-one")])
    state = RowState.CHANGED if what else RowState.UNCHANGED
    return PlannedRow(number, after.username, after.name, state, after, known, changed=what)


def _entry(cell: Mapping[str, str], known: Person | None, words: ListWords) -> AccountEntry:
    """The row as it was typed; where the list has no such column, what is known stays."""

    def text(column: str) -> str:
        return cell[column] if column in cell else str(getattr(known, column, "") or "")

    def codes(column: str, names: Mapping[str, str]) -> list[str]:
        if column not in cell:
            return sorted(map(str, getattr(known, column, ())))
        return sorted({names.get(word(part), part) for part in parts_of(cell[column])})

    institution = words.institutions.get(word(cell["institution"]), cell["institution"])
    language = words.languages.get(word(text("language")), text("language"))
    several = (codes("roles", words.roles), codes("centres", words.centres))
    return AccountEntry(cell["username"], cell["name"], institution, *several, text("title"), language, text("phone"))


def _faulty(number: int, cell: Mapping[str, str], faults: Sequence[FieldError]) -> PlannedRow:
    return PlannedRow(number, cell["username"], cell["name"], RowState.FAULTY, faults=faults)


async def carry_out_import(
    work: UnitOfWork, person: Person, table: AccountList, words: ListWords, tag: str, progress: Progress
) -> list[Invited]:
    """All rows in this one transaction, with an invitation for each new account; `tag` names the plan that was looked at.

    Raises Invalid where a row is at fault, StaleVersion where the plan is another by now; nothing is changed then.
    """
    plan = await plan_import(work, person, table, words)
    if plan.count(RowState.FAULTY):
        raise Invalid(*[fault for row in plan.rows for fault in row.faults][:20])
    if plan.tag != tag:
        raise StaleVersion(plan.tag)
    wanted = [row for row in plan.rows if row.state in (RowState.NEW, RowState.CHANGED)]
    invited: list[Invited] = []
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        invited += await _added(work, person, [row.after for row in some if row.state is RowState.NEW and row.after])
        for row in some:
            if row.state is RowState.CHANGED and row.after:
                await _changed(work, person, row.after, row.changed)
        await progress(start + len(some), len(wanted))
    if wanted:
        detail = {"accounts": len(wanted)}
        work.outbox.audit(Action.ACCOUNT_IMPORT, person.username, person.institution, "accounts", detail=detail)
    return invited


async def _added(work: UnitOfWork, person: Person, people: Sequence[Person]) -> list[Invited]:
    await work.people.add_all(people)
    made = [new_invitation(work, person.username, each.username) for each in people]
    await work.invitations.put([invitation for _, invitation in made])
    for each, (_, invitation) in zip(people, made, strict=True):
        detail = {"institution": each.institution, "roles": sorted(each.roles), "centres": sorted(each.centres)}
        record(work, person, Action.ACCOUNT_CREATE, each.username, detail | {"until": invitation.expires_at.isoformat()})
    return [Invited(each, token, invitation.expires_at) for each, (token, invitation) in zip(people, made, strict=True)]


async def _changed(work: UnitOfWork, person: Person, after: Person, what: Mapping[str, Sequence[object]]) -> None:
    await work.people.save(after)
    returned = await give_back_unreadable(work, after) if not what.keys().isdisjoint(DECIDING) else 0
    record(work, person, Action.ACCOUNT_CHANGE, after.username, {"changed": dict(what)} | ({"cases": returned} if returned else {}))
