"""Erasing among other processes, and through a kill at any of its steps."""

import subprocess
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from anyio import to_thread

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance import erase
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.store import NoteFilter
from zettel.tools.doctor.heal import heal
from zettel.tools.erasure.orders import drain, order_erasure, pending_erasures
from zettel.tools.state.memory import Memory

pytest.importorskip("lance", reason="pip install pylance of the embedded version to decode files")

from tests.starting import start_text
from tests.storage import erase_worker
from tests.storage.lance.test_purge_files import CANARY, filled
from tests.storage.remains import remains
from tests.storage.samples import DIM, MODEL

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120


@contextmanager
def started(*arguments: str) -> Generator[subprocess.Popen[str]]:
    """Another process on the store; whatever happens, it is gone afterwards."""
    module = erase_worker.__name__
    with start_text("-W", "ignore", "-m", module, *arguments, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


async def drained(store: LanceStore) -> None:
    """Do what evolution does first of all."""
    await drain(Memory(store=store, embedder=HashEmbedder()), now=datetime.now(UTC))


@pytest.mark.parametrize("commits", [1, 4, 12])
async def test_an_erasure_that_was_killed_is_finished_by_whoever_comes_next(
    lance: LanceStore, commits: int
) -> None:
    told, directory = await filled(lance), Path(lance.place)

    with started(lance.place, told.note_id, str(commits)) as killed:
        _, said = await to_thread.run_sync(killed.communicate)

    assert killed.returncode == -9, said
    assert await pending_erasures(lance) == 1
    await drained(lance)
    assert await pending_erasures(lance) == 0
    [receipt] = await lance.receipts()
    assert receipt.physical_at is not None
    assert remains(directory, told.note_id, CANARY) == []
    assert await lance.count(NoteFilter()) == 30


@pytest.mark.slow
async def test_others_read_and_write_while_notes_are_erased_and_none_fails(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, directory = await filled(lance), Path(lance.place)
    memory = Memory(store=lance, embedder=HashEmbedder())
    gone = [told.note_id]
    gone += [note.note_id for note in (await lance.find(NoteFilter(), limit=99))[-1:]]
    with ExitStack() as stack:
        others = [stack.enter_context(started(lance.place, "live", "")) for _ in range(2)]
        await to_thread.run_sync(_first_lines, others)
        for note_id in gone:
            now = datetime.now(UTC)
            await order_erasure(memory, [note_id], scope="notes", who="test", now=now)
            await drain(memory, now=now)
        ended = [await to_thread.run_sync(_end, other) for other in others]

    assert [code for code, _ in ended] == [0, 0], [said for _, said in ended]
    for note_id in gone:
        assert await lance.revisions(note_id) == []
    # What lost a race against another commit lies about, as young as the race.
    monkeypatch.setattr(erase, "ABANDONED_FILE_AGE_S", 0.0)
    await drained(lance)
    assert await pending_erasures(lance) == 0
    assert remains(directory, CANARY, *gone) == []
    assert await lance.relapsed() == ()
    assert await lance.heal(now=datetime.now(UTC)) == {}


async def test_a_store_that_is_put_back_as_it_was_is_erased_again_when_it_opens(
    tmp_path: Path,
) -> None:
    place, copy = tmp_path / "store", tmp_path / "copy"
    store = await open_store(str(place), model_id=MODEL, dim=DIM, erasures=tmp_path / "state")
    told = await filled(store)
    await to_thread.run_sync(copytree, place, copy)
    now = datetime.now(UTC)
    memory = Memory(store=store, embedder=HashEmbedder())
    await order_erasure(memory, [told.note_id], scope="notes", who="test", now=now)
    await drain(memory, now=now)
    await store.close()

    await to_thread.run_sync(rmtree, place)
    await to_thread.run_sync(copytree, copy, place)
    back = await open_store(str(place), model_id=MODEL, dim=DIM, erasures=tmp_path / "state")
    mended = await heal(Memory(store=back, embedder=HashEmbedder()), now=datetime.now(UTC))

    assert mended["erased_again"] == 1
    assert remains(place, told.note_id, CANARY) == []
    await back.close()


def _first_lines(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline()


def _end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate("end\n", timeout=PATIENCE_S)
    return process.returncode, said
