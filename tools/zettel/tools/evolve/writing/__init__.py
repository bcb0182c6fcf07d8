"""Texts written by rule or by an LLM, and checks on them."""
