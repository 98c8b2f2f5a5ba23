"""Signing a report: what the platform asks of whoever holds the keys.

The shipped signer keeps demonstration keys in a folder; a certified module (a signature server, a smart card reader)
stands behind the same calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Role = Literal["author", "reviewer"]


class UnreadablePdf(ValueError):
    """The bytes are not a PDF whose structure can be followed. The message says where it breaks."""


class UnsignablePdf(ValueError):
    """The file cannot take this signature. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Signatory:
    """The person who signs: `id` is the account (it names the key), `name` is printed, `organization` certifies."""

    id: str
    name: str
    organization: str


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """Findings about one signature of a file.

    `intact`: the signed bytes are unchanged and the signature fits the certificate. `trusted`: the certificate leads to
    a root that this platform trusts. `unchanged_since`: nothing but a permitted further signature came after it.
    `claimed_at` is the time that the signer stated, in its zone. `problem` is the technical finding of a signature that
    could not be judged, in English, for the log and the expert; empty where there is none.
    """

    role: str
    signatory: str
    signatory_id: str
    organization: str
    reason: str
    claimed_at: datetime | None
    intact: bool
    trusted: bool
    unchanged_since: bool
    problem: str = ""

    @property
    def valid(self) -> bool:
        return self.intact and self.trusted and self.unchanged_since and not self.problem


class Signer(Protocol):
    """Signs finished report files and checks them. The calls block: run them in a process or a thread."""

    def sign(
        self,
        pdf: bytes,
        role: Role,
        signatory: Signatory,
        reason: str,
        at: datetime,
        *,
        reviewer_follows: bool = False,
    ) -> bytes:
        """The file with one more signature, as an incremental update: the bytes before it stay as they were.

        `at` carries its zone. `reviewer_follows` prepares the place for the second signature while the author signs.

        Raises:
            UnreadablePdf: not a PDF.
            UnsignablePdf: signed in this role before, or by the reviewer ahead of the author.
        """

    def check(self) -> None:
        """The keys can be used. Raises what stands in the way."""

    def verify(self, pdf: bytes) -> Sequence[SignatureCheck]:
        """Every signature in the file, oldest first; empty where there is none.

        Raises:
            UnreadablePdf: not a PDF.
        """
