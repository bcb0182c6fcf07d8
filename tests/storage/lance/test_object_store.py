"""A store on S3: the same code, for processes that have nothing but the bucket in common."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

import socket
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import anyio
import pyarrow as pa
import pytest
from anyio.lowlevel import checkpoint
from tests.object_server import ON_EACH_SERVER, Objects, Passing, spoiling
from tests.storage.keeping import backed_up, cosine_row, everything, fresh, restored
from tests.storage.other_models import ShiftedEmbedder
from tests.storage.samples import (
    DIM,
    EVERYTHING,
    LATER,
    MODEL,
    NOW,
    add,
    ids,
    make_note,
    recalled,
    revised,
    unit,
)

from zettel.storage.doctor.read import look_at_files, look_at_tables
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.erasable import Order, Purge
from zettel.storage.errors import OtherModelError, StoreUnavailableError
from zettel.storage.ids import new_id
from zettel.storage.lance import probe, reembed, table
from zettel.storage.lance.open import OBJECT_STORE_OPTIONS
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.store import LanceStore, open_as_it_is, open_store
from zettel.storage.lance.store_files import ObjectFiles, files_of, unnamed_files
from zettel.storage.lance.table import LanceTable, Merged
from zettel.storage.location import StoreLocation, read_place
from zettel.storage.notes import SUPERSEDES, Link
from zettel.storage.progress import no_progress
from zettel.storage.store import NewNote
from zettel.tools.doctor.checks import CHECKS

pytest.importorskip("lance", reason="pip install pylance of the embedded version to decode files")

from tests.storage.remains import remains

pytestmark = ON_EACH_SERVER


async def opened(uri: str) -> LanceStore:
    """The store at an address; made if need be."""
    return await open_store(uri, model_id=MODEL, dim=DIM)


async def erased(store: LanceStore, *note_ids: str) -> Purge:
    """Erase notes: as the verbs do, only that nobody keeps the order."""
    order = Order(
        receipt_id=new_id(NOW), note_ids=note_ids, scope="notes", who="t", ordered_at=NOW, waits=0
    )
    await store.erase_rows([order], clock=lambda: NOW)
    purged = await store.purge(note_ids)
    return await store.purge(note_ids, meta=True) if purged.done else purged


def copied_out(uri: str, folder: Path) -> Path:
    """All objects of a store, as files."""
    files = ObjectFiles(uri=uri)
    for path, raw in files.contents(files.listing()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    return folder


async def test_processes_share_a_bucket_and_an_erased_note_is_in_no_object_of_it(
    objects: Objects, empty_store: Path, tmp_path: Path
) -> None:
    uri = objects.copy_in(empty_store)
    one, other = await opened(uri), await opened(uri)
    secret, kept = make_note("The zugzwang of Mr Brzęczyk"), make_note("tea is brewed")
    await one.write(new=[NewNote(note=secret, vectors=unit(cosine_row(1)))])
    await other.write(changes=[revised(secret, "The zwischenzug of Mr Brzęczyk")])
    await add(other, kept)
    assert await ids(one, EVERYTHING) == await ids(other, EVERYTHING)
    assert len(await one.revisions(secret.note_id)) == 2
    assert remains(copied_out(uri, tmp_path / "before"), secret.note_id)

    assert (await erased(one, secret.note_id)).done

    assert await other.get([secret.note_id, kept.note_id]) == [kept]
    left = remains(
        copied_out(uri, tmp_path / "after"),
        *(secret.note_id, "zugzwang", "zwischenzug"),
        vectors=[unit(cosine_row(1))],
    )
    assert left == []
    await other.close()
    await one.close()


@pytest.mark.slow
async def test_what_a_killed_writer_left_is_removed_once_it_is_old(
    objects: Objects, empty_store: Path
) -> None:
    store = await opened(objects.copy_in(empty_store))
    note = make_note()
    await add(store, note)
    [row] = ObjectFiles(uri=store.place).contents(["notes.lance/data/orphan.lance"])
    assert row == ("notes.lance/data/orphan.lance", b"")
    objects.put(f"{store.place.removeprefix('s3://')}/notes.lance/data/orphan.lance", b"row")
    notes = files_of(store.tables.place, "notes")
    assert unnamed_files(notes).keys() == {"data/orphan.lance"}

    young = await erased(store, note.note_id)

    assert (young.done, young.why) == (False, "1 files of an unfinished write are too young")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zettel.storage.lance.erase.ABANDONED_FILE_AGE_S", -1.0)
        assert (await store.purge([note.note_id])).done
    assert unnamed_files(notes) == {}
    await store.close()


@pytest.mark.parametrize(
    ("status", "methods", "problem", "remedy"),
    [
        (403, ("GET",), "credentials", "Set the cloud's own variables"),
        (301, ("GET",), "in another region", "Set AWS_REGION"),
        (503, ("PUT",), "slow down", "again in a moment"),
    ],
)
async def test_what_an_object_store_refuses_is_named_with_what_to_do(
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    methods: Sequence[str],
    problem: str,
    remedy: str,
) -> None:
    def meddle(passing: Passing) -> int | None:
        return status if passing.method in methods else None

    monkeypatch.setitem(OBJECT_STORE_OPTIONS, "client_max_retries", "1")
    with spoiling(objects, meddle) as spoiled:
        monkeypatch.setenv("AWS_ENDPOINT_URL", spoiled.endpoint)
        uri = spoiled.new_uri()
        with pytest.raises(StoreUnavailableError) as raised:
            await opened(uri)

    assert uri in str(raised.value)
    assert problem in str(raised.value)
    assert remedy in str(raised.value)


async def test_a_bucket_that_is_not_there_and_a_server_that_is_not_are_told_apart(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreUnavailableError, match=r"no such bucket\. Make the bucket"):
        await opened("s3://elsewhere/notes")
    monkeypatch.setitem(OBJECT_STORE_OPTIONS, "client_max_retries", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        await opened("s3://elsewhere/notes")


async def test_an_object_store_that_hangs_is_named_and_not_asked_again_for_minutes(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = objects.new_uri()
    monkeypatch.setitem(OBJECT_STORE_OPTIONS, "client_max_retries", "0")
    monkeypatch.setitem(OBJECT_STORE_OPTIONS, "timeout", "1s")
    # The system takes connections up to the backlog; nobody reads what comes.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StoreUnavailableError, match="does not answer") as raised:
            await opened(uri)

    assert "retry_timeout: 20s" in str(raised.value.__cause__)


async def test_a_call_to_an_object_store_that_begins_to_hang_ends_at_its_first_read(
    objects: Objects, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, hangs, goes_on = objects.copy_in(empty_store), Event(), Event()

    def meddle(_passing: Passing) -> None:
        if hangs.is_set():
            goes_on.wait()

    with spoiling(objects, meddle) as spoiled:
        monkeypatch.setenv("AWS_ENDPOINT_URL", spoiled.endpoint)
        store = await opened(uri)
        monkeypatch.setattr(table, "ANSWER_MAX_S", 0.2)
        hangs.set()
        with pytest.raises(StoreUnavailableError, match="does not answer") as of_version:
            await store.version()
        with pytest.raises(StoreUnavailableError, match="does not answer") as of_meta:
            await store.get_meta("k")
        # Not after minutes, by an error of Lance.
        causes = [type(raised.value.__cause__) for raised in (of_version, of_meta)]
        assert causes == [TimeoutError, TimeoutError]
        hangs.clear()
        goes_on.set()
        monkeypatch.setattr(table, "ANSWER_MAX_S", 25.0)
        assert await store.get_meta("k") is None
        await store.close()


async def test_a_commit_is_made_once_though_its_answer_is_lost_or_others_are_refused(
    objects: Objects, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 may answer 503 to any request, also to one that it has carried out."""
    uri, lost, requests = objects.copy_in(empty_store), list[str](), count()

    def meddle(passing: Passing) -> int | None:
        if passing.method == "PUT" and "/_versions/" in passing.path:
            if passing.path not in lost:
                lost.append(passing.path)
                assert passing.forward() == 200
                return 503
        elif next(requests) % 3 == 0:
            return 503
        return None

    with spoiling(objects, meddle) as spoiled:
        monkeypatch.setenv("AWS_ENDPOINT_URL", spoiled.endpoint)
        store = await opened(uri)
        note = make_note()
        written = await store.write(new=[NewNote(note=note)])
        changed = await store.write(changes=[revised(note, "wasps dance")])
        assert await store.swap_meta("key", expected=None, value="value")

        assert (written.stored, len(changed.stored), changed.lost) == ((note,), 1, ())
        rows = await read_rows(store.tables, "")
        assert sorted((row.note.rev, row.note.current) for row in rows) == [(1, False), (2, True)]
        await store.close()
    assert len(lost) >= 3


@pytest.mark.slow
async def test_a_backup_moves_a_store_from_a_directory_to_a_bucket_and_back(
    objects: Objects, empty_store: Path, tmp_path: Path
) -> None:
    first = await fresh(tmp_path / "first")
    note, other = make_note("bees"), make_note("wasps")
    await first.write(new=[NewNote(note=note, vectors=unit(cosine_row(1))), NewNote(note=other)])
    link = Link(to=note.note_id, relation=SUPERSEDES, made_at=LATER)
    change = revised(other, "hornets")
    await first.write(changes=[replace(change, note=replace(change.note, links=(link,)))])
    await first.reinforce([recalled(note.note_id, recalls=3)])
    whole = await everything(first)
    await backed_up(first, tmp_path / "one.zettel")

    second = await opened(objects.new_uri())
    await restored(second, tmp_path / "one.zettel")
    assert await everything(second) == whole
    await backed_up(second, tmp_path / "two.zettel")
    third = await fresh(tmp_path / "third")
    await restored(third, tmp_path / "two.zettel")

    assert await everything(third) == whole
    for store in (first, second, third):
        await store.close()


@pytest.mark.slow
async def test_all_vectors_are_made_anew_and_the_old_ones_are_in_no_object(
    objects: Objects, tmp_path: Path
) -> None:
    old, new, uri = HashEmbedder(), ShiftedEmbedder(), objects.new_uri()
    store = await open_store(uri, model_id=old.model_id, dim=old.dim)
    note = make_note("bees dance")
    [vectors] = await old.embed_notes([note.content])
    await store.write(new=[NewNote(note=note, vectors=vectors)])
    assert await reembed.fill(store.tables, new, tell=no_progress, pause=checkpoint)
    await store.close()

    store = await open_store(uri, model_id=new.model_id, dim=new.dim)
    assert (await reembed.clean_up(store.tables, new, tell=no_progress, pause=checkpoint)).done

    [row] = await read_rows(store.tables, "")
    [made] = await new.embed_notes([note.content])
    assert row.note.embed_model == new.model_id
    assert row.vectors is not None
    assert row.vectors.tolist() == made.tolist()
    assert remains(copied_out(uri, tmp_path), vectors=[vectors]) == []
    await store.close()


@pytest.mark.slow
async def test_many_opening_an_empty_bucket_make_one_store(objects: Objects) -> None:
    uri, stores = objects.new_uri(), list[LanceStore]()

    async def work(number: int) -> None:
        store = await opened(uri)
        stores.append(store)
        await add(store, *[make_note(f"note {number}.{at}") for at in range(3)])

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(work, number)

    assert len(await ids(stores[0], EVERYTHING)) == 12
    seen = await look_at_tables(stores[0].tables)
    damage = [check.name for check in CHECKS if check.run(seen) and check.run(seen)[0].is_damage]
    assert damage == []
    with pytest.raises(OtherModelError):
        await open_store(uri, model_id="another@1", dim=DIM)
    assert (await look_at_files(read_place(uri))).leftovers == 0
    for store in stores:
        await store.close()


def unconditional(passing: Passing) -> None:
    """As a store does that knows no conditional puts."""
    del passing.headers["if-none-match"]


async def test_a_store_that_loses_commits_is_refused_before_anything_is_in_it(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spoiling(objects, unconditional) as spoiled:
        monkeypatch.setenv("AWS_ENDPOINT_URL", spoiled.endpoint)
        uri = spoiled.new_uri()
        with pytest.raises(StoreUnavailableError, match=r"If-None-Match.*conditional"):
            await opened(uri)

        assert ObjectFiles(uri=uri).listing() == {}


async def test_a_provider_is_probed_once_and_again_only_where_the_store_has_moved(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = list[str]()
    lost = probe.lost_commits

    async def counted(place: StoreLocation) -> int:
        probes.append(place.uri)
        return await lost(place)

    monkeypatch.setattr(probe, "lost_commits", counted)
    uri = objects.new_uri()
    for _ in range(2):
        await (await opened(uri)).close()
    assert probes == [uri]

    with spoiling(objects, unconditional) as spoiled:
        monkeypatch.setenv("AWS_ENDPOINT_URL", spoiled.endpoint)
        with pytest.raises(StoreUnavailableError, match="If-None-Match"):
            await opened(uri)
        # What only reads goes on: a backup moves the notes.
        await (await open_as_it_is(uri)).close()

    assert probes == [uri, uri]


async def test_what_one_machine_erases_no_other_brings_back(
    objects: Objects, empty_store: Path
) -> None:
    uri = objects.copy_in(empty_store)
    one, other = await opened(uri), await opened(uri)
    gone, kept = make_note("secret"), make_note("tea")
    await add(one, gone, kept)
    assert (await erased(one, gone.note_id)).done

    link = Link(to=gone.note_id, relation=SUPERSEDES, made_at=LATER)
    change = revised(kept, "coffee")
    linked = replace(change, note=replace(change.note, links=(link,)))
    written = await other.write(new=[NewNote(note=gone)], changes=[linked])
    await other.reinforce([recalled(gone.note_id)])

    assert written.stored == ()
    assert set(written.lost) == {gone.note_id, kept.note_id}
    assert await other.usage_of([gone.note_id]) == {}
    third = await opened(uri)
    for store in (one, other, third):
        assert list(await store.erased([gone.note_id, kept.note_id])) == [gone.note_id]
        assert await store.relapsed() == ()
        assert len(await store.receipts()) == 1
        await store.close()


async def test_a_change_that_was_on_its_way_does_not_outlive_the_erasure(
    objects: Objects, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = objects.copy_in(empty_store)
    one, other = await opened(uri), await opened(uri)
    note = make_note("secret")
    await add(one, note)
    merge = LanceTable.merge

    async def late(table: LanceTable, rows: pa.Table, **how: Any) -> Merged:
        monkeypatch.setattr(LanceTable, "merge", merge)
        assert (await erased(one, note.note_id)).done
        return await table.merge(rows, **how)

    monkeypatch.setattr(LanceTable, "merge", late)
    await other.write(changes=[revised(note, "the secret's new words")])

    assert await one.relapsed() == ()
    assert await read_rows(other.tables, "") == []
    await one.close()
    await other.close()
