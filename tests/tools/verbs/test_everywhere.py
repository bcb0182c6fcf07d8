"""Recall in every namespace at once: all for the owner, its own for a token."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from tests.tools.conftest import START, Desk, Refused, ids, notes, pick

from zettel.server.commands.moving import Moving
from zettel.server.protocol.schemas import RecallArguments
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.access import Access
from zettel.storage.notes import Note
from zettel.storage.store import Change
from zettel.tools.caller import Caller
from zettel.tools.changes.commit import commit

BOTH = frozenset({"ana", "user"})


async def spread(desk: Desk) -> dict[str, str]:
    """A note in each of four namespaces; its id by namespace."""
    return {
        name: await desk.told(f"Bees of {name} fly at noon", namespace=name)
        for name in ("proj", "ana", "ben", "user")
    }


async def test_the_owner_finds_the_notes_of_every_project_and_reads_where_they_are(
    desk: Desk,
) -> None:
    told = await spread(desk)
    everywhere = await desk("recall", query="When do bees fly?", namespace="*", limit=10)
    here = await desk("recall", query="When do bees fly?")
    named = {str(note["note_id"]): note.get("namespace") for note in notes(everywhere)}

    assert named == {told["proj"]: None} | {told[n]: n for n in ("ana", "ben", "user")}
    assert set(ids(here)) == {told["proj"], told["user"]}


async def test_the_pages_of_all_namespaces_neither_miss_nor_repeat_one(desk: Desk) -> None:
    told = await spread(desk)
    first = await desk("recall", kind="episodic", limit=3, namespace="*")
    second = await desk("recall", cursor=pick(first, "omitted", "cursor"))

    assert sorted(ids(first) + ids(second)) == sorted(told.values())


async def test_a_token_finds_what_it_may_read_and_nothing_tells_of_more(desk: Desk) -> None:
    told = await spread(desk)
    caller = Caller(namespace="ana", reach=Access(reads=BOTH, writes=BOTH))
    question = RecallArguments(query="When do bees fly?", namespace="*", detail="full")
    answer = await dispatch(desk.memory, caller, question, now=START)
    alone = replace(desk.memory)
    await desk("forget", note_ids=[told["proj"], told["ben"]])
    without = await dispatch(alone, caller, question, now=START)

    assert set(ids(answer)) == {told["ana"], told["user"]}
    assert "ben" not in str(answer)
    assert answer["verdict"] == without["verdict"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("remember", {"content": "x"}), ("forget", {"query": "bees"})],
)
async def test_nothing_is_stored_or_forgotten_everywhere(
    desk: Desk, tool: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(Refused, match=r"namespace: '\*'"):
        await desk(tool, namespace="*", **arguments)


async def test_what_was_known_in_a_namespace_that_is_empty_by_now_is_found_everywhere(
    any_desk: Desk,
) -> None:
    told = await any_desk.told("Bees of ana fly at noon", namespace="ana")
    any_desk.later(seconds=5)
    known = any_desk.now.isoformat()
    any_desk.later(days=1)
    moving = Moving(into="farm", change="move", reason="", run_id="move-1", now=any_desk.now)

    async def plan(notes: Mapping[str, Note]) -> Sequence[Change]:
        return moving.changes(notes)

    await commit(any_desk.memory, [told], plan)
    any_desk.later(seconds=5)

    for question in ({"query": "When do bees fly?"}, {"since": "1990"}):
        answer = await any_desk("recall", namespace="*", known_at=known, **question)
        assert ids(answer) == [told], question
    token = Caller(namespace="user", reach=Access(reads=frozenset({"user"}), writes=frozenset()))
    asked = RecallArguments(query="When do bees fly?", namespace="*", known_at=known)
    assert ids(await dispatch(any_desk.memory, token, asked, now=any_desk.now)) == []
