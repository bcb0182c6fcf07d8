"""Every string and every instant goes through a predicate as itself."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.storage.samples import DIM, MODEL, NOW, add, ids, make_note, tend

from zettel.storage.lance.predicates import all_of, text_literal
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Link
from zettel.storage.store import NoteFilter

hostile = st.text(
    st.one_of(
        st.sampled_from("'\"\\`;-%_\n\r\t\x00$?:@{}"), st.characters(exclude_categories=["Cs"])
    ),
    min_size=1,
    max_size=8,
)
few = settings(max_examples=30, deadline=None)
examples = count()


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LanceStore]:
    """One store for all examples; each uses a namespace of its own."""
    directory = tmp_path_factory.mktemp("filters")
    opened = await open_store(str(directory), model_id=MODEL, dim=DIM)
    yield opened
    await opened.close()


@pytest.mark.slow
@few
@given(hostile)
@example("\\'")
@example("''")
@example("' OR true --")
@example("ΑΣ")
@example("İ")
async def test_a_hostile_string_finds_its_own_note_and_no_other(
    shared: LanceStore, text: str
) -> None:
    await tend(shared, examples)
    namespace = make_note().note_id
    link = Link(to=text, relation=text, made_at=NOW)
    note, decoy = (
        replace(make_note(word, namespace=namespace), subject=word, session=word, tags=(word,))
        for word in (text, "x" + text)
    )
    note = replace(note, links=(link,))
    await add(shared, note, decoy)
    here = (namespace,)

    assert await shared.get([note.note_id]) == [note]
    for where in (
        NoteFilter(namespaces=here, subject=text),
        NoteFilter(namespaces=here, sessions=(text,)),
        NoteFilter(namespaces=here, sessions=("'", text)),
        NoteFilter(namespaces=here, tags=(text + "x", text)),
    ):
        assert await ids(shared, where) == [note.note_id]
    assert note.note_id in await ids(shared, NoteFilter(namespaces=here, says=text))
    assert note.note_id in [n.note_id for n in await shared.linking_to([text])]
    assert await shared.count(NoteFilter(namespaces=(text,))) == 0
    await shared.match_text(text, NoteFilter(namespaces=here), limit=3)


@few
@given(hostile, hostile)
async def test_meta_keeps_any_key_and_value(shared: LanceStore, key: str, value: str) -> None:
    await tend(shared, examples)
    before = await shared.get_meta(key)

    assert await shared.swap_meta(key, expected=before, value=value)
    assert await shared.get_meta(key) == value
    assert not await shared.swap_meta(key, expected=value + "'", value="x")


@pytest.mark.slow
@few
@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
@example(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
async def test_an_instant_is_compared_to_the_microsecond(
    shared: LanceStore, instant: datetime
) -> None:
    await tend(shared, examples)
    namespace = make_note().note_id
    note = replace(
        make_note(namespace=namespace), happened_at=instant, valid_from=instant, known_from=instant
    )
    await add(shared, note)
    here = (namespace,)

    assert await ids(shared, NoteFilter(namespaces=here, valid_at=instant)) == [note.note_id]
    assert await ids(shared, NoteFilter(namespaces=here, known_at=instant)) == [note.note_id]
    found = await ids(shared, NoteFilter(namespaces=here, since=instant, until=instant))
    assert found == [note.note_id]
    if instant > datetime.min.replace(tzinfo=UTC):
        just_before = instant - datetime.resolution
        assert await ids(shared, NoteFilter(namespaces=here, valid_at=just_before)) == []
        assert await ids(shared, NoteFilter(namespaces=here, known_at=just_before)) == []


def test_a_quote_cannot_end_a_literal() -> None:
    assert text_literal("a' OR '1'='1") == "'a'' OR ''1''=''1'"
    assert text_literal("''") == "''''''"


def test_conditions_are_joined_each_in_its_own_parentheses() -> None:
    assert all_of("a OR b", "", "c") == "(a OR b) AND (c)"
