"""Fixtures of every test, and how long Hypothesis hunts."""

import pytest
from hypothesis import settings

settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
"""A long hunt: `make test ARGS="--hypothesis-profile=long tests/tools/test_state_machine.py"`."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop Zettel runs on."""
    return "asyncio"
