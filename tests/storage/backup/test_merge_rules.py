"""Restoring beside other notes, and beside what was erased: nothing doubled, nothing back."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.storage.keeping import (
    backed_up,
    everything,
    fresh,
    restored,
    untold,
)
from tests.storage.samples import EVERYTHING, LATER, NOW, add, make_note, recalled, revised

from zettel.storage.backup.archive import checked
from zettel.storage.backup.restore import carry_over, receipts_in, recorded
from zettel.storage.erasable import Order, Receipt, digest_of
from zettel.storage.erasure.ledger import Ledger, ledger_of
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.store import LanceStore
from zettel.storage.merges import MERGE_CHANGE, merge_reason, told_again
from zettel.storage.notes import DERIVED_FROM, EVOLUTION, REVISED_BY, Link, Note, Origin, Run
from zettel.storage.store import Change

CANARY = "xylophone"


def linked(note: Note, *to: Note, relation: str = "supports", made_by: str = "agent") -> Change:
    """The change that links a note to others."""
    links = tuple(
        Link(to=other.note_id, relation=relation, made_by=made_by, made_at=LATER, reason=r)
        for other in to
        for r in (f"as {other.note_id} says",)
    )
    change = revised(note, note.content)
    return replace(change, note=replace(change.note, links=(*note.links, *links)))


async def every_row(store: LanceStore) -> list[Note]:
    """All revisions of all notes."""
    return [row.note for row in await read_rows(store.tables, "")]


async def test_ids_that_others_have_are_changed_everywhere_and_always_the_same_way(
    lance: LanceStore, tmp_path: Path
) -> None:
    one, two = make_note("bees"), make_note("wasps")
    await add(lance, one, two)
    await lance.write(changes=[linked(one, two)])
    await lance.reinforce([recalled(two.note_id)])
    run = Run(
        run_id="evolve-1", kind="evolve", who="x", started_at=NOW, ended_at=NOW, counts={},
        outcome="done",
    )  # fmt: skip
    await lance.add_run(run)
    await backed_up(lance, tmp_path / "a.zettel")
    before = await everything(lance)

    first = await restored(lance, tmp_path / "a.zettel", namespace="old")
    after = await everything(lance)
    second = await restored(lance, tmp_path / "a.zettel", namespace="old")

    assert (first.notes, first.revisions, first.renamed, first.usage) == (2, 3, 2, 1)
    assert (second.notes, second.there, second.usage, second.runs) == (0, 2, 0, 0)
    assert await everything(lance) == after
    assert before[0].items() <= after[0].items()
    copies = [note for note, _ in after[0].values() if note.namespace == "old"]
    bees = [note for note in copies if note.content == "bees" and note.current]
    (wasps,) = [note for note in copies if note.content == "wasps"]
    assert {link.to for link in bees[0].links} == {wasps.note_id}
    assert wasps.note_id[:10] == two.note_id[:10]
    assert {run.run_id for run in after[2]} == {"evolve-1", "evolve-1@old"}
    assert [note.note_id for note in await lance.linking_to([wasps.note_id])] == [bees[0].note_id]


async def test_several_namespaces_stay_apart_under_a_name_with_their_own(
    lance: LanceStore, tmp_path: Path
) -> None:
    bees, wasps = make_note("bees"), make_note("wasps", namespace="barn")
    long = make_note("moths", namespace="m" * 64)
    await add(lance, bees, wasps, long)
    await backed_up(lance, tmp_path / "a.zettel")

    first = await restored(lance, tmp_path / "a.zettel", namespace="old-{}")
    second = await restored(lance, tmp_path / "a.zettel", namespace="old-{}")

    found = await lance.find(EVERYTHING, limit=9)
    names = {(note.content, note.namespace) for note in found}
    assert (first.notes, second.notes, second.there) == (3, 0, 3)
    assert {("bees", "home"), ("bees", "old-home"), ("wasps", "old-barn")} <= names
    (moths,) = [name for content, name in names if content == "moths" and name != "m" * 64]
    assert moths.startswith("old-mmm")
    assert len(moths) == 64


async def test_notes_of_another_store_keep_their_ids_in_the_namespace(
    lance: LanceStore, tmp_path: Path
) -> None:
    ours, theirs = make_note("bees"), make_note("wasps", namespace="barn")
    await add(lance, theirs)
    await backed_up(lance, tmp_path / "a.zettel")
    second = await fresh(tmp_path / "second")
    await add(second, ours)

    done = await restored(second, tmp_path / "a.zettel", namespace="guests")
    (note,) = await second.get([theirs.note_id])
    await second.write(changes=[revised(note, "hornets")])
    again = await restored(second, tmp_path / "a.zettel", namespace="guests")

    assert (done.notes, done.renamed) == (1, 0)
    assert (again.notes, again.there) == (0, 1)
    assert (note.namespace, note.content) == ("guests", "wasps")
    assert await second.count(EVERYTHING) == 2
    await second.close()


async def erase(ledger: Ledger, note_ids: Sequence[str]) -> Receipt:
    """Record an erasure."""
    salt = ledger.salt
    receipt = Receipt(
        receipt_id=f"erase-{note_ids[0]}",
        scope="notes",
        who="test",
        ordered_at=LATER,
        salt=salt,
        digests=tuple(digest_of(note_id, salt) for note_id in note_ids),
        notes=len(note_ids),
    )
    ledger.put(receipt)
    return receipt


def all_bytes(folder: Path) -> bytes:
    """What all data and index files hold."""
    return b"".join(path.read_bytes() for path in folder.rglob("*.lance") if path.is_file())


async def told_and_taught(store: LanceStore) -> tuple[Note, Note]:
    """A secret, a gist of it, a summary of the gist, a note it has taught, and one beside."""
    secret = replace(make_note(f"the {CANARY} is out of tune"), subject="Ana")
    gist = replace(
        make_note(f"gist: {CANARY}"),
        origin=Origin(transport=EVOLUTION),
        links=(Link(to=secret.note_id, relation=DERIVED_FROM, made_at=NOW),),
    )
    summary = replace(
        make_note(f"summary: {CANARY}"),
        origin=Origin(transport=EVOLUTION),
        links=(Link(to=gist.note_id, relation=DERIVED_FROM, made_at=NOW),),
    )
    beside = make_note("a piano")
    await add(store, secret, gist, summary, beside)
    taught = linked(beside, secret, relation=REVISED_BY, made_by="llm")
    worded = replace(
        taught.note,
        context=f"beside the {CANARY}",
        keywords=(CANARY,),
        derived_by={"context": "llm", "keywords": "llm"},
        change="revise",
        reason=f"in the light of {secret.note_id}",
    )
    await store.write(changes=[replace(taught, note=worded)])
    return secret, beside


async def test_nothing_erased_since_comes_back_nor_what_was_made_of_it(
    lance: LanceStore, tmp_path: Path
) -> None:
    secret, beside = await told_and_taught(lance)
    await backed_up(lance, tmp_path / "a.zettel")
    second = await fresh(tmp_path / "second")
    ledger = ledger_of(second.tables.place, tmp_path / "copy")
    await erase(ledger, [secret.note_id])

    done = await restored(second, tmp_path / "a.zettel", is_erased=recorded(ledger, []))

    assert (done.notes, done.erased, done.cleaned) == (1, 3, 1)
    rows = await every_row(second)
    assert {row.note_id for row in rows} == {beside.note_id}
    assert CANARY not in repr(rows)
    assert secret.note_id not in repr(rows)
    stored = all_bytes(Path(second.place))
    assert secret.note_id.encode() not in stored
    assert CANARY.encode() not in stored
    await second.close()


async def test_words_that_a_note_took_over_from_an_erased_one_do_not_come_back(
    lance: LanceStore, tmp_path: Path
) -> None:
    secret, other = make_note(f"a {CANARY}"), make_note("a piano")
    await add(lance, secret, other)
    merging = revised(other, other.content + told_again("1 June 2026", [secret.content]))
    took = replace(merging.note, change=MERGE_CHANGE, reason=merge_reason(secret.note_id))
    await lance.write(changes=[replace(merging, note=took)])
    await backed_up(lance, tmp_path / "a.zettel")
    ledger = ledger_of(lance.tables.place, None)
    order = Order(
        receipt_id="erase-1",
        scope="notes",
        who="test",
        ordered_at=LATER,
        note_ids=(secret.note_id,),
        waits=4,
    )
    await lance.erase_rows([order], clock=lambda: LATER)
    second = await fresh(tmp_path / "second")

    here = await restored(
        lance, tmp_path / "a.zettel", namespace="home", is_erased=recorded(ledger, [])
    )
    there = await restored(second, tmp_path / "a.zettel", is_erased=recorded(ledger, []))

    # As the erasure has left it, the note is here.
    assert (here.there, here.renamed, here.notes) == (1, 0, 0)
    assert (there.notes, there.erased, there.cleaned) == (1, 1, 1)
    for store in (lance, second):
        assert CANARY not in repr(await every_row(store))
    await second.close()


async def test_a_copy_that_was_erased_in_its_namespace_stays_erased(
    lance: LanceStore, tmp_path: Path
) -> None:
    note = make_note("bees")
    await add(lance, note)
    await backed_up(lance, tmp_path / "a.zettel")
    await restored(lance, tmp_path / "a.zettel", namespace="old")
    (copy,) = [row for row in await every_row(lance) if row.namespace == "old"]
    ledger = ledger_of(lance.tables.place, None)
    await erase(ledger, [copy.note_id])
    async with lance.tables.notes.writing():
        await lance.tables.notes.commit(lambda handle: handle.delete("namespace = 'old'"))

    done = await restored(
        lance, tmp_path / "a.zettel", namespace="old", is_erased=recorded(ledger, [])
    )

    assert (done.notes, done.erased) == (0, 1)
    assert await every_row(lance) == [note]


async def test_a_backup_takes_the_record_of_erasures_along(
    lance: LanceStore, tmp_path: Path
) -> None:
    kept, gone = make_note("bees"), make_note("wasps")
    await add(lance, kept, gone)  # ordered, and not yet carried out
    receipt = await erase(ledger_of(lance.tables.place, None), [gone.note_id])
    await backed_up(lance, tmp_path / "a.zettel")
    second = await fresh(tmp_path / "second")
    ledger = ledger_of(second.tables.place, None)

    receipts = receipts_in(checked(tmp_path / "a.zettel", untold))
    await restored(second, tmp_path / "a.zettel", is_erased=recorded(ledger, receipts))

    assert await every_row(second) == [kept]
    assert carry_over(ledger, receipts) == 1
    assert carry_over(ledger, receipts) == 0
    assert ledger.receipts() == [receipt]
    await second.close()
