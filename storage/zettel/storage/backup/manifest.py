"""A backup's manifest and the parts it names."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeGuard

FORMAT = "zettel-backup"
FORMAT_VERSION = 1
"""Raised when an older Zettel could misread the file."""
MANIFEST = "manifest.json"
"""The manifest's name in the file; the last entry, since it contains the parts' hashes."""

NOTES, USAGE, RUNS, META = "notes", "usage", "runs", "meta"
TABLES = (NOTES, USAGE, RUNS, META)
ERASURES = "erasures"
"""Not a table: the store's own ledger of erasures."""
COUNTED = {
    "revisions": NOTES,
    "usage": USAGE,
    "runs": RUNS,
    "meta": META,
    "erasures": ERASURES,
}
"""Name among a manifest's counts -> the parts whose rows it counts."""
_BESIDE = ("notes", "namespaces")
PART_ROWS = 2_000
"""Rows per part: some 6 MB at 3 kB a revision with vectors."""
PART_MAX_ROWS = 2 * PART_ROWS
"""Rows of any part: one batch of LanceDB's is added to fewer than `PART_ROWS`."""
MAX_PARTS = 50_000
"""Parts of 2,000 rows: a hundred million revisions."""
MAX_EMBED_DIM = 16_384
TEXT_MAX_CHARACTERS = 1_000
"""Characters of a text in a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet file with some rows of one table; JSON lines for erasures."""

    name: str
    table: str
    rows: int
    bytes: int
    sha256: str
    """Hex, of the part's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contents of a backup. Its JSON has these fields, preceded by `format`."""

    version: int
    """Of the format."""
    backup_id: str
    made_at: str
    """ISO 8601, UTC."""
    made_by: str
    """Zettel's version."""
    schema_version: int
    embed_model: str
    """Name and weights' fingerprint of the vectors' model."""
    embed_dim: int
    """Their length."""
    counts: Mapping[str, int]
    """Rows of the parts, by the names of `COUNTED`, and `notes` and `namespaces`."""
    parts: tuple[Part, ...]

    def of(self, table: str) -> tuple[Part, ...]:
        """The parts of a table, in order."""
        return tuple(part for part in self.parts if part.table == table)


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as indented UTF-8 JSON."""
    return json.dumps({"format": FORMAT} | asdict(manifest), indent=1).encode()


def read_manifest(raw: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: It is invalid; the text says why.
        LaterFormatError: It has a later format.
    """
    try:
        said = _object(json.loads(raw))
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None
    if said.get("format") != FORMAT:
        message = f"it does not say that this is a {FORMAT}"
        raise ValueError(message)
    version = _number(said, "version")
    if version > FORMAT_VERSION:
        raise LaterFormatError(version)
    counts, parts = _object(said.get("counts")), said.get("parts")
    manifest = Manifest(
        version=version,
        backup_id=_text(said, "backup_id"),
        made_at=_text(said, "made_at"),
        made_by=_text(said, "made_by"),
        schema_version=_number(said, "schema_version"),
        embed_model=_text(said, "embed_model"),
        embed_dim=_number(said, "embed_dim"),
        counts={name: _number(counts, name) for name in (*COUNTED, *_BESIDE)},
        parts=tuple(_part(part) for part in (parts if _is_list(parts) else [parts])),
    )
    _check(manifest)
    return manifest


class LaterFormatError(Exception):
    """The manifest has a later format."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"format {version}")


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _object(value: object) -> dict[str, object]:
    if not _is_object(value):
        message = "it holds something else where an object is due"
        raise ValueError(message)
    return value


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or len(value) > TEXT_MAX_CHARACTERS:
        message = f"its {name!r} is missing, no text or too long"
        raise ValueError(message)
    return value


def _number(said: Mapping[str, object], name: str) -> int:
    value = said.get(name)
    if not isinstance(value, int) or value < 0:
        message = f"its {name!r} is missing or no whole number"
        raise ValueError(message)
    return value


def _part(value: object) -> Part:
    said = _object(value)
    table = _text(said, "table")
    if table not in COUNTED.values():
        message = f"it names a table that no store has: {table!r}"
        raise ValueError(message)
    return Part(
        name=_text(said, "name"),
        table=table,
        rows=_number(said, "rows"),
        bytes=_number(said, "bytes"),
        sha256=_text(said, "sha256"),
    )


def _check(manifest: Manifest) -> None:
    """Reject inconsistent manifests: one may have been edited by hand."""
    datetime.fromisoformat(manifest.made_at)
    if not 1 <= manifest.embed_dim <= MAX_EMBED_DIM or len(manifest.parts) > MAX_PARTS:
        message = f"it names {len(manifest.parts)} parts and vectors of {manifest.embed_dim} values"
        raise ValueError(message)
    for part in manifest.parts:
        if part.table != ERASURES and part.rows > PART_MAX_ROWS:
            message = f"it says that {part.name!r} has {part.rows:,} rows"
            raise ValueError(message)
    names = {part.name for part in manifest.parts}
    if len(names) < len(manifest.parts) or MANIFEST in names:
        message = "two of the parts it names have one name"
        raise ValueError(message)
    for name, table in COUNTED.items():
        found = sum(part.rows for part in manifest.of(table))
        if found != manifest.counts[name]:
            message = f"it counts {manifest.counts[name]} {name}, its parts have {found}"
            raise ValueError(message)
