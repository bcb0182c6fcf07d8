"""Signals and fusion: pure functions, so their laws are stated as properties."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zettel.storage.notes import Kind, Outline, Span
from zettel.tools.language.terms import (
    STEM_CHARACTERS,
    TermIndex,
    WordNumbers,
    count_terms,
    make_index,
    score_bm25,
    terms,
)
from zettel.tools.ranking import signals
from zettel.tools.ranking.columns import NoteColumns
from zettel.tools.ranking.corpus import Corpus, Values, make_corpus, sum_around
from zettel.tools.ranking.fusion import fuse, signal_values
from zettel.tools.ranking.multi_hop import STEPPED
from zettel.tools.ranking.question import read_question
from zettel.tools.ranking.weights import (
    KEY_SIGNAL,
    OTHERWISE,
    REASONS,
    STEP_SIGNAL,
    TALK,
    weights_for,
)
from zettel.tools.recall.newest import FORMER_SIGNAL, NEWEST_SIGNAL

AFTER_FUSION = {
    "stated",
    *("exact", "reranker", STEPPED, NEWEST_SIGNAL, FORMER_SIGNAL, STEP_SIGNAL, KEY_SIGNAL),
}
START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 12
finite = arrays(np.float64, SIZE, elements=st.floats(min_value=-1e6, max_value=1e6))
positive = st.dictionaries(
    st.sampled_from([f"n{i:02}" for i in range(SIZE)]), st.floats(min_value=0, max_value=50)
)
words = st.lists(st.sampled_from("abcde"), max_size=6)


def outline(
    number: int,
    *,
    session: str = "s",
    content: str = "words",
    subject: str = "",
    kind: Kind = Kind.EPISODIC,
    entities: tuple[str, ...] = (),
    times: tuple[Span, ...] = (),
) -> Outline:
    return Outline(
        note_id=f"n{number:02}",
        namespace="p",
        session=session,
        subject=subject,
        happened_at=START + timedelta(seconds=number),
        kind=kind,
        content=content,
        entities=entities,
        times=times,
    )


SCOPE = [
    outline(
        i,
        session=f"s{i // 4}" if i < 10 else "",
        content="why Rome?" if i % 3 == 0 else "so it was",
        subject="Ana" if i % 2 else "Ben",
    )
    for i in range(SIZE)
]
TALKING = make_corpus(SCOPE)
ANA = read_question("When did Ana see Rome in 2026?", ["Ana"], START)


@given(finite)
def test_min_max_keeps_the_order_and_stays_between_zero_and_one(raw: Values) -> None:
    scaled = signals.min_max(raw)

    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert (scaled[np.argsort(raw)] == np.sort(scaled)).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_never_ranked(bad: float) -> None:
    with pytest.raises(signals.NotFiniteError):
        signal_values(ANA, {"n01": 1.0, "n02": bad}, {}, TALKING)
    with pytest.raises(signals.NotFiniteError):
        signal_values(ANA, {}, {"n01": bad}, TALKING)


def test_every_signal_has_a_weight_for_every_scope_and_a_reason() -> None:
    named = signal_values(ANA, {}, {}, TALKING).keys()

    assert named == TALK.keys() == OTHERWISE.keys()
    # These have weights of their own, or none.
    assert named | AFTER_FUSION == REASONS.keys()


@given(positive, positive)
def test_every_signal_stays_between_zero_and_one(
    text: dict[str, float], meaning: dict[str, float]
) -> None:
    values = signal_values(ANA, text, meaning, TALKING)

    for name, value in values.items():
        assert value.shape == (SIZE,), name
        assert ((value >= 0) & (value <= 1 + 1e-9)).all(), name


@given(positive, positive)
def test_a_ranking_is_ordered_complete_and_adds_up(
    text: dict[str, float], meaning: dict[str, float]
) -> None:
    ranking = fuse(signal_values(ANA, text, meaning, TALKING), TALKING)
    ranked = ranking.best(SIZE)

    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)
    assert len({r.note_id for r in ranked}) == len(ranked)
    assert {note_id for note_id, score in text.items() if score > 0} <= {r.note_id for r in ranked}
    assert all(r.score == pytest.approx(sum(r.shares.values())) for r in ranked)


@pytest.mark.parametrize("kind", ["is still open", "did we decide", "changed this week", "is new"])
def test_a_question_is_ranked_where_no_note_can_answer(kind: str) -> None:
    nothing = make_corpus([])

    values = signal_values(read_question(f"What {kind}?", [], START), {}, {}, nothing)

    assert all(len(value) == 0 for value in values.values())


@given(st.permutations(SCOPE), positive, positive)
def test_a_ranking_does_not_depend_on_the_order_notes_are_read_in(
    shuffled: list[Outline], text: dict[str, float], meaning: dict[str, float]
) -> None:
    def order(known: list[Outline]) -> list[str]:
        corpus = make_corpus(known)
        return [r.note_id for r in fuse(signal_values(ANA, text, meaning, corpus), corpus).best(99)]

    assert order(shuffled) == order(SCOPE)


def test_what_the_other_signals_say_leaves_the_subject_out() -> None:
    ranking = fuse(signal_values(ANA, {"n01": 1.0}, {}, TALKING), TALKING)

    without = ranking.without({"subject"})

    about_ana = np.array([o.subject == "Ana" for o in TALKING.outlines])
    one_bit = TALK["subject"] / signals.SUBJECT_MAX_BITS
    assert ranking.scores - without == pytest.approx(about_ana * one_bit)


def test_an_answer_takes_over_the_words_of_its_question() -> None:
    corpus = make_corpus([outline(1, content="How was Rome?"), outline(2), outline(3)])

    follows = signals.answers(np.array([1.0, 0.0, 0.0]), corpus)

    assert follows.tolist() == [0.0, 1.0, 0.0]


def test_talk_that_covers_a_question_together_counts_more_than_one_word_of_it() -> None:
    apart = [outline(i, session=f"t{i}", content=text) for i, text in enumerate(["violin"] * 3)]
    together = [
        outline(10, content="a violin"),
        outline(11, content="oh"),
        outline(12, content="in Lisbon"),
    ]
    corpus = make_corpus([*apart, *together])

    covered = signals.exchange(read_question("violin Lisbon", [], START), corpus)

    assert covered[3:].min() > covered[:3].max()


def test_notes_without_a_session_have_no_neighbours() -> None:
    corpus = make_corpus([outline(1, session="", content="Rome?"), outline(2, session="")])

    assert signals.answers(np.ones(2), corpus).tolist() == [0.0, 0.0]
    assert corpus.session_count == 2


def test_a_note_without_the_words_gains_from_a_session_that_is_about_the_question() -> None:
    corpus = make_corpus([outline(i, session="st"[i > 2]) for i in range(6)])

    bonus = signals.session_meaning(np.array([0.9, 0.8, 0.1, 0.1, 0.1, 0.1]), corpus)

    assert bonus[2] > bonus[3:].max()


def test_sessions_that_are_all_alike_give_no_note_a_bonus() -> None:
    assert not signals.session_meaning(np.ones(SIZE), TALKING).any()


def test_a_note_from_the_time_asked_about_counts_and_so_does_one_that_speaks_of_it() -> None:
    spoken = Span(
        start=datetime(2025, 3, 4, tzinfo=UTC), end=datetime(2025, 3, 5, tzinfo=UTC), phrase="x"
    )
    corpus = make_corpus([outline(1), outline(2, times=(spoken,))])
    january = read_question("What happened in January 2026?", [], START)
    march = read_question("What happened in March 2025?", [], START)

    assert signals.happened_then(january, corpus).tolist() == [1.0, 1.0]
    assert signals.happened_then(march, corpus).tolist() == [0.0, 0.0]
    assert signals.speaks_of_then(march, corpus).tolist() == [0.0, 1.0]


def test_a_note_that_speaks_of_the_whole_week_counts_less_for_one_of_its_days() -> None:
    days = [
        Span(
            start=datetime(2025, 3, first, tzinfo=UTC),
            end=datetime(2025, 3, end, tzinfo=UTC),
            phrase="x",
        )
        for first, end in ((3, 10), (4, 5))
    ]
    corpus = make_corpus([outline(i, times=(day,)) for i, day in enumerate(days)])

    week, day = signals.speaks_of_then(
        read_question("Who is at Ana's on 4 March 2025?", [], START), corpus
    )

    assert 0 < week < day


def test_the_latest_note_is_preferred_when_the_latest_is_asked_for() -> None:
    near = np.array([1.0] * (SIZE - 2) + [0.95, 0.5])
    latest = signals.in_order(read_question("the latest on Rome", [], START), TALKING, near)
    first = signals.in_order(read_question("Which did she see first?", [], START), TALKING, near)

    assert latest.argmax() == SIZE - 2
    assert first.argmax() == 0
    assert latest[-1] == first[-1] == 0.0


def test_a_question_for_how_to_do_it_reaches_standing_instructions() -> None:
    corpus = make_corpus([outline(1), outline(2, kind=Kind.PROCEDURAL), outline(3, kind=Kind.CORE)])

    wanted = signals.standing(read_question("How should I name a branch?", [], START), corpus)

    assert wanted.tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("subjects", "question", "talk"),
    [
        (("Ana", "Ben"), "why?", True),
        (("", ""), "why?", True),
        (("user", "assistant"), "why?", False),
        (("Ana", "Claude"), "why?", False),
        (("Ana", "Ben"), "so.", False),
    ],
)
def test_only_where_people_talk_among_themselves_do_the_rules_of_talk_hold(
    subjects: tuple[str, str], question: str, talk: bool
) -> None:
    corpus = make_corpus(
        outline(i, subject=subjects[i % 2], content=question if i % 3 else "so.") for i in range(9)
    )

    assert weights_for(corpus) is (TALK if talk else OTHERWISE)


def test_with_an_assistant_no_rule_of_talk_has_a_weight() -> None:
    assert [OTHERWISE[name] for name in ("asking", "answers", "length")] == [0.0, 0.0, 0.0]


@given(st.lists(words, min_size=1, max_size=6))
def test_an_index_counts_every_term_of_every_document(documents: list[list[str]]) -> None:
    index = index_of(documents)

    for term in "abcde":
        told = {row: document.count(term) for row, document in enumerate(documents)}
        assert postings(index, term) == {row: count for row, count in told.items() if count}


def index_of(documents: list[list[str]]) -> TermIndex:
    vocabulary = WordNumbers(["c"])  # as if another document had been there before
    sizes = [len(told) for told in documents]
    numbers, counts, held = count_terms(vocabulary.add(chain.from_iterable(documents)), sizes)
    lengths = np.array(sizes, np.float64)
    rows = np.repeat(np.arange(len(documents)), held)
    return make_index(vocabulary, numbers, counts, rows, lengths)


def postings(index: TermIndex, term: str) -> dict[int, float]:
    rows, counts = index.postings(term)
    return dict(zip(rows.tolist(), counts.tolist(), strict=True))


@given(
    st.lists(st.lists(st.text("abé", min_size=1, max_size=5), max_size=4), max_size=6),
    st.text("abé", min_size=1, max_size=STEM_CHARACTERS),
)
def test_a_stem_is_held_by_the_documents_with_a_term_that_begins_so(
    documents: list[list[str]], stem: str
) -> None:
    held = index_of(documents).holding(stem)

    assert held.tolist() == [any(t.startswith(stem) for t in told) for told in documents]


@given(st.lists(words, min_size=1, max_size=6), words)
def test_a_document_scores_above_zero_exactly_if_it_has_one_of_the_words(
    documents: list[list[str]], asked: list[str]
) -> None:
    index = index_of(documents)

    counts = ([document.count(term) for document in documents] for term in dict.fromkeys(asked))
    scores = score_bm25(
        (np.array(often, np.float64) for often in counts if any(often)), index.lengths
    )

    assert [s > 0 for s in scores] == [bool(set(asked) & set(d)) for d in documents]


def test_terms_are_word_beginnings_in_any_script() -> None:
    assert terms("What did Ana's paintings show?") == ["ana", "paint", "show"]
    assert terms("東京 Москва") == ["東", "京", "москв"]


SPOKEN = Span(start=START, end=START + timedelta(days=1), phrase="that day")
POOL = [
    outline(
        number // 2,
        content=("Ana sails", "Where is Rome?", "boat, boat", "東京 Москва")[number % 4],
        subject=("", "Ana", "Ben Silva", "", "ana")[number % 5],
        session=("", "one", "two")[number % 3],
        kind=list(Kind)[number % len(Kind)],
        entities=((), ("Ana",), ("Silva", "Rome"))[number // 2 % 3],
        times=(SPOKEN,) if number % 7 < 2 else (),
    )
    for number in range(2 * SIZE)
]
"""Each note in two variants; few, so that two draws have much in common."""
many = st.lists(st.sampled_from(POOL), max_size=SIZE, unique_by=lambda o: o.note_id)


@given(many, many, many, st.sampled_from([0, 8_000, 2**20]))
def test_a_scope_that_is_read_again_is_as_if_read_for_the_first_time(
    first: list[Outline], second: list[Outline], third: list[Outline], max_bytes: int
) -> None:
    kept = NoteColumns(max_bytes)
    for scope in (first, second):
        make_corpus(scope, columns=kept)
    again = make_corpus(third, columns=kept)

    fresh = make_corpus(third)
    compared = {field.name for field in fields(Corpus)} - {"said", "mentions", "columns"}
    for name in compared:
        here, there = getattr(again, name), getattr(fresh, name)
        assert np.array_equal(np.asarray(here), np.asarray(there)), name
    assert again.said.lengths.tolist() == fresh.said.lengths.tolist()
    for term in {*again.said.vocabulary.words, *fresh.said.vocabulary.words}:
        assert postings(again.said, term) == postings(fresh.said, term), term
        assert (
            again.said.holding(term[:STEM_CHARACTERS]).tolist()
            == fresh.said.holding(term[:STEM_CHARACTERS]).tolist()
        )


@given(many)
def test_what_is_counted_around_a_note_is_that_of_two_notes_of_its_session_on_either_side(
    scope: list[Outline],
) -> None:
    corpus = make_corpus(scope)
    rows, counts = corpus.said.postings("ana")
    held = dict(zip(rows.tolist(), counts.tolist(), strict=True))
    told = list(enumerate(corpus.outlines))

    around = sum_around(rows, counts, corpus.around).tolist()

    assert around == [sum(held.get(at, 0) for at in near(corpus, row)) for row, _ in told]
    lengths = corpus.said.lengths
    assert corpus.around_lengths.tolist() == [
        sum(lengths[at] for at in near(corpus, row)) for row, _ in told
    ]
    assert corpus.session_lengths.tolist() == [
        lengths[corpus.sessions == session].sum() for session in range(corpus.session_count)
    ]


def near(corpus: Corpus, row: int) -> list[int]:
    session = np.flatnonzero(corpus.sessions == corpus.sessions[row]).tolist()
    place = session.index(row)
    return session[max(place - 2, 0) : place + 3]


def test_a_scope_in_which_nothing_has_changed_is_not_read_again() -> None:
    assert make_corpus(map(replace, SCOPE), TALKING) is TALKING
