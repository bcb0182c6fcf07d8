"""Checks of settings before a server starts."""
