"""Whole-slide images: open every scanner's file, pass its tiles on as they are, wrap it as DICOM and give it back, judge its focus."""

from pathology.errors import DamagedTile, LevelMissing, NoSuchTile, NotArrived, Refusal, SlideError, UnreadableSlide
from pathology.formats import open_slide, open_source
from pathology.slide import Associated, Device, Level, Place, Scale, Slide
from pathology.tiles.deepzoom import DeepZoom

__all__ = [
    "Associated",
    "DamagedTile",
    "DeepZoom",
    "Device",
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
    "open_slide",
    "open_source",
]
