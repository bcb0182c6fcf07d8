"""A cancelled verb leaves nothing half done."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import anyio
import anyio.lowlevel
import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk

from zettel.server.protocol.schemas import (
    Arguments,
    ForgetArguments,
    LinkChange,
    NewLink,
    RememberArguments,
    UpdateArguments,
)
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Note, State
from zettel.storage.store import Change, NewNote, Written
from zettel.tools.caller import Caller
from zettel.tools.changes.supersession import half_superseded
from zettel.tools.state.memory import Memory


class Overtaken(DictStore):
    """Another writer changes a note right before a commit; the caller is cancelled right after it.

    LanceDB commits whether or not its caller is cancelled; the cancellation arrives at the next
    checkpoint.
    """

    def __init__(self) -> None:
        super().__init__(model_id=HashEmbedder().model_id)
        self.fast = ""
        """The note that the other one changes; empty once that is done."""
        self.caller = anyio.CancelScope()

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Commit as the slower one of two."""
        if not self.fast:
            return await super().write(new=new, changes=changes)
        (note,), self.fast = await self.get([self.fast]), ""
        other = replace(note, rev=note.rev + 1, tags=("in-between",), change="update")
        await super().write(changes=[Change(note=other, keep_vectors=True)])
        written = await super().write(new=new, changes=changes)
        self.caller.cancel()
        await anyio.lowlevel.checkpoint()
        return written


@dataclass
class Pair:
    """Two notes, and the desk they lie on."""

    desk: Desk
    store: Overtaken
    below: str
    above: str

    async def cut_short(self, arguments: Arguments, *, overtaken: str) -> None:
        """Call, and give up once the first commit is made."""
        self.store.fast = overtaken
        with self.store.caller:
            await dispatch(self.desk.memory, Caller(namespace="proj"), arguments, now=self.desk.now)
        assert self.store.caller.cancel_called

    async def noted(self, note_id: str) -> Note:
        """A current note."""
        (note,) = await self.store.get([note_id])
        return note


Deed = Callable[[Pair], Awaitable[None]]


async def superseding_by_update(pair: Pair) -> None:
    links = [LinkChange(to=pair.below, relation="supersedes")]
    await pair.cut_short(UpdateArguments(note_id=pair.above, links=links), overtaken=pair.above)
    assert (await pair.noted(pair.above)).links
    assert (await pair.noted(pair.below)).state is State.SUPERSEDED


async def superseding_by_remember(pair: Pair) -> None:
    links = [NewLink(to=pair.below, relation="supersedes")]
    await pair.cut_short(
        RememberArguments(content="she lives in Rome", links=links), overtaken=pair.below
    )
    assert (await pair.noted(pair.below)).state is State.SUPERSEDED


async def forgetting_what_supersedes(pair: Pair) -> None:
    link = {"to": pair.below, "relation": "supersedes"}
    await pair.desk("update", note_id=pair.above, links=[link])
    await pair.cut_short(ForgetArguments(note_ids=[pair.above]), overtaken=pair.below)
    assert (await pair.noted(pair.above)).state is State.FORGOTTEN
    assert (await pair.noted(pair.below)).state is State.ACTIVE


async def folding_a_part(pair: Pair) -> None:
    part = await pair.desk.told(
        "half of it", kind="working", links=[{"to": pair.above, "relation": "part_of"}]
    )
    await pair.desk("update", note_id=pair.above, kind="working")
    await pair.cut_short(UpdateArguments(note_id=pair.above, kind="semantic"), overtaken=part)
    assert (await pair.noted(part)).state is State.ARCHIVED


@pytest.mark.parametrize(
    "deed",
    [superseding_by_update, superseding_by_remember, forgetting_what_supersedes, folding_a_part],
    ids=lambda deed: deed.__name__,
)
async def test_a_call_cancelled_between_two_commits_leaves_nothing_half_done(deed: Deed) -> None:
    store = Overtaken()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        below, above = [await desk.told(f"she lives in {town}") for town in ("Ulm", "Bonn")]
        pair = Pair(desk=desk, store=store, below=below, above=above)

        await deed(pair)

        assert await half_superseded(store, now=desk.now) == []
