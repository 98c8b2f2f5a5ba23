"""Specimens between institutions, through the public doors."""
