"""Tells the formats apart and reads the one it finds."""

from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from benchmarks.retrieval.data import Dataset
from benchmarks.retrieval.errors import DataError
from benchmarks.retrieval.folder import is_folder, read_folder
from benchmarks.retrieval.locomo import read_locomo
from benchmarks.retrieval.longmemeval import read_longmemeval

_FORMATS = (
    "Give a folder with documents.jsonl and queries.jsonl, the original locomo10.json,"
    " or a LongMemEval JSON file."
)


class _Peek(BaseModel):
    """The two keys that tell LoCoMo's items from LongMemEval's; all else is passed over."""

    sample_id: str | None = None
    question_id: str | None = None


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
        peeks = _PEEKS.validate_json(text)
        if peeks and peeks[0].sample_id is not None:
            return read_locomo(path.stem, text)
        if peeks and peeks[0].question_id is not None:
            return read_longmemeval(path.stem, text)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the top"
        raise DataError(path, f"is malformed at {where}: {first['msg']}", _FORMATS) from error
    except ValueError as error:
        raise DataError(path, f"cannot be read ({error})", _FORMATS) from error
    raise DataError(path, "is neither LoCoMo nor LongMemEval", _FORMATS)
