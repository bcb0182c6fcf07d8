"""Scans a directory store, read-only and possibly in use, for erased content.

Import it through `report.load_scan`; `patterns` makes the query's patterns.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import stat_result, walk
from pathlib import Path
from stat import S_ISREG

import numpy as np
from numpy.typing import NDArray

from zettel.storage.progress import ReportProgress, no_progress
from zettel.storage.verify.file_kinds import TOKEN_COLUMN, table_of
from zettel.storage.verify.file_scanner import FileMatch, FileScan, FileScanner
from zettel.storage.verify.lance_reader import UndecodableError, live_rows, tokens_of
from zettel.storage.verify.patterns import SearchPattern, make_patterns
from zettel.storage.verify.report import (
    ErasureQuery,
    FileKind,
    MatchKind,
    Unread,
    VerifyFinding,
    VerifyReport,
)

MAX_LISTINGS = 10
"""Maximum listings of the files, which writers add and remove meanwhile."""

PROGRESS_INTERVAL_FILES = 50
"""Files between two progress reports."""

_GROWING = frozenset({FileKind.LOG, FileKind.ENGINE})
"""Kinds that may be written at any time; a second look suffices."""

_NO_ROWS = np.zeros(0, dtype=np.int64)

FileMark = tuple[int, int, int, int]
"""Size, time of change, inode and number of live rows; a change triggers another scan."""


def scan(
    directory: Path,
    wanted: ErasureQuery,
    *,
    beside: Sequence[Path] = (),
    tell: ReportProgress = no_progress,
) -> VerifyReport:
    """Search every file of a store's directory. It blocks: run it in a thread.

    Files added meanwhile are searched too, and matches in removed files do not count.

    Args:
        directory: The store's; a directory without a store is searched all the same.
        wanted: The query.
        beside: Further folders, existing or not, such as an engine's outside the directory.
        tell: Called with the progress.

    Returns:
        The matches, and the files that could not be decoded.
    """
    looker = FileScanner(wanted, make_patterns(wanted))
    seen, unread = list[FileScan](), list[Unread]()
    for folder in (directory, *beside):
        rounds = _Rounds(directory=folder, looker=looker, tell=tell)
        for _ in range(MAX_LISTINGS):
            if rounds.settled():
                break
        prefix = "" if folder is directory else f"{folder.as_posix()}/"
        seen += [replace(one, path=prefix + one.path) for one in rounds.seen.values()]
        unread += [replace(one, path=prefix + one.path) for one in rounds.unread()]
    return judge(seen, wanted, unread)


@dataclass(kw_only=True)
class _Rounds:
    """The results so far of a store that may change."""

    directory: Path
    looker: FileScanner
    tell: ReportProgress
    seen: dict[str, FileScan] = field(default_factory=dict[str, FileScan])
    marks: dict[str, FileMark] = field(default_factory=dict[str, FileMark])
    restless: set[str] = field(default_factory=set[str])
    problems: dict[str, str] = field(default_factory=dict[str, str])
    """Path -> why it could not be searched."""

    def settled(self) -> bool:
        """Search new files; True if only growing files were new."""
        self.problems.clear()
        found = dict(_files(self.directory, self.problems))
        live = self._live({table_of(path) for path in found} - {""})
        marks = {path: _mark(stat, live.get(path)) for path, stat in found.items()}
        new = [path for path, mark in marks.items() if self.marks.get(path) != mark]
        for path in self.seen.keys() - found.keys():
            del self.seen[path]
        for done, path in enumerate(new):
            if done % PROGRESS_INTERVAL_FILES == 0:
                self.tell("files", done, len(new))
            self._look(path, live.get(path, _NO_ROWS))
        self.marks = marks
        self.restless = {p for p in new if p not in self.seen or self.seen[p].kind not in _GROWING}
        return not self.restless

    def unread(self) -> list[Unread]:
        """Files that could not be checked."""
        changing = dict.fromkeys(self.restless, "it kept changing while it was looked at")
        problems = {p: seen.problem for p, seen in self.seen.items() if seen.problem}
        missed = dict.fromkeys(self.marks.keys() - self.seen.keys(), "it could not be opened")
        told = missed | changing | problems | self.problems
        return [Unread(path=path, problem=problem) for path, problem in sorted(told.items())]

    def _look(self, path: str, live: NDArray[np.int64]) -> None:
        self.seen.pop(path, None)
        try:
            self.seen[path] = self.looker.look(self.directory, path, live)
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems[path] = error.strerror or type(error).__name__

    def _live(self, tables: set[str]) -> dict[str, NDArray[np.int64]]:
        """Path of each data file in use -> its live rows."""
        found = dict[str, NDArray[np.int64]]()
        for table in sorted(tables):
            try:
                rows = live_rows(self.directory / table)
            except FileNotFoundError:
                continue
            except UndecodableError as error:
                self.problems[table] = str(error)
                continue
            found |= {f"{table}/data/{name}": kept for name, kept in rows.items()}
        return found


def _files(directory: Path, problems: dict[str, str]) -> Iterator[tuple[str, stat_result]]:
    """Every regular file below a directory."""
    for folder, folders, names in walk(directory, onerror=_noting(directory, problems)):
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink():
                problems[(here / name).relative_to(directory).as_posix()] = "it is a link elsewhere"
        for name in names:
            try:
                stat = (here / name).stat()
            except FileNotFoundError:
                continue
            if S_ISREG(stat.st_mode):
                yield (here / name).relative_to(directory).as_posix(), stat


def _noting(directory: Path, problems: dict[str, str]) -> Callable[[OSError], None]:
    """Record a folder that cannot be listed, unless it is gone."""

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            folder = Path(error.filename).relative_to(directory).as_posix()
            problems[folder] = error.strerror or type(error).__name__

    return note


def _mark(stat: stat_result, live: NDArray[np.int64] | None) -> FileMark:
    rows = -1 if live is None else len(live)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, rows


WEAK_MIN_BYTES = 16
"""Weak patterns below this length count only in note columns: log levels are words, too."""


def judge(seen: Sequence[FileScan], wanted: ErasureQuery, unread: Sequence[Unread]) -> VerifyReport:
    """Make the report.

    An id counts everywhere. A text or vector does not count in the live row of another note: that
    note has the same words and is listed in `elsewhere` unless it is spared; indices, logs and old
    files may then contain them because of it.
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
    return of_notes or not hit.needle.weak or len(hit.needle.form) >= WEAK_MIN_BYTES


def _of_another(hit: FileMatch, wanted: ErasureQuery) -> bool:
    """Whether it is in another note's live row."""
    told = bool(hit.note_id) and hit.note_id not in wanted.ids
    return told and hit.live and hit.needle.what is not MatchKind.ID


def _terms(seen: Sequence[FileScan]) -> Iterator[VerifyFinding]:
    """Vocabulary terms of a text that no other note contains."""
    of_others = _TermsOfOthers(seen)
    for one in seen:
        for params, terms in one.terms.items():
            left = terms - of_others[params] if terms else terms
            if left:
                yield VerifyFinding(
                    path=one.path,
                    kind=one.kind,
                    what=MatchKind.TERM,
                    column=TOKEN_COLUMN,
                    count=len(left),
                )


class _TermsOfOthers(dict[str, set[str]]):
    """Settings of a full-text index -> the terms of the other notes' words."""

    def __init__(self, seen: Sequence[FileScan]) -> None:
        self._words = "\n".join(set[str]().union(*(one.others_words for one in seen)))

    def __missing__(self, params: str) -> set[str]:
        self[params] = tokens_of(self._words, params)
        return self[params]
