"""mem0: what `get_all` returns as JSON, an export of its platform, or the local `history.db`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Kind
from zettel.tools.imports.drafts import (
    Draft,
    Skipped,
    SourcePart,
    as_mapping,
    as_moment,
    as_text,
    as_texts,
)
from zettel.tools.imports.files import (
    is_database,
    json_items,
    opened_database,
    opened_member,
    table_has,
)

LISTS = ("", "results", "memories")
"""Where the memories stand: the platform's exports have them in a list of another name each."""
HISTORY_COLUMNS = ("memory_id", "new_memory", "event", "created_at", "updated_at")
_JSON = re.compile(r".+\.json", re.IGNORECASE)


def detect(path: Path) -> bool:
    """Whether it is mem0's history, or JSON whose first item is a memory."""
    if table_has(path, "history", *HISTORY_COLUMNS):
        return True
    if not (path.is_file() and _JSON.fullmatch(path.name)):
        return False
    try:
        with opened_member(path, _JSON) as streams:
            for stream in streams:
                for name, item in json_items(stream, path):
                    fields = as_mapping(item)
                    return name in LISTS and "memory" in fields and "id" in fields
    except InvalidArgumentError:
        return False
    return False


def read(path: Path) -> Iterator[SourcePart]:
    """A memory is a note about its user, or the agent it belongs to."""
    if is_database(path):
        yield from _history(path)
        return
    with opened_member(path, _JSON) as streams:
        for stream in streams:
            for number, (_, item) in enumerate(json_items(stream, path), 1):
                yield _memory(as_mapping(item), f"item {number}")


def _memory(fields: Mapping[str, object], where: str) -> SourcePart:
    key, content = as_text(fields.get("id")), as_text(fields.get("memory"))
    if not content:
        return Skipped(where=key or where, reason="a memory without a text")
    metadata = as_mapping(fields.get("metadata"))
    tags = (*as_texts(fields.get("categories")), *as_texts(metadata.get("category")))
    rest = {name: value for name, value in metadata.items() if name != "category"}
    return Draft(
        # An export without ids: the memory is its text.
        key=key or f"text\n{content}",
        content=content,
        kind=Kind.SEMANTIC,
        subject=as_text(fields.get("user_id")) or as_text(fields.get("agent_id")),
        context=stated(rest),
        tags=tags,
        session=as_text(fields.get("run_id")),
        happened_at=as_moment(fields.get("updated_at")) or as_moment(fields.get("created_at")),
        valid_until=as_moment(fields.get("expiration_date")),
    )


def stated(metadata: Mapping[str, object]) -> str:
    """The plain values of metadata as one line: `project: atlas; level: 3`."""
    plain = (
        (name, value) for name, value in metadata.items() if isinstance(value, str | int | float)
    )
    return "; ".join(f"{name}: {value}" for name, value in plain if value != "")


def _history(path: Path) -> Iterator[SourcePart]:
    """The last text of each memory; the history says nothing of users."""
    last = "SELECT max(rowid) FROM history GROUP BY memory_id"
    fields = "memory_id, new_memory, event, coalesce(updated_at, created_at)"
    with opened_database(path) as base:
        rows = base.execute(f"SELECT {fields} FROM history WHERE rowid IN ({last}) ORDER BY rowid")
        for key, content, event, moment in rows:
            if event == "DELETE" or not as_text(content):
                yield Skipped(where=str(key), reason="deleted there", key=str(key), over=True)
                continue
            yield Draft(
                key=str(key),
                content=as_text(content),
                kind=Kind.SEMANTIC,
                happened_at=as_moment(moment),
                end_unknown=True,
            )
