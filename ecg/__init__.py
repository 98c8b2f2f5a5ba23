"""Electrocardiograms: read every cart's format, find and measure beats, draw on calibrated paper."""

from ecg.analysis.measurements import Measurements, measure
from ecg.analysis.qrs import find_beats
from ecg.formats import read
from ecg.recording import Device, Patient, Recording, UnreadableECG
from ecg.writers import write

__all__ = [
    "Device",
    "Measurements",
    "Patient",
    "Recording",
    "UnreadableECG",
    "find_beats",
    "measure",
    "read",
    "write",
]
