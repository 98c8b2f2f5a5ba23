"""Between rows and the things of the domain."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, time
from typing import Any

import sqlalchemy as sa

from telemed.domain.case import Case, CaseKind, CaseStatus, PatientSummary, Priority
from telemed.domain.consent import Consent, ConsentGiver
from telemed.domain.critical import CriticalStatus, CriticalValue
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.network import DutyPeriod
from telemed.domain.people import Person, Role
from telemed.domain.report import Acknowledged, Report, ReportStatus, Result, VersionKind
from telemed.domain.routing import Outcome, RouteStep

Row = sa.RowMapping

RANK = {Priority.STAT: 0, Priority.ASAP: 1, Priority.URGENT: 2, Priority.ROUTINE: 3}
"""Worklist order: STAT on top."""

CRITICAL_RANK = -1
"""A case with a running critical value stands before all others."""

CASE_PLAIN = (
    "id", "centre", "accession_number", "member", "hub", "request", "created_by", "created_at", "claimed_by", "claimed_at",
    "active_at", "parked_at", "hold_reason", "submitted_at", "accept_by", "due_at", "completed_at", "acknowledged_at",
    "acknowledged_by", "report_status", "positive", "critical_open", "identity_open",
    "evidence_count",
)  # fmt: skip


def route_to_json(route: tuple[RouteStep, ...]) -> list[dict[str, Any]]:
    return [
        {"hub": s.hub, "rule": str(s.rule), "outcome": s.outcome.value, "at": s.at.isoformat() if s.at else None, "reason": s.reason}
        for s in route
    ]


def route_from_json(steps: list[dict[str, Any]]) -> tuple[RouteStep, ...]:
    return tuple(
        RouteStep(s["hub"], s["rule"], Outcome(s["outcome"]), datetime.fromisoformat(s["at"]) if s["at"] else None, s["reason"])
        for s in steps
    )


def case_to_row(case: Case) -> dict[str, Any]:
    row = {name: getattr(case, name) for name in CASE_PLAIN}
    return row | {
        "kind": case.kind.value,
        "priority": case.priority.value,
        "rank": CRITICAL_RANK if case.critical_open else RANK[case.priority],
        "status": case.status.value,
        "patient_id": case.patient.id,
        "patient_name": case.patient.name,
        "patient_sex": case.patient.sex,
        "patient_birth_date": case.patient.birth_date,
        "route": route_to_json(case.route),
        "readers": list(case.readers),
    }


def case_from_row(row: Row) -> Case:
    return Case(
        **{name: row[name] for name in CASE_PLAIN},
        kind=CaseKind(row["kind"]),
        priority=Priority(row["priority"]),
        status=CaseStatus(row["status"]),
        patient=PatientSummary(row["patient_id"], row["patient_name"], row["patient_sex"], row["patient_birth_date"]),
        route=route_from_json(row["route"]),
        readers=tuple(row["readers"]),
    )


REPORT_PLAIN = (
    "case_id", "version", "revision", "sections", "reason", "hub", "author", "reviewer", "review_note", "created_at",
    "updated_at", "signed_at", "reviewed_at", "released_at", "verification_code", "pdf_key", "pdf_sha256",
)  # fmt: skip


def report_to_row(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in REPORT_PLAIN} | {
        "kind": report.kind.value,
        "status": report.status.value,
        "result": report.result.value,
        "acknowledged": [asdict(each) | {"at": each.at.isoformat()} for each in report.acknowledged],
    }


def report_from_row(row: Row) -> Report:
    return Report(
        **{name: row[name] for name in REPORT_PLAIN},
        kind=VersionKind(row["kind"]),
        status=ReportStatus(row["status"]),
        result=Result(row["result"]),
        acknowledged=tuple(Acknowledged(**each | {"at": datetime.fromisoformat(each["at"])}) for each in row["acknowledged"]),
    )


EVIDENCE_PLAIN = (
    "id", "case_id", "name", "added_by", "added_at", "media_type", "key", "size", "sha256", "study_instance_uid", "instances", "facts",
    "whole",
)  # fmt: skip


def evidence_to_row(evidence: Evidence) -> dict[str, Any]:
    return {name: getattr(evidence, name) for name in EVIDENCE_PLAIN} | {"type": evidence.type.value}


def evidence_from_row(row: Row) -> Evidence:
    return Evidence(**{name: row[name] for name in EVIDENCE_PLAIN}, type=EvidenceType(row["type"]))


CRITICAL_PLAIN = (
    "id", "case_id", "finding", "found_by", "found_at", "due_at", "told_whom", "told_how", "read_back", "told_by", "told_at",
    "acknowledged_by", "acknowledged_at", "action", "action_by", "action_at", "withdrawn_reason", "escalations",
)  # fmt: skip


def critical_to_row(value: CriticalValue) -> dict[str, Any]:
    return {name: getattr(value, name) for name in CRITICAL_PLAIN} | {"status": value.status.value}


def critical_from_row(row: Row) -> CriticalValue:
    return CriticalValue(**{name: row[name] for name in CRITICAL_PLAIN}, status=CriticalStatus(row["status"]))


def consent_from_row(row: Row) -> Consent:
    return Consent(
        row["case_id"], ConsentGiver(row["giver"]), row["signed_name"], row["evidence_id"], row["recorded_by"], row["recorded_at"]
    )


def person_from_row(row: Row) -> Person:
    return Person(
        row["username"],
        row["name"],
        row["institution"],
        frozenset(Role(r) for r in row["roles"]),
        row["centres"],
        row["title"],
        row["language"],
        row["active"],
        row["phone"],
    )


def person_to_row(person: Person) -> dict[str, Any]:
    """What the person's own row keeps, but for the password."""
    plain = ("username", "name", "institution", "centres", "title", "language", "active", "phone")
    return {name: getattr(person, name) for name in plain} | {"roles": frozenset(role.value for role in person.roles)}


def duty_to_json(duty: tuple[DutyPeriod, ...] | None) -> list[dict[str, Any]] | None:
    if duty is None:
        return None
    return [{"weekdays": sorted(p.weekdays), "start": p.start.isoformat(), "end": p.end.isoformat()} for p in duty]


def duty_from_json(periods: list[dict[str, Any]] | None) -> tuple[DutyPeriod, ...] | None:
    if periods is None:
        return None
    return tuple(DutyPeriod(frozenset(p["weekdays"]), time.fromisoformat(p["start"]), time.fromisoformat(p["end"])) for p in periods)
