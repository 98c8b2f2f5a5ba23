"""Passwords checked, sessions begun."""

from __future__ import annotations

from telemed.domain.errors import NotAuthenticated
from telemed.service import accounts
from telemed.service.application import Application


async def authenticate(application: Application, username: str, password: str) -> accounts.SignIn:
    """Check the password (slowly, outside any transaction) and begin a session. Raises NotAuthenticated or LockedOut."""
    await check_password(application, username, password, "session:begin")
    async with application.writing() as work:
        return await accounts.sign_in(work, username)


DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$q0uQ0C8p1Dk1wB6W2cZ3Vd9T2xk0JqkqjYl2m8k3Q4E"
"""Checked for names that nobody has, so that they take as long as others."""


async def check_password(application: Application, username: str, password: str, purpose: str) -> None:
    """Raises LockedOut while the account is locked, NotAuthenticated (counted towards the lock) for a wrong password."""
    async with application.reading() as work:
        known = await accounts.password_hash_of(work, username)
    if await application.passwords.matches(known or DUMMY_HASH, password) and known:
        return
    async with application.writing() as work:
        await accounts.refuse_sign_in(work, username, purpose)
    raise NotAuthenticated(username)
