"""Views of the worklist that a person keeps: filters under a name of their own."""

from __future__ import annotations

from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.service.ports.saved_views import SavedView
from telemed.service.ports.unit_of_work import UnitOfWork

MAX_VIEWS = 20
"""As many as fit into one menu; practice."""


async def save_view(work: UnitOfWork, person: Person, name: str, query: str) -> SavedView:
    """Keep the filters; a view of the same name is replaced. Raises Invalid where there are too many."""
    require(person, Action.CASE_READ)
    view = SavedView(name.strip(), query.lstrip("?"))
    if not view.name:
        raise Invalid(FieldError("name", "required"))
    known = {each.name for each in await work.saved_views.of(person.username)}
    if view.name not in known and len(known) >= MAX_VIEWS:
        raise Invalid(FieldError("name", "too-many", str(MAX_VIEWS)))
    await work.saved_views.save(person.username, view)
    return view


async def remove_view(work: UnitOfWork, person: Person, name: str) -> None:
    """Raises NotFound where the person has no view of this name."""
    if not await work.saved_views.remove(person.username, name):
        raise NotFound("view", name)


async def views_of(work: UnitOfWork, person: Person) -> list[SavedView]:
    """The person's own views by name."""
    return await work.saved_views.of(person.username)
