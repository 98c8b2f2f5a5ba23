"""Which instances of a study a case received: conditions over the study index, and the hook that notes what comes for a case."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from dicom_gateway.index import IndexedInstance, Recorded, dicom_instance, dicom_study
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_or_nothing

_x = t.case_instance.c


def given_to(case_id: sa.ColumnElement[str] | str) -> sa.ColumnElement[bool]:
    """The condition on `dicom_instance`: it was received for this case."""
    given = sa.select(sa.literal(1)).where(_x.case_id == case_id, _x.sop_instance_uid == dicom_instance.c.sop_instance_uid)
    return sa.exists(given.select_from(t.case_instance).correlate(t.evidence, dicom_instance))


def belongs_to(case_id: sa.ColumnElement[str] | str) -> sa.ColumnElement[bool]:
    """The condition on `dicom_instance`, where its study as such is evidence of this case: it came for no other case alone."""
    i = dicom_instance.c
    alone = sa.select(sa.literal(1)).where(_x.owner == i.owner, _x.sop_instance_uid == i.sop_instance_uid, _x.alone)
    return sa.or_(given_to(case_id), ~sa.exists(alone.select_from(t.case_instance).correlate(dicom_instance)))


def is_divided() -> sa.ColumnElement[bool]:
    """The condition on `dicom_study`: instances of it came for a case, so that not every case may have all of them."""
    s = dicom_study.c
    some = sa.select(sa.literal(1)).where(_x.owner == s.owner, _x.study_instance_uid == s.study_instance_uid)
    return sa.exists(some.select_from(t.case_instance).correlate(dicom_study))


def note_received(connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
    """Note what came for a case, by the case's id as `reference`; what a device sends belongs to its study whoever else sent it.

    The caller holds the transaction that enters the instances. Other content under a taken UID was received for nobody.
    """
    ordered = sorted(indexed, key=lambda each: (each.received.owner, each.received.header.sop_instance_uid, each.received.reference))
    rows = [
        {
            "case_id": each.received.reference,
            "sop_instance_uid": each.received.header.sop_instance_uid,
            "owner": each.received.owner,
            "study_instance_uid": each.received.header.study_instance_uid,
            "alone": each.recorded is Recorded.NEW,
        }
        for each in ordered
        if each.received.reference and each.recorded in (Recorded.NEW, Recorded.DUPLICATE)
    ]
    if rows:
        connection.execute(insert_or_nothing(connection, t.case_instance), rows)
    for each in ordered:
        if each.recorded is Recorded.DUPLICATE and not each.received.reference:
            same = (_x.owner == each.received.owner, _x.sop_instance_uid == each.received.header.sop_instance_uid, _x.alone)
            connection.execute(sa.update(t.case_instance).where(*same).values(alone=False))
