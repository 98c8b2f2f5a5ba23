"""Erasure after the period of retention: rows first, in one transaction with their tombstone, objects afterwards."""
