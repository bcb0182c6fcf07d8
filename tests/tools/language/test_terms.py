"""Terms of texts."""

from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.terms import WordNumbers, telling_words, terms, terms_of

texts = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from("Ana's bees' ’s 'S the Straße \x00 a_b 学习 İ".split(" "))).map(
            " ".join
        ),
        st.text(st.characters(max_codepoint=127), max_size=40),
    ),
    max_size=8,
)


@given(texts)
def test_many_texts_have_the_terms_that_each_has_alone(texts: list[str]) -> None:
    assert terms_of(texts) == [terms(text) for text in texts]


@given(st.text(st.sampled_from("abz09 ._-:,'/@\n")))
def test_a_text_tells_the_same_whether_or_not_one_letter_has_an_accent(text: str) -> None:
    assert telling_words(text) == telling_words(f"{text} é")


@given(st.lists(st.lists(st.text("ab", max_size=6))))
def test_a_word_keeps_its_number_and_is_found_by_its_beginning(added: list[list[str]]) -> None:
    numbers = WordNumbers()
    for words in added:
        assert [numbers.words[number] for number in numbers.add(words)] == words

    for number, word in enumerate(numbers.words):
        assert numbers.number(word) == number
        assert number in numbers.beginning(word[:4])
