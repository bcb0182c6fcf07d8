"""Kills engines and servers under their clients, and counts what is lost: nothing, by promise."""
