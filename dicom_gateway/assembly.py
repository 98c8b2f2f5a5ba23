"""DICOM files out of metadata and bulk data that came apart (PS3.18 section 10.5.1)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian

from dicom_gateway.json_names import repeated_name
from dicom_gateway.native_xml import BadModel, from_xml
from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.transfer_syntax import transfer_syntax

MAX_OBJECTS = 10_000
# What a media type of pixels means where its transfer-syntax parameter is missing (PS3.18 tables 8.7.3-4 and 8.7.3-5).
DEFAULT_SYNTAXES = {
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/jxl": "1.2.840.10008.1.2.4.110",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
}


@dataclass(frozen=True, slots=True)
class BulkPart:
    """Bulk data that came beside the metadata; `syntax` for encoded pixels, else None."""

    content: bytes
    syntax: str | None


def read_metadata(documents: list[tuple[bytes, bool]]) -> list[dict[str, Any]]:
    """Data sets from documents, each with whether it is XML. Raises `BadModel`."""
    found: list[dict[str, Any]] = []
    for document, is_xml in documents:
        if is_xml:
            found.append(from_xml(document))
            continue
        repeated = repeated_name(document)
        if repeated is not None:
            raise BadModel(f"the name {repeated} stands twice in one object")
        try:
            items = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise BadModel(f"the JSON cannot be read: {error}") from None
        items = items if isinstance(items, list) else [items]
        if not all(isinstance(item, dict) for item in items):
            raise BadModel("metadata are a list of data sets")
        found += items
    if len(found) > MAX_OBJECTS:
        raise BadModel(f"more than {MAX_OBJECTS} objects in one request")
    return found


def assemble(item: Mapping[str, Any], bulk: Mapping[str, BulkPart]) -> bytes:
    """One DICOM file; `bulk` by the addresses that the metadata give. Runs in a process of its own. Raises `BadModel`."""
    pixels = (element for tag, element in item.items() if tag.upper().startswith("7FE0") and isinstance(element, dict))
    uri = next((element["BulkDataURI"] for element in pixels if "BulkDataURI" in element), None)
    if uri is not None and uri not in bulk:
        raise BadModel(f"no part has the Content-Location {uri}")
    syntax = bulk[uri].syntax if uri is not None else None

    def content(_: str, vr: str, address: str) -> bytes:
        if address not in bulk:
            raise BadModel(f"no part has the Content-Location {address}")
        return bulk[address].content

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data_set = Dataset.from_json({tag: e for tag, e in item.items() if not tag.startswith("0002") and tag != "00083002"}, content)
            data_set.SpecificCharacterSet = "ISO_IR 192"
            if syntax is not None and transfer_syntax(syntax).encapsulated:
                data_set.PixelData = encapsulate([data_set.PixelData])
                data_set["PixelData"].VR = "OB"
                data_set["PixelData"].is_undefined_length = True
            data_set.file_meta = _meta(data_set, syntax or str(ExplicitVRLittleEndian))
            out = BytesIO()
            dcmwrite(out, data_set, implicit_vr=False, little_endian=True, enforce_file_format=True)
            return out.getvalue()
    except BadModel:
        raise
    except Exception as error:  # pydicom raises whatever its values meet
        raise BadModel(f"no object can be made of the metadata: {error}") from None


def _meta(data_set: Dataset, syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data_set.get("SOPClassUID", ""), data_set.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID(IMPLEMENTATION_CLASS_UID), IMPLEMENTATION_VERSION_NAME
    return meta
