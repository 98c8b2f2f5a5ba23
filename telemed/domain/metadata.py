"""What of studies and workitems is metadata: shown to who may know of everybody's cases and read none (the operator).

Nothing of the patient (group 0010), no number that leads to one but the accession number, no text that somebody typed.
"""

from __future__ import annotations

METADATA_ATTRIBUTES = frozenset({
    "00080005",  # Specific Character Set
    "00080016",  # SOP Class UID
    "00080018",  # SOP Instance UID
    "00080020",  # Study Date
    "00080030",  # Study Time
    "00080050",  # Accession Number
    "00080056",  # Instance Availability
    "00080060",  # Modality
    "00080061",  # Modalities in Study
    "00080062",  # SOP Classes in Study
    "00081190",  # Retrieve URL
    "00083002",  # Available Transfer Syntax UID
    "00180015",  # Body Part Examined
    "0020000D",  # Study Instance UID
    "0020000E",  # Series Instance UID
    "00200011",  # Series Number
    "00200013",  # Instance Number
    "00200060",  # Laterality
    "00201206",  # Number of Study Related Series
    "00201208",  # Number of Study Related Instances
    "00201209",  # Number of Series Related Instances
    "00280008",  # Number of Frames
    "00280010",  # Rows
    "00280011",  # Columns
    "00280100",  # Bits Allocated
    "00400244",  # Performed Procedure Step Start Date
    "00400245",  # Performed Procedure Step Start Time
    "00404005",  # Scheduled Procedure Step Start DateTime
    "00404011",  # Expected Completion DateTime
    "00404021",  # Input Information Sequence
    "00404041",  # Input Readiness State
    "0040A370",  # Referenced Request Sequence
    "00741000",  # Procedure Step State
    "00741200",  # Scheduled Procedure Step Priority
    "00741202",  # Worklist Label: the institutions' codes
    "00741204",  # Procedure Step Label: modality and body part by their codes
})  # fmt: skip
"""Tags (PS3.6) as eight hexadecimal digits. Every other attribute is the patient's or clinical."""
