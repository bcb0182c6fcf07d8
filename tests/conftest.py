"""Fixtures of every test, and how long Hypothesis hunts."""

from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
"""A long hunt: `make test ARGS="--hypothesis-profile=long tests/tools/test_state_machine.py"`."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop Zettel runs on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """A state directory of the tests' own: no erasure of theirs is to be remembered here.

    By the platform's variable: an engine does not hear its clients' own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
