"""The centres. One of forms alone is one module of this package; one with evidence of its own is a folder with a `centre` module."""

from __future__ import annotations

import importlib
import pkgutil

from telemed.domain.centre import Centre


def discover() -> dict[str, Centre]:
    """Return all centres by code, in the order they are shown."""
    names = [f"{__name__}.{module.name}" + (".centre" if module.ispkg else "") for module in pkgutil.iter_modules(__path__)]
    found = [importlib.import_module(name).CENTRE for name in names]
    return {centre.code: centre for centre in sorted(found, key=lambda c: c.order)}
