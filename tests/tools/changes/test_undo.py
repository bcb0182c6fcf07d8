"""Undoing a run restores every note that was not changed since."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, opened_desk
from tests.tools.llm_desk import stored

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import ChangedSinceError, UnknownNameError
from zettel.storage.ids import new_id
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import SUPERSEDES, Link, Note, State
from zettel.storage.store import Change, NewNote, NoteFilter, NoteStore, Written
from zettel.tools.changes.supersession import reconcile_superseded
from zettel.tools.changes.undo import UndoReport, undo_run
from zettel.tools.state.memory import Memory

EVERYTHING = NoteFilter(states=())


async def undo(
    desk: Desk, run_id: str, *, undo_id: str = "undo-1", partial: bool = False
) -> UndoReport:
    """Undo a run a second later."""
    desk.later(seconds=1)
    return await undo_run(
        desk.memory, run_id, now=desk.now, undo_id=undo_id, who="test", partial=partial
    )


async def logical(store: NoteStore, where: NoteFilter = EVERYTHING) -> dict[str, Note]:
    """The notes with everything that says something: all but numbers, times and makers of rows."""
    return {
        note.note_id: replace(
            note,
            rev=1,
            known_from=START,
            changed_by="",
            change="",
            reason="",
            run_id="",
            stage=0,
        )
        for note in await store.find(where, limit=10_000)
    }


async def run_tags(desk: Desk, run_id: str, note_id: str, tag: str) -> None:
    """A run that adds a tag."""
    note = await stored(desk, note_id)
    tagged = replace(note, rev=note.rev + 1, tags=(*note.tags, tag), run_id=run_id, change="tag")
    await desk.memory.store.write(changes=[Change(note=tagged)])


async def run_makes(desk: Desk, run_id: str, old: str) -> str:
    """A run that makes a note in place of another one."""
    desk.later(seconds=1)
    link = Link(to=old, relation=SUPERSEDES, made_by="rule", made_at=desk.now)
    note = await stored(desk, old)
    gist = replace(note, note_id=new_id(desk.now), content="a gist", links=(link,), run_id=run_id)
    closed = replace(note, rev=2, state=State.SUPERSEDED, valid_until=desk.now, run_id=run_id)
    await desk.memory.store.write(new=[NewNote(note=gist)], changes=[Change(note=closed)])
    return gist.note_id


async def evolved_pair(desk: Desk) -> tuple[str, str]:
    """Two notes that `run-1` has described, and linked the second of to the first."""
    older = await desk.told("We met Zebulon at the fair")
    younger = await desk.told("My flat is quiet now that Zebulon left")
    await desk.evolve()
    assert (await stored(desk, younger)).links
    return older, younger


async def test_an_undone_run_leaves_the_notes_as_they_were_and_is_not_redone(desk: Desk) -> None:
    older = await desk.told("We met Zebulon at the fair")
    younger = await desk.told("My flat is quiet now that Zebulon left")
    before = await logical(desk.memory.store)
    await desk.evolve()

    report = await undo(desk, "run-1")

    assert report.restored == (older, younger)
    assert await logical(desk.memory.store) == before
    assert (await desk.evolve()).changed == 0
    assert await logical(desk.memory.store) == before


async def test_the_revisions_of_an_undo_say_what_they_are(desk: Desk) -> None:
    _, younger = await evolved_pair(desk)

    await undo(desk, "run-1")

    *_, undone, note = await desk.memory.store.revisions(younger)
    assert undone.corrected
    assert undone.ended_at is None
    assert (note.change, note.reason, note.run_id) == ("undo", "undoes run-1", "undo-1")
    assert (note.changed_by, note.known_from) == ("test", desk.now)


async def test_an_undo_is_a_run_that_can_be_undone(desk: Desk) -> None:
    await evolved_pair(desk)
    evolved = await logical(desk.memory.store)

    await undo(desk, "run-1")
    report = await undo(desk, "undo-1", undo_id="undo-2")

    assert len(report.restored) == 2
    assert await logical(desk.memory.store) == evolved
    runs = {run.run_id: run for run in await desk.memory.admin.runs(limit=9)}
    assert (runs["undo-1"].kind, runs["undo-1"].who) == ("undo", "test")
    assert runs["undo-1"].counts == {"restored": 2, "forgotten": 0, "left": 0}


async def test_what_an_agent_changed_since_keeps_the_run_from_being_undone(desk: Desk) -> None:
    older, younger = await evolved_pair(desk)
    await desk("update", note_id=younger, tags=["flat"])
    before = await logical(desk.memory.store)

    with pytest.raises(ChangedSinceError) as caught:
        await undo(desk, "run-1")

    changer = (await stored(desk, younger)).changed_by
    assert caught.value.changed == {younger: changer}
    assert f"{younger} by {changer}. Pass --partial" in str(caught.value)
    assert await logical(desk.memory.store) == before
    assert [run.kind for run in await desk.memory.admin.runs(limit=9)] == ["evolve"]

    report = await undo(desk, "run-1", partial=True)

    assert (report.restored, report.left) == ((older,), {younger: changer})
    assert (await logical(desk.memory.store))[younger] == before[younger]


async def test_an_edit_between_two_runs_is_named_and_not_the_later_run(desk: Desk) -> None:
    """Undoing the later run would leave the edit, and so undo nothing of the first."""
    _, younger = await evolved_pair(desk)
    await desk("update", note_id=younger, tags=["flat"])
    changer = (await stored(desk, younger)).changed_by
    await run_tags(desk, "run-late", younger, "late")

    with pytest.raises(ChangedSinceError) as caught:
        await undo(desk, "run-1")

    assert caught.value.later_runs == ()
    assert f"{younger} by {changer}. Pass --partial" in str(caught.value)


async def test_what_a_later_run_changed_is_undone_after_that_run(desk: Desk) -> None:
    older, younger = await evolved_pair(desk)
    before = await logical(desk.memory.store)
    await run_tags(desk, "run-late", younger, "late")
    await run_tags(desk, "run-last", younger, "last")

    with pytest.raises(ChangedSinceError, match="zettel undo run-last") as caught:
        await undo(desk, "run-1")
    assert caught.value.later_runs == ("run-last",)
    await undo(desk, "run-last", undo_id="undo-last")
    with pytest.raises(ChangedSinceError, match="zettel undo run-late"):
        await undo(desk, "run-1")
    await undo(desk, "run-late", undo_id="undo-late")
    assert await logical(desk.memory.store) == before
    report = await undo(desk, "run-1")

    assert report.restored == (older, younger)
    assert not (await stored(desk, younger)).links


async def test_undoing_twice_is_as_good_as_once(desk: Desk) -> None:
    await evolved_pair(desk)
    await undo(desk, "run-1")
    before = await logical(desk.memory.store)

    again = await undo(desk, "run-1", undo_id="undo-2")

    assert (again.restored, again.forgotten, again.left) == ((), (), {})
    assert await logical(desk.memory.store) == before
    assert [run.run_id for run in await desk.memory.admin.runs(limit=9)] == ["undo-1", "run-1"]


async def test_a_note_that_a_run_made_is_forgotten_and_comes_back_with_the_undos_undo(
    desk: Desk,
) -> None:
    old = await desk.told("Ana lives in Lyon")
    made = await run_makes(desk, "run-gist", old)

    report = await undo(desk, "run-gist")

    assert (report.forgotten, report.restored) == ((made,), (old,))
    assert (await stored(desk, made)).state is State.FORGOTTEN
    assert (await stored(desk, old)).state is State.ACTIVE

    await undo(desk, "undo-1", undo_id="undo-2")

    assert (await stored(desk, made)).state is State.ACTIVE
    assert (await stored(desk, old)).state is State.SUPERSEDED


async def test_changes_that_follow_from_an_undo_carry_its_run_id(desk: Desk) -> None:
    old, new = await desk.told("Ana lives in Lyon"), await desk.told("Ana lives in Paris")
    desk.later(seconds=1)
    link = Link(to=old, relation=SUPERSEDES, made_by="rule", made_at=desk.now)
    linked = replace(await stored(desk, new), rev=2, links=(link,), run_id="run-1", change="link")
    await desk.memory.store.write(changes=[Change(note=linked)])
    # The run did not touch the older note: somebody else found it superseded.
    await reconcile_superseded(desk.memory, [old], by="another", now=desk.now)
    seen = (await stored(desk, old)).rev

    report = await undo(desk, "run-1")

    assert report.restored == (old, new)
    note = await stored(desk, old)
    assert (note.state, note.rev, note.run_id) == (State.ACTIVE, seen + 1, "undo-1")
    # It is evolution's doing, so whoever has seen the note before may go on from there.
    await desk("update", note_id=old, expected_rev=seen, content="Ana lives in Nice")


async def test_a_run_that_changed_nothing_is_undone_by_doing_nothing(desk: Desk) -> None:
    await desk.evolve()

    report = await undo(desk, "run-1")

    assert (report.restored, report.forgotten, report.left) == ((), (), {})
    assert [run.run_id for run in await desk.memory.admin.runs(limit=9)] == ["run-1"]


async def test_an_unknown_run_is_an_error_that_names_the_newest(desk: Desk) -> None:
    with pytest.raises(UnknownNameError, match="There was none yet"):
        await undo(desk, "run-9")
    await evolved_pair(desk)

    with pytest.raises(UnknownNameError, match=r"The newest are run-1; zettel runs") as caught:
        await undo(desk, "run-9")

    assert (caught.value.value, caught.value.known) == ("run-9", ("run-1",))


class Raced(DictStore):
    """A store in which somebody else tags a note right before the next write."""

    victim = ""

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Let the other one be first, once."""
        if victim := self.victim:
            self.victim = ""
            [note] = await self.get([victim])
            first = replace(note, rev=note.rev + 1, tags=("first",), changed_by="other", run_id="")
            await super().write(changes=[Change(note=first)])
        return await super().write(new=new, changes=changes)


async def test_a_note_changed_while_the_undo_commits_is_left_and_named() -> None:
    store = Raced()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        older, younger = await evolved_pair(desk)
        store.victim = younger

        report = await undo(desk, "run-1")

        assert (report.restored, report.left) == ((older,), {younger: "other"})
        assert (await stored(desk, younger)).tags == ("first",)
        assert (await stored(desk, younger)).links


async def test_an_undo_that_loses_every_note_to_another_is_at_its_end() -> None:
    store = Raced()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        note_id = await desk.told("Ana lives in Lyon", subject="Ana")
        await desk.evolve()
        store.victim = note_id

        with pytest.raises(ChangedSinceError):
            await undo(desk, "run-1")

        runs = {run.run_id: run for run in await desk.memory.admin.runs(limit=9)}
        assert runs["undo-1"].outcome == "done"
        assert set(runs["undo-1"].counts.values()) == {0}


Story = list[tuple[str, str]]
"""Contents and subjects."""
examples = count()
words = st.sampled_from("Ana Lyon Zeb met saw the bowl rain yesterday in May 2021 why? so".split())
sentence = st.lists(words, min_size=1, max_size=8).map(" ".join)
stories = st.lists(st.tuples(sentence, st.sampled_from(["", "Ana", "Ben"])), max_size=10)


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=stories, more=stories)
async def test_evolving_and_undoing_changes_nothing(told: Story, more: Story) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    await tell_evolve_undo(memory, [told, more], namespace="proj")


@pytest.fixture(scope="module")
async def lance_shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LanceStore]:
    """One store for all examples; each uses a namespace of its own."""
    embedder = HashEmbedder()
    place = str(tmp_path_factory.mktemp("undo"))
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    yield store
    await store.close()


@pytest.mark.slow
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=stories, more=stories)
async def test_evolving_and_undoing_changes_nothing_on_disk(
    lance_shared: LanceStore, told: Story, more: Story
) -> None:
    memory = Memory(store=lance_shared, embedder=HashEmbedder())
    await tell_evolve_undo(memory, [told, more], namespace=f"story-{next(examples)}")


async def tell_evolve_undo(memory: Memory, parts: Sequence[Story], *, namespace: str) -> None:
    """Tell and evolve each part; then undo the runs, the last one first."""
    here, states = NoteFilter(states=(), namespaces=(namespace,)), list[dict[str, Note]]()
    async with opened_desk(memory, namespace=namespace) as desk:
        for number, part in enumerate(parts):
            for content, subject in part:
                await desk("remember", content=content, subject=subject, session="s")
            states.append(await logical(memory.store, here))
            await desk.evolve(f"run-{namespace}-{number}")
        undone = states[-1]
        for number, before in reversed(list(enumerate(states))):
            await undo(desk, f"run-{namespace}-{number}", undo_id=f"undo-{namespace}-{number}")
            undone = await logical(memory.store, here)
            assert {note_id: undone[note_id] for note_id in before} == before
        assert (await desk.evolve(f"run-{namespace}-again")).changed == 0
        assert await logical(memory.store, here) == undone
