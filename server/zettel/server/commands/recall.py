"""`zettel recall`: what an agent would be answered, for people's eyes, with the reasons."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zettel.server.commands.diffs import printable
from zettel.server.config.default_namespace import project_namespace
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import ModelUnavailableError
from zettel.tools.answers import RecallAnswer, RecalledNote
from zettel.tools.caller import Caller
from zettel.tools.render import shorten
from zettel.tools.validation import MAX_TOKENS
from zettel.tools.verbs.recall import recall

LINE = 100
"""Characters of a note that its line shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallOptions:
    """What was asked on the command line; None is absent."""

    question: str
    limit: int
    subject: str | None = None
    tags: Sequence[str] = ()
    kind: str | None = None
    session: str | None = None
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    known_at: str | None = None
    explain: bool = False
    """Whether to tell each signal's part."""


async def recall_once(settings: Settings, inquiry: RecallOptions) -> RecallAnswer:
    """Answer from the store itself, without an engine; strengthens nothing.

    Args:
        settings: Which store, namespace and models.
        inquiry: The question.

    Raises:
        ZettelError: It cannot be asked, or the store cannot be read.
    """
    namespace = settings.namespace or project_namespace(Path.cwd(), home=Path.home())
    async with opened(settings) as memory:
        await memory.embedder.load()
        if memory.reranker is not None:
            with suppress(ModelUnavailableError):  # the answer says so
                await memory.reranker.load()
        return await recall(
            memory,
            Caller(namespace=namespace),
            now=utc_now(),
            query=inquiry.question,
            subject=inquiry.subject,
            tags=inquiry.tags,
            kind=inquiry.kind,
            session=inquiry.session,
            since=inquiry.since,
            until=inquiry.until,
            as_of=inquiry.as_of,
            known_at=inquiry.known_at,
            limit=inquiry.limit,
            max_tokens=MAX_TOKENS,
            detail="full" if inquiry.explain else "notes",
        )


def as_json(answer: RecallAnswer) -> str:
    """The answer, as the tool gives it."""
    return json.dumps(answer, ensure_ascii=False)


def as_text(answer: RecallAnswer) -> str:
    """The verdict and one line a note; with signals, a table of their parts in the scores."""
    told = (answer["verdict"], answer.get("reason", ""), answer.get("degraded", ""))
    lines = [printable(": ".join(filter(None, told)))]
    notes = answer["notes"]
    lines += [f"{rank:>3}  {_line(note)}" for rank, note in enumerate(notes, 1)]
    if table := _table(notes):
        lines += ["", *table]
    if "omitted" in answer:
        lines += ["", f"{answer['omitted']['count']} more: raise --limit."]
    return "\n".join(lines)


def _line(note: RecalledNote) -> str:
    words = " ".join(note.get("content", "").split())
    shown = shorten(words, LINE)
    who = f"{note['subject']}: " if "subject" in note else ""
    day = note.get("happened_at", "")[:10]
    marks = [f"contradicts {i}" for i in note.get("contradicts", ())]
    marks += [f"also told as {copy['note_id']}" for copy in note.get("also", ())]
    tail = f"  [{', '.join(marks)}]" if marks else ""
    return printable(f"{note['note_id']}  {day}  {who}{shown}{tail}")


def _table(notes: Sequence[RecalledNote]) -> list[str]:
    """A row a note and a column a signal, the one that made most of all scores first."""
    parts: list[Mapping[str, float]] = [note.get("signals", {}) for note in notes]
    sums = dict[str, float]()
    for shares in parts:
        for name, share in shares.items():
            sums[name] = sums.get(name, 0.0) + abs(share)
    names = sorted(sums, key=lambda name: (-sums[name], name))
    if not names:
        return []
    widths = [max(len(name), 6) for name in names]
    headed = zip(names, widths, strict=True)
    table = ["     score  " + "  ".join(f"{name:>{width}}" for name, width in headed)]
    for rank, (note, shares) in enumerate(zip(notes, parts, strict=True), 1):
        cells = (
            f"{shares[name]:>{width}.3f}" if name in shares else " " * width
            for name, width in zip(names, widths, strict=True)
        )
        table.append(f"{rank:>3}  {note.get('score', 0.0):>5.3f}  {'  '.join(cells)}".rstrip())
    return table
