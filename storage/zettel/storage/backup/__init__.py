"""Backups: create, verify, restore, merge."""
