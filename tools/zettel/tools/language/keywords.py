"""Keywords by TF-IDF: a note's words that are rare among its neighbours."""

# scikit-learn ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false

from collections.abc import Sequence

NOTE_MAX_KEYWORDS = 6
"""Most keywords of a note (A-MEM, arXiv 2502.12110: "several")."""
KEYWORD_MIN_WEIGHT = 0.15
"""Least TF-IDF weight of a keyword, in a row of unit length."""


def find_keywords(texts: Sequence[str], background: Sequence[str]) -> list[tuple[str, ...]]:
    """Find the words and word pairs of each text with the highest TF-IDF (Spärck Jones 1972).

    Args:
        texts: Notes to find keywords for.
        background: Other notes, for the frequency of words.

    Returns:
        One tuple per text, the highest weight first; empty when the text has no words.
    """
    # Imported in the first run's thread: with SciPy it would slow every start by a second.
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    vectorizer = TfidfVectorizer(
        stop_words="english", ngram_range=(1, 2), sublinear_tf=True, max_features=50_000
    )
    try:
        vectorizer.fit([*background, *texts])
    except ValueError:  # no words at all
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
