"""The JSON API under /api/v1: thin doors to the use cases."""
