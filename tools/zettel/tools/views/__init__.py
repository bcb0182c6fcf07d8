"""Readings for a person who looks at the memory: they leave no trace."""
