"""Which instances of a study a case received; who may call by which AE title"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

WHOLE = "all that devices send of the study is evidence"


def upgrade() -> None:
    op.add_column("evidence", sa.Column("whole", sa.Boolean(), server_default=sa.true(), nullable=False, comment=WHOLE))
    op.create_table(
        "case_instance",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(16), nullable=False),
        sa.Column("study_instance_uid", sa.String(64), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False, comment="it came for this case alone, and by no device of its owner"),
        sa.PrimaryKeyConstraint("case_id", "sop_instance_uid", name=op.f("pk_case_instance")),
        comment="instances of DICOM studies that were received for a case, and not just for the institution",
    )
    op.create_index(op.f("ix_case_instance_owner_sop_instance_uid"), "case_instance", ["owner", "sop_instance_uid"])
    op.create_index(op.f("ix_case_instance_owner_study_instance_uid"), "case_instance", ["owner", "study_instance_uid"])
    op.add_column("application_entity", sa.Column("certificates", sa.String(), server_default="", nullable=False))
    _carry_attached_by_hubs()
    _carry_attached_instances()
    _carry_last_calls()


evidence = sa.table(
    "evidence",
    *map(sa.column, ("id", "case_id", "added_by", "study_instance_uid")),
    sa.column("whole", sa.Boolean),
    sa.column("facts", sa.JSON),
)
case = sa.table("case", sa.column("id"), sa.column("member"))
person = sa.table("person", sa.column("username"), sa.column("institution"))
study = sa.table("dicom_study", sa.column("id"), sa.column("owner"), sa.column("study_instance_uid"))
series = sa.table("dicom_series", sa.column("id"), sa.column("study_id"))
instance = sa.table("dicom_instance", *map(sa.column, ("series_id", "sop_instance_uid", "received_by", "peer_address")))
case_instance = sa.table("case_instance", *map(sa.column, ("case_id", "sop_instance_uid", "owner", "study_instance_uid", "alone")))


def _carry_attached_by_hubs() -> None:
    """A study that a hub's person attached is evidence as far as they attached it; what a rule or the operator linked stays whole."""
    of_hub = (
        sa.select(evidence.c.id)
        .select_from(evidence.join(case, case.c.id == evidence.c.case_id).join(person, person.c.username == evidence.c.added_by))
        .where(person.c.institution != case.c.member, evidence.c.facts["rule"].as_string().is_(None))
    )
    attached = (evidence.c.study_instance_uid.is_not(None), evidence.c.id.in_(of_hub))
    op.execute(sa.update(evidence).where(*attached).values(whole=sa.false()))


def _carry_attached_instances() -> None:
    """An upload says who sent it and not for which case: those of a part's own uploader are that part's, the others of every case
    that has the study."""
    part, of_part = evidence.alias("part"), case.alias("case_of_part")
    others = (
        sa.exists()
        .select_from(part.join(of_part, of_part.c.id == part.c.case_id))
        .where(
            part.c.study_instance_uid == evidence.c.study_instance_uid,
            of_part.c.member == case.c.member,
            sa.not_(part.c.whole),
            instance.c.peer_address == sa.literal("upload:", sa.String) + part.c.added_by,
        )
        .correlate(evidence, case, instance)
    )
    own = instance.c.peer_address == sa.literal("upload:", sa.String) + evidence.c.added_by
    placed = (
        evidence.join(case, case.c.id == evidence.c.case_id)
        .join(study, sa.and_(study.c.study_instance_uid == evidence.c.study_instance_uid, study.c.owner == case.c.member))
        .join(series, series.c.study_id == study.c.id)
        .join(instance, instance.c.series_id == series.c.id)
    )
    received = (
        sa.select(evidence.c.case_id, instance.c.sop_instance_uid, study.c.owner, study.c.study_instance_uid, sa.true())
        .select_from(placed)
        .where(
            instance.c.received_by == "upload", sa.or_(sa.and_(evidence.c.whole, sa.not_(others)), sa.and_(sa.not_(evidence.c.whole), own))
        )
    )
    op.execute(sa.insert(case_instance).from_select(["case_id", "sop_instance_uid", "owner", "study_instance_uid", "alone"], received))


entity = sa.table("application_entity", sa.column("title"), sa.column("calls_from"))
call = sa.table("device_call", *map(sa.column, ("title", "address", "refused")))


def _carry_last_calls() -> None:
    """A device that might call from anywhere calls on from where it was let in last; one that never called is asked for its place."""
    last = sa.select(call.c.address).where(
        call.c.title == entity.c.title, call.c.refused == "", call.c.address.not_like("%/%%", escape="/")
    )
    known = sa.exists(last.correlate(entity))
    op.execute(sa.update(entity).where(entity.c.calls_from == "", known).values(calls_from=last.correlate(entity).scalar_subquery()))


def downgrade() -> None:
    op.drop_column("application_entity", "certificates")
    op.drop_index(op.f("ix_case_instance_owner_study_instance_uid"), "case_instance")
    op.drop_index(op.f("ix_case_instance_owner_sop_instance_uid"), "case_instance")
    op.drop_table("case_instance")
    op.drop_column("evidence", "whole")
