"""Texts and values made fit for JSON."""

from datetime import datetime


def json_safe(text: str) -> str:
    """The text with half surrogate pairs escaped, which JSON cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def plain_value(value: object) -> str:
    """Text for a value that JSON has no form of; a time in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
