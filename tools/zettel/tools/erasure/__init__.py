"""Erasure orders and their execution."""
