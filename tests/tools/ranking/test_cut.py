"""How many notes of a ranking an answer shows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.ranking.cut import SHOWN_MAX_NOTES, SHOWN_MIN_NOTES, notes_to_show
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Ranked

QUESTION = Question(text="Where is it?", topic="Where is it?")
SCORES = st.lists(st.floats(-1, 3), max_size=40).map(lambda of: sorted(of, reverse=True))


def ranking(scores: list[float], signal: str = "text") -> list[Ranked]:
    return [Ranked(f"{n}", score, {signal: score}) for n, score in enumerate(scores)]


def test_only_the_best_are_shown_where_the_rest_falls_off() -> None:
    assert notes_to_show(ranking([1.0, 0.95, 0.95, 0.9, 0.9, 0.9, 0.4, 0.4]), QUESTION) == 6


def test_notes_that_match_alike_are_all_shown_up_to_the_most() -> None:
    assert notes_to_show(ranking([1.0] * 8 + [0.2] * 5), QUESTION) == 8
    assert notes_to_show(ranking([1.0] * 50), QUESTION) == SHOWN_MAX_NOTES
    assert notes_to_show(ranking([1.0] * 50), QUESTION, most=7) == 7


def test_notes_of_which_all_are_asked_for_are_shown_whatever_their_score() -> None:
    scores = [3.0, 2.9, 2.8, *[1.0] * 6]

    assert notes_to_show(ranking(scores, "all_of_whom"), QUESTION) == len(scores)
    assert notes_to_show(ranking(scores, "all_of_whom"), QUESTION, most=7) == len(scores)
    assert notes_to_show(ranking(scores, "of_sort"), QUESTION) == SHOWN_MIN_NOTES
    only_sort = replace(QUESTION, sort="open", only_sort=True)
    assert notes_to_show(ranking(scores, "of_sort"), only_sort) == len(scores)


def test_what_is_ranked_higher_for_stating_something_does_not_make_the_answer_shorter() -> None:
    plain = ranking([1.0, 0.95, 0.95, 0.9, 0.9, 0.9, 0.4])
    lifted = [Ranked(one.note_id, one.score + 0.3, {"stated": 0.3}) for one in plain[:2]]

    assert notes_to_show([*lifted, *plain[2:]], QUESTION) == notes_to_show(plain, QUESTION) == 6


@given(SCORES, st.floats(0.01, 100))
def test_the_cut_knows_no_scale_and_keeps_its_bounds(scores: list[float], scale: float) -> None:
    shown = notes_to_show(ranking(scores), QUESTION)

    assert min(len(scores), SHOWN_MIN_NOTES) <= shown <= min(len(scores), SHOWN_MAX_NOTES)
    powers = [score * 2.0 ** round(scale) for score in scores]  # exact in binary
    assert notes_to_show(ranking(powers), QUESTION) == shown
