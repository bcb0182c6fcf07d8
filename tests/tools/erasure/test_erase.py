"""`forget(erase=true)`: a preview first, then no call finds any part of the note."""

import gc
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.scripted_llm import Asked, Reply, ScriptedLlm, worded
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, Refused, ids, notes, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.erasable import Order, Receipt, digest_of
from zettel.storage.lance.store import LanceStore
from zettel.storage.notes import Run
from zettel.storage.store import Change, NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.changes.previews import get_preview
from zettel.tools.erasure.erase import erase_previewed
from zettel.tools.erasure.orders import drain, pending_erasures
from zettel.tools.progress import reporting_to
from zettel.tools.state.memory import Memory

CANARY = "the canary sings at Quillfeather Lodge"


async def erased(desk: Desk, *note_ids: str) -> dict[str, object]:
    """Erase by ids: the answer to the confirmation."""
    preview = await desk("forget", note_ids=list(note_ids), erase=True)
    assert preview["status"] == "preview"
    return await desk("forget", confirm=preview["confirm"])


async def dump(desk: Desk) -> str:
    """Everything the store holds, as text."""
    store = desk.memory.admin
    notes = await store.find(NoteFilter(states=(), derived=None), limit=1_000)
    revisions = [r for note in notes for r in await store.revisions(note.note_id)]
    return f"{revisions}{await store.runs(limit=99)}{await store.get_meta('previews')}"


async def test_an_erasure_changes_nothing_until_it_is_confirmed(desk: Desk) -> None:
    note_id = await desk.told(CANARY)

    preview = await desk("forget", note_ids=[note_id], erase=True)

    assert (preview["status"], ids(preview)) == ("preview", [note_id])
    assert str(preview["confirm"]) in str(preview["next"])
    assert await desk.found(query="canary") == [note_id]


async def test_the_progress_of_an_erasure_names_its_steps_and_no_text(desk: Desk) -> None:
    note_id, heard = await desk.told(CANARY), list[str]()

    with reporting_to(heard.append):
        await erased(desk, note_id)

    assert heard == ["erasing 1 notes", "removing what was erased from every file"]


async def test_an_erased_note_is_in_no_answer_of_any_moment(desk: Desk) -> None:
    note_id = await desk.told(CANARY, tags=["t"], subject="Ana", session="s")
    await desk("update", note_id=note_id, content=f"{CANARY} daily")
    told = desk.now
    desk.later(days=1)

    answer = await erased(desk, note_id)

    assert (answer["status"], answer["notes"]) == ("erased", [])
    for moment in ({}, {"known_at": told.isoformat()}, {"as_of": told.isoformat()}):
        for question in ({"query": "canary"}, {"tags": ["t"]}, {"subject": "Ana"}, {}):
            assert note_id not in await desk.found(**moment, **question)
    assert CANARY not in await dump(desk)
    assert note_id not in await dump(desk)


def kept_words() -> str:
    """What every `lru_cache` of the product keeps, as text."""
    ours = [module for name, module in sys.modules.items() if name.startswith("zettel.")]
    caches = [it for module in ours for it in vars(module).values() if hasattr(it, "cache_clear")]
    return repr([it for it in gc.get_referents(*caches) if not isinstance(it, dict | type)])


async def test_nothing_that_was_read_of_a_text_stays_in_memory(desk: Desk) -> None:
    note_id = await desk.told(f"{CANARY} since March 3rd, 2021, half past four")
    await desk.told(f"{CANARY} every morning")
    await desk.found(query=CANARY)
    assert "Quillfeather" in kept_words()
    assert "March 3rd, 2021" in kept_words()

    await erased(desk, note_id)

    assert "Quillfeather" not in kept_words()
    assert "March 3rd, 2021" not in kept_words()


async def test_a_read_of_an_erased_id_says_when_it_was_erased_and_nothing_of_it(
    desk: Desk,
) -> None:
    note_id = await desk.told(CANARY)
    answer = await erased(desk, note_id)

    when = str(pick(answer, "proof", "invisible_at"))
    for tool, arguments in (
        ("recall", {"note_ids": [note_id]}),
        ("update", {"note_id": note_id, "content": "x"}),
        ("forget", {"note_ids": [note_id], "undo": True}),
        ("forget", {"note_ids": [note_id], "erase": True}),
    ):
        with pytest.raises(Refused, match=f"was erased at {when}: nothing of it is left"):
            await desk(tool, **arguments)


async def test_an_erased_id_among_others_is_told_apart_from_one_that_never_was(
    desk: Desk,
) -> None:
    gone, kept = await desk.told(CANARY), await desk.told("Ben keeps goats")
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    await erased(desk, gone)

    read = await desk("recall", note_ids=[kept, gone, unknown])
    answer = await desk("forget", note_ids=[gone, kept, unknown])

    assert read["reason"] == f"No note with id {unknown}. Erased for good: {gone}."
    assert (ids(answer), answer["skipped"]) == ([kept], [gone, unknown])
    assert answer["next"] == (
        f"No note with id {unknown}; call recall to find the id. Erased for good already: {gone}."
    )


async def test_the_preview_of_an_erasure_names_the_ids_that_are_not_there(desk: Desk) -> None:
    gone, kept = await desk.told(CANARY), await desk.told("Ben keeps goats")
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    await erased(desk, gone)

    preview = await desk("forget", note_ids=[gone, kept, unknown], erase=True)
    answer = await desk("forget", confirm=preview["confirm"])

    assert (ids(preview), preview["skipped"]) == ([kept], [gone, unknown])
    assert f'exactly this one call forget(confirm="{preview["confirm"]}")' in str(preview["next"])
    assert f"No note with id {unknown};" in str(preview["next"])
    assert str(preview["next"]).endswith(f"Erased for good already: {gone}.")
    assert (answer["status"], answer["matched"]) == ("erased", 1)


async def test_the_proof_knows_the_note_by_its_hash_alone(desk: Desk) -> None:
    note_id = await desk.told(CANARY)
    await desk("update", note_id=note_id, content=f"{CANARY} daily")

    answer = await erased(desk, note_id)

    salt = str(pick(answer, "proof", "salt"))
    assert pick(answer, "proof", "hashes") == [digest_of(note_id, salt)]
    assert pick(answer, "proof", "revisions") == 2
    assert note_id not in json.dumps(answer)
    [run] = [run for run in await desk.memory.admin.runs(limit=9) if run.kind == "erase"]
    assert run.run_id == pick(answer, "proof", "receipt")
    assert run.counts == {"notes": 1, "composed": 0, "revisions": 2, "scrubbed": 0}


async def test_the_proof_names_the_backups_that_were_taken_before(desk: Desk) -> None:
    note_id = await desk.told(CANARY)
    backups = (("a.zip", "done", -1), ("b.zip", "failed", -1), ("c.zip", "done", 1))
    for name, outcome, hours in backups:
        at = desk.now + timedelta(hours=hours)
        run = Run(
            run_id=f"backup-1-{name}",
            kind="backup",
            who="cli",
            started_at=at,
            ended_at=at,
            counts={},
            outcome=outcome,
        )
        await desk.memory.admin.add_run(run)

    answer = await erased(desk, note_id)

    named = pick(answer, "proof", "backups")
    assert isinstance(named, list)
    assert [str(name).split()[0] for name in named] == ["backup-1-a.zip"]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


@pytest.mark.parametrize("wiped", [False, True])
async def test_an_erasure_that_an_earlier_version_ordered_is_finished(
    desk: Desk, wiped: bool
) -> None:
    note_id = await desk.told(CANARY)
    order: dict[str, object] = {
        "receipt_id": "erase-1",
        "scope": "notes",
        "who": "ana",
        "ordered_at": "2026-03-04 05:06:07.080910+00:00",
        "note_ids": [] if wiped else [note_id],
        "waits": 4,
    }
    record: dict[str, object] = {"order": order, "targets": [], "wiped": wiped}
    store = desk.memory.admin
    await store.swap_meta("erasing", expected=None, value=json.dumps({"erase-1": record}))
    assert await pending_erasures(store) == 1

    done = await drain(desk.memory, now=desk.now)

    assert await pending_erasures(store) == 0
    assert await store.get_meta("erasing") is None
    if wiped:  # its receipt would have been written before
        assert done == 0
        return
    assert done == 1
    assert await store.get([note_id]) == []
    (receipt,) = await store.receipts()
    assert receipt.ordered_at == datetime(2026, 3, 4, 5, 6, 7, 80910, tzinfo=UTC)
    assert receipt.physical_at is not None


async def test_a_confirmation_given_again_answers_the_same(desk: Desk) -> None:
    note_id = await desk.told(CANARY)
    preview = await desk("forget", note_ids=[note_id], erase=True)

    first = await desk("forget", confirm=preview["confirm"])

    assert await desk("forget", confirm=preview["confirm"]) == first


async def test_a_note_that_was_changed_after_the_preview_stays(desk: Desk) -> None:
    first, second = await desk.told("log a", tags=["log"]), await desk.told("log b", tags=["log"])
    preview = await desk("forget", tags=["log"], erase=True)
    await desk("update", note_id=second, content="log b matters")

    answer = await desk("forget", confirm=preview["confirm"])

    assert answer["skipped"] == [second]
    assert await desk.found(tags=["log"]) == [second]
    assert first not in await dump(desk)


async def test_a_note_that_was_forgotten_after_the_preview_is_erased_with_the_others(
    desk: Desk,
) -> None:
    first, second = await desk.told("log a", tags=["log"]), await desk.told("log b", tags=["log"])
    preview = await desk("forget", tags=["log"], erase=True)
    await desk("forget", note_ids=[second])

    answer = await desk("forget", confirm=preview["confirm"])

    assert (answer["status"], answer["matched"], "skipped" in answer) == ("erased", 2, False)
    assert not {first, second} & set(await dump(desk))


async def test_a_note_that_was_forgotten_and_brought_back_after_the_preview_stays(
    desk: Desk,
) -> None:
    note_id = await desk.told("log a")
    preview = await desk("forget", note_ids=[note_id], erase=True)
    await desk("forget", note_ids=[note_id])
    await desk("forget", note_ids=[note_id], undo=True)

    answer = await desk("forget", confirm=preview["confirm"])

    assert answer["skipped"] == [note_id]


async def test_a_forgotten_note_can_be_erased_and_not_be_brought_back(desk: Desk) -> None:
    note_id = await desk.told(CANARY, subject="Ana")
    await desk("forget", note_ids=[note_id])

    preview = await desk("forget", subject="Ana", erase=True)
    await desk("forget", confirm=preview["confirm"])

    assert ids(preview) == [note_id]
    with pytest.raises(Refused, match="was erased"):
        await desk("forget", note_ids=[note_id], undo=True)


async def test_notes_with_the_same_text_are_named_and_left(desk: Desk) -> None:
    note_id = await desk.told(CANARY, subject="Ana")
    other = await desk.told(CANARY.upper(), subject="Ben", namespace="user")

    preview = await desk("forget", note_ids=[note_id], erase=True)
    answer = await desk("forget", confirm=preview["confirm"])

    assert preview["elsewhere"] == answer["elsewhere"] == [other]
    assert await desk.found(note_ids=[other]) == [other]


async def test_the_preview_names_what_was_concluded_from_the_notes_and_stays(desk: Desk) -> None:
    note_id = await desk.told(CANARY, subject="Ana")
    other = await desk.told("Ana pays rent twice", subject="Ana")
    both = [{"to": note_id, "relation": "derived_from"}]
    stays = await desk.told("Somebody can afford the mill", links=both)
    gone = await desk.told("Somebody can afford a boat", links=both)
    await desk.told("Somebody pays rent", links=[{"to": other, "relation": "derived_from"}])
    await desk("forget", note_ids=[gone])

    alone = await desk("forget", note_ids=[note_id], erase=True)
    together = await desk("forget", note_ids=[note_id, stays], erase=True)
    await desk("forget", confirm=alone["confirm"])

    assert alone["conclusions"] == [stays]
    assert "conclusions" not in together
    assert await desk.found(note_ids=[stays]) == [stays]


async def test_previews_that_show_an_erased_note_are_withdrawn(desk: Desk) -> None:
    note_id = await desk.told(CANARY, tags=["t"])
    other = await desk("forget", tags=["t"])

    await erased(desk, note_id)

    with pytest.raises(Refused, match="confirm token is unknown or has expired"):
        await desk("forget", confirm=other["confirm"])


async def test_what_it_superseded_comes_back(desk: Desk) -> None:
    old = await desk.told("Ana lives in Paris")
    new = await desk.told(CANARY, links=[{"to": old, "relation": "supersedes"}])
    assert await desk.found(query="Ana lives") == []

    await erased(desk, new)

    assert await desk.found(query="Ana lives") == [old]
    assert new not in await dump(desk)


async def test_links_to_it_go_from_every_revision_of_other_notes(desk: Desk) -> None:
    gone = await desk.told(CANARY)
    other = await desk.told("see the lodge", links=[{"to": gone, "relation": "supports"}])
    await desk("update", note_id=other, content="see the old lodge")
    await desk(
        "update", note_id=other, links=[{"to": gone, "relation": "supports", "remove": True}]
    )

    answer = await erased(desk, gone)

    assert pick(answer, "proof", "scrubbed") == 3
    revisions = await desk.memory.store.revisions(other)
    assert [(r.rev, r.links) for r in revisions] == [(1, ()), (2, ()), (3, ())]


async def test_the_same_words_can_be_told_anew_at_once(desk: Desk) -> None:
    note_id = await desk.told(CANARY)
    await desk.found(query="canary")

    await erased(desk, note_id)

    assert await desk.told(CANARY) != note_id


async def test_a_recall_before_strengthens_nothing_after(desk: Desk) -> None:
    note_id = await desk.told(CANARY)
    await desk.found(query="canary")

    await erased(desk, note_id)
    await desk.memory.usage.flush(desk.memory.store)

    assert await desk.memory.store.usage_of([note_id]) == {}


async def test_gists_and_concepts_of_it_go_too_and_are_composed_anew_of_the_rest(
    consolidating_desk: Desk,
) -> None:
    desk = consolidating_desk
    told = [
        await desk.told(f"{text}, said Ana at length about her week", session="s", subject="Ana")
        for text in ("The garden is dug", CANARY, "The fence is red", "The gate is shut at night")
    ]
    await desk.evolve()
    assert CANARY in await composed(desk)

    answer = await erased(desk, told[1])

    assert pick(answer, "proof", "composed") == 2
    assert CANARY not in await dump(desk)
    await desk.evolve()
    assert "The gate is shut" in await composed(desk)
    assert CANARY not in await dump(desk)
    assert await desk.memory.admin.relapsed() == ()


async def composed(desk: Desk) -> str:
    notes = await desk.memory.store.find(NoteFilter(derived=True), limit=99)
    return " ".join(note.content for note in notes)


def platypuses(asked: Asked) -> Reply:
    """Tell the neighbours of a note that names a platypus."""
    if "platypus" not in asked.notes[0].text:
        return worded([])
    words = {"context": "the platypus again", "keywords": ["platypus"], "tags": ["platypus"]}
    return worded([{"id": n.note_id, **words} for n in asked.notes[1:]])


async def test_what_it_has_taught_goes_from_every_revision_of_its_neighbours(
    llm: ScriptedLlm,
) -> None:
    llm.revises = platypuses
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), mind=llm.mind())
    async with opened_desk(memory) as desk:
        other = await desk.told("We met Zebulon at the fair", tags=["fair"])
        teacher = await desk.told("A platypus bit Zebulon")
        await desk.evolve()
        await desk("update", note_id=other, content="We met Zebulon at the old fair")
        assert "platypus" in str(await memory.store.revisions(other))

        await erased(desk, teacher)

        revisions = await memory.store.revisions(other)
        assert "platypus" not in str(revisions)
        assert teacher not in str(revisions)
        assert all(revision.tags == ("fair",) for revision in revisions)
        assert revisions[-1].stage == 0
        await desk.evolve()
        assert "platypus" not in str(await memory.store.revisions(other))


async def test_what_a_merged_note_told_is_told_by_another_one_that_was_merged_too(
    desk: Desk,
) -> None:
    older = await desk.told("Ana keeps bees in Ulm.")
    more = "Ana keeps bees in Ulm. Her honey is sold on Thursdays."
    one, other = await desk.told(more), await desk.told(f"{more} They say.")
    for note_id in (one, other):
        await desk("update", note_id=note_id, links=[{"to": older, "relation": "same_as"}])

    await erased(desk, one)

    [note] = notes(await desk("recall", note_ids=[older]))
    assert "Her honey is sold on Thursdays." in str(note["content"])
    assert await desk.found(query="When is the honey sold?") == [older]


async def test_who_has_read_words_before_an_erasure_writes_them_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = await desk.told("Ana keeps bees in Ulm.")
    younger = await desk.told("Ana keeps bees in Ulm. Her honey is sold on Thursdays.")
    await desk("update", note_id=younger, links=[{"to": older, "relation": "same_as"}])
    store = desk.memory.admin
    [read], erase_rows = await store.get([older]), store.erase_rows
    assert "honey" in read.content

    async def erase_and_write(
        orders: Sequence[Order], *, clock: Callable[[], datetime]
    ) -> list[Receipt]:
        receipts = await erase_rows(orders, clock=clock)
        described = replace(read, rev=read.rev + 1, context="described", change="construct")
        await store.write(changes=[Change(note=described)])
        return receipts

    monkeypatch.setattr(store, "erase_rows", erase_and_write)

    await erased(desk, younger)

    assert "honey" not in str(await store.revisions(older))


async def test_a_token_that_two_processes_confirm_at_once_gives_both_the_receipt(
    desk: Desk,
) -> None:
    note_id = await desk.told("the bees swarm in May")
    preview = await desk("forget", note_ids=[note_id], erase=True)
    token = str(preview["confirm"])
    read = await get_preview(desk.memory.store, token, now=desk.now)
    first = await desk("forget", confirm=token)

    other = await erase_previewed(desk.memory, Caller(namespace="user"), token, read, desk.now)

    assert (other["status"], pick(other, "proof", "receipt")) == (
        first["status"],
        pick(first, "proof", "receipt"),
    )


@pytest.mark.parametrize("place", ["content", "session", "tags", "source", "subject"])
async def test_an_erasure_ends_though_another_note_quotes_the_id(
    any_desk: Desk, place: str
) -> None:
    note_id = await any_desk.told(CANARY)
    fields: dict[str, object] = {"content": "Ben knows of it", place: note_id}
    if place == "content":
        fields[place] = f"It follows up {note_id}"
    elif place == "tags":
        fields[place] = ["lodge", note_id]
    kept = str((await any_desk("remember", **fields))["note_id"])

    answer = await erased(any_desk, note_id)

    assert answer["status"] == "erased"
    assert [note.note_id for note in await any_desk.memory.store.get([note_id, kept])] == [kept]
    if isinstance(any_desk.memory.store, LanceStore):
        assert "1 of them left out, as other notes quote them" in str(answer)


async def test_a_first_part_is_erased_alone_though_its_text_has_a_session_by_its_id(
    any_desk: Desk,
) -> None:
    berths = (f"Berth {n} is free. " * 60 for n in range(40))
    told = await any_desk("remember", content="\n\n".join(("A walrus came. " * 80, *berths)))

    preview = await any_desk("forget", query="walrus", erase=True)
    answer = await any_desk("forget", confirm=preview["confirm"])

    assert ids(preview) == [told["note_id"]]
    assert answer["status"] == "erased"
