"""The real server as a system: documents become notes, notes become documents again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from benchmarks.generator.records import Forgetting, Operation, Telling
from benchmarks.generator.systems import Answer
from benchmarks.retrieval.tools import Remembered, Timed

CONFIDENCE = "confidence"
"""Key of recall's answer that says how sure it is; without it the best note's score stands in."""
_CONTRADICTING = (
    *("contradicts", "supersedes", "superseded_by"),
    *("may_contradict", "may_supersede"),
)
"""Relations that mark two notes as not going together, or as perhaps not."""


_Form = TypeVar("_Form", bound=BaseModel)


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Named(BaseModel):
    note_id: str


class _Told(Remembered):
    candidates: list[_Named] = Field(default_factory=list[_Named])


class _Forgotten(BaseModel):
    notes: list[_Named]
    confirm: str = ""


class _Recalled(_Open):
    class Note(_Open):
        class Link(_Open):
            note_id: str
            relation: str

        note_id: str
        content: str = ""
        happened_at: str = ""
        score: float = 0.0
        links: list[Link] = []

    verdict: str
    notes: list[Note] = []
    degraded: str = ""

    @property
    def confidence(self) -> float:
        """What the answer says of itself, else its best score; 0 without notes."""
        stated = (self.model_extra or {}).get(CONFIDENCE)
        if isinstance(stated, int | float):
            return float(stated)
        return max((note.score for note in self.notes), default=0.0)


class Served:
    """A server behind a connected client.

    Args:
        timed: The client; replace it after a restart.
    """

    def __init__(self, timed: Timed) -> None:
        self.timed = timed
        self.milliseconds: dict[str, list[float]] = {}
        """Of each call, by tool, recalls in full apart; transport included."""
        self._note_of: dict[str, str] = {}
        self._documents_of: dict[str, dict[str, str]] = {}
        """Note id -> document id -> its text."""

    async def remember(self, operation: Operation) -> Sequence[str]:
        """Calls `remember`; the documents of its candidates."""
        assert isinstance(operation.expect, Telling)
        answer = await self._call("remember", operation.args, _Told)
        self._holds(answer.note_id, operation)
        known = (self._documents_of.get(c.note_id, {}) for c in answer.candidates)
        return [list(documents)[-1] for documents in known if documents]

    async def update(self, operation: Operation) -> None:
        """Calls `update`."""
        answer = await self._call("update", operation.args, _Named)
        self._holds(answer.note_id, operation)

    async def forget(self, operation: Operation) -> Sequence[str]:
        """Calls `forget`; a preview is confirmed if it is exact, else ids are passed instead."""
        assert isinstance(operation.expect, Forgetting)
        answer = await self._call("forget", operation.args, _Forgotten)
        meant = [line.note_id for line in answer.notes]
        wanted = [self._note_of[document] for document in operation.expect.documents]
        if "note_ids" not in operation.args:
            confirmed = {"confirm": answer.confirm} if set(meant) == set(wanted) else None
            ids: list[JsonValue] = [*operation.expect.documents]
            await self._call("forget", confirmed or {"note_ids": ids}, _Forgotten)
        return [document for note_id in meant for document in self._documents_of.get(note_id, {})]

    async def recall(self, operation: Operation) -> Answer:
        """Calls `recall`."""
        answer = await self._call("recall", operation.args, _Recalled)
        found = [(self._document(note), note) for note in answer.notes]
        known = {document: note for document, note in found if document}
        linked = frozenset(self._linked(known))
        by_time = sorted(known, key=lambda document: _when(known[document]))
        return Answer(
            ranked=tuple(known),
            order=tuple(by_time),
            confidence=answer.confidence,
            verdict=answer.verdict,
            marked=frozenset(pair for pair in linked if pair <= known.keys()),
            linked=linked,
            text=answer.model_dump_json(),
            degraded=bool(answer.degraded),
        )

    def document_of(self, note_id: str) -> str:
        """The document told last to a note; empty for a note that evolution made."""
        return (list(self._documents_of.get(note_id, {})) or [""])[-1]

    async def _call(self, tool: str, args: Mapping[str, JsonValue], answer: type[_Form]) -> _Form:
        told, took = await self.timed.call(tool, self._with_notes(args), answer)
        name = f"{tool}, full" if args.get("detail") == "full" else tool
        self.milliseconds.setdefault(name, []).append(took)
        return told

    def _with_notes(self, args: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The arguments with note ids where the operation names documents."""
        told = dict(args)
        if isinstance(document := args.get("note_id"), str):
            told["note_id"] = self._note_of[document]
        if isinstance(documents := args.get("note_ids"), list):
            told["note_ids"] = [self._note_of[str(document)] for document in documents]
        if isinstance(links := args.get("links"), list):
            told["links"] = [
                {**link, "to": self._note_of[str(link["to"])]}
                for link in links
                if isinstance(link, dict)
            ]
        return told

    def _holds(self, note_id: str, operation: Operation) -> None:
        assert isinstance(operation.expect, Telling)
        document = operation.expect.document
        self._note_of[document] = note_id
        texts = self._documents_of.setdefault(note_id, {})
        texts[document] = str(operation.args["content"])

    def _document(self, note: _Recalled.Note) -> str:
        """The document whose words the note shows; empty for a note that evolution made."""
        texts = self._documents_of.get(note.note_id, {})
        shown = [document for document, text in texts.items() if text == note.content]
        return (shown or list(texts) or [""])[-1]

    def _linked(self, known: Mapping[str, _Recalled.Note]) -> Iterator[frozenset[str]]:
        shown = {note.note_id: document for document, note in known.items()}
        for document, note in known.items():
            for link in note.links:
                texts = self._documents_of.get(link.note_id, {})
                if texts and link.relation.split()[0] in _CONTRADICTING:
                    yield frozenset((document, shown.get(link.note_id, list(texts)[-1])))


def _when(note: _Recalled.Note) -> tuple[datetime, str]:
    """When it happened; what happened at once, in the order it was told, as ids tell."""
    time = datetime.fromisoformat(note.happened_at) if note.happened_at else datetime.max
    return (time if time.tzinfo else time.replace(tzinfo=UTC)), note.note_id
