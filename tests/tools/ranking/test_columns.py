"""What is kept of single notes between questions, and what is not."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.notes import Kind, Outline
from zettel.tools.language.question_words import NOTE_SORTS
from zettel.tools.ranking import columns
from zettel.tools.ranking.columns import NoteColumns
from zettel.tools.ranking.corpus import make_corpus
from zettel.tools.ranking.stuffing import Stuffing

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NOTE_MAX_BYTES = 1_500
"""More than a short note and its words take."""


def outline(number: int, content: str = "", *, kind: Kind = Kind.EPISODIC) -> Outline:
    return Outline(
        note_id=f"note-{number:03}",
        namespace="proj",
        session="s",
        subject="Ana",
        happened_at=START + timedelta(hours=number),
        kind=kind,
        content=content or f"She keeps hive {number}",
    )


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the notes that were read, in order."""
    ids, reading = list[str](), columns.read_notes

    def noted(outlines: Sequence[Outline]) -> list[columns.NoteRead]:
        ids.extend(outline.note_id for outline in outlines)
        return reading(outlines)

    monkeypatch.setattr(columns, "read_notes", noted)
    return ids


def test_a_note_is_read_once_for_all_that_ask_of_it(read: list[str]) -> None:
    kept, notes = NoteColumns(), [outline(number) for number in range(4)]
    make_corpus(notes[:2], columns=kept)
    make_corpus(notes[1:], columns=kept)
    # Read from the disk again, and in another session.
    make_corpus([replace(note, session="other") for note in notes], columns=kept)

    assert sorted(read) == [note.note_id for note in notes]


def test_a_scope_without_notes_reads_into_what_is_kept(read: list[str]) -> None:
    empty = make_corpus([], columns=NoteColumns())

    make_corpus([outline(1)], make_corpus([outline(1)], empty))
    make_corpus([outline(1)], empty)

    assert read == ["note-001"]


def test_another_revision_is_read_and_the_former_is_not_taken_for_it(read: list[str]) -> None:
    kept, before = NoteColumns(), outline(1, "She keeps bees")
    make_corpus([before], columns=kept)

    after = make_corpus([replace(before, content="She keeps goats, she says")], columns=kept)

    assert len(read) == 2
    assert after.said.postings("bees")[0].tolist() == []
    assert after.words.tolist() == [5.0]


def test_notes_used_longest_ago_make_room(read: list[str]) -> None:
    kept = NoteColumns(max_bytes=10 * NOTE_MAX_BYTES)
    often = outline(999)
    for number in range(50):
        make_corpus([often, outline(number)], columns=kept)
    assert read.count(often.note_id) == 1
    del read[:]

    make_corpus([outline(49), outline(0)], columns=kept)

    assert read == ["note-000"]


def test_without_room_nothing_is_kept(read: list[str]) -> None:
    kept = NoteColumns(max_bytes=0)

    for _ in range(2):
        assert make_corpus([outline(1)], columns=kept).said.postings("hive")[0].tolist() == [0]

    assert read == ["note-001", "note-001"]


def test_of_a_dropped_note_and_its_former_words_nothing_is_kept() -> None:
    kept, gone = NoteColumns(), outline(1, "The submarine of Otto", kind=Kind.CORE)
    gone = replace(gone, entities=("Otto",))
    make_corpus([replace(gone, content="A zeppelin"), outline(2, "A hive")], columns=kept)
    make_corpus([gone], columns=kept)

    kept.drop({gone.note_id})

    assert kept.note_ids == {"note-002"}
    assert not {"subma", "zeppe", "otto"} & kept.words
    assert make_corpus([outline(2, "A hive")], columns=kept).said.postings("hive")[0].tolist() == [
        0
    ]


def test_how_little_a_note_tells_is_kept_with_it() -> None:
    kept, listed = NoteColumns(), outline(1, " ".join(f"honey{n}" for n in range(30)))
    assert make_corpus([listed], columns=kept).stuffing_of(0) is Stuffing.STUFFED

    again = make_corpus([outline(0), listed], columns=kept)

    assert again.stuffing.tolist() == [columns.UNWEIGHED, Stuffing.STUFFED]
    assert again.telling().tolist() == [True, False]


def test_whether_a_note_tells_of_a_change_is_kept_with_it() -> None:
    kept, changing = NoteColumns(), outline(1, "We moved from MySQL to Postgres.")
    assert make_corpus([changing], columns=kept).says_sort("changed").tolist() == [True]

    again = make_corpus([outline(0, "Bees dance."), changing], columns=kept)

    assert again.sorts[NOTE_SORTS.index("changed")].tolist() == [columns.NO_SORT_READ, True]
    assert again.says_sort("changed").tolist() == [False, True]
    assert again.says_sort("open").tolist() == [False, False]


drawn = st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True)


@given(st.lists(drawn, min_size=2, max_size=6), st.sampled_from([0, 9_000, 2**20]))
def test_threads_that_read_at_once_read_alike(scopes: list[list[int]], max_bytes: int) -> None:
    kept = NoteColumns(max_bytes)

    def counts(scope: list[int]) -> list[float]:
        corpus = make_corpus([outline(n, f"hive x{n}") for n in scope], columns=kept)
        if 3 in scope:
            kept.drop({"note-003"})
        assert corpus.said.holding("hive").all()
        return [float(corpus.said.postings(f"x{n}")[1].sum()) for n in scope]

    with ThreadPoolExecutor(4) as threads:
        counted = list(threads.map(counts, scopes))

    assert counted == [[1.0] * len(scope) for scope in scopes]
