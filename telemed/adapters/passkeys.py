"""Passkeys by py_webauthn (W3C Web Authentication Level 3): options for the browser, and the proof of what it answers."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from telemed.domain.errors import PasskeyRefused, PasskeysUnavailable
from telemed.domain.people import Person
from telemed.domain.second_factor import Passkey
from telemed.service.ports.passkeys import Attested

NAME = "Telemed"
CHALLENGE_BYTES = 32
REFUSED = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""What the library raises for what does not prove itself, and for what is not even formed as it should be."""


class WebAuthnParty:
    """Implements `telemed.service.ports.passkeys.RelyingParty` for the address that people come by."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._id = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._available = self._id == "localhost" or (parts.scheme == "https" and not _is_number(self._id))

    @property
    def available(self) -> bool:
        """True where browsers make passkeys: by HTTPS under a name, or on this machine as localhost."""
        return self._available

    def challenge(self) -> str:
        if not self._available:
            raise PasskeysUnavailable
        return bytes_to_base64url(secrets.token_bytes(CHALLENGE_BYTES))

    def registration_options(self, person: Person, passkeys: Sequence[Passkey], challenge: str) -> dict[str, Any]:
        options = webauthn.generate_registration_options(
            rp_id=self._id,
            rp_name=NAME,
            user_name=person.username,
            user_id=hashlib.sha256(person.username.encode()).digest(),  # a handle is to say nothing of the person
            user_display_name=person.name,
            challenge=base64url_to_bytes(challenge),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=_descriptors(passkeys),
        )
        found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
        return found

    def registered(self, credential: Mapping[str, Any], challenge: str) -> Attested:
        try:
            proved = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except REFUSED as error:
            raise PasskeyRefused(str(error)) from None
        return Attested(bytes_to_base64url(proved.credential_id), bytes_to_base64url(proved.credential_public_key), proved.sign_count)

    def assertion_options(self, passkeys: Sequence[Passkey], challenge: str) -> dict[str, Any]:
        options = webauthn.generate_authentication_options(
            rp_id=self._id,
            challenge=base64url_to_bytes(challenge),
            allow_credentials=_descriptors(passkeys),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
        return found

    def asserted(self, credential: Mapping[str, Any], challenge: str, passkey: Passkey) -> int:
        try:
            proved = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._id,
                expected_origin=self._origin,
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except REFUSED as error:
            raise PasskeyRefused(str(error)) from None
        return proved.new_sign_count


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.id)) for passkey in passkeys]


def _is_number(host: str) -> bool:
    """True for an IP address, to which no passkey can belong."""
    return ":" in host or host.replace(".", "").isdecimal()
