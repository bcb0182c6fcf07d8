"""A store in LanceDB Cloud, through its real client: the same code, and what it cannot promise."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint
from tests.cloud_double import KEY, serving_cloud
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

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance import reembed
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.progress import no_progress
from zettel.storage.read_view import read_view
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.erasure.erase import erase_all
from zettel.tools.erasure.orders import drain, order_erasure, pending_erasures
from zettel.tools.state.memory import Memory


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a store that is not there yet."""
    with serving_cloud(tmp_path / "cloud") as url:
        monkeypatch.setenv("LANCEDB_HOST_OVERRIDE", url)
        monkeypatch.setenv("LANCEDB_API_KEY", KEY)
        yield "db://notes"


async def opened(uri: str) -> LanceStore:
    """The store; made if need be."""
    return await open_store(uri, model_id=MODEL, dim=DIM)


async def test_a_view_sees_one_version_there_as_well(cloud: str) -> None:
    one, other = await opened(cloud), await opened(cloud)
    note = make_note("bees dance")
    await one.write(new=[NewNote(note=note, vectors=unit(cosine_row(1)))])

    with read_view():
        before = await one.count(EVERYTHING)
        await add(other, make_note("bees sting"))
        await other.write(changes=[revised(note, "wasps dance")])
        found = await one.find(EVERYTHING, limit=9)
        hits = await one.match_text("bees wasps", EVERYTHING, limit=9)
        near = await one.match_vectors(unit(cosine_row(1))[0], EVERYTHING, limit=9)
    after = await one.count(EVERYTHING)

    assert (before, [n.content for n in found], after) == (1, ["bees dance"], 2)
    assert [hit.note_id for hit in hits] == [hit.note_id for hit in near] == [note.note_id]
    await one.close()
    await other.close()


async def test_a_store_is_made_written_and_searched_by_two_processes(cloud: str) -> None:
    one, other = await opened(cloud), await opened(cloud)
    note = make_note("bees dance")
    await one.write(new=[NewNote(note=note, vectors=unit(cosine_row(1)))])
    await add(other, make_note("tea is brewed"))
    written = await other.write(changes=[revised(note, "wasps dance")])
    beaten = await one.write(changes=[revised(note, "hornets dance")])

    assert (len(written.stored), written.lost) == (1, ())
    assert (beaten.stored, beaten.lost) == ((), (note.note_id,))
    [hit] = await one.match_text("wasps", NoteFilter(), limit=9)
    assert hit.note_id == note.note_id
    assert await ids(one, EVERYTHING) == await ids(other, EVERYTHING)
    await one.reinforce([recalled(note.note_id, recalls=2)])
    assert (await other.usage_of([note.note_id]))[note.note_id].recall_count == 2
    assert [await one.swap_meta("k", expected=None, value=v) for v in "ab"] == [True, False]
    assert await one.upkeep()
    assert (await one.stats()).commits_since_upkeep == 0
    await one.close()
    await other.close()


async def test_an_erased_note_is_in_no_answer_and_the_receipt_says_whose_its_bytes_are(
    cloud: str,
) -> None:
    store = await opened(cloud)
    memory = Memory(store=store, embedder=HashEmbedder(DIM))
    gone, kept = make_note("secret"), make_note("tea")
    await add(store, gone, kept)
    await order_erasure(memory, [gone.note_id], scope="notes", who="test", now=NOW)

    assert await drain(memory, now=LATER) == 1

    assert await ids(store, EVERYTHING) == [kept.note_id]
    assert await pending_erasures(store) == 0
    [receipt] = await store.receipts()
    assert receipt.invisible_at is not None
    assert receipt.physical_at is None
    assert receipt.verified == (
        "LanceDB Cloud removes their bytes from its files when it likes, which Zettel cannot see",
    )
    [run] = await store.runs(limit=9)
    assert (run.kind, run.outcome) == ("erase", "done")
    told = await erase_all(memory, namespace=None, who="test", now=LATER)
    assert told["status"] == "erasing"
    assert told.get("next", "").startswith("No call finds them any more; LanceDB Cloud removes")
    await store.close()


async def test_a_wrong_key_is_named_with_what_to_do(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("another", ""):
        monkeypatch.setenv("LANCEDB_API_KEY", key)
        with pytest.raises(StoreUnavailableError, match=r"credentials.*Set the cloud's own"):
            await opened(cloud)


async def test_another_model_takes_another_store_and_the_error_says_how(cloud: str) -> None:
    store = await opened(cloud)

    with pytest.raises(StoreUnavailableError, match=r"cannot be made anew.*zettel restore"):
        await reembed.fill(store.tables, ShiftedEmbedder(), tell=no_progress, pause=checkpoint)

    await store.close()


@pytest.mark.slow
async def test_a_backup_moves_a_store_into_the_cloud_and_out_of_it(
    cloud: str, tmp_path: Path
) -> None:
    first = await fresh(tmp_path / "first")
    note = make_note("bees")
    await first.write(new=[NewNote(note=note, vectors=unit(cosine_row(1)))])
    await first.write(changes=[revised(note, "wasps")])
    whole = await everything(first)
    await backed_up(first, tmp_path / "one.zettel")

    second = await opened(cloud)
    await restored(second, tmp_path / "one.zettel")
    assert await everything(second) == whole
    await backed_up(second, tmp_path / "two.zettel")
    third = await fresh(tmp_path / "third")
    await restored(third, tmp_path / "two.zettel")

    assert await everything(third) == whole
    for store in (first, second, third):
        await store.close()
