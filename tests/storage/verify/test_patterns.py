"""Words are folded in linear time, and to the same words as by the library's function."""

import unicodedata
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from zettel.storage.verify import patterns
from zettel.storage.verify.patterns import BREAK, fold_words

marks = st.lists(st.sampled_from("\u0301\u0323\u0345\u0f73\u3099\u02b0"), min_size=64).map("".join)
texts = st.lists(st.one_of(marks, st.text(max_size=40), st.just(BREAK)), max_size=40).map("".join)


@settings(max_examples=10, deadline=None)
@given(texts)
@example("e" + "\u0301\u0323" * 600)
@example(BREAK + "a" * 1_100 + "\u0301" * 70 + BREAK)
def test_words_are_the_same_as_by_the_square_of_a_run_of_marks(text: str) -> None:
    def plain(value: str) -> str:
        return unicodedata.normalize("NFKC", value)

    with patch.object(patterns, "normalise", plain):
        expected = fold_words(text)

    assert fold_words(text) == expected
