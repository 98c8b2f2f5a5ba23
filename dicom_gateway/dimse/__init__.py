"""DIMSE services: verification, storage, query, retrieve."""

from dicom_gateway.dimse.policy import Destination, Refusal, RefusalReason
from dicom_gateway.dimse.server import DimseServer, start_dimse

__all__ = ["Destination", "DimseServer", "Refusal", "RefusalReason", "start_dimse"]
