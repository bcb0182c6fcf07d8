"""The files of a store, as LanceDB 0.40 and Zettel write them.

Any other file counts as not read, so that a LanceDB with another layout is noticed.
"""

import re
from collections.abc import Mapping

from zettel.storage.location import ENGINE_FOLDER
from zettel.storage.verify.report import FileKind

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_IN_TABLE: tuple[tuple[str, FileKind], ...] = (
    (r"data/\.tmp[^/]*", FileKind.TEMPORARY),
    (r"data/[^/.][^/]*\.lance", FileKind.DATA),
    (r"_versions/\d+\.manifest", FileKind.MANIFEST),
    (r"_versions/latest_version_hint\.json", FileKind.MANIFEST),
    (r"_versions/[^/]*(?:\.manifest#|\.tmp|#)[^/]*", FileKind.TEMPORARY),
    (rf"_transactions/\d+-{_UUID}\.txn", FileKind.TRANSACTION),
    (r"_deletions/\d+-\d+-\d+\.(?:arrow|bin)", FileKind.DELETION),
    (
        rf"_indices/{_UUID}/(?:page_data|page_lookup|bitmap_page_lookup)\.lance",
        FileKind.SCALAR_INDEX,
    ),
    (rf"_indices/{_UUID}/(?:metadata|part_\d+_(?:tokens|invert|docs))\.lance", FileKind.TEXT_INDEX),
    (rf"_indices/{_UUID}/(?:index|auxiliary)\.idx", FileKind.VECTOR_INDEX),
)
"""Path below a table's folder -> its kind."""

_OF_ENGINE: tuple[tuple[str, FileKind], ...] = (
    (r"engine\.log(?:\.\d+)?", FileKind.LOG),
    (r"engine\.json[^/]*|[^/]+\.lock|engine\.sock[^/]*", FileKind.ENGINE),
)
_OF_STORE: tuple[tuple[str, FileKind], ...] = ((r"config\.toml", FileKind.SETTINGS),)

_TABLE = re.compile(r"(?P<table>(?:.*/)?[^/]+\.lance)/(?P<inside>(?:data|_[a-z]+)/.+)")

TOKEN_COLUMN = "_token_fst_bytes"
"""Column of a full-text index's vocabulary."""

INDEX_COLUMNS: Mapping[str, frozenset[str]] = {
    "page_data.lance": frozenset({"values", "ids"}),
    "page_lookup.lance": frozenset({"min", "max", "null_count", "page_idx"}),
    "bitmap_page_lookup.lance": frozenset({"keys", "bitmaps"}),
    "metadata.lance": frozenset({"deleted_fragments"}),
    "part_tokens.lance": frozenset({TOKEN_COLUMN, "_token_next_id", "_token_total_length"}),
    "part_invert.lance": frozenset({"_posting", "_max_score", "_length", "_impacts"}),
    "part_docs.lance": frozenset({"_rowid", "_num_tokens"}),
    "index.idx": frozenset({"__flat_marker"}),
    "auxiliary.idx": frozenset({"_rowid", "flat"}),
}
"""Known columns of each index file: text, vectors, and row numbers."""
QUANTISED_COLUMNS: Mapping[str, frozenset[str]] = {
    "IVF_RQ": frozenset(
        {"_rowid", "_rabit_codes", "__add_factors", "__scale_factors", "__error_factors"}
    ),
    "IVF_SQ": frozenset({"_rowid", "__sq_code"}),
}
"""Those of `auxiliary.idx` where the index over the vectors is quantised, by its kind.

The bit or byte that it keeps of each dimension is not compared; an erasure makes it anew."""

LANCE_KINDS = frozenset(
    {FileKind.DATA, FileKind.SCALAR_INDEX, FileKind.TEXT_INDEX, FileKind.VECTOR_INDEX}
)
"""Kinds of files in Lance's format."""


def kind_of(path: str) -> FileKind:
    """The kind of a file.

    Args:
        path: Below the store's directory, with `/`.

    Returns:
        `OTHER` if neither LanceDB nor Zettel is known to write it.
    """
    table = _TABLE.fullmatch(path)
    if table:
        return _first(_IN_TABLE, table["inside"])
    if path.startswith(f"{ENGINE_FOLDER}/"):
        return _first(_OF_ENGINE, path.removeprefix(f"{ENGINE_FOLDER}/"))
    return _first(_OF_STORE, path)


def table_of(path: str) -> str:
    """The folder of a file's table, below the store's; empty outside tables."""
    table = _TABLE.fullmatch(path)
    return table["table"] if table else ""


def strange_columns(path: str, columns: set[str]) -> set[str]:
    """Unknown columns of an index file, which may contain anything."""
    name = re.sub(r"part_\d+_", "part_", path.rpartition("/")[2])
    if name == "auxiliary.idx" and columns in QUANTISED_COLUMNS.values():
        return set()
    return columns - INDEX_COLUMNS.get(name, frozenset())


def _first(rules: tuple[tuple[str, FileKind], ...], path: str) -> FileKind:
    return next((kind for rule, kind in rules if re.fullmatch(rule, path)), FileKind.OTHER)
