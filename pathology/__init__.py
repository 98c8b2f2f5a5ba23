"""Whole-slide images: open every scanner's file, pass its tiles on as they are, wrap it as DICOM and give it back, judge its focus."""

from pathology.arrival import order_of_use
from pathology.errors import DamagedTile, LevelMissing, NoSuchTile, NotArrived, Refusal, SlideError, UnreadableSlide
from pathology.focus import assess
from pathology.formats import open_slide, open_source
from pathology.identifying import identifying_places
from pathology.slide import Associated, Device, Level, Place, Scale, Slide
from pathology.tiles.deepzoom import DeepZoom
from pathology.wsi import Code, Identity, Wrapped, unwrap, wrap

__all__ = [
    "Associated",
    "Code",
    "DamagedTile",
    "DeepZoom",
    "Device",
    "Identity",
    "Level",
    "LevelMissing",
    "NoSuchTile",
    "NotArrived",
    "Place",
    "Refusal",
    "Scale",
    "Slide",
    "SlideError",
    "UnreadableSlide",
    "Wrapped",
    "assess",
    "identifying_places",
    "open_slide",
    "open_source",
    "order_of_use",
    "unwrap",
    "wrap",
]
