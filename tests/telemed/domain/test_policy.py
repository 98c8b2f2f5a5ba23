"""The policy table: what must hold whatever the table says, and the table itself against one written here by hand."""

from __future__ import annotations

import itertools

import pytest

from telemed.domain.errors import Forbidden, NotFound
from telemed.domain.people import Person, Role
from telemed.domain.policy import POLICY, Action, Relation, may, relations, require, require_on_case

ADMINISTRATORS = (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR)
CLINICAL = ("case", "evidence", "report", "critical", "consent", "patient", "unmatched")
OWN, ROUTED, EARLIER, FOREIGN = Relation.OWN, Relation.ROUTED, Relation.EARLIER, Relation.FOREIGN

# m: member staff on their own cases; t: specialist on earlier cases of a patient of whom they hold one; s, r: specialist, reviewer on cases routed to their hub; o: operator on all;
# a, b, c: system administrator, security administrator, auditor.
EXPECTED = """
case:create m          case:read msr          case:read-metadata o   case:edit m            case:submit m
case:cancel m          case:acknowledge m     case:claim s           case:release s         case:park s
case:decline s         case:return s          case:escalate s        case:reassign sr       case:offer o
evidence:add ms        evidence:read msr      evidence:link o        evidence:store m       consent:record m
report:read msr        report:read-draft sr   report:write s         report:sign s          report:review r
report:amend s         critical:declare sr    critical:tell sr       critical:acknowledge m critical:act m
patient:compare mo     patient:merge mo       network:read oa        unmatched:read o       statistics:read msro   audit:read c
account:read b         account:unlock b       patient:find m         system:read a          job:retry a
report:verify -        patient:match -        evidence:export msr    study:correct o       evidence:send msr
priors:fetch msr      device:manage o         evidence:identify ms   timeline:read t
region:read oa        region:manage oa
recovery:ask b         recovery:confirm a     erasure:ask a          erasure:confirm b      hold:set o
retention:read oab
account:create b      account:invite b        account:change b       account:disable b      account:enable b
account:reset b       account:end-sessions b  account:leave b        account:import b
message:read mo       message:open mo         message:replay o       mapping:decide o       connection:manage o
result:read msr       result:enter m         result:read-elsewhere msr
specimen:register m   specimen:read msr       specimen:list msro     specimen:collect m     specimen:pack m
specimen:send m       specimen:carry ms       specimen:receive s     specimen:reject ms     specimen:identify ms
specimen:lose ms
"""
LETTERS = {
    "m": (Role.MEMBER_STAFF, {OWN}),
    "s": (Role.SPECIALIST, {ROUTED}),
    "r": (Role.REVIEWER, {ROUTED}),
    "t": (Role.SPECIALIST, {EARLIER}),
    "o": (Role.OPERATOR, set(Relation)),
    "a": (Role.SYSTEM_ADMINISTRATOR, set(Relation)),
    "b": (Role.SECURITY_ADMINISTRATOR, set(Relation)),
    "c": (Role.AUDITOR, set(Relation)),
}


def person(*roles: Role) -> Person:
    return Person("someone", "某人", "HUBA", frozenset(roles), frozenset({"imaging"}))


def expected() -> dict[tuple[Role, str], set[Relation]]:
    words = EXPECTED.split()
    return {
        (LETTERS[letter][0], action): LETTERS[letter][1]
        for action, letters in zip(words[::2], words[1::2], strict=True)
        for letter in letters.strip("-")
    }


@pytest.mark.parametrize(("role", "action"), list(itertools.product(Role, Action)))
def test_every_role_and_action(role: Role, action: Action) -> None:
    allowed = expected().get((role, action.value), set())
    assert relations(person(role), action) == allowed
    assert may(person(role), action) is bool(allowed)
    for relation in Relation:
        assert may(person(role), action, relation) is (relation in allowed)


def test_the_table_here_names_every_action() -> None:
    assert set(EXPECTED.split()[::2]) == {action.value for action in Action}


@pytest.mark.parametrize("role", ADMINISTRATORS)
def test_the_three_administrators_see_no_clinical_data(role: Role) -> None:
    assert not [action for action in POLICY[role] if action.value.startswith(CLINICAL)]


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ADMINISTRATORS, 2)))
def test_no_administrator_does_the_work_of_another(one: Role, other: Role) -> None:
    """Both look at what is due: one asks that it be erased, the other confirms."""
    assert POLICY[one].keys() & POLICY[other].keys() <= {Action.RETENTION_READ}


def test_who_has_no_role_may_do_nothing() -> None:
    assert not any(may(person(), action) for action in Action)


def test_nobody_who_works_on_cases_reaches_foreign_ones() -> None:
    for role in (Role.MEMBER_STAFF, Role.SPECIALIST, Role.REVIEWER):
        assert not any(FOREIGN in allowed for allowed in POLICY[role].values())


def test_the_operator_sees_that_there_is_a_case_and_not_what_it_says() -> None:
    reads = [Action.CASE_READ, Action.EVIDENCE_READ, Action.REPORT_READ, Action.REPORT_READ_DRAFT]
    assert not any(may(person(Role.OPERATOR), action) for action in reads)


def test_no_role_both_signs_and_reviews() -> None:
    assert not [role for role, row in POLICY.items() if {Action.REPORT_SIGN, Action.REPORT_REVIEW} <= row.keys()]


def test_who_may_take_a_step_on_a_case_may_also_see_it() -> None:
    """Otherwise a refusal would say that there is nothing there, to somebody who may change it."""
    elsewhere = {Action.CASE_CREATE, Action.PATIENT_MERGE, Action.PATIENT_FIND, Action.EVIDENCE_STORE, Action.STATISTICS_READ}
    for role, row in POLICY.items():
        seen = row.get(Action.CASE_READ, frozenset()) | row.get(Action.CASE_READ_METADATA, frozenset())
        on_cases = [a for a in row if a.value.startswith(CLINICAL) and a not in elsewhere]
        assert all(row[action] <= seen for action in on_cases), role


class TestRequire:
    def test_an_allowed_step_passes(self) -> None:
        require_on_case(person(Role.SPECIALIST), Action.CASE_CLAIM, ROUTED, "c1")
        require(person(Role.AUDITOR), Action.AUDIT_READ)

    def test_who_sees_the_case_is_told_that_they_may_not(self) -> None:
        with pytest.raises(Forbidden):
            require_on_case(person(Role.MEMBER_STAFF), Action.CASE_CLAIM, OWN, "c1")

    def test_who_does_not_is_told_that_there_is_none(self) -> None:
        with pytest.raises(NotFound):
            require_on_case(person(Role.SPECIALIST), Action.CASE_READ, FOREIGN, "c1")

    def test_an_action_that_is_nobodys_is_refused(self) -> None:
        with pytest.raises(Forbidden):
            require(person(Role.SPECIALIST), Action.AUDIT_READ)

    def test_two_roles_together_allow_what_each_allows(self) -> None:
        both = person(Role.MEMBER_STAFF, Role.SPECIALIST)
        assert relations(both, Action.CASE_READ) == {OWN, ROUTED}
