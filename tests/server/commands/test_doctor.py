"""The doctor finds what is wrong with a store, names it, and mends what it says it can."""

# Raw LanceDB is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false

import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import TypeVar

import lancedb
import numpy as np
import pytest
from anyio import Event, create_task_group, sleep, to_thread
from lancedb import AsyncTable
from tests.server.small_disks import small_disk
from tests.storage.embedding.test_model_files import make_folder
from tests.storage.keeping import untold
from tests.storage.samples import DAY, LATER, NOW, make_note, revised

from zettel.server.commands.doctor import DoctorReport, doctor_output, examine_once
from zettel.server.config.settings import Settings, load_settings
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.probe import lost_commits
from zettel.storage.lance.reembed import Reembedding
from zettel.storage.lance.rows import to_table
from zettel.storage.lance.schema import META, USAGE, notes_table
from zettel.storage.lance.side_tables import put_meta
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.table import LanceTable
from zettel.storage.location import hold, read_place
from zettel.storage.meta import REEMBEDDING_KEY
from zettel.storage.notes import DERIVED_FROM, SUPERSEDES, Link, Note, State
from zettel.storage.read_view import outside_views
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NewNote, Vectors
from zettel.tools.doctor.checks import MAX_UNINDEXED_ROWS, check_commits
from zettel.tools.erasure.orders import drain, order_erasure
from zettel.tools.evolve.lease import LEASE_KEY, LEASE_LIFETIME
from zettel.tools.state.memory import Memory

EMBEDDER = HashEmbedder()
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A closed store of three notes: one of three revisions, one that links to it, one alone."""

    folder: Path
    old: Note
    linking: Note
    alone: Note

    @property
    def settings(self) -> Settings:
        """The settings of a command on it."""
        return load_settings(store=str(self.folder), model="hash", log_level="error")

    @asynccontextmanager
    async def raw(self, table: str = "notes") -> AsyncGenerator[AsyncTable]:
        """A table without any of our precautions."""
        with await lancedb.connect_async(str(self.folder)) as database:
            with await database.open_table(table) as handle:
                yield handle

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[LanceStore]:
        """The store."""
        store = await open_store(str(self.folder), model_id=EMBEDDER.model_id, dim=EMBEDDER.dim)
        yield store
        await store.close()

    async def put(self, *notes: Note, vectors: bool = True) -> None:
        """Write rows as they are, whatever stands there."""
        rows = [NoteRow(note=note, vectors=vector() if vectors else None) for note in notes]
        schema = notes_table(EMBEDDER.dim).schema
        async with self.raw() as table:
            await table.add(to_table(rows, schema=schema, dim=EMBEDDER.dim))


def vector() -> Vectors:
    """A unit vector."""
    made = np.zeros((1, EMBEDDER.dim), np.float32)
    made[0, 0] = 1
    return made


@pytest.fixture(scope="module")
async def healthy(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    """What each patient is a copy of."""
    old, alone = make_note("bees"), make_note("wasps")
    linking = make_note("ants")
    link = Link(to=old.note_id, relation="supports", made_at=NOW)
    linking = replace(linking, links=(link,))
    folder = tmp_path_factory.mktemp("healthy") / "store"
    found = Patient(folder=folder, old=old, linking=linking, alone=alone)
    async with found.opened() as store:
        await store.write(
            new=[NewNote(note=note, vectors=vector()) for note in (old, linking, alone)]
        )
        for rev in (2, 3):
            (now,) = await store.get([old.note_id])
            await store.write(changes=[revised(now, f"bees {rev}", now=NOW + rev * DAY)])
        await store.upkeep()
    (found.folder / "config.toml").touch(mode=0o600)
    return found


@pytest.fixture
def patient(healthy: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    # All copies have the same notes: what was erased of one is to be remembered of no other.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return replace(healthy, folder=Path(copytree(healthy.folder, tmp_path / "store")))


async def doubled_rows(patient: Patient) -> None:
    async with patient.opened() as store:
        await patient.put(*await store.get([patient.alone.note_id]))


async def two_current(patient: Patient) -> None:
    async with patient.opened() as store:
        (now,) = await store.get([patient.alone.note_id])
    await patient.put(replace(now, rev=2, known_from=LATER))


async def no_current(patient: Patient) -> None:
    async with patient.raw() as table:
        where = f"note_id = '{patient.alone.note_id}'"
        await table.update({"current": False, "known_to": LATER}, where=where)


async def doubled_keys(patient: Patient) -> None:
    import pyarrow as pa  # noqa: PLC0415  pyright: ignore[reportMissingTypeStubs]

    row = {"note_id": "n", "strength": 1.0, "recalled_at": NOW, "recall_count": 1}
    async with patient.raw("usage") as table:
        await table.add(pa.Table.from_pylist([row, row], schema=USAGE.schema))


async def revision_gaps(patient: Patient) -> None:
    async with patient.raw() as table:
        await table.delete(f"row_id = '{patient.old.note_id}@2'")
        # Otherwise sound: the first revision ends where the third begins.
        where = f"row_id = '{patient.old.note_id}@1'"
        await table.update({"known_to": NOW + 3 * DAY}, where=where)


async def torn_times(patient: Patient) -> None:
    async with patient.raw() as table:
        where = f"row_id = '{patient.old.note_id}@1'"
        await table.update({"known_to": NOW + timedelta(minutes=1)}, where=where)


async def dangling_links(patient: Patient) -> None:
    async with patient.raw() as table:
        await table.delete(f"note_id = '{patient.old.note_id}'")


async def self_links(patient: Patient) -> None:
    async with patient.opened() as store:
        (now,) = await store.get([patient.alone.note_id])
        link = Link(to=now.note_id, relation="similar", made_at=NOW)
        change = revised(now, now.content)
        await store.write(changes=[replace(change, note=replace(change.note, links=(link,)))])


async def one_sided_links(patient: Patient) -> None:
    async with patient.raw() as table:
        where = f"note_id = '{patient.linking.note_id}'"
        await table.update(updates_sql={"link_ids": "make_array()"}, where=where)


async def half_superseded(patient: Patient) -> None:
    """As two racing verbs leave it, one killed after its commit: the one above is forgotten."""
    async with patient.opened() as store:
        (below,) = await store.get([patient.alone.note_id])
        (above,) = await store.get([patient.linking.note_id])
        closed = revised(below, below.content)
        superseded = replace(
            closed.note, state=State.SUPERSEDED, valid_until=LATER, change="supersede"
        )
        link = Link(to=below.note_id, relation=SUPERSEDES, made_at=NOW)
        forgotten = revised(above, above.content)
        gone = replace(
            forgotten.note, links=(*above.links, link), state=State.FORGOTTEN, change="forget"
        )
        await store.write(changes=[replace(closed, note=superseded), replace(forgotten, note=gone)])


async def missing_indices(patient: Patient) -> None:
    async with patient.raw() as table:
        await table.drop_index("text_idx")


async def foreign_vectors(patient: Patient) -> None:
    async with patient.raw() as table:
        where = f"note_id = '{patient.alone.note_id}'"
        await table.update({"embed_model": "other@1"}, where=where)


async def lost_vectors(patient: Patient) -> None:
    async with patient.opened() as store:
        (now,) = await store.get([patient.alone.note_id])
    async with patient.raw() as table:
        await table.delete(f"note_id = '{patient.alone.note_id}'")
    await patient.put(now, vectors=False)


async def stale_lease(patient: Patient) -> None:
    import pyarrow as pa  # noqa: PLC0415  pyright: ignore[reportMissingTypeStubs]

    claim = json.dumps({"holder": "elsewhere-1-aa", "until": (NOW - LEASE_LIFETIME).isoformat()})
    async with patient.raw("meta") as table:
        row = {"key": LEASE_KEY, "value": claim}
        await table.add(pa.Table.from_pylist([row], schema=META.schema))


async def damaged_manifests(patient: Patient) -> None:
    newest = min((patient.folder / "notes.lance" / "_versions").glob("*.manifest"))
    newest.write_bytes(b"")


async def empty_index_files(patient: Patient) -> None:
    for path in (patient.folder / "notes.lance" / "_indices").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


async def leftovers(patient: Patient) -> None:
    left = patient.folder / "notes.lance" / "data" / ".tmpOld"
    left.write_bytes(b"left")
    os.utime(left, (0, 0))


async def dead_engine(patient: Patient) -> None:
    record = patient.folder / ".engine" / "engine.json"
    record.write_text('{"pid": 1}', encoding="utf-8")


async def open_permissions(patient: Patient) -> None:
    patient.folder.chmod(0o755)
    (patient.folder / "config.toml").chmod(0o644)


async def order(store: LanceStore, note: Note) -> Memory:
    """Order the erasure of a note."""
    memory = Memory(store=store, embedder=EMBEDDER)
    await order_erasure(memory, [note.note_id], scope="notes", who="test", now=LATER)
    return memory


async def pending_erasures(patient: Patient) -> None:
    async with patient.opened() as store:
        await order(store, patient.linking)


async def erased_again(patient: Patient) -> None:
    async with patient.opened() as store:
        rows = await store.get([patient.linking.note_id])
        await drain(await order(store, patient.linking), now=LATER)
    await patient.put(*rows)


DAMAGES: tuple[Callable[[Patient], Awaitable[None]], ...] = (
    *(doubled_rows, two_current, no_current, doubled_keys, torn_times),
    *(dangling_links, self_links, one_sided_links, half_superseded),
    *(missing_indices, foreign_vectors, lost_vectors, stale_lease),
    *(damaged_manifests, empty_index_files, leftovers, dead_engine, open_permissions),
    *(pending_erasures, erased_again),
)
"""Each is named as the doctor names what it did."""


async def examined(patient: Patient, *, fix: bool = False) -> DoctorReport:
    """What the doctor says."""
    return await examine_once(patient.settings, fix, untold)


def damages(examination: DoctorReport) -> set[str]:
    """Names of the damages found."""
    return {finding.name for finding in examination.findings if finding.is_damage}


async def test_a_sound_store_is_clean_and_stays_as_it_is(patient: Patient) -> None:
    before = await to_thread.run_sync(sizes, patient.folder)

    examination = await examined(patient)

    assert (examination.findings, examination.is_clean) == ((), True)
    assert doctor_output(examination).text.endswith("nothing is wrong.")
    assert await to_thread.run_sync(sizes, patient.folder) == before


def sizes(folder: Path) -> dict[str, int]:
    """Every file of a folder with its size."""
    return {str(path): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


async def test_index_files_that_a_running_engine_is_still_writing_are_no_damage(
    patient: Patient,
) -> None:
    index_file = next((patient.folder / "notes.lance" / "_indices").glob("*/*"))
    content = await to_thread.run_sync(index_file.read_bytes)
    begun, reports = Event(), list[DoctorReport]()

    def report_begun(_step: str, _done: int, _total: int) -> None:
        begun.set()

    async def examine() -> None:
        reports.append(await examine_once(patient.settings, False, report_begun))

    async with create_task_group() as tasks:
        async with hold(read_place(str(patient.folder)), wait_s=0) as held:
            assert held
            await to_thread.run_sync(index_file.write_bytes, b"")
            tasks.start_soon(examine)
            await begun.wait()
            # Long enough for a look that does not wait to see the empty file.
            await sleep(0.2)
            await to_thread.run_sync(index_file.write_bytes, content)

    assert (reports[0].findings, reports[0].is_clean) == ((), True)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damage_is_named_and_mended_as_it_says(
    patient: Patient, damage: Callable[[Patient], Awaitable[None]]
) -> None:
    name = damage.__name__
    await damage(patient)

    found = await examined(patient)
    mended = await examined(patient, fix=True)

    assert name in damages(found)
    assert damages(found) <= {name, "not_examined"}
    (finding,) = [f for f in found.findings if f.name == name]
    assert finding.means
    assert finding.fix
    assert not found.is_clean
    assert name in mended.mended
    assert mended.is_clean
    async with patient.opened() as store:
        (note,) = await store.get([patient.alone.note_id])
        assert note.state is State.ACTIVE
        assert await store.heal(now=LATER) == {}


async def test_settings_that_do_not_count_are_named_and_are_no_damage(patient: Patient) -> None:
    text = 'model = "hash"\nllm_model = "m"\n'
    await to_thread.run_sync(partial((patient.folder / "config.toml").write_text, text))

    (finding,) = (await examined(patient)).findings

    assert (finding.name, finding.is_damage) == ("unconfirmed_settings", False)
    assert "llm_model" in finding.means
    assert "zettel trust --store" in finding.means


async def test_a_store_that_cannot_be_written_is_damage_and_a_person_told_what_to_do(
    patient: Patient, tmp_path: Path
) -> None:
    folder = tmp_path / "disk"
    await to_thread.run_sync(folder.mkdir)
    with small_disk(folder, 20) as disk:
        store = Path(await to_thread.run_sync(copytree, patient.folder, folder / "store"))
        await to_thread.run_sync(disk.remount, "ro")
        found = await examined(replace(patient, folder=store))

    assert damages(found) == {"unwritable", "low_disk"}
    (finding,) = [f for f in found.findings if f.name == "unwritable"]
    assert f"{store} cannot be written by this user" in finding.means
    assert "Make it writable" in finding.advice
    assert not found.is_clean


async def test_a_note_whose_erasure_is_on_its_way_is_named_once(patient: Patient) -> None:
    """As a process leaves it that ends between telling of an erasure and carrying it out."""
    await erased_again(patient)
    async with patient.opened() as store:
        await order(store, patient.linking)

    assert damages(await examined(patient)) == {"pending_erasures"}


async def test_a_missing_revision_is_named_and_a_person_told_what_to_do(
    patient: Patient,
) -> None:
    await revision_gaps(patient)

    found = await examined(patient, fix=True)

    assert damages(found) == {"revision_gaps"}
    (gap,) = found.findings
    assert (gap.examples, gap.fix) == ((patient.old.note_id,), "")
    assert "zettel restore FILE --into-namespace" in gap.advice
    assert not found.is_clean


async def test_everything_wrong_at_once_is_found_and_mended_at_once(patient: Patient) -> None:
    wrong = (torn_times, one_sided_links, foreign_vectors, doubled_keys, dead_engine, leftovers)
    for damage in wrong:
        await damage(patient)

    mended = await examined(patient, fix=True)

    assert mended.mended == {damage.__name__ for damage in wrong}
    assert mended.is_clean


async def test_another_model_than_the_stores_is_named_and_its_mending_left_to_a_person(
    patient: Patient,
) -> None:
    settings = load_settings(store=str(patient.folder), model="all-MiniLM-L6-v2", log_level="error")

    found = await examine_once(settings, True, untold)

    assert damages(found) == {"other_model"}
    (finding,) = [f for f in found.findings if f.is_damage]
    assert "ZETTEL_MODEL" in finding.advice
    told = json.loads(doctor_output(found).render(as_json=True))
    assert (told["clean"], told["findings"][0]["mended"]) == (False, False)


async def test_vectors_that_are_being_made_with_the_model_of_the_settings_are_no_damage(
    patient: Patient,
) -> None:
    name = "all-MiniLM-L6-v2"
    begun = Reembedding(number=2, model_id=(await find_model(name)).model_id, dim=384)
    async with patient.opened() as store:
        await put_meta(store.tables.meta, {REEMBEDDING_KEY: json.dumps(asdict(begun))})
    settings = load_settings(store=str(patient.folder), model=name, log_level="error")

    found = await examine_once(settings, False, untold)

    assert [finding.name for finding in found.findings] == ["unfinished_reembedding"]
    assert found.is_clean


async def test_a_store_whose_model_is_not_the_default_is_no_damage_where_none_is_named(
    patient: Patient,
) -> None:
    settings = load_settings(store=str(patient.folder), log_level="error")

    found = await examine_once(settings, False, untold)

    assert [finding.name for finding in found.findings] == ["other_model"]
    assert found.is_clean
    assert "zettel reembed" in found.findings[0].advice


async def test_notes_that_wait_for_their_vectors_are_worth_knowing_and_no_damage(
    patient: Patient,
) -> None:
    async with patient.opened() as store:
        # Evolution embeds active notes only.
        gone = replace(make_note("beetles"), state=State.FORGOTTEN)
        await store.write(new=[NewNote(note=make_note("moths")), NewNote(note=gone)])

    found = await examined(patient)

    assert [(f.name, f.count) for f in found.findings] == [("waiting_for_vectors", 1)]
    assert found.is_clean


async def test_rows_that_wait_to_be_indexed_are_worth_knowing_and_no_damage(
    patient: Patient,
) -> None:
    async with patient.opened() as store:
        moths = [make_note(f"moth {n}") for n in range(MAX_UNINDEXED_ROWS + 1)]
        await store.write(new=[NewNote(note=note, vectors=vector()) for note in moths])

    found = await examined(patient)
    mended = await examined(patient, fix=True)

    assert {(f.name, f.is_damage) for f in found.findings} == {("unindexed_rows", False)}
    assert found.is_clean
    assert mended.mended == {"unindexed_rows"}


async def test_notes_that_are_embedded_while_the_doctor_reads_are_no_damage(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [make_note(f"moth {n}") for n in range(12)]
    plain = LanceTable.read
    async with patient.opened() as engine:
        await engine.write(new=[NewNote(note=note) for note in waiting])

        async def read_meanwhile(
            table: LanceTable, fetch: Callable[[AsyncTable], Awaitable[_T]]
        ) -> _T:
            found = await plain(table, fetch)
            if waiting and table is not engine.tables.notes and table.spec.name == "notes":
                with outside_views():
                    await engine.embed([(waiting.pop(), vector())], model=EMBEDDER.model_id)
            return found

        monkeypatch.setattr(LanceTable, "read", read_meanwhile)
        found = await examined(patient)

    assert len(waiting) < 10
    assert damages(found) == set()


async def test_a_model_that_cannot_be_loaded_is_damage_and_no_run_of_evolution_is_advised(
    patient: Patient, tmp_path: Path
) -> None:
    async with patient.opened() as store:
        await store.write(new=[NewNote(note=make_note("moths"))])
    folder = make_folder(tmp_path / "m", [("Transformer", {"hidden_size": 24})])
    settings = load_settings(store=str(patient.folder), model=str(folder), log_level="error")

    report = await examine_once(settings, False, untold)

    found = {finding.name: finding for finding in report.findings}
    assert set(found) == {"waiting_for_vectors", "model_unusable"}
    assert str(folder / "tokenizer.json") in found["model_unusable"].means
    assert "Save the model again" in found["model_unusable"].means
    assert "evolve" not in doctor_output(report).text
    assert not report.is_clean


async def test_a_note_whose_premise_is_gone_is_worth_knowing_and_no_damage(
    patient: Patient,
) -> None:
    gone = replace(make_note("the clay needs heat"), state=State.FORGOTTEN)
    link = Link(to=gone.note_id, relation=DERIVED_FROM, made_at=NOW)
    conclusion = replace(make_note("we buy the kiln"), links=(link,))
    await patient.put(gone, conclusion)

    found = await examined(patient)

    [finding] = [f for f in found.findings if f.name == "lost_premises"]
    assert (finding.examples, finding.is_damage) == ((conclusion.note_id,), False)


async def test_where_there_is_no_store_the_doctor_makes_none(tmp_path: Path) -> None:
    settings = load_settings(store=str(tmp_path / "nowhere"), model="hash")

    with pytest.raises(StoreUnavailableError):
        await examine_once(settings, True, untold)

    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_the_probe_of_conditional_puts_loses_nothing_where_they_hold(
    tmp_path: Path,
) -> None:
    place = read_place(str(tmp_path / "probed"))

    assert await lost_commits(place) == 0

    assert not list(tmp_path.rglob("*.lance"))  # noqa: ASYNC240
    assert [f.name for f in check_commits(2)] == ["lost_commits"]
