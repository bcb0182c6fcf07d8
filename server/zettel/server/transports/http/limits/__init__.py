"""Limits on HTTP: rates, sessions, connections, bodies, fairness."""
