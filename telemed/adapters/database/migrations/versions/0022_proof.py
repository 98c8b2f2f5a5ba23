"""The audit trail takes digests of the record, and takes a new record at its end only"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

REFUSAL = "the audit trail is append-only: a new record goes to its end"
NEXT = "(SELECT coalesce(max(position), 0) + 1 FROM audit)"

POSTGRESQL = (
    f"""CREATE FUNCTION audit_grows_at_its_end() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NEW.position <> {NEXT} THEN RAISE EXCEPTION '{REFUSAL}'; END IF;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER audit_at_end BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_grows_at_its_end()",
)
SQLITE = (
    f"""CREATE TRIGGER audit_at_end BEFORE INSERT ON audit
    WHEN NEW.position IS NOT {NEXT}
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
)
"""INSERT OR REPLACE of SQLite removes the row before it without a trigger for DELETE: it is stopped before it begins."""


def upgrade() -> None:
    op.add_column("audit", sa.Column("attested", sa.JSON(), nullable=True))
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_at_end ON audit")
        op.execute("DROP FUNCTION audit_grows_at_its_end()")
    else:
        op.execute("DROP TRIGGER audit_at_end")
    op.drop_column("audit", "attested")
