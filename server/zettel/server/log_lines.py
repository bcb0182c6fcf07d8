"""What a log line says, for people or as JSON: never a note's text, whatever went wrong with it.

Errors quote the values they are about, in clients' arguments, in predicates, in other libraries'
messages. So of an exception the log tells where and of what kind, and of another library's record
the sentence without what was filled in.
"""

import json
import logging
import re
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Literal

LogFormat = Literal["text", "json"]

OURS = "zettel"
FOREIGN_CHARS = 200
"""Of another library's sentence: the longest of uvicorn, mcp and lancedb have 160."""

_BARE = re.compile(r"[\w.@:/+-]+", re.ASCII)
_WARNING = re.compile(r".*?:\d+: \w+")
"""Place and category of a warning, as `warnings.formatwarning` writes them."""


def fields(**said: str | float | None) -> Mapping[str, Mapping[str, str | float]]:
    """Fields of a record, as `extra` takes them; those that are None or empty are left out."""
    return {"fields": {name: value for name, value in said.items() if value not in (None, "")}}


class LogLine(logging.Formatter):
    """Writes records as lines.

    Args:
        form: `text`: for people, fields as `name=value`; `json`: one object a line.
    """

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """One record; in text, an exception takes further lines."""
        said: Mapping[str, str | float] = getattr(record, "fields", {})
        went_wrong = record.exc_info[1] if record.exc_info else None
        error = "".join(told(went_wrong)).rstrip() if went_wrong else ""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if self._form == "json":
            whole = head | dict(said) | ({"exception": error} if error else {})
            # ASCII: then no reader of lines takes one for two, nor is any half a surrogate pair.
            return json.dumps(whole)
        named = "".join(f" {name}={_value(value)}" for name, value in said.items())
        line = f"{head['time']} {record.levelname} {record.name}: {head['message']}{named}"
        return f"{line}\n{error}" if error else line


def told(error: BaseException) -> Iterator[str]:
    """What led to an exception, line by line: frames and kinds, no messages."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from told(cause)
        yield "which led to:\n"
    yield from traceback.format_tb(error.__traceback__)
    number = f" {error.errno}" if isinstance(error, OSError) and error.errno else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{number}\n"
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    for part in parts if isinstance(error, BaseExceptionGroup) else ():
        yield "in it:\n"
        yield from told(part)


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == OURS:
        return record.getMessage()
    if record.name == "py.warnings":
        found = _WARNING.match(record.getMessage())
        return found[0] if found else "a warning"
    if not isinstance(record.msg, str):  # an exception, say
        return type(record.msg).__qualname__
    sentence = record.msg.partition("\n")[0][:FOREIGN_CHARS]
    given = record.args if isinstance(record.args, tuple) else ()
    try:
        return sentence % tuple(v if isinstance(v, int | float) else "..." for v in given)
    except (TypeError, ValueError):
        return sentence


def _value(value: str | float) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)
