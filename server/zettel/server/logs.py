"""Logging: to one place, standard error or an engine's file; quiet about others' business."""

import logging
import os
import sys
from logging.handlers import RotatingFileHandler

from zettel.server.log_lines import OURS, LogFormat, LogLine

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


def configure_logging(level: str, form: LogFormat = "text") -> None:
    """Send log records to standard error.

    Args:
        level: `debug`, `info`, `warning` or `error`; notes' text appears at none. Other libraries
            are heard from `warning` on: below, some repeat every request with its body.
        form: How a line is written.
    """
    _log_to(logging.StreamHandler(sys.stderr), level, form)


def log_to_file(level: str, path: str, form: LogFormat = "text") -> None:
    """Send log records to a file of bounded size.

    Args:
        level: As for `configure_logging`.
        path: Of the file; standard error if it cannot be written.
        form: How a line is written.
    """
    try:
        handler = EngineLog(path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")
    except OSError:
        configure_logging(level, form)
        return
    _log_to(handler, level, form)


def _log_to(handler: logging.Handler, level: str, form: LogFormat) -> None:
    handler.setFormatter(LogLine(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    if level == "error":
        logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger(OURS).setLevel(level.upper())
    logging.captureWarnings(True)
