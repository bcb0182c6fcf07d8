"""Tell what must not be there from words that other notes hold in their own right."""

from collections import Counter
from collections.abc import Iterator, Sequence

from zettel.storage.verify.file_kinds import TOKENS
from zettel.storage.verify.file_scanner import FileMatch, FileScan
from zettel.storage.verify.lance_reader import tokens_of
from zettel.storage.verify.patterns import SearchPattern
from zettel.storage.verify.report import (
    ErasureQuery,
    FileKind,
    MatchKind,
    Unread,
    VerifyFinding,
    VerifyReport,
)

LEAST_BYTES = 16
"""Length below which a weak piece says nothing outside the columns of notes: column names, log
levels and the like are words, too."""


def judge(seen: Sequence[FileScan], wanted: ErasureQuery, unread: Sequence[Unread]) -> VerifyReport:
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
    return VerifyReport(
        findings=sorted(findings),
        elsewhere=sorted(elsewhere),
        unread=sorted(unread),
        files=len(seen),
        size=sum(one.size for one in seen),
    )


def _findings(
    one: FileScan, wanted: ErasureQuery, explained: set[SearchPattern]
) -> Iterator[VerifyFinding]:
    counts = Counter[tuple[MatchKind, str, str, bool]]()
    for hit, count in one.hits.items():
        if _counts(hit, one.kind, wanted, explained):
            counts[hit.needle.what, hit.column, hit.note_id, hit.live] += count
    for (what, column, note_id, live), count in counts.items():
        yield VerifyFinding(
            path=one.path,
            kind=one.kind,
            what=what,
            column=column,
            note_id=note_id,
            live=live,
            count=count,
        )


def _counts(
    hit: FileMatch, kind: FileKind, wanted: ErasureQuery, explained: set[SearchPattern]
) -> bool:
    if hit.needle.what is MatchKind.ID or hit.note_id in wanted.ids:
        return True
    if _of_another(hit, wanted) or hit.needle in explained:
        return False
    of_notes = bool(hit.note_id) or (bool(hit.column) and kind is FileKind.SCALAR_INDEX)
    return of_notes or not hit.needle.weak or len(hit.needle.form) >= LEAST_BYTES


def _of_another(hit: FileMatch, wanted: ErasureQuery) -> bool:
    """Whether it is in the row of another note that is in use."""
    told = bool(hit.note_id) and hit.note_id not in wanted.ids
    return told and hit.live and hit.needle.what is not MatchKind.ID


def _terms(seen: Sequence[FileScan]) -> Iterator[VerifyFinding]:
    """Words of a text that a vocabulary knows though no other note has them."""
    of_others = _TermsOfOthers(seen)
    for one in seen:
        for params, terms in one.terms.items():
            left = terms - of_others[params] if terms else terms
            if left:
                yield VerifyFinding(
                    path=one.path,
                    kind=one.kind,
                    what=MatchKind.TERM,
                    column=TOKENS,
                    count=len(left),
                )


class _TermsOfOthers(dict[str, set[str]]):
    """Settings of a full-text index -> the terms it makes of the other notes' words."""

    def __init__(self, seen: Sequence[FileScan]) -> None:
        self._words = "\n".join(set[str]().union(*(one.others_words for one in seen)))

    def __missing__(self, params: str) -> set[str]:
        self[params] = tokens_of(self._words, params)
        return self[params]
