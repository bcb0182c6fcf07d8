"""What a store's files hold of some words: every byte, and every file of Lance's decoded.

Text is compressed in files of many rows, so bytes alone prove nothing. Of the full text's
vocabulary, an automaton, neither shows anything: `index_folders` tells whether it was made anew.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (pylance and pyarrow ship no types)

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
from lance.file import LanceFileReader

from zettel.storage.store import Vectors

_MAGIC = b"LANC"
_DECODED = ("data", "_indices")


def remains(directory: Path, *words: str, vectors: Iterable[Vectors] = ()) -> list[str]:
    """Files, relative, in which any of the words or vectors stands, with the word."""
    sought = [word.encode() for word in words]
    sought += [row.tobytes() for array in vectors for row in array]
    found = list[str]()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            held = {word for raw in _views(path) for word in sought if word in raw}
            found += [f"{path.relative_to(directory)} {word[:40]!r}" for word in sorted(held)]
    return found


def index_folders(directory: Path, table: str) -> set[str]:
    """Names of the folders of a table's indices."""
    return {path.name for path in directory.glob(f"{table}.lance/_indices/*")}


def _views(path: Path) -> Iterable[bytes]:
    raw = path.read_bytes()
    yield raw
    if raw.endswith(_MAGIC) and any(part in _DECODED for part in path.parts):
        table = LanceFileReader(str(path)).read_all().to_table()
        for column in table.columns:
            yield from _buffers(column)


def _buffers(column: pa.ChunkedArray) -> Iterable[bytes]:
    for chunk in column.chunks:
        yield from (buffer.to_pybytes() for buffer in chunk.buffers() if buffer is not None)
