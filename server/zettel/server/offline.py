"""A store opened for one command, without a server around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from zettel.server.parts import installed_parts
from zettel.server.settings import Settings
from zettel.tools.state.memory import Memory


@asynccontextmanager
async def opened(settings: Settings, *, create: bool = False) -> AsyncGenerator[Memory]:
    """Open a store; its models are found, not loaded, and no LLM is asked.

    Args:
        settings: Which.
        create: Whether to make it where there is none.

    Raises:
        StoreError: It cannot be opened.
    """
    parts = installed_parts(settings, create=create)
    embedder = await parts.make_embedder()
    reranker = await parts.make_reranker()
    store = await parts.open_store(embedder)
    try:
        yield Memory(
            store=store,
            embedder=embedder,
            reranker=reranker,
            found_from=parts.found_from,
            archive_below=parts.archive_below,
            consolidates=parts.consolidates,
            evolve_off=parts.evolve_off,
            llm_off=parts.llm_off,
            retention=parts.retention,
        )
    finally:
        await store.close()
