"""The roles of an installation: one module each, whose `run(parts, stop)` does the role's work until it is told to stop.

A centre may bring more (`Centre.roles`).
"""

from __future__ import annotations

from telemed.centres import discover

ROLES = {"web": "telemed.roles.web", "gateway": "telemed.roles.gateway", "worker": "telemed.roles.worker"}
"""The platform's own, by the name that `telemed serve` takes, in the order in which they are started."""


def all_roles() -> dict[str, str]:
    """Return the modules of all roles by name, those of the centres last."""
    return ROLES | {name: module for centre in discover().values() for name, module in centre.roles.items()}
