"""Whom the notes mean by somebody who is not named."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.notes import Kind, Outline
from zettel.tools.ranking.bridge_entities import MEANT, BridgeEntity, find_leads
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.fusion import Ranking, fuse, ranked, signal_values
from zettel.tools.ranking.multi_hop import ROOM, find_unnamed, lifted
from zettel.tools.ranking.question import read_question

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COLLEAGUE = "Where does Ana's colleague live?"


def test_a_name_leads_on_only_if_a_note_apart_from_whose_it_is_holds_it() -> None:
    notes = [
        _note(1, "Ana shares an office with Ben at Acme Works"),
        _note(2, "Ana left Acme Works"),
        _note(3, "In spring Ben moved to Oslo"),
    ]

    assert _names(notes, COLLEAGUE) == ["Ben"]


def test_who_is_only_addressed_is_not_who_is_meant() -> None:
    notes = [
        _note(1, "Thanks, Ben! My colleague Cleo came too", subject="Ana"),
        _note(2, "So did Cleo", subject="Ben"),
        _note(3, "Claude helped", subject="assistant"),
    ]

    assert _names(notes, COLLEAGUE) == ["Cleo"]


def test_the_name_of_which_the_answer_is_told_is_meant() -> None:
    notes = [
        _note(1, "Ana met Ben on the stairs"),
        _note(2, "Ana met Cleo on the stairs"),
        _note(3, "Somebody saw Ben swim"),
        _note(4, "Somebody gave Cleo the keys to a flat"),
    ]

    [first, second] = _leads(notes, COLLEAGUE, tied=(1, 2), told=(4,))

    assert (first.name, first.rows, first.share) == ("Cleo", (1,), 1.0)
    assert second.name == "Ben"
    assert second.share < 1.0


@pytest.mark.parametrize(
    ("question", "expected"),
    [(COLLEAGUE, "Ben"), ("Who pays for Ana's project?", "Umbra")],
)
def test_a_person_is_meant_where_a_person_is_asked_for(question: str, expected: str) -> None:
    notes = [
        _note(1, "With Ben I finished Umbra", subject="Ana"),
        _note(2, "The board likes Umbra", subject="Cleo"),
        _note(3, "I am tired", subject="Ben"),
    ]

    assert _leads(notes, question, tied=(1,), told=(2, 3))[0].name == expected


def test_who_is_called_what_the_question_says_is_meant_though_nobody_knows_them() -> None:
    notes = [
        _note(1, "My colleague Irena is on leave", subject="Ana"),
        _note(2, "Tobias fixed my bike", subject="Ana"),
        _note(3, "They say Irena has a flat in Graz"),
        _note(4, "I live in Utrecht", subject="Tobias"),
    ]

    assert _leads(notes, COLLEAGUE, tied=(1, 2), told=(3, 4))[0].name == "Irena"


def test_a_month_is_nobody() -> None:
    notes = [_note(1, "Ana was in Rome in March"), _note(2, "They say March is cold")]

    assert _names(notes, COLLEAGUE) == []


def test_my_colleague_is_looked_for_in_what_the_user_says() -> None:
    notes = [
        _note(1, "My new colleague is called Ben", subject="user"),
        _note(2, "Acme has hired Ben", subject="user"),
        _note(3, "Noted.", subject="assistant"),
    ]

    assert _names(notes, "Where does my colleague work?") == ["Ben"]


def test_what_speakers_say_of_a_project_themselves_leads_on_though_they_seldom_ask() -> None:
    notes = [
        _note(1, "My project Umbra has begun", subject="Ana"),
        _note(2, "They want Umbra in May", subject="Ana"),
        _note(3, "I am tired", subject="Ben"),
    ]

    assert _names(notes, "When must Ana's project be ready?") == ["Umbra"]


def test_what_is_noted_of_somebody_tells_of_nobody_else() -> None:
    notes = [
        _note(1, "Leads the project Umbra", subject="Ana"),
        _note(2, "Thinks Umbra is due in May", subject="Ana"),
    ]

    assert _names(notes, "When must Ana's project be ready?") == []


def test_a_request_beside_what_is_told_does_not_make_it_the_user_s() -> None:
    notes = [
        _note(1, "My project is called Umbra", subject="user"),
        _note(2, "The client wants Umbra in May. Can you draft a card for me?", subject="user"),
        _note(3, "Noted.", subject="assistant"),
    ]

    assert _names(notes, "When must my project be ready?") == ["Umbra"]


def test_who_is_told_of_without_a_word_of_whose_it_is_counts_by_what_is_asked_alone() -> None:
    notes = [
        _note(1, "Lunch was fun, Ben from my team was there", subject="user"),
        _note(2, "They hired Ben. Can you draft a card for me?", subject="user"),
        _note(3, "They hired Cleo. Can you draft a card for me?", subject="user"),
        _note(4, "They gave Cleo a flat", subject="user"),
        _note(5, "They gave Ben a flat", subject="user"),
        _note(6, "Noted.", subject="assistant"),
    ]

    [first, second] = _leads(notes, "Where does my colleague live?", tied=(1, 2, 3), told=(4, 5))

    assert (first.name, first.rows) == ("Ben", (0,))
    assert (second.name, second.share) == ("Cleo", 0.6)


def test_a_project_may_be_called_like_an_assistant() -> None:
    notes = [
        _note(1, "My project is called Mistral", subject="user"),
        _note(2, "The client wants Mistral in May", subject="user"),
        _note(3, "Noted.", subject="assistant"),
    ]

    assert _names(notes, "When must my project be ready?") == ["Mistral"]


def test_a_name_that_others_speak_of_too_is_less_likely_hers() -> None:
    notes = [
        _note(1, "They put Ana on Umbra"),
        _note(2, "They put Ana on Riga"),
        _note(3, "The client wants Umbra in May"),
        _note(4, "The ferry to Riga goes in May"),
        _note(5, "Somebody saw Riga"),
    ]

    leads = _leads(notes, "When must Ana's project be ready?", tied=(1, 2), told=(3, 4))

    assert [lead.name for lead in leads] == ["Umbra", "Riga"]
    assert leads[1].share < 1.0


def test_a_name_in_small_letters_leads_on_to_the_next() -> None:
    question = "When must the project of Ana's colleague be ready?"
    unnamed = find_unnamed(question)

    assert unnamed is not None
    further = find_unnamed(unnamed.named(question, "user"))
    assert further is not None
    assert further.name == "user"


_SAID = st.lists(
    st.lists(
        st.sampled_from(["Ana", "Ben", "Cleo", "I", "met", "at", "lunch.", "Acme Works"]),
        min_size=1,
        max_size=6,
    ).map(" ".join),
    min_size=1,
    max_size=8,
)


@given(said=_SAID, question=st.sampled_from([COLLEAGUE, "Who pays for my project?"]))
def test_leads_are_few_and_tied_to_whose_they_are(said: list[str], question: str) -> None:
    notes = [_note(i, text) for i, text in enumerate(said)]

    leads = _leads(notes, question, tied=tuple(range(len(notes))), told=(0,))

    assert len(leads) <= MEANT
    assert all(0 < lead.share <= 1 and lead.rows for lead in leads)
    assert all(lead.name in notes[row].content for lead in leads for row in lead.rows)
    assert "Ana" not in {lead.name for lead in leads} or "my" in question


def _names(notes: list[Outline], question: str) -> list[str]:
    return [lead.name for lead in _leads(notes, question, tied=(1,), told=())]


def _leads(
    notes: list[Outline], question: str, *, tied: tuple[int, ...], told: tuple[int, ...]
) -> list[BridgeEntity]:
    unnamed, corpus = find_unnamed(question), make_corpus(notes)
    assert unnamed is not None
    return find_leads(unnamed, _ranking(corpus, tied), _ranking(corpus, told))


def _ranking(corpus: Corpus, best: tuple[int, ...]) -> Ranking:
    hits = {f"n{number:02}": 1.0 for number in best}
    return fuse(signal_values(read_question("?", [], NOW), hits, {}, corpus), corpus)


def _note(number: int, content: str, *, subject: str = "") -> Outline:
    return Outline(
        note_id=f"n{number:02}",
        namespace="p",
        session="",
        subject=subject,
        happened_at=NOW + timedelta(seconds=number),
        kind=Kind.EPISODIC,
        content=content,
        times=(),
    )


def test_notes_of_a_second_look_get_places_however_near_they_are() -> None:
    corpus = make_corpus([_note(number, f"note {number}") for number in range(4)])
    first, second = _scored(corpus, 3, 2, 1, 0.5), _scored(corpus, 0.1, 0.2, 0.3, 0.4)

    placed = lifted(first, second, np.array([3, 2]), share=1.0, best=3.0)

    assert placed.order.tolist() == [3, 2, 0, 1]
    assert placed.scores[3] == pytest.approx(3.0 * ROOM)
    assert placed.scores[[0, 1]].tolist() == [3, 2]


def test_a_less_likely_name_stands_further_back() -> None:
    corpus = make_corpus([_note(number, f"note {number}") for number in range(3)])
    first, second = _scored(corpus, 3, 2, 1), _scored(corpus, 1, 2, 3)

    likely = lifted(first, second, np.array([2]), share=0.9, best=3.0)
    unlikely = lifted(first, second, np.array([2]), share=0.1, best=3.0)

    assert likely.order.tolist() == [2, 0, 1]
    assert unlikely.order.tolist() == [0, 2, 1]


def _scored(corpus: Corpus, *scores: float) -> Ranking:
    parts = {"text": (1.0, np.array(scores, np.float64))}
    return ranked(corpus, parts, np.arange(len(corpus)))
