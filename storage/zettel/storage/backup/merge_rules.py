"""What becomes of a backup's notes when they enter a store: pure rules, one note at a time.

What was erased stays out, with whatever was composed of it and every trace in other notes. A note
whose id another note of the store has gets a new one, the same each time, so that restoring twice
adds nothing twice.
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
"""What tells a revision from another note's: namespace, content, `known_from`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """How notes enter a store."""

    namespace: str | None = None
    """Where all of them go; None leaves each where it was."""
    gone: frozenset[str] = frozenset()
    """Ids of notes that stay out, for they, or what they were made of, were erased."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Id in the backup -> id in the store, where these differ."""
    there: frozenset[str] = frozenset()
    """Ids, as in the backup, of notes that the store has already."""
    cleaned: Mapping[str, Note] = field(default_factory=dict[str, Note])
    """Row id -> revision without what it held of notes that stay out; those that held any."""

    @property
    def changes_nothing(self) -> bool:
        """Whether every row enters as it is."""
        return not (self.namespace or self.gone or self.renamed or self.there)

    def enters(self, note_id: str) -> bool:
        """Whether a note of the backup is added to the store."""
        return note_id not in self.gone and note_id not in self.there

    def id_of(self, note_id: str) -> str:
        """A note's id in the store."""
        return self.renamed.get(note_id, note_id)

    def run_id(self, run_id: str) -> str:
        """A run's id in the store: in a namespace it is another run, which undoes only its own."""
        return f"{run_id}@{self.namespace}" if self.namespace and run_id else run_id

    def adopted(self, note: Note) -> Note:
        """A revision as it enters, links and all; call it for notes that do."""
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
    """What a backup's notes are, gathered revision by revision.

    Args:
        is_erased: What is recorded.
        namespace: Where the notes go; None leaves each where it was.
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
        """Take a revision into account."""
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
        """Erased notes of the backup, and those that were composed of them, in turn."""
        found, ahead = set[str](), set(self._erased)
        while ahead:
            found |= ahead
            ahead = set[str]().union(*(self._composed.get(i, ()) for i in ahead)) - found
        return frozenset(found)

    @property
    def touched(self) -> frozenset[str]:
        """Ids of notes that stay and hold traces of those that do not."""
        gone = self.gone
        return frozenset(set[str]().union(*(self._names.get(i, ()) for i in gone)) - gone)

    def new_id(self, note_id: str) -> str:
        """The id a note gets where its own is taken: always the same one for a namespace."""
        return derived_id(note_id, f"restored into {self.namespace}")

    def wanted(self) -> Iterable[str]:
        """Ids that the store is to be asked for: those of the backup, and those they may get."""
        for note_id in self.marks:
            yield note_id
            yield self.new_id(note_id)

    def plan(
        self, standing: Mapping[str, Mapping[int, RevisionMark]], touched: Mapping[str, list[Note]]
    ) -> MergePlan:
        """Decide for every note.

        Args:
            standing: Of the ids in `wanted` those that the store has: id -> revision -> mark.
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
        """Whether two notes of one id are one, perhaps further revised on one side."""
        shared = ours.keys() & theirs.keys()
        return bool(shared) and all(
            (self.namespace or ours[rev][0], *ours[rev][1:]) == theirs[rev] for rev in shared
        )


def mark(note: Note) -> RevisionMark:
    """What tells a revision from another note's of the same number."""
    return (note.namespace, note.content, note.known_from.isoformat())
