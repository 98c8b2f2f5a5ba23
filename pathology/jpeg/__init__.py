"""JPEG code streams: what they say of themselves, and what has to be added so that any decoder shows them rightly."""
