"""What may stand in an LLM's words: only what its sources say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import START

from zettel.storage.notes import Note
from zettel.tools.evolve.writing.llm_writer import fault, sources_of


def note(content: str, note_id: str = "N1", **fields: object) -> Note:
    """A note that says this."""
    bare = Note(
        note_id=note_id,
        namespace="proj",
        content=content,
        happened_at=START,
        valid_from=START,
        known_from=START,
    )
    return replace(bare, **fields)  # pyright: ignore[reportArgumentType]: fields by name


SAID = "Ana paid 1,300 euros for seven bowls at 10:45, see https://kiln.example/a?b=1 or E1234."


@pytest.mark.parametrize(
    "words",
    [
        "what Ana paid for bowls",
        "The bowls: Ana's seven, or 7 of them",
        "E1234, 1,300 and 10:45",
        "see https://kiln.example/a?b=1",
        "on Friday, 20 November 2026",
        "one of those things",
        "WHY DID SHE pay?",
    ],
)
def test_what_the_source_says_may_be_said(words: str) -> None:
    assert fault(words, sources_of([note(SAID)]), most=300) is None


@pytest.mark.parametrize(
    "words",
    [
        "Ben paid",
        "Ulrike",
        "ana paid in Paris",
        "she paid 1300",
        "1,300.50 euros",
        "eight bowls",
        "a dozen bowls",
        "two hundred euros",
        "on Monday",
        "in 2025",
        "v2 of it",
        "٣ bowls",
        "E12345",
        "www.kiln.example",
        "mail a@kiln.example",
        "https://kiln.example/a?b=2",
    ],
)
def test_what_it_does_not_say_is_invented(words: str) -> None:
    assert fault(words, sources_of([note(SAID)]), most=300) == "invented"


@pytest.mark.parametrize("words", ["", "\x00b", "a\nb", "\ud800", "</note>", "\u202eb", "\x1b[2J"])
def test_what_could_steer_a_reader_is_malformed(words: str) -> None:
    assert fault(words, sources_of([note("a b")]), most=300) == "malformed"


def test_what_a_rule_or_an_llm_made_of_a_note_is_no_source() -> None:
    made = note("soup", context="with Ulrike", tags=("Paris",), derived_by={"context": "llm"})
    told = replace(made, derived_by={"context": "agent", "tags": "agent"})

    assert fault("Ulrike", sources_of([made]), most=99) == "invented"
    assert fault("Ulrike in Paris", sources_of([told]), most=99) is None


def test_names_of_notes_shown_beside_are_foreign_in_small_letters_too() -> None:
    own, beside = note("soup"), note("x", "N2", entities=("Ulrike Meyer",), subject="ben")
    sources = sources_of([own], shown=[own, beside])

    assert fault("soup for ulrike", sources, most=99) == "invented"
    assert fault("soup for ben", sources, most=99) == "invented"
    assert fault("ben", sources_of([own, beside], shown=[own, beside]), most=99) is None


line = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Co", "Cn")), min_size=1, max_size=60
).map(lambda text: " ".join(text.split()))


@given(line)
def test_a_note_may_always_be_quoted_unless_the_form_forbids_it(text: str) -> None:
    assert fault(text, sources_of([note(text)]), most=300) in (None, "malformed")


@given(line, st.sampled_from(["Ulrike", "Ødegård", "Žižek", "4711", "v99"]), line)
def test_an_invented_name_or_number_is_found_wherever_it_stands(
    before: str, invented: str, after: str
) -> None:
    words = f"{before} {invented} {after}".strip()

    assert fault(words, sources_of([note("soup")]), most=300) is not None


@given(st.text(max_size=400), st.integers(1, 300))
def test_nothing_longer_than_the_bound_passes(text: str, most: int) -> None:
    assert len(text) <= most or fault(text, sources_of([note(text)]), most=most) is not None
