"""Connects a client to its engine; standard library only, for a fast start."""
