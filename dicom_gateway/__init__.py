"""DICOM in and out: DIMSE services, DICOMweb, one intake, study index, pixels."""
