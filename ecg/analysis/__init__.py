"""Beats, intervals, classes, rhythm, quality and Holter results, computed from a recording."""
