"""Erasing from a LanceDB store: nothing is left in any file, whoever else is at work.

When one of these fails after LanceDB was renewed, its files are laid out otherwise: see
`lance_erase`.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from time import time
from typing import Any

import anyio
import numpy as np
import pytest
from tests.storage.samples import DIM, FULL, LATER, MODEL, NOW, add, make_note, recalled, revised

from zettel.storage.erasable import Order, Purge, digest_of
from zettel.storage.erasure.traces import redact
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.ids import new_id
from zettel.storage.lance import erase, vector_index
from zettel.storage.lance.snapshot import snapshot
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.store_files import files_of, unnamed_files
from zettel.storage.lance.table import LanceTable
from zettel.storage.lance.writes import as_table
from zettel.storage.location import ENGINE_FOLDER
from zettel.storage.notes import EVOLUTION, Link, Note, Origin, Span
from zettel.storage.revisions import NoteRow
from zettel.storage.store import Change, NewNote, NoteFilter, Vectors

pytest.importorskip("lance", reason="pip install pylance of the embedded version to decode files")

from tests.storage.remains import index_folders, remains

CANARY = "Quillfeather"


def canary_note() -> Note:
    """A note with the canary in every column of text."""
    word = CANARY
    return replace(
        FULL,
        note_id=new_id(datetime.now(UTC)),
        content=f"content {word}",
        context=f"context {word}",
        subject=f"subject {word}",
        tags=(f"tag {word}",),
        session=f"session {word}",
        source=f"file:///{word}",
        keywords=(f"keyword {word}",),
        entities=(f"entity {word}",),
        times=(Span(start=NOW, end=LATER, phrase=f"in {word}"),),
        questions=(f"question {word}?",),
        summary=f"summary {word}",
        links=(Link(to="x", relation=f"relation {word}", reason=f"link {word}", made_at=NOW),),
        origin=Origin(client=f"client {word}", transport="stdio", principal=f"principal {word}"),
        changed_by=f"by {word}",
        reason=f"reason {word}",
        run_id=f"run {word}",
        state=FULL.state,
    )


def vectors(seed: int) -> Vectors:
    """Two passages that no other note has."""
    rows = np.random.default_rng(seed).normal(size=(2, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


async def filled(store: LanceStore) -> Note:
    """Notes, the canary among them: told, changed twice, linked, recalled, indexed in between."""
    told = canary_note()
    others = [make_note(f"bee number {number}") for number in range(30)]
    await store.write(
        new=[NewNote(note=n, vectors=vectors(at)) for at, n in enumerate((told, *others), 100)]
    )
    await store.upkeep()
    now = told
    for number in (2, 3):
        change = Change(
            note=replace(now, rev=number, content=f"content {CANARY} {number}", known_from=LATER),
            vectors=vectors(number),
        )
        (now,) = (await store.write(changes=[change])).stored
    await store.upkeep()
    link = Link(to=told.note_id, relation="supports", reason=f"as {told.note_id}", made_at=NOW)
    linked = Change(note=replace(others[0], rev=2, links=(link,), known_from=LATER))
    await store.write(changes=[linked])
    await store.write(changes=[revised(linked.note, "other words", now=LATER)])
    await store.reinforce([recalled(told.note_id), recalled(others[1].note_id)])
    shown = {"notes": [{"note_id": told.note_id, "line": f"a line of {CANARY}"}]}
    preview = {"revs": {}, "undo": False, "expires": "9999-01-01T00:00:00+00:00", "done": shown}
    await store.swap_meta("previews", expected=None, value=json.dumps({"token": preview}))
    return told


def ordered(*note_ids: str) -> Order:
    """An order to erase notes."""
    return Order(
        receipt_id=f"erase-{new_id(NOW)}",
        scope="notes",
        who="test",
        ordered_at=NOW,
        note_ids=note_ids,
        waits=4,
    )


async def blotted(store: LanceStore, *note_ids: str) -> int:
    """Take notes out of sight; returns how many revisions it were."""
    [receipt] = await store.erase_rows([ordered(*note_ids)], clock=lambda: NOW)
    return receipt.rows


async def erased(store: LanceStore, *note_ids: str) -> Purge:
    """Erase notes: as the verbs do, only that nobody keeps the order."""
    await blotted(store, *note_ids)
    if (preview := await store.get_meta("previews")) is not None:
        await store.swap_meta("previews", expected=preview, value=None)
    purged = await store.purge(note_ids)
    return await store.purge(note_ids, meta=True) if purged.done else purged


async def test_an_id_in_any_file_of_a_table_is_found_byte_by_byte(lance: LanceStore) -> None:
    told = await filled(lance)
    folder = lance.tables.place.directory
    assert folder is not None
    stray = folder / "notes.lance" / "stray"
    stray.write_bytes(b"\x00\x01" + told.note_id.encode() + b"\x02")
    await blotted(lance, told.note_id)

    found = await lance.purge([told.note_id])

    assert (found.done, found.verified) == (False, ())
    assert found.why == "an id still stands in stray"
    stray.unlink()
    assert (await lance.purge([told.note_id])).done


async def test_no_row_goes_before_the_erasure_is_recorded_everywhere(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    store = await open_store(
        str(tmp_path / "store"), model_id=MODEL, dim=DIM, erasures=copy / "ledgers"
    )
    told = make_note()
    await add(store, told)
    copy.symlink_to(tmp_path / "a disk that was taken away")

    with pytest.raises(StoreUnavailableError, match="record of what was erased"):
        await blotted(store, told.note_id)

    assert await store.get([told.note_id]) == [told]
    await store.close()


async def test_all_notes_composed_of_an_erased_one_are_recorded_before_any_row_goes(
    lance: LanceStore,
) -> None:
    chain = [make_note("told")]
    for content in ("a gist", "a concept", "a profile"):
        link = Link(to=chain[-1].note_id, relation="derived_from", made_at=NOW)
        note = replace(make_note(content), links=(link,), origin=Origin(transport=EVOLUTION))
        chain.append(note)
    await add(lance, *reversed(chain))

    await blotted(lance, chain[0].note_id)

    ledger = lance.tables.ledger
    first = json.loads(ledger.own_lines().splitlines()[0])
    assert set(first["digests"]) == {digest_of(note.note_id, ledger.salt) for note in chain}


async def test_what_is_out_of_sight_is_taken_out_again_only_where_it_came_back(
    lance: LanceStore,
) -> None:
    told = await filled(lance)
    order, tables = ordered(told.note_id), lance.tables
    [receipt] = await lance.erase_rows([order], clock=lambda: NOW)
    before = [await table.version() for table in tables.all()]

    again = await lance.erase_rows([order], clock=lambda: LATER)

    assert again == [receipt]
    assert [await table.version() for table in tables.all()] == before
    await lance.reinforce([recalled(told.note_id)])
    async with tables.notes.writing():
        # As a writer brings it that knew of nothing.
        await tables.notes.insert(as_table(tables, [NoteRow(note=told, vectors=vectors(100))]))
    assert await lance.relapsed() == (told.note_id,)
    [once_more] = await lance.erase_rows([order], clock=lambda: LATER)
    assert once_more.rows == receipt.rows + 1
    assert await lance.relapsed() == ()


async def test_however_many_erasures_wait_for_their_files_one_read_tells_that_they_rest(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [make_note(f"bee number {number}") for number in range(6)]
    await lance.write(new=[NewNote(note=note, vectors=vectors(7)) for note in notes])
    orders = [ordered(note.note_id) for note in notes[:5]]
    receipts = await lance.erase_rows(orders, clock=lambda: NOW)
    reads, select = list[LanceTable](), LanceTable.select

    async def counted(table: LanceTable, *args: Any, **kwargs: Any) -> Any:
        reads.append(table)
        return await select(table, *args, **kwargs)

    monkeypatch.setattr(LanceTable, "select", counted)
    assert await lance.erase_rows(orders[:1], clock=lambda: LATER) == receipts[:1]
    of_one = len(reads)
    assert await lance.erase_rows(orders, clock=lambda: LATER) == receipts
    assert len(reads) == 2 * of_one

    async with lance.tables.notes.writing():
        back = NoteRow(note=notes[2], vectors=vectors(7))
        await lance.tables.notes.insert(as_table(lance.tables, [back]))
    again = await lance.erase_rows([*orders, ordered(notes[5].note_id)], clock=lambda: LATER)
    assert [receipt.rows for receipt in again] == [1, 1, 2, 1, 1, 1]
    assert await lance.relapsed() == ()


@pytest.mark.slow
async def test_a_purge_cut_short_leaves_no_file_that_the_next_would_wait_for(
    lance: LanceStore,
) -> None:
    told = await filled(lance)
    await blotted(lance, told.note_id)
    preview = await lance.get_meta("previews")
    await lance.swap_meta("previews", expected=preview, value=None)
    cut = 0
    for steps in range(1, 30):
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lance.purge, [told.note_id])
                await anyio.sleep(steps * 0.004)
                scope.cancel()
        cut += scope.cancelled_caught
        assert not any(unnamed_files(files_of(lance.tables.place, t)) for t in ("notes", "usage"))

    assert cut
    assert (await lance.purge([told.note_id])).done


@pytest.mark.parametrize("indexed", [False, True], ids=["no vector index", "a vector index"])
async def test_nothing_of_an_erased_note_is_left_in_any_file(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    monkeypatch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", 1 if indexed else 10_000)
    told, directory = await filled(lance), Path(lance.place)
    gone = [vectors(seed) for seed in (100, 2, 3)]
    where = {place.split()[0].split("/")[0] for place in remains(directory, told.note_id)}
    assert where == {"notes.lance", "usage.lance", "meta.lance"}
    assert remains(directory, CANARY)
    assert remains(directory, vectors=gone)
    before, survivor = (
        index_folders(directory, "notes"),
        (await lance.find(NoteFilter(), limit=1))[0],
    )

    purged = await erased(lance, told.note_id)

    assert purged.done, purged.why
    assert remains(directory, told.note_id, CANARY, CANARY.lower(), vectors=gone) == []
    # The vocabulary of the full text is an automaton in which no search finds a word.
    assert not before & index_folders(directory, "notes")
    assert remains(directory, survivor.note_id)


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [False, True], ids=["no vector index", "a vector index"])
async def test_a_note_in_one_large_fragment_with_others_is_left_nowhere(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    # Of such a fragment LanceDB's own compaction moves nothing, and its indices stay as they are.
    monkeypatch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", 1 if indexed else 10_000)
    told, directory = canary_note(), Path(lance.place)
    notes = [told, *(make_note(f"bee number {number}") for number in range(300))]
    await lance.write(new=[NewNote(note=n, vectors=vectors(at)) for at, n in enumerate(notes, 100)])
    await lance.upkeep()
    before = index_folders(directory, "notes")

    purged = await erased(lance, told.note_id)

    assert purged.done, purged.why
    assert remains(directory, told.note_id, CANARY, CANARY.lower(), vectors=[vectors(100)]) == []
    assert not before & index_folders(directory, "notes")


async def test_every_other_note_is_as_it_was(lance: LanceStore) -> None:
    told = await filled(lance)
    everything = NoteFilter(states=(), derived=None)
    before = {n.note_id: n for n in await lance.find(everything, limit=99)}
    had = await lance.passages_of(list(before))

    await erased(lance, told.note_id)

    after = {n.note_id: n for n in await lance.find(everything, limit=99)}
    assert {i: replace(n, links=()) for i, n in before.items() if i != told.note_id} == after
    passages = await lance.passages_of(list(after))
    assert {i: p.tolist() for i, p in had.items() if i in after} == {
        i: p.tolist() for i, p in passages.items()
    }
    assert len(await lance.match_text("bee", NoteFilter(), limit=99)) == 29
    assert await lance.usage_of([told.note_id]) == {}
    assert len(await lance.usage_of(list(after))) == 1


async def test_a_second_handle_sees_nothing_of_it_at_once(lance: LanceStore) -> None:
    other = await open_store(lance.place, model_id=MODEL, dim=DIM)
    told = await filled(lance)
    await other.upkeep()
    assert await other.get([told.note_id])

    await blotted(lance, told.note_id)

    assert await other.get([told.note_id]) == []
    assert await other.revisions(told.note_id) == []
    assert await other.match_text(CANARY, NoteFilter(states=()), limit=9) == []
    assert await other.erased([told.note_id])
    await other.close()


async def test_what_was_erased_cannot_be_written_again(lance: LanceStore) -> None:
    told, other = make_note("gone"), make_note("other")
    await add(lance, told, other)
    await blotted(lance, told.note_id)
    link = Link(to=told.note_id, relation="supports", made_at=NOW)
    new = make_note("new")

    written = await lance.write(
        new=[NewNote(note=told), NewNote(note=replace(new, links=(link,)))],
        changes=[Change(note=replace(other, rev=2, links=(link,), known_from=LATER))],
    )
    await lance.reinforce([recalled(told.note_id)])

    assert set(written.lost) == {told.note_id, other.note_id}
    assert written.stored == (new,)
    assert await lance.usage_of([told.note_id]) == {}
    assert await lance.relapsed() == ()


@pytest.mark.slow
async def test_what_a_killed_writer_never_committed_goes_once_it_is_old(lance: LanceStore) -> None:
    told, directory = await filled(lance), Path(lance.place)
    [data] = [p for p in (directory / "notes.lance/data").iterdir() if p.stat().st_size][:1]
    strays = [
        directory / "notes.lance/data" / f"{'01' * 24}.lance",
        directory / "notes.lance/data/.tmp1234",
        directory / "notes.lance/_versions/7.manifest#1",
    ]
    for stray in strays:
        stray.write_bytes(data.read_bytes())

    young = await erased(lance, told.note_id)
    for stray in strays:
        old_enough = time() - erase.ABANDONED_FILE_AGE_S - 1
        os.utime(stray, (old_enough, old_enough))
    old = await lance.purge([told.note_id])

    assert (young.done, young.why) == (False, "3 files of an unfinished write are too young")
    assert old.done
    assert not any(stray.exists() for stray in strays)
    assert await lance.count(NoteFilter()) == 30


async def test_a_dry_run_keeps_its_copy_and_a_killed_one_does_not(lance: LanceStore) -> None:
    told, directory = await filled(lance), Path(lance.place)
    async with snapshot(lance.place, now=datetime.now(UTC)) as copy:
        while_used = await erased(lance, told.note_id)
        left_by_the_killed = copy.with_name("preview-killed")
        copytree(copy, left_by_the_killed)

    after = await lance.purge([told.note_id])

    assert (while_used.done, while_used.why) == (
        False,
        "a dry run holds a copy of the store's files",
    )
    assert after.done
    assert not left_by_the_killed.exists()
    assert not list((directory / ENGINE_FOLDER).glob("preview-*"))


async def test_a_log_that_repeats_its_words_is_blotted_out_in_place(lance: LanceStore) -> None:
    told = await filled(lance)
    log = Path(lance.place) / ENGINE_FOLDER / "engine.log"
    line = f"failed: contains(text, 'content {CANARY} 2') for {told.note_id}\nnext line\n"
    log.write_text(line, encoding="utf-8")

    await blotted(lance, told.note_id)

    after = log.read_text(encoding="utf-8")
    assert CANARY not in after
    assert told.note_id not in after
    assert len(after) == len(line)
    assert after.endswith("\nnext line\n")
    assert redact(Path(lance.place), ["short", "nowhere to be found"]) == 0
