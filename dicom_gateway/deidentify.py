"""De-identification by the Basic Application Level Confidentiality Profile (PS3.15 annex E).

The table of attributes and actions is `confidentiality_profile.csv`; it is applied to nested items as well, and UIDs are replaced by
a keyed digest: the same UID is the same within one export, and nobody without its key can go back. Beyond the table goes what it
cannot know: private elements, elements that no edition of PS3.6 names, and names, dates and addresses (URLs) under tags that the
table passes over; other UIDs of instances are replaced.

Pixels are not looked at. Objects that may carry identity in their pixels or their text are refused, with the reason.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import warnings
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from pydicom import dcmread, dcmwrite
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_has_tag, keyword_for_tag, repeater_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from dicom_gateway.scanner import check_deflated

METHOD = "PS3.15 2026c Basic Application Confidentiality Profile"
_PROFILE_CODE = ("113100", "DCM", "Basic Application Confidentiality Profile")

_D, _Z, _X, _U = "D", "Z", "X", "U"
_FORMS: Mapping[str, str] = {
    "D": _D, "Z/D": _D, "X/D": _D, "X/Z/D": _D, "Z": _Z, "X/Z": _Z, "X": _X, "U": _U, "X/Z/U*": _U,
}  # fmt: skip
"""The form of each action of the table. Where it leaves a choice by the attribute's type in the object (E.3.1), the one that is valid for
every type."""


def _profile() -> tuple[dict[int, str], list[tuple[int, int, str]]]:
    """Return actions by tag, and those of repeating groups as value, mask and action."""
    single: dict[int, str] = {}
    repeating: list[tuple[int, int, str]] = []
    with TABLE.open(encoding="ascii", newline="") as file:
        for row in csv.DictReader(file):
            tag, action = row["tag"], _FORMS[row["action"]]
            if "x" in tag:
                repeating.append((int(tag.replace("x", "0"), 16), int("".join("0" if digit == "x" else "F" for digit in tag), 16), action))
            else:
                single[int(tag, 16)] = action
    return single, repeating


TABLE = Path(__file__).with_name("confidentiality_profile.csv")
"""PS3.15 2026c table E.1-1, the column of the basic profile: tag (`x` for any digit of a repeating group) and action."""

_ACTIONS, _REPEATING = _profile()

_TELLING = frozenset(["PN", "DA", "DT", "TM", "UR", "UN"])
"""Value representations that may name a person, a day or a place, and are removed wherever the table has no word for the tag."""

_CLASS_UIDS = frozenset({
    "SOPClassUID", "ReferencedSOPClassUID", "RelatedGeneralSOPClassUID", "OriginalSpecializedSOPClassUID", "SOPClassesInStudy",
    "PertinentSOPClassesInStudy", "PertinentSOPClassesInSeries", "SOPClassesSupported", "AvailableTransferSyntaxUID",
    "StoredInstanceTransferSyntaxUID", "FlowTransferSyntaxUID", "CodingSchemeUID", "ContextUID", "MappingResourceUID",
})  # fmt: skip
"""UIDs that name a kind of thing, not a thing; private classes stay what they are."""

_DUMMIES: Mapping[str, str | int] = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "DS": "0", "IS": "0", "UR": "http://invalid.invalid",
    "FD": 0, "FL": 0, "SS": 0, "US": 0, "SL": 0, "UL": 0,
}  # fmt: skip
_TEXT = frozenset(["AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"])
_DUMMY = "ANONYMIZED"
_DEPTH = 32

PATIENT = frozenset({0x00100010, 0x00100020})
"""Patient's name and ID become one pseudonym, so that the studies of an export still tell their patients apart."""

TEXT_CLASSES = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.", "1.2.840.10008.5.1.4.1.1.11.", "1.2.840.10008.5.1.4.1.1.9.")
"""SOP classes whose content is text, documents, annotations or recordings with text: structured reports, encapsulated
documents, presentation states, waveforms (PS3.4 B.5). Cleaning them needs a person."""

SCREEN_CLASSES = ("1.2.840.10008.5.1.4.1.1.7.", "1.2.840.10008.5.1.4.1.1.3.", "1.2.840.10008.5.1.4.1.1.6.")
"""SOP classes of pictures of screens and of ultrasound, whatever modality they claim: secondary captures (a CT's dose page
among them), ultrasound, and what derives from them."""

PIXEL_RISK = frozenset({"US", "SC", "OT", "XC", "ES", "GM", "DOC", "IVUS", "ECG", "BMD"})
"""Modalities whose pictures often show names; they go out only where Burned In Annotation says NO."""

WRITTEN_PICTURES = frozenset({"LABEL", "SCREEN SAVE"})
"""Image Type values of pictures that show writing: a slide's label (PS3.3 C.8.12.4.1.1), a console's screen."""


class NotDeidentifiable(Exception):
    """This object cannot be cleaned without a person's eye; the message says why, in one of a few fixed words."""


def deidentify(part10: bytes, key: bytes) -> tuple[str, bytes]:
    """The new SOP Instance UID and the cleaned DICOM file; `key` is the export's own, 32 random bytes.

    Raises `NotDeidentifiable`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_deflated(part10)
            data_set = dcmread(BytesIO(part10))
            _refuse(data_set)
            syntax, sop_class = data_set.file_meta.TransferSyntaxUID, data_set.SOPClassUID
            pseudonym = (
                "ANON" + _digest(key, f"patient:{data_set.get('PatientID', '')}:{data_set.get('IssuerOfPatientID', '')}")[:12].upper()
            )
            _clean(data_set, key, pseudonym, 0)
            _say_so(data_set)
            data_set.file_meta = FileMetaDataset()
            data_set.file_meta.TransferSyntaxUID = syntax
            data_set.file_meta.MediaStorageSOPClassUID = sop_class
            data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
            data_set.preamble = bytes(128)
            out = BytesIO()
            dcmwrite(out, data_set, enforce_file_format=True)
            return str(data_set.SOPInstanceUID), out.getvalue()
    except NotDeidentifiable:
        raise
    except Exception as error:  # pydicom raises whatever its parsing meets; its words may hold values
        raise NotDeidentifiable(f"unreadable ({type(error).__name__})") from None


def replaced_uid(uid: str, key: bytes) -> str:
    """The UID that stands for `uid` in the export of `key`: UUID-derived (PS3.5 B.2). What the standard defines stays."""
    if not uid or uid in UID_dictionary:
        return uid
    return f"2.25.{int(_digest(key, 'uid:' + uid)[:32], 16)}"


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _refuse(data_set: Dataset) -> None:
    if str(data_set.SOPClassUID).startswith(TEXT_CLASSES):
        raise NotDeidentifiable("holds text or a document")
    burned_in = str(data_set.get("BurnedInAnnotation", "")).upper()
    if burned_in == "YES":
        raise NotDeidentifiable("identity in the pixels")
    kinds = {str(value).upper() for value in data_set.get("ImageType", None) or ()}
    label = str(data_set.get("SpecimenLabelInImage", "")).upper()
    if kinds & WRITTEN_PICTURES or label == "YES" or ("OVERVIEW" in kinds and label != "NO"):
        raise NotDeidentifiable("shows a label or a screen")
    of_a_screen = f"{data_set.SOPClassUID}.".startswith(SCREEN_CLASSES) or str(data_set.get("Modality", "")).upper() in PIXEL_RISK
    if burned_in != "NO" and of_a_screen:
        raise NotDeidentifiable("may show identity in its pixels")
    if str(data_set.get("RecognizableVisualFeatures", "")).upper() == "YES":
        raise NotDeidentifiable("a face can be recognised")


def _clean(data_set: Dataset, key: bytes, pseudonym: str, depth: int) -> None:
    if depth > _DEPTH:
        raise NotDeidentifiable("nested too deep")
    for element in list(_elements(data_set)):
        tag = int(element.tag)
        if element.tag.is_private or element.tag.group == 0x0004:
            del data_set[element.tag]
            continue
        action = _action(tag) or _unnamed(element)
        if tag in PATIENT:
            element.value = pseudonym
        elif element.VR == "SQ":
            _clean_sequence(data_set, element, action, key, pseudonym, depth)
        elif action == _X:
            del data_set[element.tag]
        elif action == _U:
            _replace_uids(element, key)
        elif action == _Z:
            element.value = None
        elif action == _D:
            _dummy(data_set, element, key)


def _elements(data_set: Dataset) -> Iterator[DataElement]:
    """All elements but the pixels, which stay as they are."""
    return (data_set[tag] for tag in list(data_set.keys()) if tag not in (0x7FE00010, 0x7FE00008, 0x7FE00009))


def _action(tag: int) -> str | None:
    found = _ACTIONS.get(tag)
    if found is not None:
        return found
    return next((action for value, mask, action in _REPEATING if tag & mask == value), None)


def _unnamed(element: DataElement) -> str | None:
    """Return the action for an element that the table does not name."""
    known = dictionary_has_tag(element.tag) or repeater_has_tag(int(element.tag))
    if not known or element.VR in _TELLING:
        return _X
    return _U if element.VR == "UI" and keyword_for_tag(element.tag) not in _CLASS_UIDS else None


def _clean_sequence(data_set: Dataset, element: DataElement, action: str | None, key: bytes, pseudonym: str, depth: int) -> None:
    """Remove or empty the sequence as the profile says; otherwise clean it item by item, also where a dummy is asked for."""
    if action == _X:
        del data_set[element.tag]
    elif action == _Z:
        element.value = Sequence([])
    else:
        for item in element.value:
            _clean(item, key, pseudonym, depth + 1)


def _replace_uids(element: DataElement, key: bytes) -> None:
    if element.VM > 1:
        element.value = [UID(replaced_uid(str(uid), key)) for uid in element.value]
    elif element.value:
        element.value = UID(replaced_uid(str(element.value), key))


def _dummy(data_set: Dataset, element: DataElement, key: bytes) -> None:
    if element.VR == "UI":
        _replace_uids(element, key)
    elif element.VR in _TEXT:
        element.value = _DUMMY
    elif element.VR in _DUMMIES:
        element.value = _DUMMIES[element.VR]
    else:
        del data_set[element.tag]  # binary values have no dummy that means anything


def _say_so(data_set: Dataset) -> None:
    """PS3.15 E.1.1: the object says that and how it was cleaned."""
    data_set.PatientIdentityRemoved = "YES"
    data_set.DeidentificationMethod = METHOD
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = _PROFILE_CODE
    data_set.DeidentificationMethodCodeSequence = Sequence([code])
    data_set.LongitudinalTemporalInformationModified = "REMOVED"
