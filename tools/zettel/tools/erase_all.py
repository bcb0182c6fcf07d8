"""Erasing whole namespaces, or the whole store: what a person asks for, never an agent."""

from datetime import datetime

from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.answers import ForgetAnswer
from zettel.tools.erase import backups_before, drain_soon, proof_of
from zettel.tools.erasing import NAMESPACE, STORE, order_erasure
from zettel.tools.memory import Memory

MOST = 10_000_000
"""Notes that one erasure can name."""


async def ids_in(store: NoteStore, namespace: str | None) -> list[str]:
    """Ids of all notes of a namespace, or of all; in any state, told or composed."""
    names = (namespace,) if namespace else ()
    where = NoteFilter(namespaces=names, states=(), derived=None)
    return [outline.note_id for outline in await store.outlines(where, limit=MOST)]


async def erase_all(
    memory: Memory, *, namespace: str | None, who: str, now: datetime
) -> ForgetAnswer:
    """Erase every note of a namespace, or of the store.

    Args:
        memory: Whose.
        namespace: Of which namespace; None for all.
        who: Who asked for it.
        now: When.
    """
    ids = await ids_in(memory.store, namespace)
    if not ids:
        return ForgetAnswer(status="erased", notes=[], matched=0, next="There was no note there.")
    scope = NAMESPACE if namespace else STORE
    receipt_id = await order_erasure(memory, ids, scope=scope, who=who, now=now)
    await drain_soon(memory, now=now)
    found = [r for r in await memory.store.receipts() if r.receipt_id == receipt_id]
    done = any(receipt.physical_at for receipt in found)
    answer = ForgetAnswer(status="erased" if done else "erasing", notes=[], matched=len(ids))
    if not done:
        answer["next"] = "It goes on in the background; zettel evolve --once does it now."
    for receipt in found:
        answer["proof"] = proof_of(receipt, await backups_before(memory, receipt))
    return answer
