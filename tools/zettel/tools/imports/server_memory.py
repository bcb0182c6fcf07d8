"""The official MCP memory server's file: a graph of entities, one JSON object a line."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Kind
from zettel.tools.imports.drafts import (
    Draft,
    DraftLink,
    Skipped,
    SourcePart,
    as_list,
    as_mapping,
    said_as,
)
from zettel.tools.imports.files import BrokenLine, json_lines

DETECT_MAX_LINES = 5


def detect(path: Path) -> bool:
    """Whether one of the first lines is an entity or a relation."""
    if not path.is_file():
        return False
    try:
        for _, item in islice(json_lines(path), DETECT_MAX_LINES):
            fields = as_mapping(item)
            if fields.get("type") == "entity" and "entityType" in fields:
                return True
            if fields.get("type") == "relation" and "relationType" in fields:
                return True
    except InvalidArgumentError:
        return False
    return False


def read(path: Path) -> Iterator[SourcePart]:
    """An observation is a note about its entity; a relation is a note, linked to both ends."""
    firsts = dict[str, str]()
    for number, item in json_lines(path):
        fields, where = as_mapping(item), f"line {number}"
        if isinstance(item, BrokenLine):
            yield Skipped(where=where, reason=item.problem)
            continue
        match fields.get("type"):
            case "entity":
                yield from _entity(fields, where, firsts)
            case "relation":
                yield _relation(fields, where, firsts)
            case _:
                yield Skipped(where=where, reason="no entity and no relation")


def _entity(
    values: Mapping[str, object], where: str, firsts: dict[str, str]
) -> Iterator[SourcePart]:
    name, kind = values.get("name"), values.get("entityType")
    if not isinstance(name, str) or not name.strip():
        yield Skipped(where=where, reason="an entity without a name")
        return
    tags = (kind,) if isinstance(kind, str) else ()
    texts = [text for text in as_list(values.get("observations")) if isinstance(text, str)]
    if not texts and tags:
        texts = [f"{name} is a {tags[0]}"]
    for text in texts:
        # An observation has no id: it is its text.
        key = f"entity\n{name}\n{text}"
        firsts.setdefault(name, key)
        yield Draft(key=key, content=text, kind=Kind.SEMANTIC, subject=name, tags=tags)


def _relation(values: Mapping[str, object], where: str, firsts: Mapping[str, str]) -> SourcePart:
    ends = [values.get(name) for name in ("from", "relationType", "to")]
    subject, relation, of = (end if isinstance(end, str) else "" for end in ends)
    if not (subject and relation and of):
        return Skipped(where=where, reason="a relation without both its ends")
    links = [DraftLink("related", firsts[name]) for name in (subject, of) if name in firsts]
    return Draft(
        key=f"relation\n{subject}\n{relation}\n{of}",
        content=said_as(subject, relation, of),
        kind=Kind.SEMANTIC,
        subject=subject,
        links=tuple(dict.fromkeys(links)),
    )
