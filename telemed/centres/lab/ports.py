"""Ports of the laboratory centre: messages, results, orders, codes that wait for a decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from telemed.centres.lab.domain import LabMessage, MessageName, MessageState, OpenMapping, ReportOrder, Result, ResultCode, SheetPreview


class MessageFilter(NamedTuple):
    """Which messages are asked for; an empty field asks for all."""

    sender: str = ""
    control_prefix: str = ""
    state: MessageState | None = None


class LabMessages(Protocol):
    async def known(self, keys: Collection[MessageName]) -> list[LabMessage]:
        """Messages of these names, whatever their content and state; without their raw bytes."""
        ...

    async def add(self, messages: Sequence[LabMessage]) -> None: ...
    async def get(self, message_id: str) -> LabMessage | None:
        """The message with its raw bytes as far as they lie in its row, locked for the rest of a writing transaction."""
        ...

    async def listed(self, wanted: MessageFilter, before: str, limit: int) -> list[LabMessage]:
        """Newest first, those before the message of this id."""
        ...

    async def count(self, wanted: MessageFilter) -> int: ...
    async def refused_since(self, address: str, since: datetime) -> int: ...
    async def settle(self, message: LabMessage) -> None:
        """Write down what became of a message that was replayed."""
        ...


class LabResults(Protocol):
    async def by_keys(self, keys: Collection[str]) -> Mapping[str, Result]: ...
    async def put(self, results: Sequence[Result]) -> None:
        """Keep these as they stand now, and each as a version."""
        ...

    async def get(self, result_id: str) -> Result | None: ...
    async def of_patient(self, member: str, patient_number: str, code: str, limit: int) -> list[Result]:
        """What is shown of a patient, newest first; `code` is any of a test's codes, empty for all."""
        ...

    async def of_order(self, member: str, order_number: str, patient_number: str) -> list[Result]: ...
    async def versions(self, result_id: str) -> list[Result]:
        """Oldest first."""
        ...

    async def rename(self, member: str, local: str, before: str, code: ResultCode) -> int:
        """Give results of a sender's code the codes that were chosen for it; those that the sender named by a standard code of its own
        keep that. `before` is what was chosen before. Return how many."""
        ...

    async def of_code(self, member: str, local: str, after: str, limit: int) -> list[Result]:
        """Results of a sender's own code in the order of their ids, those after this one."""
        ...

    async def flag(self, flags: Mapping[str, str]) -> None:
        """Set flags by the ids of results: how they are judged changed, not what was said."""
        ...


class ReportOrders(Protocol):
    async def get(self, member: str, order_number: str, patient_number: str) -> ReportOrder | None: ...
    async def of_case(self, case_id: str) -> list[ReportOrder]: ...
    async def put(self, order: ReportOrder) -> None: ...


class Mappings(Protocol):
    async def note(self, seen: Sequence[OpenMapping]) -> None:
        """Count these codes as seen once more."""
        ...

    async def chosen(self, codes: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], ResultCode]:
        """The codes of the catalogue's test that was chosen for (member, code)."""
        ...

    async def listed(self, open_only: bool, limit: int) -> list[OpenMapping]: ...
    async def get(self, member: str, code: str) -> OpenMapping | None: ...
    async def choose(self, member: str, code: str, item: str) -> None:
        """Write down the WS/T 886 code that a person chose."""
        ...


class SheetColumns(Protocol):
    """Which column of a member's sheets holds what."""

    async def get(self, member: str) -> Mapping[str, Any] | None: ...
    async def put(self, member: str, columns: Mapping[str, Any], at: datetime) -> None: ...


class SheetReader(Protocol):
    """Sheets of results, looked at and taken."""

    async def preview(self, raw: bytes, columns: Mapping[str, Any], character_set: str) -> SheetPreview:
        """What a sheet would give. Raises Invalid for one that cannot be read, or columns that do not fit it."""
        ...

    async def take(self, member: str, raw: bytes, columns: Mapping[str, Any], character_set: str, *, leave_out: bool) -> SheetPreview:
        """Take it. With rows that cannot be taken nothing is, unless they are to be left out. Raises Invalid."""
        ...


class MessageReader(Protocol):
    """Kept messages read once more, and the catalogue of tests."""

    async def content(self, message: LabMessage) -> bytes:
        """The bytes of a message as they came."""
        ...

    async def read(self, message: LabMessage, character_set: str) -> tuple[str, tuple[Result, ...]]:
        """Why a message cannot be read (empty: it can), and its results. `character_set` replaces MSH-18; empty: as it says."""
        ...

    def item(self, code: str) -> ResultCode | None:
        """The codes of a test of the catalogue by any of them."""
        ...

    def suggestions(self, mapping: OpenMapping) -> list[tuple[str, str]]:
        """Tests of the catalogue that a code may be, by name and unit: WS/T 886 code and name, the likeliest first."""
        ...
