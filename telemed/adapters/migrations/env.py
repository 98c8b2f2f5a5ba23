"""Alembic's environment: the platform's tables and the gateway's, on the connection that it is given."""

from __future__ import annotations

from alembic import context
from dicom_gateway.index import metadata as dicom_metadata

from telemed.adapters.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=[metadata, dicom_metadata],
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
