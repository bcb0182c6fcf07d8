"""Reads English: words, names, times, facts, cues."""
