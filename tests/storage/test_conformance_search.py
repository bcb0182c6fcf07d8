"""How every store finds notes: by words, by vectors, by links."""

from dataclasses import replace

import numpy as np
import pytest
from tests.storage.conftest import IN_THE_CLOUD
from tests.storage.samples import (
    EVERYTHING,
    LATER,
    MODEL,
    NOW,
    X,
    Y,
    Z,
    add,
    ids,
    make_note,
    revised,
    unit,
)

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import SUPERSEDES, Link, State
from zettel.storage.store import Change, NewNote, NoteFilter, Store


async def test_a_note_is_found_by_its_words_from_the_first_one_on(store: Store) -> None:
    await add(store, make_note("the queen hums"), make_note("drones idle"))

    (hit,) = await store.match_text("queen", NoteFilter(), limit=10)

    assert (await store.get([hit.note_id]))[0].content == "the queen hums"
    assert hit.score > 0


async def test_text_hits_come_best_first_and_no_more_than_asked(store: Store) -> None:
    notes = [make_note(f"honey jar {number}") for number in range(15)]
    await add(store, *notes, make_note("honey and rare saffron"))

    hits = await store.match_text("saffron honey", NoteFilter(), limit=100)

    assert len(hits) == 16
    assert (await store.get([hits[0].note_id]))[0].content == "honey and rare saffron"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(await store.match_text("honey", NoteFilter(), limit=3)) == 3
    assert await store.match_text("honey", NoteFilter(), limit=0) == []


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("부산", "민수는 부산에서 검색엔진을 만든다"),
        ("학습", "우리는 재학습한다"),
        ("学习", "我们在学习东京的历史"),
        ("חיפה", "שרה גרה בחיפה"),
        ("🦊", "the party had 🦊 stickers"),
        ("🦊?", "the party had 🦊 stickers"),
        ("👩‍💻", "she sent 👩‍💻 back"),
        ("C++", "c++ is used there"),
    ],
)
async def test_what_is_no_word_between_spaces_is_found_to_the_letter(
    store: Store, query: str, content: str
) -> None:
    note = make_note(content)
    await add(store, note, make_note("nothing of the sort"), make_note(content, namespace="far"))

    hits = await store.match_text(query, NoteFilter(namespaces=(note.namespace,)), limit=9)

    assert [hit.note_id for hit in hits] == [note.note_id]


async def test_a_part_of_a_word_between_spaces_is_another_word(store: Store) -> None:
    await add(store, make_note("the category of конкатенация"))

    assert await store.match_text("cat", NoteFilter(), limit=9) == []
    assert await store.match_text("кат", NoteFilter(), limit=9) == []


async def test_text_search_looks_at_the_composed_text_within_the_filter(store: Store) -> None:
    await add(
        store,
        replace(make_note("plain"), subject="Zoltan"),
        replace(make_note("plain", namespace="work"), subject="Zoltan", keywords=("apiary",)),
    )

    assert len(await store.match_text("zoltan", NoteFilter(), limit=9)) == 2
    assert len(await store.match_text("zoltan", NoteFilter(namespaces=("work",)), limit=9)) == 1
    assert len(await store.match_text("apiary", NoteFilter(), limit=9)) == 1
    assert len(await store.match_text("January 2026", NoteFilter(), limit=9)) == 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        " \n",
        "the of and",
        "'",
        '"',
        "\\",
        "a:b* AND (",
        "-- ;",
        "\x00",
        "💥",
        "\u202e",
        "x" * 4096,
    ],
)
async def test_any_query_is_only_words(store: Store, query: str) -> None:
    await add(store, make_note("nothing of the sort"))

    for hit in await store.match_text(query, NoteFilter(), limit=5):
        assert hit.score > 0


async def test_notes_are_found_by_their_best_passage(store: Store) -> None:
    two, one, none = make_note("two"), make_note("one"), make_note("none")
    await store.write(
        new=[
            NewNote(note=two, vectors=unit(X, Y)),
            NewNote(note=one, vectors=unit((0.6, 0.8, 0.0, 0.0))),
            NewNote(note=none),
        ]
    )

    hits = await store.match_vectors(unit(Y)[0], NoteFilter(), limit=9)

    assert [hit.note_id for hit in hits] == [two.note_id, one.note_id]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.8], abs=1e-6)
    assert len(await store.match_vectors(unit(Y)[0], NoteFilter(), limit=1)) == 1
    assert await store.match_vectors(unit(Y)[0], NoteFilter(tags=("t",)), limit=9) == []
    assert await store.match_vectors(unit(Y)[0], NoteFilter(), limit=0) == []


async def test_an_empty_store_answers_every_question(store: Store) -> None:
    assert await store.match_text("bees", NoteFilter(), limit=5) == []
    assert await store.match_vectors(unit(X)[0], NoteFilter(), limit=5) == []
    assert await store.outlines(NoteFilter(), limit=5) == []
    assert await store.linking_to(["x"]) == []
    assert await store.revisions("x") == []
    assert await store.passages_of(["x"]) == {}
    assert await store.usage_of(["x"]) == {}
    assert await store.runs(limit=5) == []
    assert (await store.facets(NoteFilter())).tags == {}


@pytest.mark.parametrize("vector", [(float("nan"), 0.0, 0.0, 0.0), (2.0, 0.0, 0.0, 0.0)])
async def test_a_question_that_is_no_unit_vector_is_refused(
    store: Store, vector: tuple[float, ...]
) -> None:
    with pytest.raises(InvalidArgumentError):
        await store.match_vectors(unit(vector)[0], NoteFilter(), limit=1)


async def test_a_new_notes_vectors_carry_the_stores_model(store: Store) -> None:
    note, waiting = make_note(), make_note()
    await store.write(new=[NewNote(note=note, vectors=unit(X, Z)), NewNote(note=waiting)])

    found = await store.passages_of([note.note_id, waiting.note_id, "unknown"])

    assert list(found) == [note.note_id]
    assert found[note.note_id].dtype == np.float32
    assert found[note.note_id].tolist() == unit(X, Z).tolist()
    assert [n.embed_model for n in await store.get([note.note_id, waiting.note_id])] == [MODEL, ""]


async def test_a_change_keeps_replaces_or_drops_the_vectors(store: Store) -> None:
    notes = [make_note(word) for word in ("kept", "replaced", "dropped")]
    await store.write(new=[NewNote(note=note, vectors=unit(X)) for note in notes])
    kept, replaced, dropped = notes
    await store.write(
        changes=[
            revised(kept, "kept 2"),
            replace(revised(replaced, "replaced 2"), vectors=unit(Y)),
            replace(revised(dropped, "dropped 2"), keep_vectors=False),
        ]
    )

    found = await store.passages_of([note.note_id for note in notes])

    assert {key: value.tolist() for key, value in found.items()} == {
        kept.note_id: [list(X)],
        replaced.note_id: [list(Y)],
    }
    assert [n.embed_model for n in await store.get([n.note_id for n in notes])] == [
        MODEL,
        MODEL,
        "",
    ]
    assert await ids(store, NoteFilter(unembedded=True)) == [dropped.note_id]
    hits = await store.match_vectors(unit(X)[0], NoteFilter(known_at=NOW), limit=9)
    assert len(hits) == 3


async def test_embedding_makes_no_revision_and_fills_in_the_very_ones_it_names(
    store: Store,
) -> None:
    note, closed = make_note("still life"), make_note("moved on")
    await add(store, note, closed)
    await store.write(changes=[revised(closed, "newer words")])
    before, now = await store.revisions(closed.note_id)

    await store.embed([(note, unit(X)), (closed, unit(Y)), (make_note(), unit(Z))], model=MODEL)

    assert await store.revisions(note.note_id) == [replace(note, embed_model=MODEL)]
    assert await store.revisions(closed.note_id) == [replace(before, embed_model=MODEL), now]
    assert list(await store.passages_of([note.note_id, closed.note_id])) == [note.note_id]
    assert len(await store.match_vectors(unit(X)[0], NoteFilter(), limit=9)) == 1
    [was] = await store.match_vectors(unit(Y)[0], NoteFilter(known_at=NOW), limit=1)
    assert (was.note_id, was.score) == (closed.note_id, pytest.approx(1.0))
    assert len(await store.match_text("still", NoteFilter(), limit=9)) == 1
    assert await store.count(EVERYTHING) == 2


async def test_vectors_of_words_that_are_not_there_any_more_are_not_kept(store: Store) -> None:
    note = make_note("a secret")
    await add(store, replace(note, content="blotted out"))

    await store.embed([(note, unit(X))], model=MODEL)

    assert [row.embed_model for row in await store.revisions(note.note_id)] == [""]


async def test_embedding_leaves_vectors_that_are_there_alone(store: Store) -> None:
    note = make_note()
    await store.write(new=[NewNote(note=note, vectors=unit(X))])

    await store.embed([(note, unit(Y))], model=MODEL)
    await store.embed([], model=MODEL)

    assert (await store.passages_of([note.note_id]))[note.note_id].tolist() == [list(X)]


async def test_links_are_read_from_the_other_end(store: Store) -> None:
    target = make_note("target")
    link = Link(to=target.note_id, relation="shares_name", made_at=NOW)
    linked = replace(make_note("linked"), links=(link, replace(link, relation="similar")))
    gone = replace(make_note("gone"), links=(link,), state=State.FORGOTTEN)
    cut = replace(make_note("cut"), links=(link,))
    await add(store, target, linked, gone, cut)
    await store.write(changes=[Change(note=replace(cut, rev=2, links=(), known_from=LATER))])

    found = await store.linking_to([target.note_id, "unknown"])

    assert sorted(note.content for note in found) == ["gone", "linked"]
    assert await store.linking_to([]) == []
    assert await store.linking_to([linked.note_id]) == []


async def test_of_links_from_the_other_end_only_those_of_a_relation_are_read(store: Store) -> None:
    target, other = make_note("target"), make_note("other")
    link = Link(to=target.note_id, relation="shares_name", made_at=NOW)
    like = replace(link, relation="similar")
    named = replace(make_note("named"), links=(link, replace(like, to=other.note_id)))
    both = replace(make_note("both"), links=(link, like))
    alike = replace(make_note("alike"), links=(like,))
    await add(store, target, other, named, both, alike)

    async def found(*relations: str) -> list[str]:
        linking = await store.linking_to([target.note_id], relations=relations)
        return sorted(note.content for note in linking)

    assert await found("similar") == ["alike", "both"]
    assert await found("shares_name") == ["both", "named"]
    assert await found("similar", "shares_name") == ["alike", "both", "named"]
    assert await found(SUPERSEDES) == []


async def test_superseding_notes_are_those_with_such_a_link_that_stands(store: Store) -> None:
    assert await store.superseding() == []
    target = make_note("target")
    link = Link(to=target.note_id, relation=SUPERSEDES, made_at=NOW)
    newer = replace(make_note("newer"), links=(replace(link, relation="similar"), link))
    gone = replace(make_note("gone"), links=(link,), state=State.FORGOTTEN)
    ended = replace(make_note("ended"), links=(replace(link, valid_until=LATER),))
    cut = replace(make_note("cut"), links=(link,))
    like = replace(make_note("like"), links=(replace(link, relation="similar"),))
    await add(store, target, newer, gone, ended, cut, like)
    await store.write(changes=[Change(note=replace(cut, rev=2, links=(), known_from=LATER))])

    found = await store.superseding()

    assert sorted(note.content for note in found) == ["gone", "newer"]


async def test_the_nearest_notes_come_with_their_outlines_best_first(store: Store) -> None:
    there = [make_note("north"), make_note("east"), make_note("both", namespace="work")]
    vectors = (unit(X), unit(Y, Z), unit((0.6, 0.8, 0.0, 0.0)))
    await store.write(new=[NewNote(note=n, vectors=v) for n, v in zip(there, vectors, strict=True)])
    await add(store, make_note("waits"))
    await store.write(changes=[revised(there[0], "northwards")])

    near = await store.nearest(unit(Y)[0], NoteFilter(), limit=9)

    assert [n.outline.content for n in near] == ["east", "both", "northwards"]
    assert [n.score for n in near] == pytest.approx([1.0, 0.8, 0.0], abs=1e-6)
    assert [n.outline for n in near[:1]] == await store.outlines(
        NoteFilter(note_ids=(there[1].note_id,)), limit=1
    )
    assert await store.nearest(unit(Y)[0], NoteFilter(namespaces=("none",)), limit=9) == []
    assert len(await store.nearest(unit(Y)[0], NoteFilter(), limit=1)) == 1
    assert await store.nearest(unit(Y)[0], NoteFilter(), limit=0) == []


async def test_every_commit_to_notes_raises_the_version_by_one_and_nothing_else_does(
    store: Store,
) -> None:
    note = make_note()
    first = await store.version()
    await add(store, note, make_note("another"))
    await store.write(changes=[revised(note, "stings")])
    assert await store.version() == first + 2

    await store.swap_meta("key", expected=None, value="value")
    await store.get([note.note_id])
    await store.write()

    assert await store.version() == first + 2


async def test_commits_to_one_namespace_leave_the_version_of_another_as_it_is(
    store: Store, request: pytest.FixtureRequest
) -> None:
    if IN_THE_CLOUD in request.node.name:
        pytest.skip("LanceDB Cloud does not tell how many rows a commit changed")
    first, other = make_note(namespace="home"), make_note("ours", namespace="work")
    await add(store, first, other)
    home, work, whole = [await store.version(names) for names in (["home"], ["work"], [])]

    await store.write(changes=[revised(other, "changed")])

    assert await store.version(["home"]) == home
    assert await store.version(["work"]) > work
    assert await store.version() == whole + 1
    assert await store.version(["home", "work"]) == await store.version(["work"])
