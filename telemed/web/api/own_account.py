"""One's own password and second factors."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import segno
from aiohttp import web

from telemed.domain.second_factor import Passkey, base32, in_groups, totp_address
from telemed.service import own_factors
from telemed.service.execution import execute
from telemed.service.own_password import change_own_password
from telemed.web.api.credential_inputs import FirstCode, NewPasskey, NewPassword
from telemed.web.api.inputs import Nothing, Password
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.i18n import gettext
from telemed.web.keys import PASSKEYS
from telemed.web.security import session_of


class PasskeyShape(Shape):
    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


class FactorsShape(Shape):
    """The second factors of an account; `passkeys_available` is false where no passkey can belong to this address."""

    totp: bool
    passkeys: list[PasskeyShape]
    recovery_codes: int
    passkeys_available: bool


class TotpShape(Shape):
    """A secret that waits for its first code: to be typed, as the address that an app reads, and that as a QR (SVG)."""

    secret: str
    address: str
    svg: str


class RecoveryCodesShape(Shape):
    """Codes for recovery, shown this once; none where the account has some already."""

    recovery_codes: list[str]


def passkey_shape(passkey: Passkey) -> PasskeyShape:
    return PasskeyShape(id=passkey.id, name=passkey.name, created_at=passkey.created_at, last_used_at=passkey.last_used_at)


def qr(text: str) -> str:
    """Return a QR as an SVG that needs no style: dark modules on white, four modules of quiet zone (ISO/IEC 18004)."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=4, light="#fff", dark="#000", omitsize=True, nl=False
    )
    return drawn.getvalue().decode()


@operation("PUT", "/me/password", body=NewPassword, status=204, errors=(429,))
async def change_password(call: Call[NewPassword]) -> web.Response:
    """Change one's password. All other sessions of the account end, and no other browser is known any more."""
    await change_own_password(call.application, call.person, session_of(call.request), call.body.old, call.body.new)
    return web.Response(status=204)


@operation("GET", "/me/factors", returns=FactorsShape)
async def own_factor_list(call: Call[Nothing]) -> web.Response:
    """One's own second factors."""
    found = await own_factors.own_factors(call.application, call.person)
    shown = [passkey_shape(passkey) for passkey in found.passkeys]
    available = call.request.app[PASSKEYS].available
    return answer(FactorsShape(totp=found.totp, passkeys=shown, recovery_codes=found.recovery_codes, passkeys_available=available))


@operation("POST", "/me/totp", body=Password, returns=TotpShape, errors=(409, 429))
async def begin_totp(call: Call[Password]) -> web.Response:
    """Begin with codes by time: a secret for an app. It counts from the first right code on."""
    secret = await own_factors.begin_totp(call.application, call.person, call.body.password, session_of(call.request))
    address = totp_address(secret, gettext("Remote diagnosis"), call.person.username)
    return answer(TotpShape(secret=in_groups(base32(secret)), address=address, svg=qr(address)))


@operation("POST", "/me/totp/confirm", body=FirstCode, returns=RecoveryCodesShape, errors=(404,))
async def confirm_totp(call: Call[FirstCode]) -> web.Response:
    """Give the first code of the app: from now on codes are asked for."""
    codes = await execute(call.application, own_factors.confirm_totp, call.person, call.body.code)
    return answer(RecoveryCodesShape(recovery_codes=codes))


@operation("POST", "/me/totp/remove", body=Password, status=204, errors=(404, 409, 429))
async def remove_totp(call: Call[Password]) -> web.Response:
    """Codes by time are asked for no longer."""
    await own_factors.remove_totp(call.application, call.person, call.body.password, session_of(call.request))
    return web.Response(status=204)


@operation("POST", "/me/passkeys/options", body=Password, returns=dict, errors=(409, 429))
async def passkey_options(call: Call[Password]) -> web.Response:
    """What `navigator.credentials.create` is to be asked."""
    party = call.request.app[PASSKEYS]
    return answer(await own_factors.begin_passkey(call.application, call.person, call.body.password, session_of(call.request), party))


@operation("POST", "/me/passkeys", body=NewPasskey, returns=RecoveryCodesShape, status=201, errors=(409,))
async def add_passkey(call: Call[NewPasskey]) -> web.Response:
    """Keep the passkey that the browser has made, under a name."""
    party, credential = call.request.app[PASSKEYS], dict[str, Any](call.body.credential)
    codes = await own_factors.add_passkey(call.application, call.person, call.body.name, credential, session_of(call.request), party)
    return answer(RecoveryCodesShape(recovery_codes=codes), status=201)


@operation("POST", "/me/passkeys/{passkey}/remove", body=Password, status=204, errors=(404, 409, 429))
async def remove_passkey(call: Call[Password]) -> web.Response:
    """Remove one of one's passkeys."""
    where = (call.path("passkey"), call.body.password, session_of(call.request))
    await own_factors.remove_passkey(call.application, call.person, *where)
    return web.Response(status=204)


@operation("POST", "/me/recovery-codes", body=Password, returns=RecoveryCodesShape, errors=(404, 429))
async def renew_recovery_codes(call: Call[Password]) -> web.Response:
    """Make new codes for recovery; the old ones are none any more."""
    codes = await own_factors.renew_recovery_codes(call.application, call.person, call.body.password, session_of(call.request))
    return answer(RecoveryCodesShape(recovery_codes=codes))
