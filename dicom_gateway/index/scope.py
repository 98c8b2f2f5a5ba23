"""What a caller may see of the index: which studies, and of some only a part."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dicom_gateway.index.tables import dicom_instance, dicom_series, dicom_study


@dataclass(frozen=True, slots=True)
class Division:
    """Studies in scope of which the caller may see only some instances. `studies` is a condition on `dicom_study`; `instances`, for
    these studies, one on `dicom_instance` that may name its study."""

    studies: sa.ColumnElement[bool]
    instances: sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Scope:
    """The rights of a caller: `studies` is a condition on `dicom_study`, `owner` the institution to store as. `character_set` is
    the Specific Character Set that a device wants its answers in; empty: the one that it asks in. `division`: studies of which
    not all is in scope; None: what is in scope is whole. `attributes`: the only ones that the caller may see and search by, as tags
    of eight hexadecimal digits; None: all."""

    studies: sa.ColumnElement[bool]
    owner: str | None = None
    character_set: str = ""
    division: Division | None = None
    attributes: frozenset[str] | None = None

    @property
    def instances(self) -> sa.ColumnElement[bool]:
        """The condition on `dicom_instance`, where its study is in scope."""
        return sa.true() if self.division is None else sa.or_(sa.not_(self.division.studies), self.division.instances)

    @property
    def filled_series(self) -> sa.ColumnElement[bool]:
        """The condition on `dicom_series`, where its study is in scope: an instance of it is."""
        if self.division is None:
            return sa.true()
        held = sa.select(sa.literal(1)).select_from(dicom_instance).where(dicom_instance.c.series_id == dicom_series.c.id, self.instances)
        return sa.exists(held.correlate(dicom_series, dicom_study))

    @property
    def filled_studies(self) -> sa.ColumnElement[bool]:
        """The condition on `dicom_study`: it is in scope, and an instance of it is."""
        if self.division is None:
            return self.studies
        joined = dicom_series.join(dicom_instance)
        held = sa.select(sa.literal(1)).select_from(joined).where(dicom_series.c.study_id == dicom_study.c.id, self.division.instances)
        return sa.and_(self.studies, sa.or_(sa.not_(self.division.studies), sa.exists(held.correlate(dicom_study))))
