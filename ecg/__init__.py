"""Electrocardiograms: read every cart's format, find and measure beats, draw on calibrated paper."""

from ecg.formats import read
from ecg.recording import Device, Patient, Recording, UnreadableECG
from ecg.writers import write

__all__ = ["Device", "Patient", "Recording", "UnreadableECG", "read", "write"]
