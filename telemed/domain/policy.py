"""One table of who may do what to whose cases. Whatever it does not name is refused.

Relations of a person to a case: `own` (their institution asked), `routed` (their hub has it, or keeps it open after asking
further up, and they read that centre), `earlier` (answered, of a patient of whom they hold another case now), `foreign`
(none of these). A row gives the relations in which the role may take the action. A person who may not even read a case is told
that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from telemed.domain.errors import Forbidden, NotFound
from telemed.domain.people import Person, Role


class Relation(StrEnum):
    OWN = "own"
    ROUTED = "routed"
    EARLIER = "earlier"
    FOREIGN = "foreign"


class Action(StrEnum):
    """The vocabulary of the audit trail as well: `subject:action`."""

    CASE_CREATE = "case:create"
    CASE_READ = "case:read"
    CASE_READ_METADATA = "case:read-metadata"
    CASE_EDIT = "case:edit"
    CASE_SUBMIT = "case:submit"
    CASE_CANCEL = "case:cancel"
    CASE_ACKNOWLEDGE = "case:acknowledge"
    CASE_CLAIM = "case:claim"
    CASE_RELEASE = "case:release"
    CASE_PARK = "case:park"
    CASE_DECLINE = "case:decline"
    CASE_RETURN = "case:return"
    CASE_ESCALATE = "case:escalate"
    CASE_REASSIGN = "case:reassign"
    CASE_OFFER = "case:offer"
    EVIDENCE_ADD = "evidence:add"
    EVIDENCE_READ = "evidence:read"
    EVIDENCE_EXPORT = "evidence:export"
    EVIDENCE_SEND = "evidence:send"
    PRIORS_FETCH = "priors:fetch"
    EVIDENCE_IDENTIFY = "evidence:identify"
    EVIDENCE_LINK = "evidence:link"
    EVIDENCE_STORE = "evidence:store"
    STUDY_CORRECT = "study:correct"
    CONSENT_RECORD = "consent:record"
    REPORT_READ = "report:read"
    REPORT_READ_DRAFT = "report:read-draft"
    REPORT_WRITE = "report:write"
    REPORT_SIGN = "report:sign"
    REPORT_REVIEW = "report:review"
    REPORT_AMEND = "report:amend"
    CRITICAL_DECLARE = "critical:declare"
    CRITICAL_TELL = "critical:tell"
    CRITICAL_ACKNOWLEDGE = "critical:acknowledge"
    CRITICAL_ACT = "critical:act"
    TIMELINE_READ = "timeline:read"
    """Report and evidence of an earlier case, whichever hub and centre answered it."""
    PATIENT_FIND = "patient:find"
    PATIENT_MERGE = "patient:merge"
    PATIENT_COMPARE = "patient:compare"
    PATIENT_MATCH = "patient:match"
    """A rule found the record of another member to be the same person's; nobody does it."""
    NETWORK_READ = "network:read"
    REGION_READ = "region:read"
    REGION_MANAGE = "region:manage"
    DEVICE_MANAGE = "device:manage"
    UNMATCHED_READ = "unmatched:read"
    STATISTICS_READ = "statistics:read"
    AUDIT_READ = "audit:read"
    ACCOUNT_READ = "account:read"
    ACCOUNT_UNLOCK = "account:unlock"
    RECOVERY_ASK = "recovery:ask"
    RECOVERY_CONFIRM = "recovery:confirm"
    ACCOUNT_CREATE = "account:create"
    ACCOUNT_INVITE = "account:invite"
    ACCOUNT_CHANGE = "account:change"
    ACCOUNT_DISABLE = "account:disable"
    ACCOUNT_ENABLE = "account:enable"
    ACCOUNT_RESET = "account:reset"
    ACCOUNT_END_SESSIONS = "account:end-sessions"
    ACCOUNT_LEAVE = "account:leave"
    ACCOUNT_IMPORT = "account:import"
    ERASURE_ASK = "erasure:ask"
    ERASURE_CONFIRM = "erasure:confirm"
    RETENTION_READ = "retention:read"
    HOLD_SET = "hold:set"
    SYSTEM_READ = "system:read"
    JOB_RETRY = "job:retry"
    MESSAGE_READ = "message:read"
    MESSAGE_OPEN = "message:open"
    MESSAGE_REPLAY = "message:replay"
    RESULT_READ = "result:read"
    RESULT_READ_ELSEWHERE = "result:read-elsewhere"
    """What other institutions reported of the patient of an open case."""
    RESULT_ENTER = "result:enter"
    SPECIMEN_REGISTER = "specimen:register"
    SPECIMEN_READ = "specimen:read"
    SPECIMEN_LIST = "specimen:list"
    SPECIMEN_COLLECT = "specimen:collect"
    SPECIMEN_PACK = "specimen:pack"
    SPECIMEN_SEND = "specimen:send"
    SPECIMEN_CARRY = "specimen:carry"
    """Taking a box over, and the temperature on its way."""
    SPECIMEN_RECEIVE = "specimen:receive"
    SPECIMEN_REJECT = "specimen:reject"
    SPECIMEN_IDENTIFY = "specimen:identify"
    SPECIMEN_LOSE = "specimen:lose"
    MAPPING_DECIDE = "mapping:decide"
    CONNECTION_MANAGE = "connection:manage"
    REPORT_VERIFY = "report:verify"
    """Open to everybody who has a report's code; no role is asked."""


OWN = frozenset({Relation.OWN})
ROUTED = frozenset({Relation.ROUTED})
INVOLVED = frozenset({Relation.OWN, Relation.ROUTED})
EARLIER = frozenset({Relation.EARLIER})
ANYWHERE = frozenset(Relation)

A = Action
POLICY: Mapping[Role, Mapping[Action, frozenset[Relation]]] = {
    Role.MEMBER_STAFF: {
        A.CASE_CREATE: OWN, A.CASE_READ: OWN, A.CASE_EDIT: OWN, A.CASE_SUBMIT: OWN, A.CASE_CANCEL: OWN,
        A.CASE_ACKNOWLEDGE: OWN, A.EVIDENCE_ADD: OWN, A.EVIDENCE_READ: OWN, A.EVIDENCE_EXPORT: OWN,
        A.EVIDENCE_SEND: OWN, A.PRIORS_FETCH: OWN,
        A.EVIDENCE_IDENTIFY: OWN, A.EVIDENCE_STORE: OWN, A.CONSENT_RECORD: OWN, A.REPORT_READ: OWN, A.CRITICAL_ACKNOWLEDGE: OWN,
        A.CRITICAL_ACT: OWN, A.PATIENT_MERGE: OWN, A.PATIENT_COMPARE: OWN, A.PATIENT_FIND: OWN, A.STATISTICS_READ: OWN,
        A.MESSAGE_READ: OWN, A.MESSAGE_OPEN: OWN, A.RESULT_READ: OWN, A.RESULT_READ_ELSEWHERE: OWN, A.RESULT_ENTER: OWN,
        A.SPECIMEN_REGISTER: OWN, A.SPECIMEN_READ: OWN, A.SPECIMEN_LIST: OWN, A.SPECIMEN_COLLECT: OWN, A.SPECIMEN_PACK: OWN,
        A.SPECIMEN_SEND: OWN, A.SPECIMEN_CARRY: OWN, A.SPECIMEN_REJECT: OWN, A.SPECIMEN_IDENTIFY: OWN, A.SPECIMEN_LOSE: OWN,
    },
    Role.SPECIALIST: {
        A.CASE_READ: ROUTED, A.CASE_CLAIM: ROUTED, A.CASE_RELEASE: ROUTED, A.CASE_PARK: ROUTED, A.CASE_DECLINE: ROUTED,
        A.CASE_RETURN: ROUTED, A.CASE_ESCALATE: ROUTED, A.CASE_REASSIGN: ROUTED, A.EVIDENCE_ADD: ROUTED,
        A.EVIDENCE_READ: ROUTED, A.EVIDENCE_EXPORT: ROUTED, A.EVIDENCE_SEND: ROUTED, A.PRIORS_FETCH: ROUTED,
        A.EVIDENCE_IDENTIFY: ROUTED, A.REPORT_READ: ROUTED, A.REPORT_READ_DRAFT: ROUTED, A.REPORT_WRITE: ROUTED,
        A.REPORT_SIGN: ROUTED, A.REPORT_AMEND: ROUTED, A.CRITICAL_DECLARE: ROUTED, A.CRITICAL_TELL: ROUTED,
        A.STATISTICS_READ: ROUTED, A.TIMELINE_READ: EARLIER, A.RESULT_READ: ROUTED, A.RESULT_READ_ELSEWHERE: ROUTED,
        A.SPECIMEN_READ: ROUTED, A.SPECIMEN_LIST: ROUTED, A.SPECIMEN_CARRY: ROUTED, A.SPECIMEN_RECEIVE: ROUTED,
        A.SPECIMEN_REJECT: ROUTED, A.SPECIMEN_IDENTIFY: ROUTED, A.SPECIMEN_LOSE: ROUTED,
    },
    Role.REVIEWER: {
        A.CASE_READ: ROUTED, A.CASE_REASSIGN: ROUTED, A.EVIDENCE_READ: ROUTED, A.EVIDENCE_EXPORT: ROUTED,
        A.EVIDENCE_SEND: ROUTED, A.PRIORS_FETCH: ROUTED, A.REPORT_READ: ROUTED,
        A.REPORT_READ_DRAFT: ROUTED, A.REPORT_REVIEW: ROUTED, A.CRITICAL_DECLARE: ROUTED, A.CRITICAL_TELL: ROUTED,
        A.STATISTICS_READ: ROUTED, A.RESULT_READ: ROUTED, A.RESULT_READ_ELSEWHERE: ROUTED, A.SPECIMEN_READ: ROUTED, A.SPECIMEN_LIST: ROUTED,
    },
    Role.OPERATOR: {
        A.CASE_READ_METADATA: ANYWHERE, A.CASE_OFFER: ANYWHERE, A.EVIDENCE_LINK: ANYWHERE, A.STUDY_CORRECT: ANYWHERE,
        A.PATIENT_MERGE: ANYWHERE, A.PATIENT_COMPARE: ANYWHERE,
        A.NETWORK_READ: ANYWHERE, A.REGION_READ: ANYWHERE, A.REGION_MANAGE: ANYWHERE,
        A.DEVICE_MANAGE: ANYWHERE, A.UNMATCHED_READ: ANYWHERE, A.STATISTICS_READ: ANYWHERE, A.HOLD_SET: ANYWHERE,
        A.RETENTION_READ: ANYWHERE,
        A.MESSAGE_READ: ANYWHERE, A.MESSAGE_OPEN: ANYWHERE, A.MESSAGE_REPLAY: ANYWHERE, A.MAPPING_DECIDE: ANYWHERE,
        A.CONNECTION_MANAGE: ANYWHERE, A.SPECIMEN_LIST: ANYWHERE,
    },
    Role.SYSTEM_ADMINISTRATOR: {
        A.NETWORK_READ: ANYWHERE, A.REGION_READ: ANYWHERE, A.REGION_MANAGE: ANYWHERE, A.SYSTEM_READ: ANYWHERE, A.JOB_RETRY: ANYWHERE,
        A.RECOVERY_CONFIRM: ANYWHERE, A.ERASURE_ASK: ANYWHERE, A.RETENTION_READ: ANYWHERE,
    },
    Role.SECURITY_ADMINISTRATOR: {
        A.ACCOUNT_READ: ANYWHERE, A.ACCOUNT_UNLOCK: ANYWHERE, A.ACCOUNT_CREATE: ANYWHERE, A.ACCOUNT_INVITE: ANYWHERE,
        A.ACCOUNT_CHANGE: ANYWHERE, A.ACCOUNT_DISABLE: ANYWHERE, A.ACCOUNT_ENABLE: ANYWHERE, A.ACCOUNT_RESET: ANYWHERE,
        A.ACCOUNT_END_SESSIONS: ANYWHERE, A.ACCOUNT_LEAVE: ANYWHERE, A.ACCOUNT_IMPORT: ANYWHERE, A.RECOVERY_ASK: ANYWHERE,
        A.ERASURE_CONFIRM: ANYWHERE, A.RETENTION_READ: ANYWHERE,
    },
    Role.AUDITOR: {A.AUDIT_READ: ANYWHERE},
}  # fmt: skip


def relations(person: Person, action: Action) -> frozenset[Relation]:
    """All relations in which the person's roles together allow the action."""
    return frozenset().union(*(POLICY.get(role, {}).get(action, frozenset()) for role in person.roles))


def may(person: Person, action: Action, relation: Relation | None = None) -> bool:
    """True where the table allows it: in this relation, or, without one, in any."""
    allowed = relations(person, action)
    return bool(allowed) if relation is None else relation in allowed


def require(person: Person, action: Action) -> None:
    """For actions that concern no single case. Raises Forbidden."""
    if not may(person, action):
        raise Forbidden(action)


def require_on_case(person: Person, action: Action, relation: Relation, case_id: str) -> None:
    """Raises NotFound where the person may not know of the case, Forbidden where they may see it but not do this."""
    if may(person, action, relation):
        return
    if may(person, Action.CASE_READ, relation) or may(person, Action.CASE_READ_METADATA, relation):
        raise Forbidden(action)
    raise NotFound("case", case_id)
