"""A made-up archive of a region: the rows of its studies, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dicom_gateway.index.names import fold_name, name_groups, name_words

OWNERS = ("CLINIC1", "CLINIC2", "CLINIC3", "HUBA")
SURNAMES = ("Wang=王", "Li=李", "Zhang=张", "Liu=刘", "Chen=陈", "Yang=杨", "Zhao=赵", "Huang=黄", "Zhou=周", "Wu=吴", "Shan=单")
GIVEN = ("XiaoDong=小东", "Na=娜", "Wei=伟", "Min=敏", "Jing=静", "Qiang=强", "Lei=磊", "Yan=艳", "Yong=勇", "Jie=杰", "ShuFen=淑芬")
MODALITIES = ("CT", "MR", "DX", "US", "CR", "MG", "NM", "PT")
WEIGHTS = (30, 20, 20, 15, 10, 3, 1.5, 0.5)


def study_uid(number: int) -> str:
    return f"2.25.{number + 10**12}"


def rows_of(number: int, instances: int, dice: random.Random, ids: Iterator[int]) -> dict[str, list[dict[str, Any]]]:
    """The rows of one study: two series that share its instances."""
    surname, given = dice.choice(SURNAMES).split("="), dice.choice(GIVEN).split("=")
    name = f"{surname[0]}^{given[0]}={surname[1]}^{given[1]}"
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(600 * 86400))
    uid, owner, modality = study_uid(number), dice.choice(OWNERS), dice.choices(MODALITIES, WEIGHTS)[0]
    patient = dice.randrange(50_000)
    study = number + 1
    rows: dict[str, list[dict[str, Any]]] = {"study": [], "name": [], "series": [], "instance": []}
    rows["study"].append({
        "id": study, "owner": owner, "study_instance_uid": uid, "patient_id": f"P{patient:07d}", "patient_name": name,
        "patient_name_folded": fold_name(name), "patient_birth_date": "19700101", "patient_sex": "M", "study_date": f"{at:%Y%m%d}",
        "study_time": f"{at:%H%M%S}", "listed_at": f"{at:%Y%m%d%H%M%S}", "study_id": str(number), "study_description": "Chest",
        "accession_number": f"A{number:08d}", "first_received_at": at, "last_received_at": at, "stable_at": at,
    })  # fmt: skip
    rows["name"] += [{"kind": "g", "text": text, "study_id": study} for text in name_groups(name)]
    rows["name"] += [{"kind": "w", "text": text, "study_id": study} for text in name_words(name)]
    for place in range(2):
        series = 2 * number + place + 1
        rows["series"].append({
            "id": series, "study_id": study, "series_instance_uid": f"{uid}.{place + 1}", "modality": modality,
            "series_number": place + 1, "series_description": "Axial", "body_part_examined": "CHEST",
        })  # fmt: skip
        for image in range(instances // 2):
            key = next(ids)
            rows["instance"].append({
                "id": key, "series_id": series, "owner": owner, "sop_instance_uid": f"{uid}.{place + 1}.{image + 1}",
                "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "transfer_syntax_uid": "1.2.840.10008.1.2.1", "instance_number": image + 1,
                "rows": 512, "columns": 512, "bits_allocated": 16, "samples_per_pixel": 1, "pixel_data_offset": 1400,
                "photometric_interpretation": "MONOCHROME2", "object_key": f"dicom/{key:012d}", "size": 525_000, "sha256": f"{key:064x}",
                "data_set_sha256": f"{key:064x}", "received_at": at, "received_by": "dimse", "calling_ae": owner,
            })  # fmt: skip
    return rows
