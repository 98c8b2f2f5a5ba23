"""DIMSE services: verification, storage, query, retrieve, worklist, performed procedure steps, storage commitment."""

from dicom_gateway.dimse.server import DimseServer, start_dimse

__all__ = ["DimseServer", "start_dimse"]
