"""Fixtures of every test."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop Zettel runs on."""
    return "asyncio"
