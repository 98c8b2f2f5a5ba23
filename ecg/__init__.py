"""Electrocardiograms: read every cart's format, find and measure beats, draw on calibrated paper."""

from ecg.analysis.classes import classify_beats
from ecg.analysis.critical import critical_values
from ecg.analysis.holter import HolterReport, holter, revise
from ecg.analysis.measurements import Measurements, measure
from ecg.analysis.qrs import find_beats
from ecg.analysis.quality import signal_quality
from ecg.analysis.reversal import lead_reversal
from ecg.analysis.rhythm import Rhythm, rhythm
from ecg.formats import read
from ecg.recording import Device, Patient, Recording, UnreadableECG
from ecg.writers import write

__all__ = [
    "Device",
    "HolterReport",
    "Measurements",
    "Patient",
    "Recording",
    "Rhythm",
    "UnreadableECG",
    "classify_beats",
    "critical_values",
    "find_beats",
    "holter",
    "lead_reversal",
    "measure",
    "read",
    "revise",
    "rhythm",
    "signal_quality",
    "write",
]
