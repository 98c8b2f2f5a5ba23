"""What can be computed from a recording: beats, intervals, classes, rhythm, quality, Holter."""
