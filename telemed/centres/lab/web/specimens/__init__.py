"""API and pages of specimens."""
