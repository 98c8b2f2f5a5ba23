"""PAdES baseline signatures (ETSI EN 319 142-1, level B-B) in a PDF, made and checked with pyHanko.

The author's signature certifies the file (DocMDP level 2: nothing may follow but filling in and signing); the
reviewer's is an incremental update in the field that the author's prepared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import Any

from asn1crypto import keys, parser
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.content import PdfContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, BoxConstraints, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen.canvas import Canvas

from telemed.adapters.printing.fonts import BOLD, REGULAR, printable, register_faces
from telemed.adapters.printing.report_flowables import TextStyle, draw_line
from telemed.adapters.printing.report_page import ACCENT, INK, MUTED, SIGNATURE_BOX_SIZE, signature_box
from telemed.service.ports.signer import Role, Signatory, SignatureCheck, UnreadablePdf, UnsignablePdf

FIELD_NAMES: dict[Role, str] = {"author": "Author", "reviewer": "Reviewer"}
# Larger than any report, and bounded for whatever else is brought to be checked.
MAX_BYTES = 64 * 1024 * 1024
MAX_SIGNATURES = 16

ROLES = {name: role for role, name in FIELD_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Request:
    """Who signs what part, why and when."""

    role: Role
    signatory: Signatory
    reason: str
    at: datetime
    reviewer_follows: bool


def sign(pdf: bytes, request: Request, certificate: bytes, key: bytes) -> bytes:
    """The file with one more signature. `certificate` and `key` (PKCS #8) in DER.

    Raises:
        UnreadablePdf: not a PDF.
        UnsignablePdf: signed in this role before, or by the reviewer ahead of the author.
    """
    _check_size(pdf)
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        _check_order(_signature_fields(writer.prev), request.role)
        page = _signature_page(writer.prev)
    except (PdfError, ValueError, OSError) as error:
        if isinstance(error, UnsignablePdf):
            raise
        raise UnreadablePdf(f"the file to be signed cannot be read as a PDF: {error}") from error
    if request.role == "author" and request.reviewer_follows:
        fields.append_signature_field(writer, _field("reviewer", page))
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD_NAMES[request.role],
        name=request.signatory.name,
        reason=request.reason,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=request.role == "author",
        docmdp_permissions=fields.MDPPerm.FILL_FORMS,
    )
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]  # its constructor has no types
    )
    placed = _SignerAt(request.at, metadata, signer, _stamp_style(request), _field(request.role, page))
    signed: BytesIO = placed.sign_pdf(writer)
    return signed.getvalue()


def _check_size(pdf: bytes) -> None:
    if len(pdf) > MAX_BYTES:
        raise UnreadablePdf(f"larger than {MAX_BYTES} bytes; this is no report")


def _signature_fields(reader: PdfFileReader) -> dict[str, bool]:
    """The signature fields of a file by name, in their order, and whether each is signed."""
    return {name: value is not None for name, value, _ in fields.enumerate_sig_fields(reader)}


def _check_order(signed: Mapping[str, bool], role: Role) -> None:
    """Author first, reviewer second, each once, and no reviewer whom the author did not provide for."""
    author, reviewer = FIELD_NAMES["author"], FIELD_NAMES["reviewer"]
    if signed.get(FIELD_NAMES[role]):
        raise UnsignablePdf(f"the {role} has signed this file already; a new version of the report is a new file")
    if role == "author" and any(signed.values()):
        raise UnsignablePdf("somebody else has signed this file already; the author signs first")
    if role == "reviewer" and not signed.get(author):
        raise UnsignablePdf("the author has not signed this file yet; the reviewer signs after the author")
    if role == "reviewer" and reviewer not in signed:
        raise UnsignablePdf("the author closed this file; say that a reviewer follows when the author signs")


def _signature_page(reader: PdfFileReader) -> int:
    """The last upright page: figures, which follow the text, lie across."""
    for number in range(int(reader.root["/Pages"]["/Count"]) - 1, 0, -1):
        page, _ = reader.find_page_for_modification(number)  # type: ignore[no-untyped-call]  # pyHanko types only a part of itself
        left, bottom, right, top = (float(edge) for edge in page.get_object()["/MediaBox"])
        if right - left <= top - bottom:
            return number
    return 0


def _field(role: Role, page: int) -> fields.SigFieldSpec:
    return fields.SigFieldSpec(FIELD_NAMES[role], on_page=page, box=signature_box(role))


class _SignerAt(signers.PdfSigner):
    """A signer whose clock is the caller's: the time in the signature is the time in the platform's record."""

    def __init__(self, at: datetime, metadata: Any, signer: Any, stamp_style: StaticStampStyle, field: fields.SigFieldSpec) -> None:
        super().__init__(metadata, signer=signer, stamp_style=stamp_style, new_field_spec=field)
        self._at = at

    def init_signing_session(self, *arguments: Any, **options: Any) -> Any:
        session = super().init_signing_session(*arguments, **options)
        session.system_time = self._at
        return session


class _Stamp(PdfContent):
    """The look of a visible signature: the one page of a small PDF with the report's own fonts."""

    def __init__(self, pdf: bytes) -> None:
        width, height = SIGNATURE_BOX_SIZE
        super().__init__(box=BoxConstraints(width=width, height=height))
        self._pdf = pdf

    def render(self) -> bytes:
        page = self._ensure_writer.import_page_as_xobject(PdfFileReader(BytesIO(self._pdf)))
        self.resources.xobject["/Stamp"] = page
        return b"/Stamp Do"


def _stamp_style(request: Request) -> StaticStampStyle:
    no_margins = SimpleBoxLayoutRule(AxisAlignment.ALIGN_MIN, AxisAlignment.ALIGN_MIN, margins=Margins(0, 0, 0, 0))
    return StaticStampStyle(border_width=0, background=_Stamp(_stamp(request)), background_layout=no_margins, background_opacity=1.0)


def _stamp(request: Request) -> bytes:
    register_faces()
    width, height = SIGNATURE_BOX_SIZE
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=SIGNATURE_BOX_SIZE, invariant=1, initialFontName=REGULAR.name)
    canvas.setStrokeColor(ACCENT)
    canvas.setLineWidth(0.8)
    canvas.roundRect(0.5, 0.5, width - 1, height - 1, 4)
    name, reason = printable(request.signatory.name), printable(request.reason)
    at = f"{request.at:%Y-%m-%d %H:%M:%S %z}"
    large = TextStyle(face=BOLD, size=min(12.0, (width - 16) / max(BOLD.width(name, 1.0), 1.0)), color=INK)
    small = TextStyle(size=min(7.5, (width - 16) / max(REGULAR.width(f"{reason}  {at}", 1.0), 1.0)), color=MUTED)
    draw_line(canvas, large, 8, height - 17, name)
    draw_line(canvas, small, 8, 8, f"{reason}  {at}")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def verify(pdf: bytes, trusted_roots: Sequence[bytes]) -> list[SignatureCheck]:
    """Check every signature of a file, oldest first.

    Raises:
        UnreadablePdf: not a PDF.
    """
    _check_size(pdf)
    roots = [asn1_x509.Certificate.load(root) for root in trusted_roots]
    try:
        signatures = list(islice(PdfFileReader(BytesIO(pdf)).embedded_regular_signatures, MAX_SIGNATURES + 1))
    except Exception as error:  # a damaged file may break the parser anywhere; none of that is ours to tell apart
        raise UnreadablePdf(f"the file cannot be read as a PDF: {error}") from error
    if len(signatures) > MAX_SIGNATURES:
        raise UnreadablePdf(f"more than {MAX_SIGNATURES} signatures; this is no report")
    return [_check(signature, pdf, roots, last=number == len(signatures)) for number, signature in enumerate(signatures, start=1)]


def _check(signature: Any, pdf: bytes, roots: Sequence[Any], *, last: bool) -> SignatureCheck:
    role = ROLES.get(signature.field_name, signature.field_name)
    try:
        # Nothing is fetched: a report is checked with what is here, whoever may have written addresses into it.
        context = ValidationContext(trust_roots=roots, allow_fetching=False)
        status = validate_pdf_signature(signature, signer_validation_context=context)
        names = _names(status.signing_cert.dump())
        reason = signature.sig_object.get("/Reason", "")
    except Exception as error:  # see verify
        return SignatureCheck(role, "", "", "", "", None, False, False, False, f"{type(error).__name__}: {error}")
    covered = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    unchanged = bool(status.docmdp_ok) and (covered or not last)
    return SignatureCheck(
        role=role,
        **names,
        reason=str(reason),
        claimed_at=status.signer_reported_dt,
        intact=bool(status.intact and status.valid),
        trusted=bool(status.trusted),
        unchanged_since=unchanged,
        problem=_padding_problem(signature, pdf),
    )


def _names(certificate: bytes) -> dict[str, str]:
    subject = x509.load_der_x509_certificate(certificate).subject

    def value(oid: x509.ObjectIdentifier) -> str:
        found = subject.get_attributes_for_oid(oid)
        return str(found[0].value) if found else ""

    return {
        "signatory": value(NameOID.COMMON_NAME),
        "signatory_id": value(NameOID.USER_ID),
        "organization": value(NameOID.ORGANIZATION_NAME),
    }


def _padding_problem(signature: Any, pdf: bytes) -> str:
    """The hole for the signature is the one part of the file that is not signed: nothing may hide behind its end."""
    _, start, end, _ = (int(number) for number in signature.byte_range)
    contents = bytes(signature.pkcs7_content)
    length = parser.peek(contents)
    digits = contents.hex().encode()
    if pdf[start + 1 : end - 1] not in (digits, digits.upper()) or any(contents[length:]):
        return "there is something in the space around the signature that was not put there when signing"
    return ""
