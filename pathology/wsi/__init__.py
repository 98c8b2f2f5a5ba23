"""A scanner's file as DICOM whole-slide images, frames as the scanner made them, and back again byte for byte."""

from pathology.wsi.identity import Code, Identity
from pathology.wsi.unwrap import unwrap
from pathology.wsi.wrap import Wrapped, wrap

__all__ = ["Code", "Identity", "Wrapped", "unwrap", "wrap"]
