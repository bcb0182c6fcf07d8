"""Notes moved within a ranking, with scores that go on descending."""

from collections.abc import Sequence

from zettel.tools.ranking.corpus import Corpus
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.trust import TrustView


def lifted(ranked: Sequence[Ranked], signal: str) -> tuple[Ranked, ...]:
    """Raise the scores of moved notes, by a share of this name, so that scores descend."""
    lifted, least = list[Ranked](), float("-inf")
    for one in reversed(ranked):
        if one.score < least:
            one = Ranked(one.note_id, least, {**one.shares, signal: least - one.score})
        lifted.append(one)
        least = one.score
    return tuple(reversed(lifted))


def placed_first(
    ranked: Sequence[Ranked],
    note_id: str,
    corpus: Corpus,
    reader: TrustView,
    *,
    signal: str,
    weight: float,
) -> tuple[Ranked, ...]:
    """The ranking with a note first, or behind the last one before it that is trusted more.

    Args:
        ranked: Best first.
        note_id: Of a note in the corpus, ranked or not.
        corpus: All notes that were looked at.
        reader: For whom.
        signal: What raises its score.
        weight: What it has more than the note that was first.
    """
    rest = [one for one in ranked if one.note_id != note_id]
    own = next((one for one in ranked if one.note_id == note_id), None)
    at, own = (ranked.index(own), own) if own else (len(rest), Ranked(note_id, 0.0, {}))

    def trust(note_id: str) -> float:
        return reader.trust(corpus.outlines[corpus.rows[note_id]])

    more = (n + 1 for n in range(at) if trust(rest[n].note_id) > trust(note_id))
    to = max(more, default=0)
    score = max([own.score, *(one.score for one in rest[to : to + 1])])
    score += weight if to == 0 else 0.0
    shares = {**own.shares, signal: score - own.score}
    return lifted([*rest[:to], Ranked(note_id, score, shares), *rest[to:]], signal)
