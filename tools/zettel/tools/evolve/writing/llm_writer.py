"""Writers that ask an LLM: within a budget, checked, and without private namespaces."""

from collections.abc import Callable, Mapping, Sequence

import anyio

from zettel.storage.notes import Note, fold
from zettel.tools.evolve.writing.grounding import Sources, fault, sources_of
from zettel.tools.evolve.writing.prompts import (
    Composition,
    Described,
    Descriptions,
    Judgements,
    Revisions,
    WordedNote,
    composition,
    description,
    judgement,
    read_lines,
    read_verdict,
    revision,
)
from zettel.tools.evolve.writing.writer import Description, PairVerdict, Piece, Writer
from zettel.tools.llm.client import LlmClient, TokenBudget
from zettel.tools.llm.llm import Llm

CONTEXT_MAX_CHARACTERS, ITEM_MAX_CHARACTERS, QUESTION_MAX_CHARACTERS = 300, 64, 160
"""The prompts ask for about half of each."""
MAX_KEYWORDS, MAX_TAGS, MAX_QUESTIONS = 6, 4, 3
"""Entries kept of each list, as in the prompts."""


class LlmWriter:
    """Words notes with an LLM; every failure is counted and leaves the rule's text.

    `llm_fallback_…` counts by reason notes, composed texts and pairs left to the rule; `invented`,
    `too_long`, `instructions` and `malformed` count single fields. `clock` is in monotonic seconds.
    """

    asks = True

    def __init__(
        self, llm: Llm, budget: TokenBudget, *, clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._client = LlmClient(llm, budget, clock=clock)

    @property
    def counts(self) -> Mapping[str, int]:
        """Calls, tokens and fallbacks of this run."""
        return self._client.counts

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Implements `Writer.describe` in one question."""
        if not notes:
            return {}
        answer = await self._client.ask(description(notes), Descriptions, len(notes))
        if answer is None:
            return {}
        drafts = self._checked(
            answer.notes, {n.note_id: sources_of([n], shown=notes) for n in notes}
        )
        for note in notes:
            self._client.count_fallback("missing", note.note_id not in drafts)
        return drafts

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> Mapping[str, Description]:
        """Implements `Writer.revise` in one question."""
        if not neighbours:
            return {}
        question = revision(note, neighbours)
        answer = await self._client.ask(question, Revisions, len(neighbours))
        if answer is None:
            return {}
        shown = (note, *neighbours)
        return self._checked(
            answer.notes, {n.note_id: sources_of([n, note], shown=shown) for n in neighbours}
        )

    async def compose(self, piece: Piece) -> str:
        """Implements `Writer.compose` in one question."""
        answer = await self._client.ask(composition(piece), Composition, 1)
        if answer is None:
            return ""
        text, wrong = read_lines(piece, answer.lines)
        self._client.count_fallback(wrong, bool(wrong))
        return text

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, PairVerdict]:
        """Implements `Writer.judge` in one question."""
        if not older:
            return {}
        answer = await self._client.ask(judgement(note, older), Judgements, len(older))
        if answer is None:
            return {}
        known = {other.note_id: other for other in older}
        verdicts, seen = dict[str, PairVerdict](), set[str]()
        for judged in answer.pairs:
            other = known.get(judged.older)
            if other is None or judged.older in seen:
                # Two verdicts on one pair count as none.
                self._client.count_fallback("unknown_id" if other is None else "unsure")
                verdicts.pop(judged.older, None)
                continue
            seen.add(judged.older)
            verdict, wrong = read_verdict(judged, note, other)
            self._client.count_fallback(wrong, verdict is None)
            if verdict is not None:
                verdicts[judged.older] = verdict
        self._client.count_fallback("missing", len(known.keys() - seen))
        return verdicts

    def _checked(
        self, worded: Sequence[WordedNote], sources: Mapping[str, Sources]
    ) -> dict[str, Description]:
        drafts = dict[str, Description]()
        for item in worded:
            known = sources.get(item.id)
            self._client.count_fallback("unknown_id", known is None)
            if known is not None and item.id not in drafts:
                drafts[item.id] = self._draft(item, known)
        return drafts

    def _draft(self, item: WordedNote, sources: Sources) -> Description:
        questions = item.questions if isinstance(item, Described) else []
        return Description(
            context="".join(self._list([item.context], sources, CONTEXT_MAX_CHARACTERS, 1)),
            keywords=self._list(item.keywords, sources, ITEM_MAX_CHARACTERS, MAX_KEYWORDS),
            tags=self._list(item.tags, sources, ITEM_MAX_CHARACTERS, MAX_TAGS),
            questions=self._list(questions, sources, QUESTION_MAX_CHARACTERS, MAX_QUESTIONS),
        )

    def _list(
        self, values: Sequence[str], sources: Sources, most: int, kept: int
    ) -> tuple[str, ...]:
        """The values without repeats; none if one that would be kept has a fault."""
        tidy = (" ".join(value.split()) for value in values)
        first = list({fold(value): value for value in tidy if value}.values())[:kept]
        for value in first:
            if (wrong := fault(value, sources, most=most)) is not None:
                self._client.count_fallback(wrong)
                return ()
        return tuple(first)


class PrivateNamespaceWriter:
    """Hides notes of private namespaces from another writer; rules word those."""

    def __init__(self, writer: Writer, secret: Sequence[str]) -> None:
        self._writer = writer
        self._secret = frozenset(secret)

    @property
    def asks(self) -> bool:
        """Of the other writer."""
        return self._writer.asks

    @property
    def counts(self) -> Mapping[str, int]:
        """Of the other writer."""
        return self._writer.counts

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Describes the notes that are not private."""
        return await self._writer.describe(self._open(notes))

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> Mapping[str, Description]:
        """Revises the neighbours that are not private, if the note is not."""
        return await self._writer.revise(note, self._open(neighbours) if self._open([note]) else [])

    async def compose(self, piece: Piece) -> str:
        """Composes if no note is private."""
        shown = len(self._open(piece.notes)) == len(piece.notes)
        return await self._writer.compose(piece) if shown else ""

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, PairVerdict]:
        """Judges the older notes that are not private, if the note is not."""
        return await self._writer.judge(note, self._open(older) if self._open([note]) else [])

    def _open(self, notes: Sequence[Note]) -> list[Note]:
        return [note for note in notes if note.namespace not in self._secret]
