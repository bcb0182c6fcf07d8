"""Exact terms of a question: identifiers, paths, addresses, quotations."""

from collections.abc import Sequence

import regex as re

from zettel.storage.notes import fold

_QUOTED = re.compile(r"[\"“„«「『]([^\"“”„«»「」『』]{2,80})[\"“”»」』]")
_EDGE = "\"'“”„‘’«»()[]{}<>「」『』,;:!?…。、，！？؟।"
_POSSESSIVE = re.compile(r"['’]s$")
_IDENTIFIER = re.compile(
    r"""
        .*[\p{L}\p{N}][_@:\\=#+][\p{L}\p{N}/]   # foo_bar, ana@example.org, https://, CS:GO
      | .*[\p{L}\p{N}]{2}\.[\p{L}\p{N}]{2}      # error.log, but not U.S.
      | [#/~].                                  # #482, /var, ~/notes
      | .*/.*/                                  # a/b/c, but not and/or
      | .*\p{Ll}\p{Lu}                          # getUserById
      | (?!\p{N}+\p{L}{1,2}$)(?=.*\p{L}).*\p{N} # E1234, v2.3.1, but not 8th, 5k, 10am
      | \p{N}+([.-]\p{N}+){2}                   # 10.0.0.12, 2026-05-01
    """,
    re.VERBOSE,
)
_SPACED = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{N}_]"
"""Characters of spaced scripts: next to them an exact term must end at a word's end."""


def find_exact_terms(query: str) -> tuple[str, ...]:
    """The exact terms of a question, folded; the whole question if it is one word."""
    quoted: list[str] = _QUOTED.findall(query)
    words = [
        _POSSESSIVE.sub("", word.strip(_EDGE).rstrip("."))
        for word in _QUOTED.sub(" ", query).split()
    ]
    words = [word for word in words if word]
    alone = len(words) == 1 and not quoted
    meant = [word for word in words if alone or _IDENTIFIER.match(word)]
    return tuple(dict.fromkeys(fold(term) for term in (*quoted, *meant)))


def exact_share(terms: Sequence[str], content: str) -> float:
    """Share of the terms that a note holds literally except for case, in `[0, 1]`.

    Args:
        terms: From `find_exact_terms`, at least one.
        content: The note's content.
    """
    folded = fold(content)
    return sum(_holds(folded, term) for term in terms) / len(terms)


def _holds(folded: str, term: str) -> bool:
    if term not in folded:
        return False
    before = rf"(?<!{_SPACED})" if re.match(_SPACED, term) else ""
    after = rf"(?!{_SPACED})" if re.match(_SPACED, term[-1]) else ""
    return re.search(before + re.escape(term) + after, folded) is not None


EXACT_WEIGHT = 1.0
"""Of `exact`: above what meaning alone gives (0.6), so that the note with the identifier leads."""
RERANKER_WEIGHT = 1.0
"""Of `reranker`: as much as words and meaning together, so that it orders what these found (set by
hand: cross-encoders differ)."""
RERANK_MAX_NOTES = 20
"""Most notes that a cross-encoder reads for a question: two pages of ten."""
