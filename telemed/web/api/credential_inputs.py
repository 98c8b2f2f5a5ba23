"""Input about how people sign in: passwords, second factors, recovery."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from telemed.web.api.inputs import NO_NUL, FieldName, Input, PasswordText, Reason, bounded


class PasskeyCredential(Input):
    """What `navigator.credentials` gave, as its `toJSON` writes it."""

    credential: Annotated[dict[FieldName, JsonValue], Field(max_length=20), AfterValidator(bounded)]


class NewPasskey(PasskeyCredential):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=NO_NUL)]


class NewPassword(Input):
    old: PasswordText
    new: PasswordText


class FirstCode(Input):
    code: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]


class RecoveryRequest(Input):
    username: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
    reason: Reason
