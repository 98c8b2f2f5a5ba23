"""What the digest of an instance covers, said where the database keeps comments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BEFORE = "of the encoded data set alone"
NOW = "of the data set behind our own file meta information"


def upgrade() -> None:
    _comment(NOW, BEFORE)


def downgrade() -> None:
    _comment(BEFORE, NOW)


def _comment(new: str, old: str) -> None:
    if op.get_bind().dialect.supports_comments:
        op.alter_column("dicom_instance", "data_set_sha256", existing_type=sa.String(64), comment=new, existing_comment=old)
