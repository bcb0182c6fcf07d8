"""Another model's vectors for a store that is in use."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from anyio import to_thread
from tests.starting import start
from tests.storage.keeping import backed_up, restored
from tests.storage.other_models import ShiftedEmbedder
from tests.storage.samples import LATER, NOW, make_note, revised

from zettel.storage.doctor.read import look_at_tables
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.erasable import Order, Purge
from zettel.storage.errors import InvalidArgumentError, OtherModelError, StoreUnavailableError
from zettel.storage.ids import new_id
from zettel.storage.lance import reembed
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.store import LanceStore, open_as_it_is, open_store
from zettel.storage.meta import REEMBEDDING_KEY
from zettel.storage.notes import Note
from zettel.storage.progress import no_progress
from zettel.storage.store import NewNote, NoteFilter, Vectors
from zettel.tools.doctor.checks import CHECKS

pytest.importorskip("lance", reason="pip install pylance of the embedded version to decode files")

from tests.storage.remains import remains

OLD, NEW = HashEmbedder(), ShiftedEmbedder()
WORDS = ("bees dance", "tea is brewed", "trains are late", "the moon rises", "bread is baked")


async def rest() -> None:
    """Nobody waits for an answer."""


@asynccontextmanager
async def opened(place: Path | str, embedder: Embedder = OLD) -> AsyncGenerator[LanceStore]:
    """A store with vectors of a model; made if need be."""
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    try:
        yield store
    finally:
        await store.close()


async def tell(store: LanceStore, embedder: Embedder, *contents: str) -> list[Note]:
    """Add notes with their vectors."""
    notes = [make_note(content) for content in contents]
    vectors = await embedder.embed_notes(contents)
    pairs = zip(notes, vectors, strict=True)
    await store.write(new=[NewNote(note=note, vectors=made) for note, made in pairs])
    return notes


async def fill(
    store: LanceStore, embedder: Embedder, pause: Callable[[], Awaitable[None]] = rest
) -> bool:
    return await reembed.fill(store.tables, embedder, tell=no_progress, pause=pause)


async def clean_up(store: LanceStore, embedder: Embedder) -> Purge:
    return await reembed.clean_up(store.tables, embedder, tell=no_progress, pause=rest)


async def finish(place: Path | str, embedder: Embedder) -> None:
    """What a process does that comes next: the rest, whatever it is."""
    store = await open_as_it_is(str(place))
    await fill(store, embedder)
    await store.close()
    async with opened(place, embedder) as store:
        assert (await clean_up(store, embedder)).done
        assert await store.get_meta(REEMBEDDING_KEY) is None


async def vectors_of(store: LanceStore) -> dict[str, Vectors | None]:
    """Row id -> vectors of every revision."""
    return {row.note.row_id: row.vectors for row in await read_rows(store.tables, "")}


async def check_whole(store: LanceStore, embedder: Embedder) -> None:
    """Every revision has the vectors that this model makes of it, and says so."""
    for row in await read_rows(store.tables, ""):
        [made] = await embedder.embed_notes([row.note.content])
        assert row.note.embed_model == embedder.model_id, row.note.row_id
        assert row.vectors is not None
        assert np.array_equal(row.vectors, made), row.note.row_id


async def found(
    store: LanceStore, embedder: Embedder, words: str, known_at: datetime | None = None
) -> float:
    """The score of the note found by meaning for its own words."""
    vector = await embedder.embed_query(words)
    hits = await store.match_vectors(vector, NoteFilter(known_at=known_at), limit=1)
    return hits[0].score if hits else -1.0


async def test_every_revision_gets_new_vectors_and_the_old_ones_are_in_no_file(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s") as store:
        [note, *_] = await tell(store, OLD, *WORDS)
        [again] = await OLD.embed_notes(["wasps dance"])
        await store.write(changes=[replace(revised(note, "wasps dance"), vectors=again)])
        old = [made for made in (await vectors_of(store)).values() if made is not None]
        assert remains(tmp_path / "s", vectors=old)

        assert await fill(store, NEW)

    async with opened(tmp_path / "s", NEW) as store:
        await check_whole(store, NEW)
        assert (await clean_up(store, NEW)).done
        await check_whole(store, NEW)
        assert remains(tmp_path / "s", vectors=old) == []
        assert await found(store, NEW, "wasps dance") == pytest.approx(1.0)
        assert await found(store, NEW, "bees dance", known_at=NOW) == pytest.approx(1.0)
        assert len(await store.match_text("moon", NoteFilter(), limit=9)) == 1
        assert await store.get_meta(REEMBEDDING_KEY) is None
        assert (await store.heal(now=LATER)) == {}


@pytest.mark.parametrize("dim", [64, 48])
async def test_old_vectors_are_searched_until_the_new_ones_are_in_use_and_none_of_both(
    tmp_path: Path, dim: int
) -> None:
    new = ShiftedEmbedder(dim)
    async with opened(tmp_path / "s") as store, opened(tmp_path / "s") as other:
        await tell(store, OLD, *WORDS)
        seen = list[float]()

        async def look() -> None:
            for each in (store, other):
                await each.upkeep()
                seen.append(await found(each, OLD, WORDS[0]))

        assert await fill(store, new, look)
        # They opened the store with the old vectors, and go on with these.
        await look()

        assert seen == [pytest.approx(1.0)] * len(seen)
        with pytest.raises(OtherModelError):
            await open_store(str(tmp_path / "s"), model_id=OLD.model_id, dim=OLD.dim)
        async with opened(tmp_path / "s", new) as third:
            assert await found(third, new, WORDS[0]) == pytest.approx(1.0)
            assert await reembed.is_outdated(other.tables)
            assert not await reembed.is_outdated(third.tables)


async def test_notes_told_changed_and_erased_meanwhile_are_right_afterwards(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s") as store:
        kept, changed, erased, *_ = await tell(store, OLD, *WORDS)
        gone = await store.passages_of([erased.note_id])
        told = list[Note]()

        async def work() -> None:
            if told:
                return
            told.extend(await tell(store, OLD, "told meanwhile"))
            [made] = await OLD.embed_notes(["tea is poured"])
            await store.write(changes=[replace(revised(changed, "tea is poured"), vectors=made)])
            order = Order(
                receipt_id=new_id(NOW), note_ids=(erased.note_id,), scope="notes", who="test",
                ordered_at=NOW, waits=0,
            )  # fmt: skip
            await store.erase_rows([order], clock=lambda: NOW)
            assert (await store.purge([erased.note_id])).done

        assert await fill(store, NEW, work)

    async with opened(tmp_path / "s", NEW) as store:
        assert (await clean_up(store, NEW)).done
        await check_whole(store, NEW)
        assert await store.get([erased.note_id]) == []
        [new] = await NEW.embed_notes([erased.content])
        assert remains(tmp_path / "s", erased.note_id, vectors=[new, *gone.values()]) == []
        contents = {note.content for note in await store.find(NoteFilter(), limit=99)}
        assert contents == {kept.content, "tea is poured", "told meanwhile", *WORDS[3:]}
        assert await found(store, NEW, "tea is brewed", known_at=NOW) == pytest.approx(1.0)


async def test_a_client_that_never_stops_writing_does_not_hold_it_up(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        told = 0

        async def tell_another() -> None:
            nonlocal told
            told += 1
            assert told < 9, "it waits for the client to stop"
            await tell(store, OLD, f"told {told}")

        assert await fill(store, NEW, tell_another)

    async with opened(tmp_path / "s", NEW) as store:
        assert (await clean_up(store, NEW)).done
        await check_whole(store, NEW)
        assert await found(store, NEW, f"told {told}") == pytest.approx(1.0)


async def test_a_note_that_a_process_with_the_old_vectors_wrote_late_gets_new_ones(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s") as store:
        [note, *_] = await tell(store, OLD, *WORDS)
        assert await fill(store, NEW)
        [late] = await tell(store, OLD, "told late")
        [made] = await OLD.embed_notes(["bees rest"])
        await store.write(changes=[replace(revised(note, "bees rest"), vectors=made)])

        async with opened(tmp_path / "s", NEW) as renewed:
            [early] = await tell(renewed, NEW, "told early")
            assert (await store.get([early.note_id]))[0].content == "told early"
            waiting = await renewed.find(NoteFilter(unembedded=True), limit=9)
            assert {each.note_id for each in waiting} == {late.note_id, note.note_id}
            assert await found(renewed, NEW, "told late") < 0.9
            assert (await clean_up(renewed, NEW)).done
            await check_whole(renewed, NEW)
            assert await found(renewed, NEW, "told late") == pytest.approx(1.0)


async def test_a_process_with_the_old_vectors_fails_once_they_are_gone_and_writes_nothing(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s") as store:
        [note, *_] = await tell(store, OLD, *WORDS)
        await fill(store, NEW)
        async with opened(tmp_path / "s", NEW) as renewed:
            await clean_up(renewed, NEW)

            for call in (
                partial(tell, store, OLD, "lost"),
                partial(store.write, changes=[revised(note, "lost")]),
                partial(found, store, OLD, "bees"),
                partial(store.find, NoteFilter(), limit=9),
            ):
                with pytest.raises(StoreUnavailableError, match="embedded anew"):
                    await call()
            assert await renewed.count(NoteFilter()) == len(WORDS)
            assert (await renewed.heal(now=LATER)) == {}


async def test_vectors_of_another_model_are_refused_though_they_are_as_long(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s") as store:
        waiting = make_note("waits")
        await store.write(new=[NewNote(note=waiting)])
        [made] = await NEW.embed_notes(["waits"])

        with pytest.raises(InvalidArgumentError, match="reembed"):
            await store.embed([(waiting, made)], model=NEW.model_id)
        with pytest.raises(InvalidArgumentError, match="reembed"):
            note = replace(make_note(), embed_model=NEW.model_id)
            await store.write(new=[NewNote(note=note, vectors=made)])
        assert await store.count(NoteFilter(unembedded=True)) == 1


class KilledError(Exception):
    """Stands for the end of the process."""


def killed_at(piece: int) -> Callable[[], Awaitable[None]]:
    """A pause in which the process ends, the one before this piece of work."""
    pieces = count(1)

    async def pause() -> None:
        if next(pieces) == piece:
            raise KilledError

    return pause


async def test_what_was_made_before_an_interruption_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed, "COMMIT_ROWS", 2)
    monkeypatch.setattr(reembed, "EMBEDDED_TOGETHER", 1)
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        with pytest.raises(KilledError):
            await fill(store, NEW, killed_at(4))
        assert await found(store, OLD, WORDS[4]) == pytest.approx(1.0)
        left = await reembed.cost(store.tables, NEW)
        assert (left.notes, left.revisions, left.waiting) == (5, 5, 3)

    pieces = list[str]()
    async with opened(tmp_path / "s") as store:

        async def counted() -> None:
            pieces.append("made")

        assert await fill(store, NEW, counted)
        assert len(pieces) == 3
    await finish(tmp_path / "s", NEW)


@pytest.mark.parametrize("step", ["add_columns", "put", "switch", "drop", "rewrite", "forget"])
async def test_whatever_step_it_ends_at_the_rest_is_done_by_whoever_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KilledError

    places = {
        "add_columns": "_add_columns",
        "put": "_put",
        "switch": "_settled",
        "drop": "_drop_other_sets",
        "rewrite": "remove_old_data",
        "forget": "swap_meta",
    }
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        old = [made for made in (await vectors_of(store)).values() if made is not None]
        with monkeypatch.context() as patched:
            if step in ("add_columns", "put", "switch"):
                patched.setattr(reembed, places[step], killed)
                with pytest.raises(KilledError):
                    await fill(store, NEW)
                assert await found(store, OLD, WORDS[0]) == pytest.approx(1.0)
            else:
                assert await fill(store, NEW)
                async with opened(tmp_path / "s", NEW) as renewed:
                    patched.setattr(reembed, places[step], killed)
                    with pytest.raises(KilledError):
                        await clean_up(renewed, NEW)
                    assert await found(renewed, NEW, WORDS[0]) == pytest.approx(1.0)

    await finish(tmp_path / "s", NEW)

    async with opened(tmp_path / "s", NEW) as store:
        await check_whole(store, NEW)
        assert await store.count(NoteFilter()) == len(WORDS)
        assert remains(tmp_path / "s", vectors=old) == []


async def test_another_model_in_the_middle_begins_anew_and_leaves_nothing_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed, "COMMIT_ROWS", 2)
    third = ShiftedEmbedder(name="third")
    third_vectors = ShiftedEmbedder(48, name="given up")

    async def stop() -> None:
        if (await reembed.cost(store.tables, third_vectors)).waiting < len(WORDS):
            raise KilledError

    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        with pytest.raises(KilledError):
            await fill(store, third_vectors, stop)
        made = [row for text in WORDS for row in await third_vectors.embed_notes([text])]

    await finish(tmp_path / "s", third)

    async with opened(tmp_path / "s", third) as store:
        await check_whole(store, third)
        assert remains(tmp_path / "s", vectors=made) == []


async def test_back_to_the_model_in_use_gives_up_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed, "COMMIT_ROWS", 2)
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        with pytest.raises(KilledError):
            await fill(store, NEW, killed_at(2))
        made = [row for text in WORDS for row in await NEW.embed_notes([text])]
        assert remains(tmp_path / "s", vectors=made)

        assert await reembed.give_up_unless(store.tables, OLD)
        assert (await clean_up(store, OLD)).done

        assert not await reembed.give_up_unless(store.tables, OLD)
        await check_whole(store, OLD)
        assert remains(tmp_path / "s", vectors=made) == []


async def test_there_and_back_again_and_once_more(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
    for embedder in (NEW, OLD, NEW):
        store = await open_as_it_is(str(tmp_path / "s"))
        assert await fill(store, embedder)
        assert not await fill(store, embedder)
        await store.close()
        async with opened(tmp_path / "s", embedder) as store:
            assert (await clean_up(store, embedder)).done
            await check_whole(store, embedder)
            await tell(store, embedder, f"told by {embedder.model_id}")
            await check_whole(store, embedder)


async def test_a_store_that_was_embedded_anew_is_backed_up_and_restored(tmp_path: Path) -> None:
    meanwhile = tmp_path / "meanwhile.zettel"
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)

        async def back_up() -> None:
            await backed_up(store, meanwhile, force=True)

        assert await fill(store, NEW, back_up)
    async with opened(tmp_path / "s", NEW) as store:
        late = make_note("without vectors")
        await store.write(new=[NewNote(note=late)])
        await backed_up(store, tmp_path / "after.zettel")
        before = await vectors_of(store)

    for file, embedder, notes in ((meanwhile, OLD, 5), (tmp_path / "after.zettel", NEW, 6)):
        async with opened(tmp_path / file.stem, embedder) as store:
            assert (await restored(store, file)).notes == notes
            waiting = 1 if embedder is NEW else 0
            assert await store.count(NoteFilter(unembedded=True)) == waiting
            assert (await vectors_of(store)).keys() <= before.keys()
    # Also into a store whose own vectors are not the first ones.
    async with opened(tmp_path / "empty") as store:
        await fill(store, NEW)
    async with opened(tmp_path / "empty", NEW) as store:
        assert (await restored(store, tmp_path / "after.zettel")).unembedded == 0
        assert await found(store, NEW, WORDS[0]) == pytest.approx(1.0)


async def test_an_older_zettel_refuses_the_store_from_the_moment_it_could_misread_it(
    tmp_path: Path,
) -> None:
    versions = list[str | None]()
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)

        async def look() -> None:
            versions.append(await store.get_meta("schema_version"))

        await look()
        await fill(store, NEW, look)
        await look()

    assert versions == ["1", "2", "2"]


async def test_the_index_of_a_large_store_is_there_when_the_new_vectors_come_into_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zettel.storage.lance.vector_index.VECTOR_INDEX_MIN_ROWS", 3)
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        await store.upkeep()
        assert await fill(store, NEW)

    async with opened(tmp_path / "s", NEW) as store:
        names = [i.name for i in await store.tables.notes.read(lambda t: t.list_indices())]
        assert {"vectors_idx", "vectors_2_idx"} <= set(names)
        assert await found(store, NEW, WORDS[0]) == pytest.approx(1.0)
        assert (await clean_up(store, NEW)).done
        names = [i.name for i in await store.tables.notes.read(lambda t: t.list_indices())]
        assert [name for name in names if "vectors" in name] == ["vectors_2_idx"]
        await store.upkeep()
        assert await found(store, NEW, WORDS[0]) == pytest.approx(1.0)


async def test_the_cost_is_told_before_anything_is_changed(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        [note, *_] = await tell(store, OLD, *WORDS)
        await store.write(changes=[revised(note, "wasps")])
        before = await store.version()

        told = await reembed.cost(store.tables, NEW)

        assert (told.old_model, told.new_model) == ("hash@64", "shifted@64")
        assert (told.notes, told.revisions, told.waiting) == (5, 6, 6)
        assert told.characters == len("".join((*WORDS, "wasps")))
        assert len(await reembed.sample(store.tables)) == 6
        assert (await reembed.cost(store.tables, OLD)).waiting == 0
        assert await store.version() == before


async def test_a_record_that_zettel_did_not_write_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        record = json.dumps({"number": 2})
        assert await store.swap_meta(REEMBEDDING_KEY, expected=None, value=record)
        with pytest.raises(StoreUnavailableError, match="record"):
            await reembed.read_record(store.tables)


MOST_COMMITS = 60
"""Far more than five notes take."""


@pytest.mark.slow
async def test_a_kill_before_any_commit_leaves_a_store_that_serves_and_is_finished_by_the_next(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s") as store:
        [note, *_] = await tell(store, OLD, *WORDS)
        [made] = await OLD.embed_notes(["wasps dance"])
        await store.write(changes=[replace(revised(note, "wasps dance"), vectors=made)])
        old = [made for made in (await vectors_of(store)).values() if made is not None]
    states = set[tuple[str, bool]]()

    for commits in range(MOST_COMMITS):
        place = await to_thread.run_sync(copytree, tmp_path / "s", tmp_path / str(commits))
        if not await to_thread.run_sync(_killed_before, place, commits):
            break
        store = await open_as_it_is(str(place))
        model = store.tables.model_id
        record = await reembed.read_record(store.tables)
        embedder = OLD if model == OLD.model_id else NEW
        await check_whole(store, embedder)
        assert await found(store, embedder, "wasps dance") == pytest.approx(1.0)
        assert await found(store, embedder, "bees dance", known_at=NOW) == pytest.approx(1.0)
        states.add((model, record is not None))
        # A note told after the kill, before anybody goes on.
        await tell(store, embedder, "told between")
        await store.close()

        await finish(place, NEW)

        async with opened(place, NEW) as store:
            await check_whole(store, NEW)
            assert await store.count(NoteFilter()) == len(WORDS) + 1
            assert await store.heal(now=LATER) == {}
        assert await to_thread.run_sync(partial(remains, place, vectors=old)) == []
    else:
        pytest.fail("it never came to its end")

    assert states == {(OLD.model_id, False), (OLD.model_id, True), (NEW.model_id, True)}


def _killed_before(place: Path, commits: int) -> bool:
    """Whether a process was killed before it could make one more commit."""
    with start("-m", "tests.storage.reembed_worker", str(place), str(commits)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    assert said in (b"waits\n", b"done\n"), said
    return said == b"waits\n"


async def test_an_unfinished_one_is_named_and_is_no_damage(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as store:
        await tell(store, OLD, *WORDS)
        seen = await look_at_tables(store.tables)
        assert [each.name for check in CHECKS for each in check.run(seen)] == []

        await fill(store, NEW)

    async with opened(tmp_path / "s", NEW) as store:
        seen = await look_at_tables(store.tables)
        [finding] = [each for check in CHECKS for each in check.run(seen)]
        assert (finding.name, finding.is_damage) == ("unfinished_reembedding", False)
        await clean_up(store, NEW)
        seen = await look_at_tables(store.tables)
        assert [each.name for check in CHECKS for each in check.run(seen)] == []
