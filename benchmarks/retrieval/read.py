"""Tells the formats apart and reads the one it finds."""

from pathlib import Path

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from benchmarks.retrieval.book_sort import SEGMENTS, read_book_sort
from benchmarks.retrieval.convomem import read_convomem
from benchmarks.retrieval.data import Dataset
from benchmarks.retrieval.errors import DataError
from benchmarks.retrieval.folder import is_folder, read_folder
from benchmarks.retrieval.halumem import read_halumem
from benchmarks.retrieval.locomo import read_locomo
from benchmarks.retrieval.longmemeval import read_longmemeval

_FORMATS = (
    "Give a folder with documents.jsonl and queries.jsonl, the original locomo10.json, a"
    " LongMemEval or ConvoMem JSON file, HaluMem's JSON lines, or a segments_*.csv of Book-SORT."
)


class _Peek(BaseModel):
    """The keys that tell the formats apart; all else is passed over."""

    sample_id: str | None = None
    question_id: str | None = None
    cases: list[object] | None = Field(None, alias="evidenceItems")


_PEEKS = TypeAdapter(list[_Peek])


def read_dataset(path: Path) -> Dataset:
    """Read a data set in whichever known format it has.

    Raises:
        DataError: It is none of them, or breaks its own format.
    """
    if path.is_dir():
        if not is_folder(path):
            raise DataError(path, "lacks documents.jsonl or queries.jsonl", _FORMATS)
        return read_folder(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", _FORMATS) from error
    try:
        if (dataset := _read_known(path, text)) is not None:
            return dataset
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the top"
        raise DataError(path, f"is malformed at {where}: {first['msg']}", _FORMATS) from error
    except ValueError as error:
        raise DataError(path, f"cannot be read ({error})", _FORMATS) from error
    raise DataError(path, "is in no known format", _FORMATS)


def _read_known(path: Path, text: bytes) -> Dataset | None:
    """The data set, if the file is in one of the known formats."""
    if path.suffix == ".csv":
        return read_book_sort(path) if path.name.startswith(SEGMENTS) else None
    if text.lstrip().startswith(b"{"):
        lines = [line for line in text.splitlines() if line.strip()]
        if b'"evidence_items"' in text:
            return read_convomem(path, text)
        return read_halumem(path.stem, lines) if b'"sessions"' in lines[0] else None
    peeks = _PEEKS.validate_json(text)
    first = peeks[0] if peeks else _Peek.model_validate({})
    if first.sample_id is not None:
        return read_locomo(path.stem, text)
    if first.question_id is not None:
        return read_longmemeval(path.stem, text)
    return read_convomem(path, text) if first.cases is not None else None
