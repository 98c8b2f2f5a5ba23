"""DICOM whole-slide images: instances read within bounds, frames found, levels put together."""
