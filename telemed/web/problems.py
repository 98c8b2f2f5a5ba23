"""Errors as RFC 9457 problem documents: what, where, what to do, in the language of the request."""

from __future__ import annotations

import math
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import BrokenExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from storage.errors import StorageError, StoreFull
from telemed.domain.errors import (
    AlreadyClaimed,
    BorrowedStudy,
    DomainError,
    FactorNeeded,
    FactorThere,
    FieldError,
    Forbidden,
    IdentityUnsettled,
    Invalid,
    InvalidTransition,
    LockedOut,
    NotAuthenticated,
    NotDue,
    NotFound,
    PasskeyRefused,
    PasskeysUnavailable,
    RequirementUnmet,
    SecondFactorRequired,
    StaleVersion,
    TakenInstance,
    TooDemanding,
    TooManyWaiting,
    UnderHold,
    VersionRequired,
    WrongCode,
    WrongPassword,
)
from telemed.domain.region_rules import RegionFault
from telemed.service.application import Unready
from telemed.service.archives import NothingTaken
from telemed.service.contradictions import Contradicted
from telemed.service.document_pages import Undrawable
from telemed.service.files import DamagedFile, UnknownKind
from telemed.service.region_file import RegionRefused
from telemed.service.uploads import ChecksumMismatch, OffsetMismatch, TooManyUploads
from telemed.web.connections import TooSlow
from telemed.web.i18n import gettext
from telemed.web.labels.contradictions import contradiction_text
from telemed.web.labels.region import path_text, placed_text, region_fault_text
from telemed.web.labels.retention import refusal_text

_ = str  # marks text for the translation catalogue
log = structlog.get_logger()

STATUS = {
    Invalid: 422,
    RegionRefused: 422,
    NotFound: 404,
    Forbidden: 403,
    InvalidTransition: 409,
    AlreadyClaimed: 409,
    IdentityUnsettled: 409,
    StaleVersion: 412,
    VersionRequired: 428,
    NotAuthenticated: 401,
    WrongPassword: 401,
    SecondFactorRequired: 401,
    WrongCode: 401,
    RequirementUnmet: 403,
    PasskeyRefused: 422,
    PasskeysUnavailable: 409,
    FactorNeeded: 409,
    FactorThere: 409,
    LockedOut: 429,
    TooManyWaiting: 429,
    Contradicted: 409,
    UnknownKind: 415,
    DamagedFile: 422,
    NothingTaken: 422,
    BorrowedStudy: 409,
    TakenInstance: 409,
    Undrawable: 422,
    OffsetMismatch: 409,
    TooManyUploads: 429,
    ChecksumMismatch: 460,
    TooDemanding: 422,
    NotDue: 409,
    UnderHold: 409,
}

BEARER = {"WWW-Authenticate": 'Bearer realm="telemed"'}
ALWAYS_SAID = {
    NotAuthenticated: BEARER,
    WrongPassword: BEARER,
    WrongCode: BEARER,
    TooManyWaiting: {"Retry-After": "5"},
}
"""Headers of answers to some refusals."""

TITLE = {
    "invalid": _("Some fields need attention"),
    "region-refused": _("The region is not taken as it is: nothing was changed"),
    "not-found": _("There is no such thing here"),
    "forbidden": _("You may not do this"),
    "invalid-transition": _("This step is not possible in the present state"),
    "already-claimed": _("Somebody else has this case"),
    "identity-unsettled": _("A file of this case names another patient: say first whether it is the same person"),
    "stale-version": _("Somebody saved in between"),
    "version-required": _("Say which version you changed (If-Match)"),
    "not-authenticated": _("Sign in first"),
    "wrong-password": _("The password is wrong; after five wrong ones the session ends"),
    "second-factor-required": _("The password is right; the second factor is still needed"),
    "wrong-code": _("The code is wrong, or has been used: wait for the next one"),
    "passkey-refused": _("The passkey did not prove what it should: try again, or take another factor"),
    "passkeys-unavailable": _("Passkeys need an address of HTTPS: this installation is reached by another"),
    "factor-needed": _("You must have a second factor: set up another one first"),
    "factor-there": _("This factor is set up already, or you have as many as you may"),
    "password-change-required": _("Change your password first: until then nothing else is open"),
    "second-factor-setup-required": _("Set up a second factor first: until then nothing else is open"),
    "locked-out": _("Too many wrong passwords: none is taken for a while"),
    "too-many-waiting": _("Too many people are signing in at this moment; try again in some seconds"),
    "contradictions": _("The report does not go together with what is known"),
    "not-due": _("This is not due for erasure yet"),
    "under-hold": _("This is under hold and is not erased"),
    "unknown-file": _("Nobody here knows this kind of file"),
    "nothing-taken": _("Nothing in this archive is taken here"),
    "damaged-file": _("The file is damaged or not what it says"),
    "borrowed-study": _("This file's study is here already and does not belong to this case"),
    "conflict": _("Another image is here under the same number: the file was set aside"),
    "offset-mismatch": _("The bytes do not follow what has arrived"),
    "too-many-uploads": _("Too many unfinished uploads: finish or cancel some of them first"),
    "checksum-mismatch": _("The bytes were damaged on the way: send them again"),
    "unsupported-version": _("This version of the upload protocol is not spoken here"),
    "undrawable": _("This document cannot be shown here; fetch the file itself"),
    "malformed": _("The request cannot be read"),
    "unsupported-media-type": _("This kind of content is not taken"),
    "too-large": _("This is larger than is taken"),
    "cross-site": _("The request came from another site"),
    "method-not-allowed": _("This address does not take that method"),
    "storage-full": _("The store is full"),
    "unavailable": _("The service is not available for the moment; try again"),
    "too-many": _("Too many questions in a short time; try again in a minute"),
    "too-many-streams": _("Too many pages of this account are open: close some of them"),
    "too-slow": _("The request came too slowly: send it again"),
    "too-demanding": _("This takes more memory than one piece of work may have: is the file what it should be?"),
    "internal": _("Something went wrong on our side"),
}

BORROWED = _(
    "The file was not taken. Its Study Instance UID %s is that of another study here. Check that it is the right file; if it is, ask"
    " the network's operator to link the study to this case."
)
SET_ASIDE = _(
    "The case goes on showing what came first. SOP Instance UID %s came with other content, which stands among the DICOM objects"
    " that were not entered: ask the network's operator which of the two is right."
)

FAULT = {
    "required": _("is needed"),
    "unknown-field": _("is not a field of this form"),
    "choice": _("must be one of"),
    "type": _("must be of the kind"),
    "too-long": _("is longer than"),
    "too-many-lines": _("has more lines than can be printed:"),
    "unprintable": _("cannot be printed:"),
    "too-many-parts": _("comes in more parts than are taken:"),
    "range": _("must lie within"),
    "pattern": _("does not have the form"),
    "month": _("is not a month of the form"),
    "date": _("is not a date of the form"),
    "control-character": _("has a control character"),
    "taken": _("is taken by another case"),
    "no-archive": _("has no PACS that can be asked for earlier studies"),
    "repeated": _("stands here twice"),
    "resident-id-length": _("must have 18 characters"),
    "resident-id-digits": _("must be 17 digits and a check character"),
    "resident-id-date": _("holds no real birth date"),
    "resident-id-check-digit": _("has a wrong check digit: look for a mistyped digit"),
    "contradicts-resident-id": _("contradicts the resident number, which says"),
    "number-of-another-patient": _("belongs to another patient of this institution"),
    "must-be-confirmed": _("must be confirmed"),
    "too-many": _("there are too many; the most is"),
    "code-taken": _("is the code of another institution already: change that one instead"),
    "ae-title": _("must be 1 to 16 ASCII characters without a backslash and without a space at the ends"),
    "title-taken": _("is the title of another device already: change that one instead"),
    "code-of-another": _("is the code of another institution, which may call by it"),
    "untakeable-file": _("cannot be taken:"),
    "untakeable-row": _("cannot be taken:"),
    "no-such-test": _("is no test of the catalogue: give its WS/T 886 or LOINC code"),
    "no-institution": _("is no institution of this network"),
    "host": _("must be a host name or an IP address; the port has its own field"),
    "address-needed": _("is needed where studies are sent to the device or fetched from it"),
    "address-outside": _("is in none of the networks in which devices may be addressed (TELEMED_DEVICE_NETWORKS):"),
    "no-address": _("is not entered: a device that only calls cannot be tried from here"),
    "ip-network": _("takes networks such as 192.0.2.0/24 and single addresses such as 192.0.2.7, not"),
    "fingerprint": _("takes SHA-256 fingerprints of certificates, 64 hexadecimal digits each, not"),
    "network-of-host": _("names one host of a network; the network is written"),
    "character-set": _("takes DICOM's defined terms, such as GB18030 or ISO_IR 192"),
    "certificate": _("must be one or more certificates in PEM, from BEGIN CERTIFICATE to END CERTIFICATE"),
    "private-key": _("holds a private key, which must stay where it belongs: enter the certificate alone"),
    "password-short": _("is too short; the fewest characters are"),
    "password-kinds": _("has too few kinds of capital letters, small letters, digits and other characters; the fewest are"),
    "password-common": _("is one of the passwords that everybody tries first"),
    "password-word": _("holds a word that is easily guessed here:"),
    "password-used": _("was used before; it must differ from the last"),
    "no-operator": _("is missing: the region has none of the level operator, which runs the network"),
    "one-of-each": _("must be given to one person:"),
    "not-a-cursor": _("is not a cursor of this list"),
    "username": _("must be 2 to 32 small letters, digits, dots, hyphens or underscores, beginning with a letter or digit"),
    "username-reserved": _("has a meaning of its own here: choose another"),
    "username-taken": _("is somebody's already: choose another, or change that account"),
    "phone": _("takes digits, spaces, + - ( ), 32 at most"),
    "role-needed": _("is needed: choose at least one"),
    "role-unknown": _("are no roles:"),
    "role-alone": _("of the operator and the administrators stand alone: nobody has one beside another role"),
    "place-member": _("of member staff are held at an institution that sends cases"),
    "place-hub": _("of specialists and reviewers are held at a hub that reads"),
    "place-operator": _("of the operator and the administrators are held at the institution that runs the network"),
    "centre-needed": _("are needed for who reads: choose at least one"),
    "centre-unknown": _("are no centres:"),
    "centre-not-read": _("are not read at this hub:"),
    "centre-not-theirs": _("are for readers and member staff: leave them out for this role"),
    "colleague": _("must be somebody of the same hub who may read all of the cases; there are:"),
    "one-by-one": _("of a security administrator are changed on the account's own page"),
    "list-bytes": _("is larger than is taken, in bytes:"),
    "list-rows": _("has more rows than are taken at once:"),
    "list-columns": _("has more columns than are taken:"),
    "list-empty": _("has no rows: a head, and below it a row for each person"),
    "list-encoding": _("is neither UTF-8 nor GB18030: save it as CSV UTF-8, or as XLSX"),
    "list-malformed": _("cannot be read: look for a quotation mark without its other half"),
    "list-old-excel": _("is an old Excel file: save it as XLSX or CSV"),
    "list-inflated": _("is much larger inside than outside: save it anew"),
    "list-unreadable": _("is neither CSV nor a sound XLSX file"),
    "column-needed": _("is a column that the list lacks"),
    "column-twice": _("has a column twice:"),
    "day-over": _("is a day that is over"),
    "nothing-due": _("is no month in which anything became due that nobody has asked for yet"),
    "erasure-asked": _("holds a record that a request names already:"),
    "no-test": _("is no test of the catalogue; write its abbreviation, its WS/T 886 or its LOINC code:"),
    "no-laboratory-case": _("is no case of the laboratory; tubes belong to one:"),
    "in-the-future": _("lies in the future: look at the clock"),
    "band": _("is no band of temperature in degrees Celsius, such as 2-8:"),
    "box-empty": _("are missing: the box is empty, scan its tubes first"),
    "reading": _("is no reading: it lies in the future, or outside what a logger measures"),
}

REASONS = {
    "own-account": _("Nobody does this to their own account: ask another security administrator."),
    "own-request": _("Who asked for it, and whose account it is, do not confirm it: another administrator does."),
    "own-erasure": _("Who asked that it be erased does not confirm it: another administrator does."),
    "not-the-author": _("A report is signed by who wrote it."),
    "own-report": _("Nobody reviews their own report: a colleague does."),
    "not-the-holder": _("Another reader has the case in hand: they do this, or a reviewer."),
    "reader-cap": _("You hold as many cases as one reader may at your hub: answer one, or give one back."),
    "last-administrator": _("Nobody else could administer accounts then: make another security administrator first."),
}
"""Why who may do it otherwise may not do it here."""


class Problem(Exception):
    """An answer that is an error: HTTP status, code of `TITLE`, detail, faults of fields, further members and headers."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, code, detail, errors, headers)
        self.status, self.code, self.detail, self.errors, self.headers, self.more = status, code, detail, errors, headers or {}, more

    def __str__(self) -> str:
        return self.detail or self.code

    def document(self) -> dict[str, Any]:
        body: dict[str, Any] = {"type": f"/problems/{self.code}", "title": gettext(TITLE.get(self.code, self.code)), "status": self.status}
        body["detail"] = self.detail or "; ".join(f"{e.field} {fault_text(e)}" for e in self.errors) or body["title"]
        if self.errors:
            body["errors"] = [{"field": e.field, "message": fault_text(e), "code": e.code} for e in self.errors]
        return body | self.more

    def response(self) -> web.Response:
        return web.Response(
            status=self.status, body=msgspec.json.encode(self.document()), content_type="application/problem+json", headers=self.headers
        )


def fault_text(error: FieldError) -> str:
    """The rule in words, with what was expected."""
    text = gettext(FAULT.get(error.code, error.code))
    return f"{text} {error.expected}" if error.expected else text


def from_domain(error: DomainError) -> Problem:
    """The rules' refusals, each with its status and its facts."""
    status = STATUS[type(error)]
    match error:
        case Invalid():
            return Problem(status, error.code, errors=error.errors)
        case AlreadyClaimed():
            return Problem(status, error.code, claimed_by=error.by, claimed_at=error.at)
        case InvalidTransition():
            return Problem(status, error.code, f"{error.kind}: {error.state} -> {error.action}", state=error.state, action=error.action)
        case Contradicted() | RegionRefused() | NotDue() | UnderHold():
            return _in_detail(status, error)
        case IdentityUnsettled():
            return Problem(status, error.code, evidence=error.evidence_id, differs=list(error.differs))
        case SecondFactorRequired():
            return Problem(status, error.code, headers=BEARER, factors=list(error.factors))
        case StaleVersion():
            return Problem(status, error.code, headers={"ETag": f'"{error.current}"'}, current=error.current)
        case OffsetMismatch():
            return Problem(status, error.code, headers={"Upload-Offset": str(error.offset)}, offset=error.offset)
        case LockedOut():
            return Problem(status, error.code, headers={"Retry-After": str(seconds_until(error.until))}, until=error.until)
        case UnknownKind() | DamagedFile() | BorrowedStudy() | TakenInstance() | NothingTaken():
            return _from_file(status, error)
        case Forbidden():
            reason = REASONS.get(error.reason)
            return Problem(status, error.code, gettext(reason) if reason else f"{error.action} {error.reason}".strip())
        case _:
            return Problem(status, error.code, headers=ALWAYS_SAID.get(type(error)))


def seconds_until(moment: datetime) -> int:
    """Return whole seconds, at least one."""
    return max(math.ceil((moment - datetime.now(UTC)).total_seconds()), 1)


def _from_file(status: int, error: UnknownKind | DamagedFile | BorrowedStudy | TakenInstance | NothingTaken) -> Problem:
    """What stands against a file, and what becomes of it."""
    match error:
        case UnknownKind():
            taken = gettext("Taken are: %s") % ", ".join(error.known)
            return Problem(status, error.code, gettext(error.advice) if error.advice else taken)
        case DamagedFile():
            return Problem(status, error.code, f"{error.kind}: {error.reason}")
        case BorrowedStudy():
            return Problem(status, error.code, gettext(BORROWED) % error.study_instance_uid)
        case TakenInstance():
            return Problem(status, error.code, gettext(SET_ASIDE) % error, set_aside=list(error.sop_instance_uids))
        case NothingTaken():
            return Problem(status, error.code, _nothing_taken(error))


def _nothing_taken(error: NothingTaken) -> str:
    """The first files of an archive of which nothing was taken, each with its reason."""
    said = [f"{each.name}: {from_domain(each.error).document()['detail']}" for each in error.left_out[:3]]
    return "; ".join(said) or gettext("There is no file in this archive.")


def region_sentence(fault: RegionFault) -> str:
    """Return what is wrong with a region at one place."""
    if fault.code.startswith("device:"):
        return fault_text(FieldError("", fault.code.removeprefix("device:"), fault.facts.get("value", "")))
    return region_fault_text(fault)


def _region_refused(status: int, error: RegionRefused) -> Problem:
    """Every fault with the place where it stands."""
    found = [
        {"field": path_text(each.fault.path), "message": region_sentence(each.fault), "code": each.fault.code}
        | ({"line": each.line, "column": each.column} if each.line else {})
        for each in error.found
    ]
    sentences = [placed_text(each, region_sentence(each.fault)) for each in error.found[:5]]
    problem = Problem(status, error.code, "; ".join(sentences))
    problem.more = {"errors": found, "further": error.more}
    return problem


def _in_detail(status: int, error: Contradicted | RegionRefused | NotDue | UnderHold) -> Problem:
    """What stands against a step by what is on record, each thing with what to do."""
    match error:
        case Contradicted():
            return _contradicted(status, error)
        case RegionRefused():
            return _region_refused(status, error)
        case _:
            return Problem(status, error.code, refusal_text(error))


def _contradicted(status: int, error: Contradicted) -> Problem:
    """What was found, with what to do: mend it, or name it and say why it is right all the same."""
    found = [{"code": each.code, "severity": each.severity.value, "message": contradiction_text(each)} for each in error.found]
    advice = gettext("Correct the report, or sign with these codes in `acknowledged` and a `reason`.")
    return Problem(status, error.code, "; ".join((*(each["message"] for each in found), advice)), contradictions=found)


def from_validation(error: ValidationError, where: str = "") -> Problem:
    """Pydantic's faults: broken JSON is 400, everything else 422 with the fields named."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if any(f["type"] == "json_invalid" for f in faults):
        return Problem(400, "malformed", faults[0]["msg"])
    return Problem(422, "invalid", errors=tuple(FieldError(where + ".".join(map(str, f["loc"])) or "body", f["msg"]) for f in faults))


def wants_page(request: web.Request) -> bool:
    return not request.path.startswith(("/api/", "/dicomweb", "/fhir/", "/static/")) and "text/html" in request.headers.get("Accept", "")


def problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case DomainError():
            return from_domain(error)
        case ValidationError():
            return from_validation(error)
        case StoreFull():
            detail = gettext("No images and files can be taken at present; everything else goes on. Tell the operator, then send it again.")
            return Problem(507, "storage-full", detail, headers={"Retry-After": "60"})
        case TooSlow():
            return Problem(408, "too-slow", headers={"Connection": "close"})
        case Unready():
            log.error("request.unready", part=error.part, error=repr(error.__cause__))
            return Problem(503, "unavailable", error.part, headers={"Retry-After": "5"})
        case StorageError() | DBAPIError() | NoConnectionFree() | ConnectionError() | BrokenExecutor():
            log.error("request.unavailable", error=repr(error))
            return Problem(503, "unavailable", headers={"Retry-After": "5"})
        case web.HTTPException():
            return _from_http(error)
    reference = secrets.token_hex(6)
    log.error("request.failed", reference=reference, exc_info=error)
    return Problem(500, "internal", reference=reference)


def _from_http(error: web.HTTPException) -> Problem:
    codes = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type", 400: "malformed"}
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Problem(error.status, codes.get(error.status, "malformed"), headers=headers)


ASKER_GONE = 499
"""For the access log only: the browser closed the line before the answer was out."""

ErrorPage = Callable[[web.Request, Exception], Awaitable[web.StreamResponse]]


def problem_middleware(error_page: ErrorPage) -> Middleware:
    """Every error leaves as a problem document, or as a page for who looks at pages; no stack trace reaches anybody."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            if isinstance(error, web.HTTPException) and error.status < 400:
                raise
            if isinstance(error, ConnectionResetError) and (request.transport is None or request.transport.is_closing()):
                return web.Response(status=ASKER_GONE)  # nobody hears it, and nothing is wrong on our side
            if wants_page(request):
                return await error_page(request, error)
            return problem_of(error).response()

    return answer_errors
