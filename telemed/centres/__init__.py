"""The five centres. A centre is one module of this package with a `CENTRE`; adding a sixth is adding a file."""

from __future__ import annotations

import importlib
import pkgutil

from telemed.domain.centre import Centre


def discover() -> dict[str, Centre]:
    """All centres by code, in the order they are shown."""
    found = [
        importlib.import_module(f"{__name__}.{module.name}").CENTRE
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    return {centre.code: centre for centre in sorted(found, key=lambda c: c.order)}
