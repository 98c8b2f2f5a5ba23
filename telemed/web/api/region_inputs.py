"""What the API takes of a region, by the names of its file. The rules are the region's; here are only kinds and bounds."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from telemed.web.api.inputs import NO_NUL, Input

Text = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]
Code = Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]


class ContactInput(Input):
    name: Text
    title: Text = ""
    phone: Text = ""


class InstitutionInput(Input):
    """An institution; `homes` gives its home hub by centre. What is left out is as for a new one."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    name: Text
    level: Code
    name_en: Text = ""
    class_: Code = Field(default="", alias="class")
    city: Text = ""
    district: Text = ""
    phone: Text = ""
    contacts: Annotated[list[ContactInput], Field(max_length=100, default_factory=list)]
    active: bool = True
    homes: Annotated[dict[Code, Code], Field(max_length=100, default_factory=dict)]

    def entry(self, code: str) -> dict[str, Any]:
        """Return the institution by the names of the file."""
        return {"code": code, **self.model_dump(by_alias=True, exclude={"homes", "code"})}


class NewInstitution(InstitutionInput):
    code: Code


class HubInput(Input):
    """The service of a hub in a centre: `covers` None is everything, `duty` None is round the clock; a period is written
    `mon-fri 08:00-17:30`."""

    parent: Code = ""
    covers: Annotated[list[Code], Field(max_length=200)] | None = None
    two_person: Annotated[list[Code], Field(max_length=20, default_factory=list)]
    reader_cap: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    duty: Annotated[list[Text], Field(max_length=200)] | None = None
    active: bool = True


class HolidayInput(Input):
    """A day that differs from its weekday: `duty` is sunday, monday or closed; `hub` empty is every hub's day."""

    date: date
    duty: Code = "sunday"
    name: Text = ""
    hub: Code = ""


class DayQuery(Input):
    hub: Code = ""


class TakeQuery(Input):
    """`dry_run`: say what would change, and change nothing."""

    dry_run: bool = False
