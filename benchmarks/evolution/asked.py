"""Which changes of facts an LLM would be asked about: it listens, and answers nothing."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.evolution.desk import Asking, opened_desk
from benchmarks.evolution.written import MONTHS, tell_month
from benchmarks.month.records import NoteLine, Question, read_month
from zettel.storage.embedding.embedder import Embedder
from zettel.tools.llm.llm import ChatAnswer, ChatQuestion, Llm

_SHOWN = re.compile(r'<note id="(\w+)" role="(\w+)"')
NOTHING = '{"notes": [], "links": [], "pairs": []}'
"""The answer to every question."""


@dataclass(slots=True)
class Listener:
    """A chat that keeps which notes it was shown together."""

    judged: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(younger, older) of the pairs that a rule left open."""
    shown: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(new, neighbour) of those that it may link."""

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Listens."""
        notes: list[tuple[str, str]] = _SHOWN.findall(question.data)
        for one, pairs in (("younger", self.judged), ("new", self.shown)):
            first = [note_id for note_id, role in notes if role == one]
            pairs |= {(i, other) for i in first for other, role in notes if role != one}
        return ChatAnswer(text=NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The changes of one month."""

    name: str
    notes: int
    changes: int
    judged: int
    """Asked about because a rule had left the pair open."""
    shown: int
    """Of which the older note was shown beside the new one."""


async def asked(embedder: Embedder, store: Path, only: Collection[str]) -> list[Asked]:
    """Tell months, evolve after each session, and look at the questions to the LLM.

    Args:
        embedder: Loaded.
        store: A directory for a store of each.
        only: Names of the months; empty for all that are not kept aside.
    """
    found = list[Asked]()
    for path in sorted(MONTHS.glob("*.jsonl")):
        if path.stem not in only if only else path.stem.startswith("kept_aside"):
            continue
        listener = Listener()

        async def open_chat(chat: Listener = listener) -> Listener:
            return chat

        lines = [line for line in read_month(path) if not isinstance(line, Question)]
        asking = Asking(Llm(open_chat=open_chat))
        async with opened_desk(store / path.stem, embedder, asking=asking) as (desk, client):
            refs = await tell_month(lines, desk, client)
        notes = [line for line in lines if isinstance(line, NoteLine)]
        pairs = {(line.ref, line.changes.ref) for line in notes if line.changes}
        named = [{(refs[a], refs[b]) for a, b in p} for p in (listener.judged, listener.shown)]
        counts = [len(pairs & known) for known in named]
        found.append(
            Asked(
                name=path.stem,
                notes=len(notes),
                changes=len(pairs),
                judged=counts[0],
                shown=counts[1],
            )
        )
    return found


def write_asked(months: Sequence[Asked]) -> str:
    """A line a month."""
    lines = [f"| {m.name} | {m.notes} | {m.changes} | {m.judged} | {m.shown} |" for m in months]
    head = "| month | notes | changes | left open by a rule | shown beside the new note |"
    return "\n".join([head, "|---|---:|---:|---:|---:|", *lines, "", ""])
