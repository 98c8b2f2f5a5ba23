"""Specimens between institutions: tubes with their labels, boxes with their handovers and temperature, receipt at the hub."""
