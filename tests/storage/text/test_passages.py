"""Passages: what is cut, where, and what survives the cut."""

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.text.passages import (
    SENTENCE_MIN_CHARACTERS,
    SENTENCES_MIN_CHARACTERS,
    TextSpan,
    sentence_spans,
    sentences_apart,
    split_passages,
    whole_passages,
)

_PIECES = regex.compile(r"\w{1,3}|[^\w\s]")

_texts = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="ab .!?\"'\n\r\t\u0301\u200d👩🇫🇷。」", max_size=300),
    st.lists(
        st.sampled_from(["Ana went.", "so long", "\r\n", " ", "é", "👩‍👧", "。", "x" * 40])
    ).map("".join),
)


def token_spans(text: str) -> list[TextSpan]:
    """A tokenizer whose tokens are at most three letters, so that words are cut as real ones."""
    return [match.span() for match in _PIECES.finditer(text)]


def without_space(text: str) -> str:
    return "".join(text.split())


@given(_texts, st.integers(1, 12))
def test_passages_together_are_the_content_but_for_white_space(content: str, limit: int) -> None:
    passages = split_passages(content, token_spans, limit=limit)

    assert without_space("".join(passages)) == without_space(content)


@given(_texts, st.integers(1, 12))
def test_each_passage_is_a_slice_that_starts_and_ends_between_graphemes(
    content: str, limit: int
) -> None:
    between = {0, *(match.end() for match in regex.finditer(r"\X", content))}
    position = 0
    for passage in split_passages(content, token_spans, limit=limit):
        start = content.index(passage, position)
        while start not in between:
            start = content.index(passage, start + 1)
        position = start + len(passage)

        assert position in between


@given(_texts, st.integers(1, 12))
def test_a_passage_has_at_most_so_many_tokens_unless_it_is_one_grapheme(
    content: str, limit: int
) -> None:
    for passage in split_passages(content, token_spans, limit=limit):
        assert len(token_spans(passage)) <= limit or regex.fullmatch(r"\X", passage)


@given(_texts)
def test_a_content_within_the_limit_is_one_passage_to_the_letter(content: str) -> None:
    assert split_passages(content, token_spans, limit=len(content) + 1) == [content]


@given(_texts)
def test_sentences_together_are_the_text(content: str) -> None:
    assert "".join(content[start:end] for start, end in sentence_spans(content)) == content


def test_a_sentence_ends_with_its_quotes_and_at_a_line() -> None:
    text = 'He said "No." I left.\nThat is e.g. all。好'

    assert [text[slice(*span)].strip() for span in sentence_spans(text)] == [
        'He said "No."',
        "I left.",
        "That is e.g. all。",
        "好",
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "A visit to Dr. Hürlimann at 5 p.m. on Friday.",
        "Mr. A. B. Meyer, Ph.D. stays at No. 7, St. Johns.",
        "Wir kommen z. B. am 3. März.",
        "It is bzw. was in Nr. 5.",
        "Henrike ist vom 3. bis 17. April im Urlaub.",
    ],
)
def test_an_abbreviation_ends_no_sentence(sentence: str) -> None:
    text = f"{sentence} No. It costs 5. Then go."

    found = [text[slice(*span)].strip() for span in sentence_spans(text)]

    assert found == [sentence, "No.", "It costs 5.", "Then go."]


def test_the_cut_is_at_the_last_sentence_end_that_fits() -> None:
    content = 'Ana left. "Bo stayed!" Cy did not know what to do about it.'

    passages = split_passages(content, token_spans, limit=14)

    assert passages[0] == 'Ana left. "Bo stayed!"'


def test_a_line_end_is_as_good_as_a_sentence_end() -> None:
    passages = split_passages("- tea\n- milk\n- bread and butter", token_spans, limit=7)

    assert passages == ["- tea\n- milk", "- bread and butter"]


def test_a_sentence_without_a_space_after_it_ends_all_the_same() -> None:
    def letters(text: str) -> list[TextSpan]:
        return [(at, at + 1) for at in range(len(text))]

    assert split_passages("今日は雨。明日は晴れ。", letters, limit=7) == [
        "今日は雨。",
        "明日は晴れ。",
    ]


def test_a_long_sentence_is_cut_at_a_word_end() -> None:
    passages = split_passages("one two six ten red tea", token_spans, limit=4)

    assert passages == ["one two six ten", "red tea"]


def test_a_word_longer_than_a_passage_is_cut_within() -> None:
    assert split_passages("abcdefghi" * 2, token_spans, limit=4) == ["abcdefghiabc", "defghi"]


def test_a_family_of_joined_characters_stays_together() -> None:
    family = "👩‍👩‍👧‍👦"

    assert split_passages(family * 3, token_spans, limit=5) == [family] * 3


REPORT = (
    "The nightly backup failed because the disk of the archive was full. Old snapshots are deleted"
    " after thirty days from now on. OK. Mirjam was told on the phone and wants a report by Friday."
    " The restore was tried on the second machine and took fourteen minutes for all tables. It"
    " needs the key that lies in the safe of the office, of which Jonas has the only copy so far,"
    " and which a locksmith copies in May."
)


def test_sentences_of_a_longer_text_are_embedded_apart_without_the_short_ones() -> None:
    apart = sentences_apart(REPORT)

    assert len(apart) == 5
    assert "OK." not in apart
    assert all(one in REPORT for one in apart)


@pytest.mark.parametrize("text", [REPORT[:390], "one sentence without an end " * 20, ""])
def test_a_short_text_and_a_single_sentence_have_no_sentences_apart(text: str) -> None:
    assert sentences_apart(text) == []


@given(_texts, st.integers(1, 3))
def test_vectors_of_sentences_are_no_passages_of_the_whole(content: str, wholes: int) -> None:
    apart = sentences_apart(content * 4)
    with_apart = np.zeros((1 + len(apart), 2), np.float32)

    assert len(whole_passages(content * 4, with_apart)) == 1
    assert all(len(one) >= SENTENCE_MIN_CHARACTERS for one in apart)
    assert not apart or len(content * 4) >= SENTENCES_MIN_CHARACTERS
    if wholes != 1 + len(apart):
        assert len(whole_passages(content * 4, np.zeros((wholes, 2), np.float32))) == wholes
    assert len(whole_passages(content, None)) == 0
