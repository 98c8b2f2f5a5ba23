"""The writing of the demo's doctors: for each centre, requests and the reports that answer them, with the evidence they rest on.

Patient content is Chinese and is not translated, as in life.
"""

from collections.abc import Mapping
from itertools import chain

from telemed.demo.texts.case_text import CaseText
from telemed.demo.texts.consultation import CONSULTATION
from telemed.demo.texts.ecg import ECG
from telemed.demo.texts.imaging import IMAGING
from telemed.demo.texts.lab import LAB
from telemed.demo.texts.pathology import PATHOLOGY

TEXTS: Mapping[str, CaseText] = {text.key: text for text in chain(CONSULTATION, IMAGING, ECG, LAB, PATHOLOGY)}
"""All texts by their key, `centre/name`."""

__all__ = ["TEXTS", "CaseText"]
