"""Time stamps (RFC 3161) over anchors of the audit trail, by an authority that somebody else runs."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms
from pyhanko.sign.timestamps import HTTPTimeStamper, TimestampRequestError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

logging.getLogger("pyhanko.sign.validation.generic_cms").setLevel(logging.CRITICAL)  # it tells of certificates that nobody trusts

SECONDS = 10
"""How long the authority may take."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """When, and by whom by the name in its certificate, the content was stamped; `fault` says why the stamp proves nothing."""

    at: datetime | None
    authority: str
    fault: str


class TimeStamps:
    """Asks one authority."""

    def __init__(self, url: str) -> None:
        self._authority = HTTPTimeStamper(url, timeout=SECONDS)

    async def stamp(self, content: bytes) -> bytes:
        """Return the token over the SHA-256 of the content, DER. Raises OSError where the authority gives none."""
        try:
            token = await self._authority.async_timestamp(hashlib.sha256(content).digest(), "sha256")
        except (TimestampRequestError, TimeoutError, ValueError) as error:
            raise OSError(f"the time stamp authority gave no token: {error}") from None
        return bytes(token.dump())


async def proved(token: bytes, content: bytes) -> Stamped:
    """Prove that the token is over the content and signed by the certificate that it names.

    Whether that authority is to be trusted is not judged here.
    """
    try:
        nobody = ValidationContext(trust_roots=[], allow_fetching=False)
        signed = cms.ContentInfo.load(token)["content"]
        found = await validate_tst_signed_data(signed, nobody, lambda algorithm: hashlib.new(algorithm, content).digest())
        at, certificate = found["timestamp"], found["signing_cert"]
        right = bool(found["intact"] and found["valid"])
    except Exception as error:  # whatever a forged token makes of the parser, it proves nothing
        return Stamped(None, "", f"the time stamp cannot be read ({type(error).__name__})")
    return Stamped(at, certificate.subject.human_friendly, "" if right else "the time stamp is of something else")
