"""The Native DICOM Model (PS3.19 annex A.1) from DICOM JSON and back: the same attributes in another notation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET  # only to write; what is read goes through defusedxml

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError
from pydicom.datadict import keyword_for_tag

MAX_DEPTH = 32
_NAMESPACE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")  # PS3.5 6.2.1.1
_WHOLE = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
_DECIMAL = frozenset({"DS", "FD", "FL"})


class BadModel(ValueError):
    """This is no Native DICOM Model; the message says why."""


def to_xml(item: Mapping[str, Any]) -> bytes:
    """One document for one data set."""
    root = ET.Element("NativeDicomModel", {"xmlns": _NAMESPACE[1:-1], "xml:space": "preserve"})
    _attributes(root, item)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _attributes(parent: ET.Element, item: Mapping[str, Any]) -> None:
    creators: dict[str, str] = {}
    for tag, element in sorted(item.items()):
        named = {"tag": tag, "vr": element["vr"]}
        if int(tag[:4], 16) % 2:
            if tag[4:6] == "00":
                creators[tag[:4] + tag[6:]] = str((element.get("Value") or [""])[0])
            elif creator := creators.get(tag[:4] + tag[4:6]):
                named["privateCreator"] = creator
        elif keyword := keyword_for_tag(int(tag, 16)):
            named["keyword"] = keyword
        node = ET.SubElement(parent, "DicomAttribute", named)
        if "BulkDataURI" in element:
            ET.SubElement(node, "BulkData", {"uri": element["BulkDataURI"]})
        elif "InlineBinary" in element:
            ET.SubElement(node, "InlineBinary").text = element["InlineBinary"]
        for number, value in enumerate(element.get("Value", ()), 1):
            _value(node, element["vr"], value, str(number))


def _value(node: ET.Element, vr: str, value: Any, number: str) -> None:
    if vr == "SQ":
        _attributes(ET.SubElement(node, "Item", {"number": number}), value or {})
    elif vr == "PN":
        name = ET.SubElement(node, "PersonName", {"number": number})
        for group in _GROUPS:
            if text := (value or {}).get(group):
                parts = ET.SubElement(name, group)
                for component, part in zip(_COMPONENTS, text.split("^"), strict=False):
                    if part:
                        ET.SubElement(parts, component).text = _printable(part)
    elif value is not None:
        ET.SubElement(node, "Value", {"number": number}).text = _printable(str(value))


def _printable(text: str) -> str:
    """Control characters have no place in XML 1.0."""
    return "".join(c for c in text if c >= " " or c in "\t\n\r")


def from_xml(document: bytes) -> dict[str, Any]:
    """The data set of one document. Raises `BadModel`."""
    parser = DefusedXMLParser(forbid_dtd=True)
    try:
        parser.feed(document)
        root = parser.close()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadModel(f"the XML cannot be read: {error}") from None
    if _name(root) != "NativeDicomModel":
        raise BadModel("the document is no NativeDicomModel")
    return _item(root, 0)


def _item(parent: ET.Element, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise BadModel(f"sequences are nested more than {MAX_DEPTH} deep")
    item: dict[str, Any] = {}
    for node in parent:
        if _name(node) != "DicomAttribute" or "tag" not in node.attrib or "vr" not in node.attrib:
            raise BadModel("a data set holds DicomAttribute elements with tag and vr")
        item[node.attrib["tag"].upper()] = _element(node, depth)
    return item


def _element(node: ET.Element, depth: int) -> dict[str, Any]:
    vr = node.attrib["vr"]
    element: dict[str, Any] = {"vr": vr}
    values = []
    for child in node:
        name = _name(child)
        if name == "BulkData":
            element["BulkDataURI"] = child.attrib.get("uri") or child.attrib.get("uuid", "")
        elif name == "InlineBinary":
            element["InlineBinary"] = "".join((child.text or "").split())
        elif name == "Item":
            values.append(_item(child, depth + 1))
        elif name == "PersonName":
            values.append(_person_name(child))
        elif name == "Value":
            values.append(_typed(vr, child.text or ""))
    if values:
        element["Value"] = values
    return element


def _person_name(node: ET.Element) -> dict[str, str]:
    groups = {}
    for group in node:
        parts = {_name(part): part.text or "" for part in group}
        groups[_name(group)] = "^".join(parts.get(component, "") for component in _COMPONENTS).rstrip("^")
    return groups


def _typed(vr: str, text: str) -> Any:
    try:
        if vr in _WHOLE:
            return int(text)
        return float(text) if vr in _DECIMAL else text or None
    except ValueError:
        raise BadModel(f"{text[:40]!r} is no value of {vr}") from None


def _name(node: ET.Element) -> str:
    return node.tag.removeprefix(_NAMESPACE)
