"""Tables of the study index; the host program's migrations include `metadata`. Importing creates nothing.

One schema for SQLite and PostgreSQL. `owner` is the code of the institution that sent the object (the tenant): the same
study sent by two owners is two rows. Dates are YYYYMMDD and times HHMMSS.FFFFFF texts, which compare as they sort.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only for INTEGER PRIMARY KEY, which holds 64 bits there anyway.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
# LIKE with a beginning uses an index of this kind whatever the database's collation; so does equality.
_PREFIXES = {"patient_id": "text_pattern_ops", "accession_number": "text_pattern_ops"}
# Prefixes of names are looked for by the bytes.
_WORD = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_ARRIVING = sa.text("stable_at IS NULL")


def _key() -> sa.Column[int]:
    return sa.Column("id", _KEY, primary_key=True, autoincrement=True)


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer)


dicom_study = sa.Table(
    "dicom_study",
    metadata,
    _key(),
    _text("owner", nullable=False),
    _text("study_instance_uid", nullable=False),
    _text("patient_id"),
    _text("issuer_of_patient_id"),
    _text("patient_name"),
    sa.Column("patient_name_folded", sa.Text, comment="as `patient_name`, in lower case, for matching"),
    _text("patient_birth_date"),
    _text("patient_sex"),
    _text("study_date"),
    _text("study_time"),
    _text("study_id"),
    _text("study_description"),
    _text("accession_number"),
    _text("referring_physician_name"),
    sa.Column("referring_physician_name_folded", sa.Text),
    sa.Column("first_received_at", _MOMENT, nullable=False),
    sa.Column("last_received_at", _MOMENT, nullable=False, comment="when an instance last arrived, new or repeated"),
    sa.Column("listed_at", sa.Text, nullable=False, server_default="", comment="study date and time as one text: lists go by it"),
    sa.Column("stable_at", _MOMENT, comment="when it was found or said to be complete; None while instances arrive"),
    sa.Column("revision", sa.Integer, nullable=False, server_default="0", comment="how often it was corrected"),
    sa.UniqueConstraint("owner", "study_instance_uid"),
    sa.Index(None, "study_instance_uid"),
    sa.Index(None, "listed_at", "id"),
    sa.Index(None, "owner", "listed_at", "id"),
    sa.Index(None, "patient_id", postgresql_ops=_PREFIXES),
    sa.Index(None, "accession_number", postgresql_ops=_PREFIXES),
    sa.Index("ix_dicom_study_arriving", "last_received_at", sqlite_where=_ARRIVING, postgresql_where=_ARRIVING),
)

dicom_correction = sa.Table(
    "dicom_correction",
    metadata,
    sa.Column("study_id", _KEY, sa.ForeignKey("dicom_study.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("keyword", sa.Text, primary_key=True),
    sa.Column("original", sa.Text, comment="as it was received; what holds now is in the study's own row"),
    sa.Column("corrected_at", _MOMENT, nullable=False),
    comment="attributes of studies that a person has corrected",
)

dicom_stated_patient = sa.Table(
    "dicom_stated_patient",
    metadata,
    sa.Column("study_id", _KEY, sa.ForeignKey("dicom_study.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of the other columns"),
    _text("patient_name"),
    _text("patient_id"),
    _text("patient_birth_date"),
    _text("patient_sex"),
    comment="patients as instances of a study state them, each once: as a rule one",
)

dicom_name_key = sa.Table(
    "dicom_name_key",
    metadata,
    sa.Column("kind", sa.String(1), primary_key=True, comment="g: a component group of the name; w: a word of it, for fuzzy keys"),
    sa.Column("text", _WORD, primary_key=True),
    sa.Column("study_id", _KEY, sa.ForeignKey("dicom_study.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True),
    comment="what a study's patient can be found by; follows from the name",
)

dicom_series = sa.Table(
    "dicom_series",
    metadata,
    _key(),
    sa.Column("study_id", _KEY, sa.ForeignKey("dicom_study.id", ondelete="CASCADE"), nullable=False),
    _text("series_instance_uid", nullable=False),
    _text("modality"),
    _number("series_number"),
    _text("series_description"),
    _text("body_part_examined"),
    _text("laterality"),
    _text("performed_procedure_step_start_date"),
    _text("performed_procedure_step_start_time"),
    _text("scheduled_procedure_step_id"),
    _text("requested_procedure_id"),
    sa.UniqueConstraint("study_id", "series_instance_uid"),
    sa.Index(None, "series_instance_uid"),
    sa.Index(None, "modality", "study_id"),
)

dicom_instance = sa.Table(
    "dicom_instance",
    metadata,
    _key(),
    sa.Column("series_id", _KEY, sa.ForeignKey("dicom_series.id", ondelete="CASCADE"), nullable=False),
    _text("owner", nullable=False),
    _text("sop_instance_uid", nullable=False),
    _text("sop_class_uid", nullable=False),
    _text("transfer_syntax_uid", nullable=False),
    _number("instance_number"),
    _number("rows"),
    _number("columns"),
    _number("bits_allocated"),
    _number("samples_per_pixel"),
    _text("photometric_interpretation"),
    _number("number_of_frames"),
    sa.Column("pixel_data_offset", sa.BigInteger, comment="of the element; None without pixels"),
    sa.Column("object_key", sa.Text, nullable=False, unique=True),
    sa.Column("size", sa.BigInteger, nullable=False, comment="bytes of the stored object"),
    sa.Column("sha256", sa.String(64), nullable=False, comment="of the stored object"),
    sa.Column("data_set_sha256", sa.String(64), nullable=False, comment="of the data set behind our own file meta information"),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("received_by", sa.Text, nullable=False, comment="dimse, stow or upload"),
    _text("calling_ae"),
    _text("peer_address"),
    sa.UniqueConstraint("owner", "sop_instance_uid"),
    sa.Index(None, "sop_instance_uid"),
    sa.Index(None, "series_id"),
)

dicom_frame_index = sa.Table(
    "dicom_frame_index",
    metadata,
    sa.Column(
        "instance_id",
        _KEY,
        sa.ForeignKey("dicom_instance.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("packed", sa.LargeBinary, nullable=False, comment="see dicom_gateway.frames"),
)

dicom_series_document = sa.Table(
    "dicom_series_document",
    metadata,
    sa.Column("series_id", _KEY, sa.ForeignKey("dicom_series.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    sa.Column("instances", sa.Text, nullable=False, comment="which instances it describes, and by what rules"),
    sa.Column("etag", sa.String(32), nullable=False, comment="from the content"),
    sa.Column("content", sa.LargeBinary, nullable=False, comment="DICOM JSON array, gzip"),
    sa.Column("made_at", _MOMENT, nullable=False),
    comment="metadata of whole series, made from the objects; every row may be deleted and is made again when asked for",
)

dicom_conflict = sa.Table(
    "dicom_conflict",
    metadata,
    _key(),
    _text("owner", nullable=False),
    _text("sop_instance_uid", nullable=False),
    _text("study_instance_uid", nullable=False),
    _text("series_instance_uid", nullable=False),
    _text("transfer_syntax_uid", nullable=False),
    sa.Column("data_set_sha256", sa.String(64), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False, unique=True),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("received_by", sa.Text, nullable=False),
    _text("calling_ae"),
    _text("peer_address"),
    sa.UniqueConstraint("owner", "sop_instance_uid", "data_set_sha256"),
    comment="other content under a SOP Instance UID that is taken; kept aside for a person to decide",
)

dicom_quarantine = sa.Table(
    "dicom_quarantine",
    metadata,
    _key(),
    _text("owner", nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False, unique=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("offset", sa.BigInteger, comment="byte at which reading failed, where that is known"),
    sa.Column("received_at", _MOMENT, nullable=False),
    sa.Column("received_by", sa.Text, nullable=False),
    _text("calling_ae"),
    _text("peer_address"),
    sa.UniqueConstraint("owner", "sha256"),
    comment="what could not be read or placed, with its bytes",
)

dicom_workitem = sa.Table(
    "dicom_workitem",
    metadata,
    _key(),
    _text("owner", nullable=False),
    _text("workitem_uid", nullable=False),
    _text("state", nullable=False),
    sa.Column("transaction_uid", sa.Text, comment="the key of who took it"),
    sa.Column("scheduled_at", sa.Text, nullable=False, comment="DICOM date and time; lists go by it"),
    sa.Column("content", sa.Text, nullable=False, comment="DICOM JSON, without state and UIDs"),
    sa.Column("version", sa.Integer, nullable=False, comment="counts the changes: a change must know the one before"),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("changed_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("owner", "workitem_uid"),
    sa.Index(None, "owner", "state", "scheduled_at"),
    comment="unified procedure steps of a gateway on its own",
)
