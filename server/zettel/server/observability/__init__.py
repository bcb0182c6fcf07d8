"""Logs, counters, traces."""
