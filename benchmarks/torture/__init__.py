"""Kills engines under their clients, and counts what that cost the clients: nothing, by promise."""
