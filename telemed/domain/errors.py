"""Refusals of the rules. Each error carries its facts as fields; the edge turns them into answers and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class DomainError(Exception):
    """Base of everything the rules refuse. `code` names the rule for the translation catalogue.

    An error may be raised in a process of a pool: it is pickled as message and fields, whatever its constructor takes.
    """

    code = "refused"

    def __reduce__(self) -> tuple[Callable[..., DomainError], tuple[Any, ...]]:
        return _unpickled, (type(self), self.args, vars(self))


def _unpickled(kind: type[DomainError], args: tuple[Any, ...], fields: Mapping[str, Any]) -> DomainError:
    error = kind.__new__(kind, *args)  # sets `args`; the constructor, which made the message from the fields, is not asked again
    vars(error).update(fields)
    return error


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the input: the dotted path of the field, the code of the rule, and what the rule expected."""

    field: str
    code: str
    expected: str = ""


class Invalid(DomainError):
    """The input breaks a rule; `errors` names each field."""

    code = "invalid"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{e.field}: {e.code} {e.expected}".strip() for e in errors))
        self.errors = errors


class NotFound(DomainError):
    """There is no such thing, or the asker may not know that there is."""

    code = "not-found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} not found")
        self.kind, self.name = kind, name


class Forbidden(DomainError):
    """The asker may see the thing but not do this to it."""

    code = "forbidden"

    def __init__(self, action: str, reason: str = "") -> None:
        super().__init__(f"{action} is not allowed" + (f": {reason}" if reason else ""))
        self.action, self.reason = action, reason


class InvalidTransition(DomainError):
    """The state does not allow the action."""

    code = "invalid-transition"

    def __init__(self, kind: str, state: str, action: str) -> None:
        super().__init__(f"a {kind} that is {state} cannot take {action}")
        self.kind, self.state, self.action = kind, state, action


class IdentityUnsettled(DomainError):
    """Evidence of the case states another patient, and nobody has settled it; `differs` names what."""

    code = "identity-unsettled"

    def __init__(self, case_id: str, evidence_id: str, differs: Sequence[str]) -> None:
        super().__init__(f"evidence {evidence_id} of case {case_id} differs in {' '.join(differs)}")
        self.case_id, self.evidence_id, self.differs = case_id, evidence_id, tuple(map(str, differs))


class AlreadyClaimed(DomainError):
    """Somebody else has the case."""

    code = "already-claimed"

    def __init__(self, by: str, at: datetime | None) -> None:
        super().__init__(f"claimed by {by}")
        self.by, self.at = by, at


class StaleVersion(DomainError):
    """The writer's copy is older than what is kept; `current` is the entity tag to start again from."""

    code = "stale-version"

    def __init__(self, current: str) -> None:
        super().__init__(f"the current version is {current}")
        self.current = current


class VersionRequired(DomainError):
    """A change must say which version it was made from."""

    code = "version-required"


class NotAuthenticated(DomainError):
    """Wrong user name or password, or no valid session."""

    code = "not-authenticated"


class WrongPassword(NotAuthenticated):
    """A signed-in person was asked again, and the password was wrong."""

    code = "wrong-password"


class SecondFactorRequired(DomainError):
    """The password was right; `factors` names what may be given besides, `half_session` is the token that waits for it."""

    code = "second-factor-required"

    def __init__(self, factors: Sequence[str], half_session: str) -> None:
        super().__init__("a second factor is needed")
        self.factors, self.half_session = tuple(map(str, factors)), half_session


class WrongCode(DomainError):
    """The code of a second factor is wrong, has been used, or is too old."""

    code = "wrong-code"


class PasskeyRefused(DomainError):
    """What came from the passkey does not prove what it should."""

    code = "passkey-refused"


class PasskeysUnavailable(DomainError):
    """Passkeys belong to an address of HTTPS or to this machine, and this installation has another."""

    code = "passkeys-unavailable"


class FactorNeeded(DomainError):
    """The profile asks for a second factor of this person: the last one stays."""

    code = "factor-needed"


class FactorThere(DomainError):
    """The account has codes by time already, or as many passkeys as it may have, or this very one."""

    code = "factor-there"


class RequirementUnmet(DomainError):
    """The person must do something before anything else; `requirement` names it."""

    def __init__(self, requirement: str) -> None:
        super().__init__(f"{requirement} comes first")
        self.requirement, self.code = requirement, f"{requirement}-required"


class LockedOut(DomainError):
    """Too many wrong passwords: none is judged before `until`, by the limit of `scope`. Said of names that nobody has as of others."""

    code = "locked-out"

    def __init__(self, until: datetime, scope: str) -> None:
        super().__init__(f"{scope}: no password is judged until {until.isoformat()}")
        self.until, self.scope = until, scope


class TooManyWaiting(DomainError):
    """So many passwords wait to be judged that this one has not been taken."""

    code = "too-many-waiting"


class BorrowedStudy(DomainError):
    """The file's study is here already, and not of this case."""

    code = "borrowed-study"

    def __init__(self, study_instance_uid: str) -> None:
        super().__init__(f"study {study_instance_uid} is not of this case")
        self.study_instance_uid = study_instance_uid


class TakenInstance(DomainError):
    """Other content came under SOP Instance UIDs that are taken: it was set aside, and what came first stands."""

    code = "conflict"

    def __init__(self, *sop_instance_uids: str) -> None:
        super().__init__(", ".join(sop_instance_uids))
        self.sop_instance_uids = sop_instance_uids


class TooDemanding(DomainError):
    """What was asked for takes more memory than one piece of work may have."""

    code = "too-demanding"
