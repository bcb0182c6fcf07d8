"""mcp-memory-service: its SQLite file, `sqlite_vec.db`."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from zettel.storage.notes import Kind
from zettel.tools.imports.drafts import (
    Draft,
    DraftLink,
    Skipped,
    SourcePart,
    as_mapping,
    as_moment,
    as_text,
    as_texts,
)
from zettel.tools.imports.files import columns, opened_database, table_has, unreadable
from zettel.tools.imports.mem0 import stated

FILE_NAME = "sqlite_vec.db"
COLUMNS = ("content_hash", "content", "tags", "memory_type", "metadata", "created_at")
LATER_COLUMNS = ("deleted_at", "superseded_by")
"""Of newer versions."""
MEMORY_TYPE_KINDS: Mapping[str, Kind] = {
    "pattern": Kind.PROCEDURAL,
    "decision": Kind.SEMANTIC,
    "learning": Kind.SEMANTIC,
    "fact": Kind.SEMANTIC,
    "reference": Kind.SEMANTIC,
}
"""By its `memory_type`; the others are episodic."""
INTERNAL_METADATA = frozenset({"superseded_by", "evolution_reason"})


def _file(path: Path) -> Path:
    return path / FILE_NAME if path.is_dir() else path


def detect(path: Path) -> bool:
    """Whether it is the database, or the folder with it."""
    return table_has(_file(path), "memories", *COLUMNS)


def read(path: Path) -> Iterator[SourcePart]:
    """A memory is a note; a typed edge of its graph is a link."""
    with opened_database(_file(path)) as base:
        known = columns(base, "memories")
        if not known >= set(COLUMNS):
            problem = "is no database of mcp-memory-service"
            raise unreadable(path, problem, f"Name its {FILE_NAME}.")
        later = [name if name in known else f"NULL AS {name}" for name in LATER_COLUMNS]
        edges = columns(base, "memory_graph") >= {"source_hash", "target_hash"}
        typed = "relationship_type" in columns(base, "memory_graph")
        base.row_factory = sqlite3.Row
        for row in base.execute(
            f"SELECT {', '.join((*COLUMNS, *later))} FROM memories ORDER BY id"
        ):
            links = _links(base, row["content_hash"], typed=typed) if edges else ()
            yield _memory(row, links)


def _memory(row: sqlite3.Row, links: tuple[DraftLink, ...]) -> SourcePart:
    key = str(row["content_hash"])
    if row["deleted_at"] is not None:
        return Skipped(where=key[:12], reason="deleted there", key=key, over=True)
    if newer := row["superseded_by"]:
        reason = "replaced there by a newer version"
        return Skipped(where=key[:12], reason=reason, key=key, over=True, replaced_by=str(newer))
    kind, metadata = as_text(row["memory_type"]), _metadata(row["metadata"])
    tags = tuple(tag for tag in as_texts(row["tags"]) if tag != "untagged")
    return Draft(
        key=key,
        content=as_text(row["content"]),
        kind=MEMORY_TYPE_KINDS.get(kind, Kind.EPISODIC),
        context=stated({n: v for n, v in metadata.items() if n not in INTERNAL_METADATA}),
        tags=tuple(dict.fromkeys((*tags, *((kind,) if kind else ())))),
        happened_at=as_moment(row["created_at"]),
        links=links,
    )


def _metadata(text: object) -> Mapping[str, object]:
    try:
        return as_mapping(json.loads(as_text(text) or "{}"))
    except (ValueError, RecursionError):
        return {}


def _links(base: sqlite3.Connection, key: str, *, typed: bool) -> tuple[DraftLink, ...]:
    relation = "relationship_type" if typed else "'related'"
    query = f"SELECT {relation}, target_hash FROM memory_graph WHERE source_hash = ?"
    return tuple(
        DraftLink(as_text(name) or "related", str(to)) for name, to in base.execute(query, (key,))
    )
