"""TIFF directories within bounds, and the levels they make."""
