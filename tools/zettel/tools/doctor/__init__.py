"""Checks and repair of a store."""
