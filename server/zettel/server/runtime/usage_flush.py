"""Writes what recall reinforced, outside of every answer's way."""

import logging

import anyio

from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

USAGE_INTERVAL_S = 5.0
"""Seconds between two writes of what recall reinforced; a batch is one commit."""


async def flush_regularly(memory: Memory) -> None:
    """Write what has gathered, until cancelled."""
    while True:
        await anyio.sleep(USAGE_INTERVAL_S)
        await flush(memory)


async def flush(memory: Memory) -> None:
    """Write what has gathered since the last time."""
    if not memory.usage.dirty:
        return
    try:
        await memory.usage.flush(memory.store)
    except Exception:
        # Kept in the buffer: the next flush tries again, and no count is worth a server's life.
        logger.warning("usage was not written", exc_info=True)
