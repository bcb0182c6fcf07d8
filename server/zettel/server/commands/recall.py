"""`zettel recall`: the answer an agent would get, with the reasons."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from zettel.server.commands.here import caller_here
from zettel.server.commands.notes import LINE_MAX_CHARS
from zettel.server.commands.output import Output, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import ModelUnavailableError
from zettel.tools.answers import RecallAnswer, RecalledNote
from zettel.tools.render import shorten
from zettel.tools.validation import MAX_TOKENS
from zettel.tools.verbs.recall import recall


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallOptions:
    """The options of the command line; None is absent."""

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
    """Whether to show each signal's part."""


async def recall_once(settings: Settings, options: RecallOptions) -> RecallAnswer:
    """Answer from the store itself, without an engine; strengthens no note.

    Args:
        settings: Name the store, the namespace and the models.
        options: The question and its filters.

    Raises:
        ZettelError: An option cannot be used, or the store cannot be read.
    """
    async with opened(settings) as memory:
        await memory.embedder.load()
        if memory.reranker is not None:
            with suppress(ModelUnavailableError):  # the answer says so
                await memory.reranker.load()
        return await recall(
            memory,
            await caller_here(memory, settings),
            now=utc_now(),
            query=options.question,
            subject=options.subject,
            tags=options.tags,
            kind=options.kind,
            session=options.session,
            since=options.since,
            until=options.until,
            as_of=options.as_of,
            known_at=options.known_at,
            limit=options.limit,
            max_tokens=MAX_TOKENS,
            detail="full" if options.explain else "notes",
        )


def recall_output(answer: RecallAnswer) -> Output:
    """The printed answer: the tool's own; for people the verdict, a line a note and the signals."""
    head = (answer["verdict"], answer.get("reason", ""), answer.get("degraded", ""))
    lines = [printable(": ".join(filter(None, head)))]
    notes = answer["notes"]
    lines += [f"{rank:>3}  {_line(note)}" for rank, note in enumerate(notes, 1)]
    if table := _table(notes):
        lines += ["", *table]
    if "omitted" in answer:
        lines += ["", f"{answer['omitted']['count']} more: raise --limit."]
    return Output(answer, "\n".join(lines))


def _line(note: RecalledNote) -> str:
    shown = shorten(" ".join(note.get("content", "").split()), LINE_MAX_CHARS)
    who = f"{note['subject']}: " if "subject" in note else ""
    day = note.get("happened_at", "")[:10]
    marks = [f"contradicts {i}" for i in note.get("contradicts", ())]
    marks += [f"also told as {copy['note_id']}" for copy in note.get("also", ())]
    tail = f"  [{', '.join(marks)}]" if marks else ""
    return printable(f"{note['note_id']}  {day}  {who}{shown}{tail}")


def _table(notes: Sequence[RecalledNote]) -> list[str]:
    """One row per note and one column per signal, the signal with the largest share first."""
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
