"""Blotting words out of an engine's logs: a library's error may have repeated a question."""

import mmap
from collections.abc import Iterable
from pathlib import Path

from zettel.storage.location import ENGINE_FOLDER

LOGS = "*.log*"
LEAST = 12
"""Bytes from which a line of a text is looked for: shorter ones stand in every log by chance."""


def redact(directory: Path, texts: Iterable[str]) -> int:
    """Overwrite every line of these texts in the store's logs with as many stars.

    In place and of the same length: whoever is writing the log goes on at its end.

    Args:
        directory: The store's.
        texts: Of any number of lines.

    Returns:
        How many places were overwritten.
    """
    logs = [path for path in (directory / ENGINE_FOLDER).glob(LOGS) if _size(path)]
    if not logs:
        return 0
    lines = {line.strip() for text in texts for line in text.splitlines()}
    sought = {form for line in lines for form in _forms(line) if len(form) >= LEAST}
    return sum(_redact(path, sorted(sought, key=len, reverse=True)) for path in logs)


def _forms(line: str) -> tuple[bytes, bytes]:
    """As it is, and as Python quotes it."""
    return line.encode(), repr(line)[1:-1].encode()


def _redact(path: Path, sought: Iterable[bytes]) -> int:
    done = 0
    try:
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as log:
            for form in sought:
                at = log.find(form)
                while at >= 0:
                    log[at : at + len(form)] = b"*" * len(form)
                    done += 1
                    at = log.find(form, at + len(form))
            log.flush()
    except (FileNotFoundError, ValueError):  # the next log was begun meanwhile, or it is empty
        return done
    return done


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
