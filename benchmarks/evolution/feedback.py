"""Repeated feedback: which rules evolution offers for made-up feedback, and for months of notes."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.evolution.desk import Desk, opened_desk
from benchmarks.month.records import NoteLine, SessionLine, read_month
from benchmarks.retrieval.tools import Remembered, Timed
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import DERIVED_FROM, PROPOSED_RULE, Note
from zettel.storage.store import NoteFilter

FEEDBACK = Path(__file__).with_name("feedback.jsonl")
"""Groups of three or four notes that ask for the same, what reverses some of them, and others like
them; `kept aside` was written after `tuned` was fitted, and RESULTS.md says what it changed. The
sets of own words hold as many notes that are not one rule."""
MONTHS = Path(__file__).parents[1] / "month" / "data"
SETS = ("tuned", "kept aside", "own words", "own words, kept aside")
MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What was offered for one set of notes."""

    name: str
    notes: int
    groups: int
    """Groups of feedback, each in three or four notes."""
    rules: Sequence[str]
    """Words of the offered rules."""
    right: int
    """Groups for which a rule is offered whose sources are all of that group."""
    after_reversal: int
    """Groups for which a rule is still offered after its contrary was told; 0 is right."""
    reversed_groups: int
    foreign: int
    """Sources that do not belong to the group of most sources of their rule."""


async def offered(embedder: Embedder, store: Path) -> list[Offered]:
    """Tell each set, a session a note, and each month; evolve, and read what is offered.

    Args:
        embedder: Loaded.
        store: A directory for a store of each.
    """
    rows = [json.loads(line) for line in FEEDBACK.read_text(encoding="utf-8").splitlines()]
    found = list[Offered]()
    for name in SETS:
        here = [row for row in rows if row["set"] == name]
        found.append(await _of_set(name, here, embedder, store / name))
    for path in sorted(MONTHS.glob("*.jsonl")):
        found.append(await _of_month(path, embedder, store / path.stem))
    return found


async def _of_set(
    name: str, rows: Sequence[dict[str, str]], embedder: Embedder, store: Path
) -> Offered:
    groups, reverses = dict[str, str](), [row for row in rows if "reverses" in row]
    async with opened_desk(store, embedder) as (desk, client):
        for row in rows:
            if "reverses" not in row:
                note_id = await _tell(desk, client, row["text"], session=f"session {len(groups)}")
                groups[note_id] = row.get("group", "")
        await desk.evolve()
        rules = await _rules(desk)
        for at, row in enumerate(reverses):
            await _tell(desk, client, row["text"], session=f"reversal {at}")
        await desk.evolve()
        standing = await _rules(desk)
    made_of = [Counter(groups[i] for i in _sources(rule)) for rule in rules]
    left = {groups.get(i, "") for rule in standing for i in _sources(rule)}
    against = {row["reverses"] for row in reverses}
    had = {group for of in made_of for group in of}
    return Offered(
        name=name,
        notes=len(groups),
        groups=len({*groups.values()} - {""}),
        rules=[rule.content for rule in rules],
        right=len({group for of in made_of if len(of) == 1 for group in of} - {""}),
        after_reversal=len(against & left),
        reversed_groups=len(against & had),
        foreign=sum(of.total() - max(of.values()) for of in made_of),
    )


async def _of_month(path: Path, embedder: Embedder, store: Path) -> Offered:
    told, session = 0, ""
    async with opened_desk(store, embedder) as (desk, client):
        for line in read_month(path):
            if isinstance(line, SessionLine):
                desk.now, session = line.at, line.id
            elif isinstance(line, NoteLine):
                await _tell(desk, client, line.content, session=session)
                told += 1
        await desk.evolve()
        rules = await _rules(desk)
    return Offered(
        name=path.stem,
        notes=told,
        groups=0,
        rules=[rule.content for rule in rules],
        right=0,
        after_reversal=0,
        reversed_groups=0,
        foreign=0,
    )


async def _tell(desk: Desk, client: Timed, content: str, *, session: str) -> str:
    desk.now += timedelta(minutes=1)
    arguments = {"content": content, "session": session, "namespace": "feedback"}
    told, _ = await client.call("remember", arguments, Remembered)
    return told.note_id


async def _rules(desk: Desk) -> list[Note]:
    where = NoteFilter(tags=(PROPOSED_RULE,), derived=True)
    return await desk.memory.store.find(where, limit=MOST)


def _sources(rule: Note) -> list[str]:
    return [k.to for k in rule.links if k.relation == DERIVED_FROM and k.stood(None)]


def write_offered(found: Iterable[Offered]) -> str:
    """A table in Markdown, and the rules under it."""
    table = [
        "| notes | told | groups | rules offered | of one group alone | foreign sources |"
        " still offered after the contrary |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lists = list[str]()
    for one in found:
        after = f"{one.after_reversal} of {one.reversed_groups}" if one.reversed_groups else ""
        known = f"{one.groups} | {len(one.rules)} | {one.right} | {one.foreign}"
        known = known if one.groups else f" | {len(one.rules)} | | "
        table.append(f"| {one.name} | {one.notes} | {known} | {after} |")
        lists += [f"- {one.name}: {rule}" for rule in one.rules]
    return "\n".join([*table, "", *lists, ""])
