"""Tell what must not be there from words that other notes hold in their own right."""

from collections import Counter
from collections.abc import Iterator, Sequence

from zettel.storage.verify.file_kinds import TOKENS
from zettel.storage.verify.file_scanner import Hit, Seen
from zettel.storage.verify.lance_reader import tokens_of
from zettel.storage.verify.patterns import Needle
from zettel.storage.verify.report import FileKind, Finding, Report, Unread, Wanted, What

LEAST_BYTES = 16
"""Length below which a weak piece says nothing outside the columns of notes: column names, log
levels and the like are words, too."""


def judge(seen: Sequence[Seen], wanted: Wanted, unread: Sequence[Unread]) -> Report:
    """Make a report of what was seen.

    An id counts wherever it is. A text or vector does not count in the live row of another note:
    that note says the same, or quotes it, and is named (`elsewhere`) unless it is spared. What such
    a row holds, indices, logs and old files may hold because of it.
    """
    others = [hit for one in seen for hit in one.hits if _of_another(hit, wanted)]
    explained = {hit.needle for hit in others}
    elsewhere = {hit.note_id for hit in others if hit.needle.quotable} - wanted.spared
    findings = [
        *(finding for one in seen for finding in _findings(one, wanted, explained)),
        *_terms(seen),
    ]
    return Report(
        findings=sorted(findings),
        elsewhere=sorted(elsewhere),
        unread=sorted(unread),
        files=len(seen),
        size=sum(one.size for one in seen),
    )


def _findings(one: Seen, wanted: Wanted, explained: set[Needle]) -> Iterator[Finding]:
    counts = Counter[tuple[What, str, str, bool]]()
    for hit, count in one.hits.items():
        if _counts(hit, one.kind, wanted, explained):
            counts[hit.needle.what, hit.column, hit.note_id, hit.live] += count
    for (what, column, note_id, live), count in counts.items():
        yield Finding(
            path=one.path,
            kind=one.kind,
            what=what,
            column=column,
            note_id=note_id,
            live=live,
            count=count,
        )


def _counts(hit: Hit, kind: FileKind, wanted: Wanted, explained: set[Needle]) -> bool:
    if hit.needle.what is What.ID or hit.note_id in wanted.ids:
        return True
    if _of_another(hit, wanted) or hit.needle in explained:
        return False
    of_notes = bool(hit.note_id) or (bool(hit.column) and kind is FileKind.SCALAR_INDEX)
    return of_notes or not hit.needle.weak or len(hit.needle.form) >= LEAST_BYTES


def _of_another(hit: Hit, wanted: Wanted) -> bool:
    """Whether it is in the row of another note that is in use."""
    told = bool(hit.note_id) and hit.note_id not in wanted.ids
    return told and hit.live and hit.needle.what is not What.ID


def _terms(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Words of a text that a vocabulary knows though no other note has them."""
    of_others = _TermsOfOthers(seen)
    for one in seen:
        for params, terms in one.terms.items():
            left = terms - of_others[params] if terms else terms
            if left:
                yield Finding(
                    path=one.path,
                    kind=one.kind,
                    what=What.TERM,
                    column=TOKENS,
                    count=len(left),
                )


class _TermsOfOthers(dict[str, set[str]]):
    """Settings of a full-text index -> the terms it makes of the other notes' words."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._words = "\n".join(set[str]().union(*(one.others_words for one in seen)))

    def __missing__(self, params: str) -> set[str]:
        self[params] = tokens_of(self._words, params)
        return self[params]
