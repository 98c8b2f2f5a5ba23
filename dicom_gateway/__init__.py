"""DICOM in and out: DIMSE services, DICOMweb, one intake, study index, pixels.

Useful alone (`python -m dicom_gateway serve`), and as the parts that a platform mounts:

- `dicom_gateway.index.metadata`: the tables, for the host's migrations; importing creates nothing.
- `Index(engine)`: questions to the index, each within a `Scope`.
- `Intake(engine, store, on_indexed=..., after_commit=...)`, `await intake.receive(part10, owner, source) -> Received`:
  the one way in. `on_indexed(connection, [IndexedInstance, ...])` runs inside the transaction.
- `await start_dimse(index, store, intake, policy, ae_title=..., port=..., destinations=...) -> DimseServer`:
  `policy(calling, called, address)` answers with a `Scope` or a `Refusal`.
- `dicomweb_app(index, store, intake, authorise)`: an aiohttp application; `authorise(request, action)` gives a `Scope`.
- `StudyWatch(engine, on_stable=...)`: notes studies that have come to rest, or that somebody says are complete.
- `SeriesDocuments(index, objects, pool).prepare(study_id)`: describes a study before a viewer asks.
- `WorkitemRepository`: what keeps the workitems of UPS-RS; a table by itself, or the host's own work.

A `Scope` is a condition on `dicom_study` (what its holder may see) and the owner to store as. Outside of it nothing
exists, whatever the way in.
"""

from dicom_gateway.dicomweb import dicomweb_app
from dicom_gateway.dimse import Destination, DimseServer, Refusal, RefusalReason, start_dimse
from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.index import Index, IndexedInstance, Recorded, Scope
from dicom_gateway.intake import Intake, Outcome, Received, Source

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
