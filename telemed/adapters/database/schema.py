"""The schema's one metadata and its column types: the same for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


Id = sa.String(32)


Code = sa.String(16)


Name = sa.String(64)


def only(sqlite: str, postgresql: str = "") -> dict[str, Any]:
    """An index over the rows that fulfil a condition, said as SQLAlchemy says it in queries."""
    return {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql or sqlite)}


def ordered(length: int) -> sa.types.TypeEngine[str]:
    """Text in code point order on both databases, so that a prefix is a range of the index."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
