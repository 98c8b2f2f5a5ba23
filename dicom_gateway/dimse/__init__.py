"""DIMSE services: verification, storage, query, retrieve."""

from dicom_gateway.dimse.server import DimseServer, start_dimse
from dicom_gateway.policy import Destination, Refusal, RefusalReason

__all__ = ["Destination", "DimseServer", "Refusal", "RefusalReason", "start_dimse"]
