"""Pathology: whole-slide images, tiles, frozen-section clocks."""
