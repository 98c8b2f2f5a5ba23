"""DICOM in and out: DIMSE services, DICOMweb, one intake, study index, pixels.

Useful alone (`python -m dicom_gateway serve`), and as the parts that a platform mounts. Each is imported when it is first
asked for: who needs the pixels alone loads neither pynetdicom nor aiohttp.

- `dicom_gateway.index.metadata`: the tables, for the host's migrations; importing creates nothing.
- `Index(engine)`: questions to the index, each within a `Scope`.
- `Intake(engine, store, on_indexed=..., after_commit=...)`, `await intake.receive(part10, owner, source) -> Received`:
  the one way in. `on_indexed(connection, [IndexedInstance, ...])` runs inside the transaction.
- `await start_dimse(index, store, intake, policy, ae_title=..., port=..., destinations=...) -> DimseServer`:
  `policy(calling, called, address, certificate)` answers with a `Scope` or a `Refusal`.
- `dicomweb_app(index, store, intake, authorise)`: an aiohttp application; `authorise(request, action)` gives a `Scope`.
- `StudyWatch(engine, on_stable=...)`: notes studies that have come to rest, or that somebody says are complete.
- `SeriesDocuments(index, objects, pool).prepare(study_id)`: describes a study before a viewer asks.
- `WorkitemRepository`: what keeps the workitems of UPS-RS; a table by itself, or the host's own work.

A `Scope` is a condition on `dicom_study` (what its holder may see) and the owner to store as. Outside of it nothing
exists, whatever the way in.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dicom_gateway.dicomweb import dicomweb_app
    from dicom_gateway.dimse import DimseServer, start_dimse
    from dicom_gateway.errors import NotStorable, UnreadableDICOM
    from dicom_gateway.index import Index, IndexedInstance, Recorded, Scope
    from dicom_gateway.intake import Intake, Outcome, Received, Source
    from dicom_gateway.policy import Destination, Refusal, RefusalReason

__all__ = [
    "Destination",
    "DimseServer",
    "Index",
    "IndexedInstance",
    "Intake",
    "NotStorable",
    "Outcome",
    "Received",
    "Recorded",
    "Refusal",
    "RefusalReason",
    "Scope",
    "Source",
    "UnreadableDICOM",
    "dicomweb_app",
    "start_dimse",
]

_HOMES = {
    "Destination": "dicom_gateway.policy",
    "DimseServer": "dicom_gateway.dimse",
    "Index": "dicom_gateway.index",
    "IndexedInstance": "dicom_gateway.index",
    "Intake": "dicom_gateway.intake",
    "NotStorable": "dicom_gateway.errors",
    "Outcome": "dicom_gateway.intake",
    "Received": "dicom_gateway.intake",
    "Recorded": "dicom_gateway.index",
    "Refusal": "dicom_gateway.policy",
    "RefusalReason": "dicom_gateway.policy",
    "Scope": "dicom_gateway.index",
    "Source": "dicom_gateway.intake",
    "UnreadableDICOM": "dicom_gateway.errors",
    "dicomweb_app": "dicom_gateway.dicomweb",
    "start_dimse": "dicom_gateway.dimse",
}

if not TYPE_CHECKING:  # a type checker sees the imports above, and a name that is none as an error

    def __getattr__(name: str) -> object:
        """Import `name` from its module. Raises `AttributeError` for what is not in `__all__`."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found
