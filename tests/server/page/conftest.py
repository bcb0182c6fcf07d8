"""Fixtures of the page's tests."""

from collections.abc import AsyncGenerator

import pytest
from tests.server.page.visitors import Server, Visitor, serving_page

from zettel.server.auth import static_tokens


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Server]:
    """A server with a page, that reads its tokens anew for each request."""
    monkeypatch.setattr(static_tokens, "TOKENS_FRESH_S", 0)
    monkeypatch.setattr(static_tokens, "UNKNOWN_TOKEN_READ_S", 0)
    async with serving_page() as server:
        yield server


@pytest.fixture
async def visitor(server: Server) -> AsyncGenerator[Visitor]:
    """Somebody with a browser."""
    async with server.visited() as visitor:
        yield visitor
