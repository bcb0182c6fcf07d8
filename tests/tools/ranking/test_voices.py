"""No voice but the reader's own pushes away what matches about as well."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.notes import Kind, Outline
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.voices import (
    ALIKE_MIN_SHARE,
    OWN,
    VOICE_MAX_NOTES,
    share_places,
    voice_of,
    voices_of,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
OWN_NAMES = frozenset({"", "local", "ana"})


def outline(note_id: str, *, principal: str = "", source: str = "", content: str = "") -> Outline:
    return Outline(
        note_id=note_id,
        namespace="n",
        session="",
        subject="",
        happened_at=START,
        kind=Kind.EPISODIC,
        content=content or note_id,
        principal=principal,
        source=source,
    )


def shared(*notes: tuple[str, float, str]) -> list[str]:
    """Ids in their new order, of notes given by id, score and principal."""
    outlines = {i: outline(i, principal=principal) for i, _, principal in notes}
    ranked = [Ranked(i, score, {}) for i, score, _ in notes]
    placed = share_places(ranked, voices_of(outlines.values(), OWN_NAMES), outlines)
    return [one.note_id for one in placed]


@pytest.mark.parametrize("principal", ["", "local", "ana", "gist", "scheduler"])
def test_the_reader_the_owner_and_evolution_speak_with_the_readers_voice(principal: str) -> None:
    assert voice_of(outline("a", principal=principal), OWN_NAMES) == OWN


def test_another_principal_is_one_voice_whatever_sources_it_names() -> None:
    plain = outline("a", principal="mallory")
    sourced = outline("b", principal="mallory", source="https://example.com/1")

    assert voice_of(plain, OWN_NAMES) == voice_of(sourced, OWN_NAMES) != OWN


def test_the_pages_of_one_host_are_one_voice() -> None:
    pages = ["https://Example.com/1", "http://example.com:8080/2?q=3"]
    voices = {voice_of(outline("a", source=page), OWN_NAMES) for page in pages}

    assert len(voices) == 1
    assert voices.isdisjoint({OWN, voice_of(outline("a", source="https://example.org"), OWN_NAMES)})


def test_a_source_that_is_no_address_is_a_voice() -> None:
    assert voice_of(outline("a", source="https://[broken"), OWN_NAMES) != OWN
    assert voice_of(outline("a", source="tool:pytest"), OWN_NAMES) != OWN


def test_many_notes_of_one_voice_do_not_bury_one_that_matches_about_as_well() -> None:
    lies = [(f"lie {n}", 2.0 - n / 100, "mallory") for n in range(40)]

    placed = shared(*lies, ("truth", 1.6, "ana"), ("far", 0.4, "ana"))

    assert placed.index("truth") == VOICE_MAX_NOTES
    assert placed[-1] == "far"


def test_the_readers_own_notes_are_not_counted() -> None:
    own = [(f"own {n}", 2.0 - n / 100, "ana") for n in range(20)]

    assert shared(*own, ("lie", 1.7, "mallory"))[-1] == "lie"


def test_copies_take_one_place() -> None:
    outlines = {i: outline(i, principal="mallory", content="Same.") for i in "abc"}
    outlines |= {"d": outline("d", principal="mallory"), "e": outline("e", principal="ana")}
    ranked = [Ranked(i, 1.0, {}) for i in "abcde"]

    placed = share_places(ranked, voices_of(outlines.values(), OWN_NAMES), outlines)

    assert [one.note_id for one in placed] == ["a", "b", "c", "d", "e"]


voices = st.sampled_from(["ana", "local", "mallory", "eve"])
rankings = st.lists(st.tuples(st.floats(0, 2), voices), max_size=30).map(
    lambda notes: [
        (f"{n}", score, who) for n, (score, who) in enumerate(sorted(notes, reverse=True))
    ]
)


@given(rankings)
def test_nothing_is_left_out_and_every_voice_keeps_its_order(
    notes: list[tuple[str, float, str]],
) -> None:
    placed = shared(*notes)

    assert sorted(placed) == sorted(i for i, _, _ in notes)
    for who in ("mallory", "eve"):
        of = [i for i, _, principal in notes if principal == who]
        assert [i for i in placed if i in of] == of


@given(rankings)
def test_a_note_only_moves_before_those_it_matches_about_as_well_as(
    notes: list[tuple[str, float, str]],
) -> None:
    scores = {i: score for i, score, _ in notes}
    placed = shared(*notes)

    for at, note_id in enumerate(placed):
        for behind in placed[at + 1 :]:
            assert scores[note_id] >= ALIKE_MIN_SHARE * scores[behind]


@given(st.lists(st.floats(0, 2), max_size=20), voices)
def test_a_ranking_of_one_voice_keeps_its_order(scores: list[float], who: str) -> None:
    notes = [(f"{n}", score, who) for n, score in enumerate(sorted(scores, reverse=True))]

    assert shared(*notes) == [i for i, _, _ in notes]
