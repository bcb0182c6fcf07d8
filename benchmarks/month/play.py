"""Plays a month through the tools, at the dates of its sessions."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, JsonValue

from benchmarks.evolution.desk import Desk, opened_desk
from benchmarks.month.records import NoteLine, Question, SessionLine
from benchmarks.retrieval.errors import ServerError
from benchmarks.retrieval.tools import Remembered, Timed, Verdict
from zettel.storage.embedding.embedder import Embedder
from zettel.tools.evolve.steps.base import Step
from zettel.tools.render import count_tokens, to_json

CALL_SECONDS = 20
"""Between two calls of a session: ten times the pause after which a server evolves
(`ZETTEL_SETTLE_SECONDS`), so that all is evolved that was told before."""
NAMESPACE = "month"


class _Answer(BaseModel, extra="allow"):
    """Any answer, whole."""


class _Told(Remembered, extra="allow"):
    class Candidate(BaseModel):
        note_id: str

    candidates: tuple[Candidate, ...] = ()
    parts: tuple[str, ...] = ()


class _Recalled(BaseModel, extra="allow"):
    class Note(BaseModel, extra="allow"):
        note_id: str
        content: str = ""

    verdict: Verdict
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and what came back."""

    question: Question
    verdict: Verdict
    refs: Sequence[str]
    """Of the notes shown, in order; "" for what no note of the month is."""
    tokens: int
    text_share: float
    """Characters of the notes' text, of all characters."""

    @property
    def first_gold(self) -> int | None:
        """Place of the first right note, from 0."""
        return next((at for at, ref in enumerate(self.refs) if ref in self.question.gold), None)

    @property
    def stale_first(self) -> bool:
        """Whether a note with an old value comes above every right one."""
        stale = next((at for at, r in enumerate(self.refs) if r in self.question.stale), None)
        gold = self.first_gold
        return stale is not None and (gold is None or stale < gold)

    @property
    def complete(self) -> bool:
        """Whether every right note is shown."""
        return set(self.question.gold) <= set(self.refs)


@dataclass(slots=True, kw_only=True)
class Played:
    """A month's outcome."""

    asked: list[Asked] = field(default_factory=list[Asked])
    changes: dict[str, bool] = field(default_factory=dict[str, bool])
    """Ref of a note that changes a fact -> whether `remember` named the older note."""
    others: int = 0
    """Notes that change nothing."""
    without: dict[str, list[Asked]] = field(default_factory=dict[str, list[Asked]])
    """Part of recall, or steps of evolution -> the same questions, asked without it."""
    refused: int = 0
    """Notes refused as told, and told again without their kind, as the error says; changes whose
    settling was refused."""


async def play(
    month: Sequence[SessionLine | NoteLine | Question],
    embedder: Embedder,
    store: Path,
    progress: Callable[[str], None],
    *,
    parts: Sequence[str] = (),
    switched_off: Callable[[str], AbstractContextManager[None]] = nullcontext,
    steps: Sequence[Step] | None = None,
) -> Played:
    """Tell and ask everything in order; what was told is evolved before the next call.

    Args:
        month: Its lines.
        embedder: Of the store.
        store: Where the store is made.
        progress: Is told what begins.
        parts: Of recall; every question is asked again without each.
        switched_off: Switches a part off.
        steps: Of evolution; None for those that are switched on.
    """
    played = Played()
    async with opened_desk(store, embedder) as (desk, client):
        actor, session = _Actor(desk, client), ""
        for line in month:
            desk.now += timedelta(seconds=CALL_SECONDS)
            if isinstance(line, SessionLine):
                desk.now, session = line.at, line.id
                progress(f"session {line.id}")
            elif isinstance(line, NoteLine):
                await actor.tell(line, session, played)
                await desk.evolve(steps)
            else:
                played.asked.append(await actor.ask(line))
                for part in parts:
                    with switched_off(part):
                        played.without.setdefault(part, []).append(await actor.ask(line))
    return played


@dataclass(slots=True)
class _Actor:
    """The agent: tells, settles what it is offered to settle, asks."""

    desk: Desk
    client: Timed
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Ref -> note id."""
    refs: dict[str, str] = field(default_factory=dict[str, str])
    """Note id -> ref, also of the notes in which a text is kept that goes on."""

    async def tell(self, line: NoteLine, session: str, played: Played) -> None:
        """Tell a note, and settle the change that it tells if that is offered."""
        arguments: Mapping[str, JsonValue] = {
            **line.arguments,
            "namespace": NAMESPACE,
            "session": session,
        }
        try:
            told, _ = await self.client.call("remember", arguments, _Told)
        except ServerError:
            played.refused += 1
            rest = {name: value for name, value in arguments.items() if name != "kind"}
            told, _ = await self.client.call("remember", rest, _Told)
        self.ids[line.ref] = told.note_id
        self.refs |= dict.fromkeys((told.note_id, *told.parts), line.ref)
        if line.changes is None:
            played.others += 1
            return
        older = self.ids[line.changes.ref]
        named = any(candidate.note_id == older for candidate in told.candidates)
        played.changes[line.ref] = named
        if named and line.changes.settled:
            links: list[JsonValue] = [{"to": older, "relation": "supersedes"}]
            try:
                await self.client.call("update", {"note_id": told.note_id, "links": links}, _Answer)
            except ServerError:  # it reads like an order to the agent, and is trusted less
                played.refused += 1

    async def ask(self, question: Question) -> Asked:
        """Ask as an agent does who gives nothing but the question."""
        arguments = {"query": question.question, "namespace": NAMESPACE}
        answer, _ = await self.client.call("recall", arguments, _Recalled)
        whole = answer.model_dump()
        text = sum(len(note.content) for note in answer.notes)
        return Asked(
            question=question,
            verdict=answer.verdict,
            refs=[self.refs.get(note.note_id, "") for note in answer.notes],
            tokens=count_tokens(whole),
            text_share=text / len(to_json(whole)),
        )
