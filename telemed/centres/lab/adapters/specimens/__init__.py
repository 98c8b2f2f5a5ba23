"""Specimens in the database, on labels and manifests, and in loggers' files."""
