"""Alembic's environment: the platform's tables and the gateway's, on the connection that it is given."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from dicom_gateway.index import metadata as dicom_metadata
from telemed.adapters.database.tables import metadata


def plain_type(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    """Migrations name database types only: they must still run when our own column types have changed."""
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, sa.TypeDecorator) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=[metadata, dicom_metadata],
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=plain_type,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
