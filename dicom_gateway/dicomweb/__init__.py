"""DICOMweb (PS3.18) as an aiohttp application to be mounted."""

from dicom_gateway.dicomweb.application import dicomweb_app

__all__ = ["dicomweb_app"]
