"""Logging to standard error or an engine's file, as text or JSON, without note texts."""

import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from logging.handlers import RotatingFileHandler
from typing import Literal

LogFormat = Literal["text", "json"]

OWN_LOGGER = "zettel"
FOREIGN_MAX_CHARS = 200
"""Kept characters of another library's log message: the longest of uvicorn, mcp, lancedb is 160."""

UNACCEPTED = "socket.accept() out of system resource"
"""Begins asyncio's record of a connection that found no file descriptor."""

UNACCEPTED_INTERVAL_S = 60.0
"""Seconds between two such records: asyncio makes a hundred a second."""

_BARE = re.compile(r"[\w.@:/+-]+", re.ASCII)
_WARNING = re.compile(r".*?:\d+: \w+")
"""Place and category of a warning, as `warnings.formatwarning` writes them."""


def fields(**given: str | float | None) -> Mapping[str, Mapping[str, str | float]]:
    """Fields of a log record, for `extra`, without those that are None or empty."""
    return {"fields": {name: value for name, value in given.items() if value not in (None, "")}}


class LogLine(logging.Formatter):
    """Formats records as lines.

    Args:
        form: `text`: fields as `name=value`; `json`: one object per line.
    """

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """One record; an exception takes further lines in text."""
        extra: Mapping[str, str | float] = getattr(record, "fields", {})
        went_wrong = record.exc_info[1] if record.exc_info else None
        error = "".join(traceback_lines(went_wrong)).rstrip() if went_wrong else ""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if self._form == "json":
            whole = head | dict(extra) | ({"exception": error} if error else {})
            # ASCII: no line separators of Unicode, no half surrogate pairs.
            return json.dumps(whole)
        named = "".join(f" {name}={_value(value)}" for name, value in extra.items())
        message = _one_line(head["message"])
        line = f"{head['time']} {record.levelname} {record.name}: {message}{named}"
        return f"{line}\n{error}" if error else line


def traceback_lines(error: BaseException) -> Iterator[str]:
    """Frames and exception types of a traceback, without messages."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from traceback_lines(cause)
        yield "which led to:\n"
    yield from traceback.format_tb(error.__traceback__)
    number = f" {error.errno}" if isinstance(error, OSError) and error.errno else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{number}\n"
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    for part in parts if isinstance(error, BaseExceptionGroup) else ():
        yield "in it:\n"
        yield from traceback_lines(part)


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == OWN_LOGGER:
        return record.getMessage()
    if record.name == "py.warnings":
        found = _WARNING.match(record.getMessage())
        return found[0] if found else "a warning"
    if not isinstance(record.msg, str):  # an exception, say
        return type(record.msg).__qualname__
    sentence = record.msg.partition("\n")[0][:FOREIGN_MAX_CHARS]
    given = record.args if isinstance(record.args, tuple) else ()
    try:
        return sentence % tuple(v if isinstance(v, int | float) else "..." for v in given)
    except (TypeError, ValueError):
        return sentence


def _one_line(text: str) -> str:
    """A text in which what ends a line, or orders a terminal about, is a visible escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _value(value: str | float) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)


class UnacceptedFilter(logging.Filter):
    """Drops asyncio's records of connections that it cannot accept, but for one a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        if record.name != "asyncio" or not str(record.msg).startswith(UNACCEPTED):
            return True
        if record.created < self._next:
            return False
        self._next = record.created + UNACCEPTED_INTERVAL_S
        return True


LOG_BYTES = 1_000_000
"""Size of a log file at which the next one is started."""

LOGS_KEPT = 3
"""Older log files that are kept."""


class EngineLog(RotatingFileHandler):
    """A rotating log file to which standard output and error are redirected at each rollover."""

    def doRollover(self) -> None:
        """Start the next file and redirect descriptors 1 and 2 to it."""
        super().doRollover()
        if self.stream is not None:
            os.dup2(self.stream.fileno(), 1)
            os.dup2(self.stream.fileno(), 2)


def configure_logging(level: str, form: LogFormat) -> None:
    """Send log records to standard error.

    Args:
        level: `debug`, `info`, `warning` or `error`; none logs text of notes. Other libraries log
            from `warning` on: below, some log request bodies.
        form: `text` or `json`.
    """
    _log_to(logging.StreamHandler(sys.stderr), level, form)


def log_to_file(level: str, path: str, form: LogFormat = "text") -> None:
    """Send log records to a file of bounded size.

    Standard error is used if the file cannot be written.
    """
    try:
        handler = EngineLog(path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")
    except OSError:
        configure_logging(level, form)
        return
    _log_to(handler, level, form)


def _log_to(handler: logging.Handler, level: str, form: LogFormat) -> None:
    handler.setFormatter(LogLine(form))
    handler.addFilter(UnacceptedFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    if level == "error":
        logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger(OWN_LOGGER).setLevel(level.upper())
    logging.captureWarnings(True)
