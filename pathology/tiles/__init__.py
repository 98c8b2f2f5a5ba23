"""Tiles: decoded within bounds, passed on as they are stored, addressed as Deep Zoom does."""
