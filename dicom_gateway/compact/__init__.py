"""Native objects kept losslessly compressed at rest, and given back byte for byte as they were sent."""

from dicom_gateway.compact.form import CODECS, compact, expand
from dicom_gateway.compact.store import CompactStore, compact_key

__all__ = ["CODECS", "CompactStore", "compact", "compact_key", "expand"]
