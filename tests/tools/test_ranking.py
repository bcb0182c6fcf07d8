"""Signals and fusion: pure functions, so their laws are stated as properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.notes import Kind, Outline
from zettel.tools.ranking import signals
from zettel.tools.ranking.fusion import fuse, signal_values
from zettel.tools.ranking.question import read_question
from zettel.tools.ranking.weights import WEIGHTS

START = datetime(2026, 1, 1, tzinfo=UTC)
finite = st.floats(min_value=-1e6, max_value=1e6)
scores = st.dictionaries(st.sampled_from([f"n{i}" for i in range(12)]), finite)
positive = st.dictionaries(
    st.sampled_from([f"n{i}" for i in range(12)]), st.floats(min_value=0, max_value=50)
)


def outline(
    number: int, *, session: str = "s", content: str = "words", subject: str = ""
) -> Outline:
    return Outline(
        note_id=f"n{number}",
        namespace="p",
        session=session,
        subject=subject,
        happened_at=START + timedelta(seconds=number),
        kind=Kind.EPISODIC,
        content=content,
    )


SCOPE = [
    outline(i, session=f"s{i // 4}", content="why?" if i % 3 == 0 else "so") for i in range(12)
]


@given(scores)
def test_min_max_keeps_the_order_and_stays_between_zero_and_one(raw: dict[str, float]) -> None:
    scaled = signals.min_max(raw)

    assert scaled.keys() == raw.keys()
    assert all(0.0 <= value <= 1.0 for value in scaled.values())
    assert all(scaled[a] <= scaled[b] for a in raw for b in raw if raw[a] <= raw[b])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_never_ranked(bad: float) -> None:
    with pytest.raises(signals.NotFiniteError):
        signals.min_max({"n1": 1.0, "n2": bad})
    with pytest.raises(signals.NotFiniteError):
        signals.over_best({"n1": bad})


@given(positive, positive)
def test_every_signal_stays_between_zero_and_one(
    text: dict[str, float], meaning: dict[str, float]
) -> None:
    question = read_question("What about Ana?", ["Ana"])

    values = signal_values(question, text, meaning, SCOPE)

    assert values.keys() == WEIGHTS.keys()
    assert all(0 <= v <= 1 + 1e-9 for scored in values.values() for v in scored.values())


@given(positive, positive)
def test_a_ranking_is_ordered_complete_and_adds_up(
    text: dict[str, float], meaning: dict[str, float]
) -> None:
    question = read_question("What about Ana?", ["Ana"])

    ranked = fuse(signal_values(question, text, meaning, SCOPE), SCOPE)

    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)
    assert len({r.note_id for r in ranked}) == len(ranked)
    assert {note_id for note_id, score in text.items() if score > 0} <= {r.note_id for r in ranked}
    assert all(r.score == pytest.approx(sum(r.shares.values())) for r in ranked)


@given(st.permutations(SCOPE), positive, positive)
def test_a_ranking_does_not_depend_on_the_order_notes_are_read_in(
    shuffled: list[Outline], text: dict[str, float], meaning: dict[str, float]
) -> None:
    question = read_question("who?", [])

    def order(known: list[Outline]) -> list[str]:
        return [r.note_id for r in fuse(signal_values(question, text, meaning, known), known)]

    assert order(shuffled) == order(SCOPE)


def test_an_answer_inherits_more_from_a_question_than_from_a_statement() -> None:
    asked = [outline(1, content="How was Rome?"), outline(2)]
    stated = [outline(1, content="Rome was fine."), outline(2)]

    answers = signals.neighbours({"n1": 1.0}, [asked])
    follows = signals.neighbours({"n1": 1.0}, [stated])

    assert answers["n2"] == pytest.approx(signals.PREVIOUS + signals.ANSWERED)
    assert follows["n2"] == pytest.approx(signals.PREVIOUS)


def test_notes_without_a_session_have_no_neighbours() -> None:
    loose = [outline(1, session=""), outline(2, session="")]

    assert signals.neighbours({"n1": 1.0}, signals.sessions(loose).values()) == {}


@pytest.mark.parametrize(
    ("question", "subject", "topic"),
    [
        ("What did Caroline's dog eat?", "Caroline", "What did dog eat?"),
        ("what did CAROLINE research?", "Caroline", "what did research?"),
        ("Did Caroline meet Melanie?", "", "Did Caroline meet Melanie?"),
        ("Where is the carolinean flag?", "", "Where is the carolinean flag?"),
        ("What does Ana like?", "Ana Maria Lopez", "What does like?"),
        ("Where do I live?", "user", "Where do I live?"),
        ("Caroline?", "Caroline", "Caroline?"),
    ],
)
def test_a_question_names_its_one_subject(question: str, subject: str, topic: str) -> None:
    known = ["Caroline", "Melanie", "Ana Maria Lopez", "user"]

    read = read_question(question, known)

    assert (read.subject, read.topic) == (subject.casefold(), topic)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("What is the name of Ana's dog?", "ana"),
        ("where is the cat?", ""),
        ("When does the garden project end?", "the garden project"),
        ("What did Lee say?", ""),
        ("What did Lee Wong say?", "lee wong"),
    ],
)
def test_only_a_whole_name_or_a_first_name_that_is_one_names_a_subject(
    question: str, subject: str
) -> None:
    known = ["The Garden Project", "Ana", "ana", "Lee Wong", "Lee Smith"]

    assert read_question(question, known).subject == subject


def test_sessions_that_are_all_alike_give_no_note_a_bonus() -> None:
    assert signals.best_of_session({}, [SCOPE[:4], SCOPE[4:8]]) == {}
