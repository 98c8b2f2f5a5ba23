"""Pixels: decoding frames, applying the grey and colour pipelines, pictures for browsers."""

from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.pool import PixelPool
from dicom_gateway.pixels.render import Rendering, Window

__all__ = ["PixelError", "PixelPool", "Rendering", "Window"]
