"""Logging: to one place, standard error or an engine's file; quiet about others' business."""

import logging
import os
import sys
from logging.handlers import RotatingFileHandler

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
QUIET = ("asyncio", "filelock", "httpx", "httpx2", "mcp", "openai", "sse_starlette", "uvicorn")
"""Loggers that repeat every request, some with its body: warnings only."""


LOG_BYTES = 1_000_000
"""Size of a log file after which the next one is begun."""

LOGS_KEPT = 3
"""Older log files kept beside it."""


class EngineLog(RotatingFileHandler):
    """A log file that what others print follows when the next one is begun."""

    def doRollover(self) -> None:
        """Begin the next file."""
        super().doRollover()
        if self.stream is not None:
            os.dup2(self.stream.fileno(), 1)
            os.dup2(self.stream.fileno(), 2)


def configure_logging(level: str) -> None:
    """Send log records to standard error.

    Args:
        level: `debug`, `info`, `warning` or `error`. Notes' text appears at no level above debug.
    """
    _log_to(logging.StreamHandler(sys.stderr), level)


def log_to_file(level: str, path: str) -> None:
    """Send log records to a file of bounded size.

    Args:
        level: As for `configure_logging`.
        path: Of the file; standard error if it cannot be written.
    """
    try:
        handler = EngineLog(path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")
    except OSError:
        configure_logging(level)
        return
    _log_to(handler, level)


def _log_to(handler: logging.Handler, level: str) -> None:
    logging.basicConfig(level=level.upper(), format=FORMAT, handlers=[handler], force=True)
    floor = logging.DEBUG if level == "debug" else logging.WARNING
    for name in QUIET:
        logging.getLogger(name).setLevel(floor)
    for name in ("sentence_transformers", "transformers", "huggingface_hub", "torch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
