"""The shipped signer: PAdES signatures on report files, with demonstration keys kept in a folder.

Importing this module is cheap; the signing library, which is not, is imported in the process that signs. A `PdfSigner`
can be sent to a process pool: `loop.run_in_executor(pool, signer.sign, pdf, "author", ...)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from telemed.adapters.demo_certificates import DemoCertificates
from telemed.service.ports.signer import Role, Signatory, SignatureCheck, UnsignablePdf


@dataclass(frozen=True, slots=True)
class PdfSigner:
    """Implements `telemed.service.ports.signer.Signer`. `folder` is where keys and certificates are kept."""

    folder: Path

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
        """See `Signer.sign`. The visible signature (name, reason, time) stands at the foot of the last page."""
        from telemed.adapters.signatures import pades

        if at.utcoffset() is None:
            raise UnsignablePdf("the time of signing has no zone; give a datetime with tzinfo")
        if not (signatory.id and signatory.name.strip() and signatory.organization.strip()):
            raise UnsignablePdf("the signatory has no account, no name or no organization; complete the account")
        credential = DemoCertificates(self.folder).of(signatory)
        request = pades.Request(role, signatory, reason, at.replace(microsecond=0), reviewer_follows)
        return pades.sign(pdf, request, credential.certificate_der(), credential.key_der())

    def check(self) -> None:
        """See `Signer.check`."""
        DemoCertificates(self.folder).authority()

    def verify(self, pdf: bytes) -> Sequence[SignatureCheck]:
        """See `Signer.verify`. Trusts the authority of the folder."""
        return verify_signatures(pdf, [DemoCertificates(self.folder).authority().certificate_der()])


def verify_signatures(pdf: bytes, trusted_roots: Sequence[bytes]) -> list[SignatureCheck]:
    """Check every signature of a file against given roots (certificates in DER), oldest signature first.

    Raises:
        UnreadablePdf: not a PDF.
    """
    from telemed.adapters.signatures import pades

    return pades.verify(pdf, trusted_roots)
