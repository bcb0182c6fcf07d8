"""MemPalace: the drawers in `chroma.sqlite3` of its palace, and its `knowledge_graph.sqlite3`."""

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import PART_OF, Kind
from zettel.tools.imports.drafts import (
    Draft,
    DraftLink,
    Skipped,
    SourcePart,
    as_moment,
    as_text,
    said_as,
)
from zettel.tools.imports.files import columns, is_database, opened_database, unreadable

DRAWERS_FILE, GRAPH_FILE = "chroma.sqlite3", "knowledge_graph.sqlite3"
COLLECTION = "mempalace_drawers"
DOCUMENT = "chroma:document"
"""Key of a row's text among its metadata."""


def _files(path: Path) -> tuple[Path | None, Path | None]:
    """The databases of drawers and of facts, as far as they are there."""
    if path.is_file():
        graph = path.name == GRAPH_FILE
        return (None, path) if graph else (path, None)
    drawers = [place / DRAWERS_FILE for place in (path, path / "palace")]
    drawers = [file for file in drawers if is_database(file)]
    # Beside the palace's folder, as a rule.
    graphs = [path / GRAPH_FILE, *(file.parent.parent / GRAPH_FILE for file in drawers)]
    graphs = [file for file in graphs if is_database(file)]
    return next(iter(drawers), None), next(iter(graphs), None)


def detect(path: Path) -> bool:
    """Whether it is a palace, or one of its databases."""
    if not (path.is_dir() or is_database(path)):
        return False
    drawers, graph = _files(path)
    try:
        if drawers is not None:
            with opened_database(drawers) as base:
                return bool(columns(base, "collections")) and _has_collection(base)
        if graph is not None:
            with opened_database(graph) as base:
                return bool(columns(base, "triples") and columns(base, "entities"))
    except InvalidArgumentError:
        return False
    return False


def _has_collection(base: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM collections WHERE name = ?"
    return base.execute(query, (COLLECTION,)).fetchone() is not None


def read(path: Path) -> Iterator[SourcePart]:
    """A drawer is a note, a part of a long one linked to the first; a fact is a note."""
    drawers, graph = _files(path)
    if drawers is None and graph is None:
        problem = f"has neither {DRAWERS_FILE} nor {GRAPH_FILE}"
        raise unreadable(path, problem, "Name the palace's folder, as a rule ~/.mempalace.")
    if drawers is not None:
        yield from _drawers(drawers)
    if graph is not None:
        yield from _facts(graph)


def _drawers(path: Path) -> Iterator[SourcePart]:
    query = f"""
        SELECT e.embedding_id, m.key, coalesce(m.string_value, m.int_value, m.float_value)
        FROM embeddings e
        JOIN segments s ON s.id = e.segment_id
        JOIN collections c ON c.id = s.collection
        JOIN embedding_metadata m ON m.id = e.id
        WHERE c.name = '{COLLECTION}'
        ORDER BY e.id
    """
    with opened_database(path) as base:
        for table in ("embeddings", "segments", "collections", "embedding_metadata"):
            if not columns(base, table):
                problem = f"has no table {table}"
                raise unreadable(path, problem, "Name the palace's folder, as a rule ~/.mempalace.")
        for key, rows in groupby(base.execute(query), key=itemgetter(0)):
            yield _drawer(str(key), {str(name): value for _, name, value in rows})


def _drawer(key: str, fields: Mapping[str, object]) -> SourcePart:
    content = as_text(fields.get(DOCUMENT))
    if not content:
        return Skipped(where=key, reason="a drawer without a text")
    names = ("wing", "room", "hall", "topic")
    wing, room, hall, topic = (as_text(fields.get(name)) for name in names)
    diary, whole = fields.get("type") == "diary_entry", as_text(fields.get("parent_drawer_id"))
    first = f"{whole}_chunk_000000"
    is_part = bool(whole) and key != first
    return Draft(
        key=key,
        content=content,
        kind=Kind.EPISODIC if diary or as_text(fields.get("ingest_mode")) else Kind.SEMANTIC,
        subject=as_text(fields.get("agent")) if diary else "",
        context=" / ".join(part for part in (wing, room, topic) if part),
        tags=tuple(tag for tag in (wing, room, hall.removeprefix("hall_")) if tag),
        source=as_text(fields.get("source_file")),
        happened_at=as_moment(fields.get("filed_at")),
        links=(DraftLink(PART_OF, first),) if is_part else (),
        whole=first if is_part else "",
    )


def _facts(path: Path) -> Iterator[SourcePart]:
    query = """
        SELECT t.id, coalesce(s.name, t.subject), t.predicate, coalesce(o.name, t.object),
            t.valid_from, t.valid_to, t.extracted_at
        FROM triples t
        LEFT JOIN entities s ON s.id = t.subject
        LEFT JOIN entities o ON o.id = t.object
        ORDER BY t.rowid
    """
    with opened_database(path) as base:
        if not (columns(base, "triples") and columns(base, "entities")):
            problem = "is no knowledge graph of MemPalace"
            raise unreadable(path, problem, "Name the palace's folder, as a rule ~/.mempalace.")
        for key, subject, predicate, of, begins, ends, told in base.execute(query):
            yield Draft(
                key=f"fact\n{key}",
                content=said_as(str(subject), str(predicate), str(of)),
                kind=Kind.SEMANTIC,
                subject=str(subject),
                happened_at=as_moment(begins) or as_moment(told),
                valid_until=as_moment(ends),
            )
