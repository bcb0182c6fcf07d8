"""What every store keeps beside notes: usage, runs, meta; and that upkeep loses nothing."""

from dataclasses import replace

import anyio
from tests.storage.samples import DAY, LATER, MODEL, NOW, X, add, make_note, recalled, revised, unit

from zettel.storage.notes import BEGUN, Run, Usage
from zettel.storage.store import NoteFilter, Store


async def test_usage_adds_up_and_never_is_a_revision(store: Store) -> None:
    note = make_note()
    await add(store, note)
    other = "it's \\ another"

    await store.reinforce([recalled(note.note_id, recalls=2, at=LATER)])
    await store.reinforce([recalled(other, at=NOW), recalled(note.note_id, at=NOW)])
    await store.reinforce([recalled(note.note_id, recalls=3, at=LATER - DAY)])
    await store.reinforce([recalled(other, recalls=2, at=LATER + DAY)])
    await store.reinforce([])

    assert await store.usage_of([note.note_id, other, "x"]) == {
        note.note_id: Usage(note_id=note.note_id, strength=5.0, recalled_at=LATER, recall_count=6),
        other: Usage(note_id=other, strength=3.5, recalled_at=LATER + DAY, recall_count=3),
    }
    assert await store.usage_of([]) == {}
    assert await store.revisions(note.note_id) == [note]


async def test_many_notes_are_reinforced_each_by_its_own_measure(store: Store) -> None:
    names = [f"note {number}" for number in range(60)]
    await store.reinforce([recalled(name, recalls=2, at=NOW) for name in names[::2]])
    more = [
        recalled(name, recalls=1 + number % 3, at=NOW + number * DAY)
        for number, name in enumerate(names)
    ]
    await store.reinforce(more)

    used = await store.usage_of(names)

    for number, name in enumerate(names):
        count = 1 + number % 3 + 2 * (number % 2 == 0)
        assert used[name] == Usage(
            note_id=name, strength=2 + count / 2, recalled_at=NOW + number * DAY, recall_count=count
        )


async def test_runs_come_newest_first(store: Store) -> None:
    runs = [
        Run(
            run_id=f"r{n}", kind="evolve", who="scheduler", started_at=NOW + n * DAY,
            ended_at=NOW + n * DAY, counts=counts, outcome="done",
        )
        for n, counts in enumerate(({}, {"link": 2, "it's": 0}, {"link": 1}))
    ]  # fmt: skip
    for run in (runs[1], runs[2], runs[0]):
        await store.add_run(run)

    assert await store.runs(limit=2) == [runs[2], runs[1]]
    assert await store.runs(limit=99) == runs[::-1]


async def test_a_run_that_is_recorded_again_has_its_newest_record(store: Store) -> None:
    begun = Run(
        run_id="r", kind="import", who="w", started_at=NOW, ended_at=NOW, counts={}, outcome=BEGUN
    )
    ended = replace(begun, ended_at=NOW + DAY, counts={"stored": 2}, outcome="done")
    for run in (begun, ended):
        await store.add_run(run)

    assert await store.runs(limit=99) == [ended]


async def test_meta_changes_only_from_the_expected_value(store: Store) -> None:
    async def swap(expected: str | None, value: str | None) -> bool:
        return await store.swap_meta("it's \\ a key", expected=expected, value=value)

    assert await store.get_meta("it's \\ a key") is None
    assert not await swap("a", "b")
    assert await swap(None, None)
    assert await swap(None, "a'\n")
    assert not await swap(None, "b")
    assert await swap("a'\n", "a'\n")
    assert not await swap("b", "c")
    assert await swap("a'\n", "")
    assert await store.get_meta("it's \\ a key") == ""
    assert not await swap("a'\n", None)
    assert not await swap(None, None)
    assert await swap("", None)
    assert await store.get_meta("it's \\ a key") is None
    assert await store.get_meta("another") is None


async def test_of_many_concurrent_swaps_from_one_value_one_succeeds(store: Store) -> None:
    won: list[str] = []

    async def swap(expected: str | None, value: str) -> None:
        if await store.swap_meta("lease", expected=expected, value=value):
            won.append(value)

    for expected in (None, "free"):
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(swap, expected, f"holder {number}")
        assert await store.get_meta("lease") == won[-1]
        await store.swap_meta("lease", expected=won[-1], value="free")

    assert len(won) == 2


async def test_upkeep_keeps_everything_and_starts_counting_anew(store: Store) -> None:
    notes = [make_note(f"bee number {number}") for number in range(8)]
    for note in notes:
        await add(store, note)
    await store.write(changes=[revised(notes[0], "wasp")])
    await store.embed([(note, unit(X)) for note in notes[1:]], model=MODEL)
    assert (await store.stats()).commits_since_upkeep >= 8

    assert await store.upkeep()

    stats = await store.stats()
    assert (stats.notes, stats.revisions, stats.commits_since_upkeep) == (8, 9, 0)
    assert len(await store.match_text("bee", NoteFilter(), limit=99)) == 7
    assert len(await store.match_text("wasp", NoteFilter(), limit=99)) == 1
    assert len(await store.match_vectors(unit(X)[0], NoteFilter(), limit=99)) == 7
    assert await store.count(NoteFilter(known_at=NOW)) == 8
    assert await store.upkeep()
