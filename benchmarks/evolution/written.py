"""What evolution writes to ordinary notes: names, keywords and links, for a reader to judge."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from benchmarks.evolution.desk import Asking, Desk, opened_desk
from benchmarks.month.play import CALL_SECONDS
from benchmarks.month.records import NoteLine, Question, SessionLine, read_month
from benchmarks.retrieval.errors import ServerError
from benchmarks.retrieval.tools import Remembered, Timed
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.render import shorten

MIXED = Path(__file__).with_name("mixed.jsonl")
"""Code, tables, logs, talk and private notes in six languages."""
RIVER = Path(__file__).with_name("river.jsonl")
"""A hydrologist's work and home: code, talk and notes in Spanish, English and German."""
WORKSHOP = Path(__file__).with_name("workshop.jsonl")
"""An engineer's work, her uncle's workshop and her family, in five languages and some Japanese."""
JUDGED = Path(__file__).with_name("judged.jsonl")
"""What a reader found of what was written."""
FAMILY = Path(__file__).with_name("family.jsonl")
"""Facts of a family in English and German, a third of which change."""
MONTHS = Path(__file__).parents[1] / "month" / "data"
LOOKED_AT = (MIXED, MONTHS / "coder.jsonl", MONTHS / "nurse.jsonl")
"""What the rules of 25 November were made on."""
CORPORA = (
    *LOOKED_AT,
    RIVER,
    WORKSHOP,
    *(MONTHS / f"{name}.jsonl" for name in ("bookseller", "lead", "researcher")),
)
SHOWN_CHARACTERS = 150
"""Of a note beside what is judged."""
MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One thing that evolution wrote."""

    sort: str
    """`link`, `name`, `keyword`, `profile` or `gist`."""
    key: str
    """The same in every run that writes it."""
    text: str
    """As it is shown to the reader."""


async def written(
    embedder: Embedder, store: Path, only: Collection[str], *, asking: Asking | None = None
) -> list[Written]:
    """Tell the mixed corpus and two months, evolve after each session, and read the result.

    Args:
        embedder: Loaded.
        store: A directory for a store of each.
        only: Names of the corpora to tell; empty for all.
        asking: The LLM that evolution asks; None for none.
    """
    found = list[Written]()
    for path in (path for path in CORPORA if not only or path.stem in only):
        lines = [line for line in read_month(path) if not isinstance(line, Question)]
        notes = await _told(lines, embedder, store / path.stem, asking)
        found += _links(path.stem, notes)
        found += [one for ref, note in notes.items() for one in _words(path.stem, ref, note)]
    return found


async def _told(
    lines: Sequence[SessionLine | NoteLine],
    embedder: Embedder,
    store: Path,
    asking: Asking | None,
) -> dict[str, Note]:
    """Ref -> the note as evolution left it."""
    async with opened_desk(store, embedder, asking=asking) as (desk, client):
        refs = await tell_month(lines, desk, client)
        notes = await desk.memory.store.find(NoteFilter(note_ids=tuple(refs)), limit=MOST)
    by_ref = {refs[note.note_id]: note for note in notes}
    return {ref: by_ref[ref] for ref in refs.values() if ref in by_ref}


async def tell_month(
    lines: Sequence[SessionLine | NoteLine], desk: Desk, client: Timed
) -> dict[str, str]:
    """Tell a month, evolve after each session, and return note id -> ref."""
    refs, session = dict[str, str](), ""
    for line in lines:
        desk.now += timedelta(seconds=CALL_SECONDS)
        if isinstance(line, SessionLine):
            await desk.evolve()
            desk.now, session = line.at, line.id
        else:
            arguments = {**line.arguments, "session": session}
            try:
                told, _ = await client.call("remember", arguments, Remembered)
            except ServerError:  # of a kind that its source does not allow
                del arguments["kind"]
                told, _ = await client.call("remember", arguments, Remembered)
            refs[told.note_id] = line.ref
    await desk.evolve()
    return refs


def _links(name: str, notes: Mapping[str, Note]) -> Iterator[Written]:
    refs = {note.note_id: ref for ref, note in notes.items()}
    for ref, note in notes.items():
        for link in sorted(note.links, key=lambda link: (link.relation, refs.get(link.to, ""))):
            if link.to in refs:
                to = refs[link.to]
                yield Written(
                    sort="link",
                    key=f"{name} {ref} {link.relation} {to}",
                    text=f"{link.reason}\n  {_shown(note)}\n  {_shown(notes[to])}",
                )


def _words(name: str, ref: str, note: Note) -> Iterator[Written]:
    for sort, words in (("name", note.entities), ("keyword", note.keywords)):
        for word in words:
            yield Written(sort=sort, key=f"{name} {ref} {sort} {word}", text=_shown(note))


def _shown(note: Note) -> str:
    return shorten(" ".join(note.content.split()), SHOWN_CHARACTERS)


def sample(found: Sequence[Written], sort: str, most: int, seed: int) -> list[Written]:
    """At most so many of a sort, by a seed; the order of what was found is kept."""
    there = [one for one in found if one.sort == sort]
    chosen = Random(seed).sample(range(len(there)), min(most, len(there)))
    return [there[at] for at in sorted(chosen)]


def read_judged(path: Path = JUDGED) -> dict[str, bool]:
    """Key -> whether a reader found it sensible."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = map(json.loads, lines)
    return {row["key"]: row["sensible"] for row in rows}


def write_written(
    found: Sequence[Written], judged: Mapping[str, bool], seed: int, most: Mapping[str, int]
) -> str:
    """How much was written, the sample, and the share that was judged sensible.

    Args:
        found: Everything.
        judged: Of a reader.
        seed: Of the sample.
        most: Sort -> how many of it.
    """
    parts = list[str]()
    for sort, size in most.items():
        rows = sample(found, sort, size, seed)
        known = [judged[row.key] for row in rows if row.key in judged]
        share = f"{100 * sum(known) / len(known):.0f} %" if known else "-"
        total = sum(one.sort == sort for one in found)
        parts.append(
            f"## {sort}: {total} written, {len(rows)} sampled (seed {seed}),"
            f" {len(known)} of them judged, sensible {share}\n"
        )
        for at, row in enumerate(rows, 1):
            mark = {True: "sensible", False: "NOISE", None: "not judged"}[judged.get(row.key)]
            parts.append(f"{at}. [{mark}] {row.key}\n  {row.text}\n")
    return "\n".join(parts)
