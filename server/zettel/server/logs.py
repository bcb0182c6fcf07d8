"""Logging: once, to standard error, quiet about other people's business."""

import logging
import sys

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
QUIET = ("asyncio", "filelock", "httpx", "httpx2", "mcp", "sse_starlette", "uvicorn")
"""Loggers that repeat every request, some with its body: warnings only."""


def configure_logging(level: str) -> None:
    """Send log records to standard error.

    Args:
        level: `debug`, `info`, `warning` or `error`. Notes' text appears at no level above debug.
    """
    logging.basicConfig(level=level.upper(), format=FORMAT, stream=sys.stderr, force=True)
    floor = logging.DEBUG if level == "debug" else logging.WARNING
    for name in QUIET:
        logging.getLogger(name).setLevel(floor)
    for name in ("sentence_transformers", "transformers", "huggingface_hub", "torch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
