"""What a member says of its own records stands apart from the index across members"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

SHARED = sa.text(
    "UPDATE patient SET local_master_id = COALESCE("
    "(SELECT kept.id FROM patient AS kept WHERE kept.id = patient.master_id AND kept.member = patient.member), "
    "(SELECT MIN(own.id) FROM patient AS own WHERE own.master_id = patient.master_id AND own.member = patient.member))"
)
"""Records of one member that shared a master are one person to it: under that master where it is its own, else under the oldest."""


def upgrade() -> None:
    told = "records that their own member says are one person"
    op.add_column("patient", sa.Column("local_master_id", sa.String(32), nullable=True, comment=told))
    op.execute(SHARED)
    with op.batch_alter_table("patient") as batch_op:
        batch_op.alter_column("local_master_id", existing_type=sa.String(32), existing_comment=told, nullable=False)
        batch_op.create_index(op.f("ix_patient_local_master_id"), ["local_master_id"])


def downgrade() -> None:
    with op.batch_alter_table("patient") as batch_op:
        batch_op.drop_index(op.f("ix_patient_local_master_id"))
        batch_op.drop_column("local_master_id")
