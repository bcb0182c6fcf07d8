"""How a backup's notes enter a store: pure rules, one note at a time.

Erased notes stay out, with notes composed of them and their traces in others. A note whose id is
taken by another note gets a new one, always the same, so that restoring twice adds nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from zettel.storage.erasure.traces import ids_in, without_traces
from zettel.storage.ids import derived_id
from zettel.storage.notes import DERIVED_FROM, Note

IsErased = Callable[[str], bool]
"""Whether an erasure of the note with this id is recorded."""
RevisionMark = tuple[str, str, str]
"""Distinguishes a revision from another note's: namespace, content, `known_from`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """The decisions for all notes."""

    namespace: str | None = None
    """Target of all notes; None keeps their own."""
    gone: frozenset[str] = frozenset()
    """Ids of notes that stay out, because they or their sources were erased."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Id in the backup -> id in the store, where they differ."""
    there: frozenset[str] = frozenset()
    """Ids, as in the backup, of notes that the store has."""
    cleaned: Mapping[str, Note] = field(default_factory=dict[str, Note])
    """Row id -> revision without traces of notes that stay out, where it had any."""

    @property
    def changes_nothing(self) -> bool:
        """Whether every row enters unchanged."""
        return not (self.namespace or self.gone or self.renamed or self.there)

    def enters(self, note_id: str) -> bool:
        """Whether a note of the backup is added to the store."""
        return note_id not in self.gone and note_id not in self.there

    def id_of(self, note_id: str) -> str:
        """A note's id in the store."""
        return self.renamed.get(note_id, note_id)

    def run_id(self, run_id: str) -> str:
        """A run's id in the store: restored into a namespace, it is another run."""
        return f"{run_id}@{self.namespace}" if self.namespace and run_id else run_id

    def adopted(self, note: Note) -> Note:
        """An entering revision as stored, with its links."""
        clean = self.cleaned.get(note.row_id, note)
        reason = clean.reason
        for named in {*ids_in(reason)} & self.renamed.keys():
            reason = reason.replace(named, self.renamed[named])
        return replace(
            clean,
            note_id=self.id_of(clean.note_id),
            namespace=self.namespace or clean.namespace,
            links=tuple(replace(link, to=self.id_of(link.to)) for link in clean.links),
            reason=reason,
            run_id=self.run_id(clean.run_id),
        )


class BackupContents:
    """A backup's notes, gathered revision by revision.

    Args:
        is_erased: The recorded erasures.
        namespace: Target of the notes; None keeps their own.
    """

    def __init__(self, is_erased: IsErased, namespace: str | None) -> None:
        self._is_erased = is_erased
        self.namespace = namespace
        self.marks = defaultdict[str, dict[int, RevisionMark]](dict)
        """Note id -> revision -> mark."""
        self._erased = set[str]()
        self._composed = defaultdict[str, set[str]](set)
        self._names = defaultdict[str, set[str]](set)

    def add(self, note: Note) -> None:
        """Add a revision."""
        if not self.marks[note.note_id] and self._is_erased(note.note_id):
            self._erased.add(note.note_id)
        self.marks[note.note_id][note.rev] = mark(note)
        for link in note.links:
            self._names[link.to].add(note.note_id)
            if note.derived and link.relation == DERIVED_FROM:
                self._composed[link.to].add(note.note_id)
        for named in ids_in(" ".join((note.reason, *(link.reason for link in note.links)))):
            self._names[named].add(note.note_id)

    @property
    def gone(self) -> frozenset[str]:
        """Erased notes of the backup, and those composed of them, recursively."""
        found, ahead = set[str](), set(self._erased)
        while ahead:
            found |= ahead
            ahead = set[str]().union(*(self._composed.get(i, ()) for i in ahead)) - found
        return frozenset(found)

    @property
    def touched(self) -> frozenset[str]:
        """Ids of staying notes with traces of erased ones."""
        gone = self.gone
        return frozenset(set[str]().union(*(self._names.get(i, ()) for i in gone)) - gone)

    def new_id(self, note_id: str) -> str:
        """The id of a note whose own is taken; the same each time for a namespace."""
        return derived_id(note_id, f"restored into {self.namespace}")

    def wanted(self) -> Iterable[str]:
        """Ids to look up in the store: those of the backup, and those they may get."""
        for note_id in self.marks:
            yield note_id
            yield self.new_id(note_id)

    def plan(
        self, standing: Mapping[str, Mapping[int, RevisionMark]], touched: Mapping[str, list[Note]]
    ) -> MergePlan:
        """Decide for every note.

        Args:
            standing: Ids of `wanted` that the store has -> revision -> mark.
            touched: All revisions of the notes in `touched`, by id.
        """
        gone, renamed, there = set(self.gone), dict[str, str](), set[str]()
        for note_id, marks in self.marks.items():
            if note_id in gone or note_id not in standing:
                continue
            if self._same(marks, standing[note_id]):
                there.add(note_id)
                continue
            renamed[note_id] = new = self.new_id(note_id)
            if self._is_erased(new):
                gone.add(note_id)
            elif new in standing:
                there.add(note_id)
        cleaned = [
            note
            for revisions in touched.values()
            for note in without_traces(sorted(revisions, key=lambda note: note.rev), gone)
        ]
        return MergePlan(
            namespace=self.namespace,
            gone=frozenset(gone),
            renamed=renamed,
            there=frozenset(there),
            cleaned={note.row_id: note for note in cleaned},
        )

    def _same(self, ours: Mapping[int, RevisionMark], theirs: Mapping[int, RevisionMark]) -> bool:
        """Whether two notes of one id are the same, perhaps with more revisions on one side."""
        shared = ours.keys() & theirs.keys()
        return bool(shared) and all(
            (self.namespace or ours[rev][0], *ours[rev][1:]) == theirs[rev] for rev in shared
        )


def mark(note: Note) -> RevisionMark:
    """The mark of a revision."""
    return (note.namespace, note.content, note.known_from.isoformat())
