"""Corrected attributes in the metadata of an object, with those that it carries in the Original Attributes Sequence."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dicom_gateway.index.correcting import Correction
from dicom_gateway.metadata import element

ORIGINAL_ATTRIBUTES_SEQUENCE = 0x04000561
SYSTEM = "TELEMED"


def apply_corrections(fragments: dict[int, str], corrections: Sequence[Correction]) -> None:
    """Put the corrected values into `fragments` (JSON members of an object by tag), and the object's own beside them.

    PS3.3 C.12.1.1.9: one item, before those that the object has; reason CORRECT, time of the last correction.
    """
    modified = {}
    for correction in corrections:
        tag = int(correction.tag, 16)
        own = json.loads(f"{{{fragments[tag]}}}")[correction.tag] if tag in fragments else {"vr": correction.vr}
        modified[correction.tag] = own
        fragments[tag] = _member(correction.tag, element(correction.vr, correction.value))
    item = {
        "04000550": {"vr": "SQ", "Value": [dict(sorted(modified.items()))]},
        "04000562": {"vr": "DT", "Value": [f"{max(c.at for c in corrections):%Y%m%d%H%M%S.%f}+0000"]},
        "04000563": {"vr": "LO", "Value": [SYSTEM]},
        "04000564": {"vr": "LO"},
        "04000565": {"vr": "CS", "Value": ["CORRECT"]},
    }
    tag_text = f"{ORIGINAL_ATTRIBUTES_SEQUENCE:08X}"
    known = json.loads(f"{{{fragments[ORIGINAL_ATTRIBUTES_SEQUENCE]}}}")[tag_text] if ORIGINAL_ATTRIBUTES_SEQUENCE in fragments else {}
    fragments[ORIGINAL_ATTRIBUTES_SEQUENCE] = _member(tag_text, {"vr": "SQ", "Value": [item, *known.get("Value", [])]})


def _member(tag: str, value: object) -> str:
    return f'"{tag}":{json.dumps(value, ensure_ascii=False, separators=(",", ":"))}'
