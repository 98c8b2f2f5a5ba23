"""Patients as evidence states them, and files that were set aside"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0021"
down_revision = "0020"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAGE = 500
STATED = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
}


def upgrade() -> None:
    op.create_table(
        "dicom_stated_patient",
        sa.Column("study_id", KEY, autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the other columns"),
        sa.Column("patient_name", sa.Text()),
        sa.Column("patient_id", sa.Text()),
        sa.Column("patient_birth_date", sa.Text()),
        sa.Column("patient_sex", sa.Text()),
        sa.ForeignKeyConstraint(
            ["study_id"], ["dicom_study.id"], name=op.f("fk_dicom_stated_patient_study_id_dicom_study"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "digest", name=op.f("pk_dicom_stated_patient")),
        comment="patients as instances of a study state them, each once: as a rule one",
    )
    op.create_table(
        "evidence_identity",
        sa.Column("evidence_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stated", sa.String(), nullable=False, comment="the patient as the file states them, as a JSON object; sealed"),
        sa.Column("differs", sa.JSON(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("settled_by", sa.String(64)),
        sa.Column("settled_at", Instant()),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_identity_evidence_id_evidence")),
        sa.PrimaryKeyConstraint("evidence_id", "number", name=op.f("pk_evidence_identity")),
        comment="patients as evidence states them, what differs from the case's, and who settled it",
    )
    op.create_table(
        "file_aside",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("member", sa.String(16), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False, comment="that it was taken away from"),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("set_aside_by", sa.String(64), nullable=False),
        sa.Column("set_aside_at", Instant(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_aside")),
        comment="files that were taken away from a case since they are another person's: nothing is lost",
    )
    op.create_index(op.f("ix_file_aside_key"), "file_aside", ["key"])
    op.create_index(op.f("ix_file_aside_set_aside_at"), "file_aside", ["set_aside_at"])
    op.add_column("case", sa.Column("identity_open", sa.Boolean(), server_default=sa.false(), nullable=False))
    _state_what_is_known()
    _have_open_cases_compared()


def _state_what_is_known() -> None:
    """Of a study that came before, the patient of its first instance is known: as it was received, whatever was corrected."""
    connection = op.get_bind()
    study = sa.table("dicom_study", sa.column("id", KEY), *(sa.column(name, sa.Text) for name in STATED))
    correction = sa.table("dicom_correction", sa.column("study_id", KEY), sa.column("keyword", sa.Text), sa.column("original", sa.Text))
    stated = sa.table("dicom_stated_patient", sa.column("study_id", KEY), *(sa.column(name, sa.Text) for name in ("digest", *STATED)))
    last = 0
    while rows := connection.execute(sa.select(study).where(study.c.id > last).order_by(study.c.id).limit(PAGE)).mappings().all():
        last = rows[-1]["id"]
        known = sa.select(correction).where(correction.c.study_id.in_([row["id"] for row in rows]))
        originals = {(each.study_id, each.keyword): each.original for each in connection.execute(known)}
        entered = []
        for row in rows:
            values = {name: originals.get((row["id"], keyword), row[name]) for name, keyword in STATED.items()}
            text = "\\".join(values[name] or "" for name in STATED)
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            entered.append({"study_id": row["id"], "digest": digest, **values})
        connection.execute(sa.insert(stated), entered)


def _have_open_cases_compared() -> None:
    """Evidence of cases that are not answered yet is compared by the worker, which may ask for it as often as it likes."""
    connection = op.get_bind()
    case = sa.table("case", *(sa.column(name, sa.String) for name in ("id", "status")))
    job = sa.table(
        "job", *(sa.column(name, sa.String) for name in ("kind", "waiting_key", "error")), sa.column("payload", sa.JSON),
        sa.column("created_at", Instant()), sa.column("run_after", Instant()), sa.column("attempts", sa.Integer),
    )  # fmt: skip
    open_cases = sa.select(case.c.id).where(case.c.status.not_in(("completed", "cancelled")))
    now = datetime.now(UTC)
    rows = [
        {
            "kind": "compare-identities", "payload": {"case_id": case_id}, "waiting_key": f"identities:{case_id}",
            "created_at": now, "run_after": now, "attempts": 0, "error": "",
        }
        for case_id in connection.execute(open_cases).scalars()
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(job), rows)


def downgrade() -> None:
    with op.batch_alter_table("case") as batch:
        batch.drop_column("identity_open")
    op.drop_table("file_aside")
    op.drop_table("evidence_identity")
    op.drop_table("dicom_stated_patient")
