"""The platform's tables. Tables of a centre lie in its folder, on the same metadata."""

from __future__ import annotations

from telemed.adapters.database.schema import metadata
from telemed.adapters.database.tables.audit import audit, audit_check
from telemed.adapters.database.tables.backups import backup_run
from telemed.adapters.database.tables.cases import accession, case, case_access, case_event, consent, critical_value
from telemed.adapters.database.tables.credentials import (
    account_notice,
    factor_recovery,
    half_session,
    passkey,
    passkey_challenge,
    password_history,
    recovery_code,
    totp,
)
from telemed.adapters.database.tables.evidence import (
    case_instance,
    evidence,
    evidence_identity,
    file_aside,
    transfer,
    unmatched_study,
    upload,
)
from telemed.adapters.database.tables.image_quality import model_proposal, study_quality
from telemed.adapters.database.tables.jobs import job
from telemed.adapters.database.tables.network import application_entity, device_call, home_hub, hub_service, institution, region_setting
from telemed.adapters.database.tables.patients import patient, patient_doubt, patient_identifier
from telemed.adapters.database.tables.people import (
    invitation,
    known_browser,
    notice_mark,
    password_attempt,
    person,
    refused_sign_in,
    saved_view,
    session,
)
from telemed.adapters.database.tables.reconciliations import reconciliation
from telemed.adapters.database.tables.reports import report
from telemed.adapters.database.tables.stored_objects import object_sweep, unnamed_object
from telemed.adapters.database.tables.volumes import daily_volume

__all__ = [
    "accession",
    "account_notice",
    "application_entity",
    "audit",
    "audit_check",
    "backup_run",
    "case",
    "case_access",
    "case_event",
    "case_instance",
    "consent",
    "critical_value",
    "daily_volume",
    "device_call",
    "evidence",
    "evidence_identity",
    "factor_recovery",
    "file_aside",
    "half_session",
    "home_hub",
    "hub_service",
    "institution",
    "invitation",
    "job",
    "known_browser",
    "metadata",
    "model_proposal",
    "notice_mark",
    "object_sweep",
    "passkey",
    "passkey_challenge",
    "password_attempt",
    "password_history",
    "patient",
    "patient_doubt",
    "patient_identifier",
    "person",
    "reconciliation",
    "recovery_code",
    "refused_sign_in",
    "region_setting",
    "report",
    "saved_view",
    "session",
    "study_quality",
    "totp",
    "transfer",
    "unmatched_study",
    "unnamed_object",
    "upload",
]
