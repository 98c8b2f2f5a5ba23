"""Jobs that match a study with its case are named so"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

RENAMED = {
    "place-study": "match-study",
    "place-waiting": "match-unmatched",
    "place-step": "match-step",
    "raise-found": "open-detected-criticals",
}

job = sa.table("job", sa.column("kind", sa.String))


def rename(names: dict[str, str]) -> None:
    for old, new in names.items():
        op.execute(job.update().where(job.c.kind == old).values(kind=new))


def upgrade() -> None:
    rename(RENAMED)


def downgrade() -> None:
    rename({new: old for old, new in RENAMED.items()})
