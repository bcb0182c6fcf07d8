"""Keywords by corpus statistics: a note's words that are rare among its neighbours."""

# scikit-learn ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false

from collections.abc import Sequence

NOTE_MAX_KEYWORDS = 6
"""Keywords of a note; A-MEM (arXiv 2502.12110) asks its LLM for "several"."""
KEYWORD_MIN_WEIGHT = 0.15
"""Least TF-IDF weight, of a row of unit length: below it a word says nothing of this note."""


def find_keywords(texts: Sequence[str], background: Sequence[str]) -> list[tuple[str, ...]]:
    """The weightiest words and word pairs of each text.

    TF-IDF (Spärck Jones 1972) by scikit-learn: the library is at hand with the embedder, is well
    kept and has no model or word list of ours to maintain.

    Args:
        texts: Notes to find keywords for.
        background: Other notes, to learn which words are common.

    Returns:
        One tuple a text, weightiest first, empty when the text has no words.
    """
    # Imported here, in the first run's thread: with SciPy it takes a second of every start else.
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    vectorizer = TfidfVectorizer(
        stop_words="english", ngram_range=(1, 2), sublinear_tf=True, max_features=50_000
    )
    try:
        vectorizer.fit([*background, *texts])
    except ValueError:  # scikit-learn's word for "no words at all"
        return [() for _ in texts]
    terms = vectorizer.get_feature_names_out()
    chosen = list[tuple[str, ...]]()
    for row in vectorizer.transform(texts):
        weights = sorted(zip(row.data, row.indices, strict=True), key=lambda p: (-p[0], p[1]))
        kept = list[str]()
        for weight, index in weights:
            term = str(terms[index])
            if weight >= KEYWORD_MIN_WEIGHT and not any(
                set(term.split()) & set(k.split()) for k in kept
            ):
                kept.append(term)
        chosen.append(tuple(kept[:NOTE_MAX_KEYWORDS]))
    return chosen
