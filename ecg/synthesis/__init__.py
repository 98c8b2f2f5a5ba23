"""Synthetic ECGs of real shape, with the truth about every beat, for demonstration and tests."""

from ecg.synthesis.holter import Day, holter
from ecg.synthesis.noise import POOR, QUIET, Noise
from ecg.synthesis.resting import KINDS, Synthetic, resting

__all__ = ["KINDS", "POOR", "QUIET", "Day", "Noise", "Synthetic", "holter", "resting"]
