"""Passkeys (W3C Web Authentication) as this installation asks for them and proves what they have signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from telemed.domain.people import Person
from telemed.domain.second_factor import Passkey


@dataclass(frozen=True, slots=True)
class Attested:
    """What a new passkey has proved: credential id and public key as base64url, and its counter of signatures."""

    id: str
    public_key: str
    sign_count: int


class RelyingParty(Protocol):
    """Every ceremony asks for user verification. Raises PasskeysUnavailable where passkeys cannot belong to this address."""

    @property
    def available(self) -> bool: ...
    def challenge(self) -> str: ...
    def registration_options(self, person: Person, passkeys: Sequence[Passkey], challenge: str) -> dict[str, Any]: ...
    def registered(self, credential: Mapping[str, Any], challenge: str) -> Attested:
        """Raises PasskeyRefused."""
        ...

    def assertion_options(self, passkeys: Sequence[Passkey], challenge: str) -> dict[str, Any]: ...
    def asserted(self, credential: Mapping[str, Any], challenge: str, passkey: Passkey) -> int:
        """Return the counter of signatures as it is now. Raises PasskeyRefused."""
        ...
