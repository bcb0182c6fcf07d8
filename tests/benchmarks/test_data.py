"""Narrowing a data set, and namespaces for its conversations."""

import re
from dataclasses import replace

import pytest
from benchmarks.retrieval.data import (
    Dataset,
    Document,
    Question,
    namespaces,
    narrow,
    unattributed,
)
from benchmarks.retrieval.errors import DataError
from hypothesis import given
from hypothesis import strategies as st

DATASET = Dataset(
    name="d",
    documents=(
        Document(document_id="a", conversation="one", content="a"),
        Document(document_id="b", conversation="one", owner="eve", content="b"),
        Document(document_id="c", conversation="two", content="c"),
    ),
    questions=(
        Question(question_id="q1", conversation="one", text="?", category="x"),
        Question(question_id="q2", conversation="two", text="?", category="x"),
    ),
)


def test_narrowing_to_a_conversation_keeps_its_documents_other_owners_included() -> None:
    kept = narrow(DATASET, only=frozenset({"one"}), limit=None)

    assert [document.document_id for document in kept.documents] == ["a", "b"]
    assert [question.question_id for question in kept.questions] == ["q1"]


def test_a_limit_of_questions_drops_documents_nobody_asks_about() -> None:
    kept = narrow(DATASET, only=frozenset(), limit=1)

    assert [document.document_id for document in kept.documents] == ["a", "b"]


def test_what_nobody_tells_keeps_all_but_its_speakers() -> None:
    told = Document(document_id="a", conversation="one", content="a", speaker="Ann", session="s")
    nobodys = Document(document_id="a", conversation="one", content="a", session="s")

    assert unattributed(replace(DATASET, documents=(told,))).documents == (nobodys,)


def test_narrowing_to_an_unknown_conversation_names_the_known_ones() -> None:
    with pytest.raises(DataError) as caught:
        narrow(DATASET, only=frozenset({"three"}), limit=None)

    assert str(caught.value) == "'d' has no conversation 'three'. It has one, two."


@given(st.sets(st.text(), max_size=20))
def test_every_place_gets_a_valid_namespace_of_its_own(places: set[str]) -> None:
    names = namespaces(places)

    assert set(names) == places
    assert len(set(names.values())) == len(places)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) for name in names.values())
    assert "user" not in names.values()


def test_places_that_differ_only_in_what_a_namespace_cannot_hold_stay_apart() -> None:
    names = namespaces(["Conv 1", "conv-1", "x" * 100, "x" * 101])

    assert len(set(names.values())) == 4
