"""The API's operations as installed: the platform's and those of its centres."""

from __future__ import annotations

from telemed import centres
from telemed.web.app import operations_of

OPERATIONS = operations_of([extension.web for extension in centres.extensions()])
