"""Reads and repairs the state that `zettel doctor` checks."""
