"""Attributes that a caller may see: of a scope that is limited to some, nothing else is answered with or matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dicom_gateway.index.matching import BadQuery

ANYTHING = ("", "*")
"""Values of a key that matches everything: it asks for the attribute and says nothing of it."""


class WithheldKey(BadQuery):
    """A key names an attribute that the caller may not see: an answer would tell its value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: this account sees metadata without the patient, and may not search by it")
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.name,)


def disclosed(item: Mapping[str, Any], attributes: frozenset[str] | None) -> dict[str, Any]:
    """The data set (DICOM JSON) without attributes, in sequences too, that are not among these tags; None: all of it."""
    if attributes is None:
        return dict(item)
    return {tag: _within(element, attributes) for tag, element in item.items() if tag in attributes}


def _within(element: Mapping[str, Any], attributes: frozenset[str]) -> dict[str, Any]:
    if element.get("vr") != "SQ":
        return dict(element)
    return dict(element) | {"Value": [disclosed(inner, attributes) for inner in element.get("Value", ())]}


def check_key(name: str, path: Iterable[str], values: Iterable[str], attributes: frozenset[str] | None) -> None:
    """Raises `WithheldKey` for a key that is more than a wish to see the attribute, and leads through one that is not disclosed."""
    if attributes is not None and not attributes.issuperset(path) and any(value not in ANYTHING for value in values):
        raise WithheldKey(name)
