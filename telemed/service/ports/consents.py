"""Consents of patients."""

from __future__ import annotations

from typing import Protocol

from telemed.domain.consent import Consent


class Consents(Protocol):
    async def add(self, consent: Consent) -> None: ...
    async def of_case(self, case_id: str) -> list[Consent]: ...
