"""Voices of notes, and the places of an answer that one voice may take."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from urllib.parse import urlsplit

from zettel.storage.notes import Outline, fold
from zettel.tools.caller import is_reserved
from zettel.tools.ranking.ranked import Ranked, copy_key
from zettel.tools.trust import CONCLUSION_TRUST, source_trust

OWN = ""
"""The voice of the reader's own words and of the store's owner."""
VOICE_MAX_NOTES = 2
"""Places that one other voice takes before notes of the rest that match about as well (set by
hand: with two, the truth is among the first three)."""
ALIKE_MIN_SHARE = 0.75
"""Least share of a note's score at which another one matches about as well. The true notes that
the floods of `benchmarks/attacks` pushed away had 0.80 and more."""


def voice_of(outline: Outline, own: Collection[str]) -> str:
    """The voice that tells a note: `OWN`, another principal, or a source.

    Another principal is one voice whatever sources it names, since it may name any. A file of the
    workspace is as good as the reader's own words; of a source that is an address, the host counts:
    its owner writes all of its pages.

    `own` are principals that count as the reader or the owner.
    """
    principal = outline.principal
    if principal not in own and not is_reserved(principal):
        return f"principal {principal}"
    if source_trust(outline.source) >= CONCLUSION_TRUST:
        return OWN
    return f"source {fold(_host(outline.source) or outline.source)}"


def _host(source: str) -> str:
    try:
        return urlsplit(source).hostname or ""
    except ValueError:  # brackets that close nothing
        return ""


def voices_of(outlines: Iterable[Outline], own: Collection[str]) -> dict[str, str]:
    """Note id -> its voice; `own` as in `voice_of`."""
    known, found = dict[tuple[str, str], str](), dict[str, str]()
    for outline in outlines:
        author = (outline.principal, outline.source)
        if author not in known:
            known[author] = voice_of(outline, own)
        found[outline.note_id] = known[author]
    return found


def share_places(
    ranked: Sequence[Ranked],
    voices: Mapping[str, str],
    outlines: Mapping[str, Outline],
    *,
    behind: Collection[str] = (),
) -> tuple[Ranked, ...]:
    """Let no voice but the reader's own push away notes that match about as well.

    A voice takes `VOICE_MAX_NOTES` places; its further notes come behind those of other voices
    with at least `ALIKE_MIN_SHARE` of their score. Nothing is left out, and a ranking of one voice
    keeps its order.

    Notes whose ids are `behind` take none before others that match about as well.

    Copies stand behind each other: they take one place.
    """
    if len({voices[one.note_id] for one in ranked}) < 2:
        return tuple(ranked)
    rest = deque(
        list(copies) for _, copies in groupby(ranked, lambda one: copy_key(outlines[one.note_id]))
    )
    taken, waiting, placed = Counter[str](), deque[list[Ranked]](), list[Ranked]()
    while rest or waiting:
        while rest and (
            taken[_voice(rest[0], voices)] >= VOICE_MAX_NOTES or rest[0][0].note_id in behind
        ):
            waiting.append(rest.popleft())
        comes = rest if rest and (not waiting or _is_alike(rest[0], waiting[0])) else waiting
        copies = comes.popleft()
        placed += copies
        if (voice := _voice(copies, voices)) != OWN:
            taken[voice] += 1
    return tuple(placed)


def _voice(copies: Sequence[Ranked], voices: Mapping[str, str]) -> str:
    """The reader's own if one of the copies is."""
    return min(voices[one.note_id] for one in copies)


def _is_alike(copies: Sequence[Ranked], others: Sequence[Ranked]) -> bool:
    return copies[0].score >= ALIKE_MIN_SHARE * others[0].score > 0
