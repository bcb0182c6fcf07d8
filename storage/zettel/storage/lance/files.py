"""The files of a LanceDB store's directory: sizes, ages, and what a crash leaves."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from time import time

from zettel.storage.lance.snapshot import remove_forgotten
from zettel.storage.location import ENGINE_FOLDER

TEMPORARY_FILE_AGE_S = 3600.0
"""Age in seconds from which a temporary file belongs to no running write."""

_LEFTOVERS = ("*.lance/data/.tmp*", "*.lance/_versions/*.manifest#*")
"""Left by killed or failed writes; LanceDB 0.40 never removes them."""

_MANIFESTS = "_versions/*.manifest"

_MAGIC = b"LANC"
"""Last bytes of every file in Lance's format (lance 13.0, `MAGIC` in lance-file)."""


def remove_damaged_manifests(directory: Path) -> list[Path]:
    """Remove damaged manifests under the store's lock; returns them.

    With one as the newest every open fails. A table without any whole manifest is left unchanged.
    """
    damaged = damaged_manifests(directory)
    remove(damaged)
    return damaged


def damaged_manifests(directory: Path) -> list[Path]:
    """Empty, truncated or zero-filled manifests of tables that have a whole one too.

    Only a power failure leaves them: they appear whole under their name. 1,000 take 20 ms.
    """
    found: list[Path] = []
    for folder in directory.glob("*.lance"):
        manifests = sorted(manifests_of(folder))
        damaged = [path for path in manifests if not _is_whole(path)]
        if len(damaged) < len(manifests):
            found += damaged
    return found


def manifests_of(folder: Path) -> list[Path]:
    """The manifests of a table's folder, one a version."""
    return list(folder.glob(_MANIFESTS))


def is_only_begun(directory: Path, table: str) -> bool:
    """Whether a table has a folder but neither version nor data: its creator was killed."""
    folder = directory / f"{table}.lance"
    files = (path for pattern in (_MANIFESTS, "data/*.lance") for path in folder.glob(pattern))
    return folder.exists() and next(files, None) is None


def tables_with_empty_data(directory: Path) -> list[str]:
    """Tables with an empty data or deletion file, as a power failure may leave it."""
    return _tables_of(_empty(directory, ("*.lance/data/*.lance", "*.lance/_deletions/*")))


def empty_index_files(directory: Path, table: str) -> list[Path]:
    """A table's empty index files."""
    return list(_empty(directory, (f"{table}.lance/_indices/*/*",)))


def remove(paths: Iterable[Path]) -> None:
    """Remove files that may be missing."""
    for path in paths:
        path.unlink(missing_ok=True)


def remove_leftovers(directory: Path) -> int:
    """Remove what killed writes and dry runs left; returns how many items."""
    before = time() - TEMPORARY_FILE_AGE_S
    removed = remove_forgotten(directory, before=before)
    for path in (path for pattern in _LEFTOVERS for path in directory.glob(pattern)):
        try:
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


def count_leftovers(directory: Path) -> int:
    """How many files of killed writes `remove_leftovers` would remove."""
    before = time() - TEMPORARY_FILE_AGE_S
    found = (path for pattern in _LEFTOVERS for path in directory.glob(pattern))
    return sum(_modified(path) < before for path in found)


def disk_bytes(directory: Path) -> int:
    """Size of the store's data without the engine's files."""
    return sum(_size(path) or 0 for path in _data_files(directory))


def count_old_versions(directory: Path, *, age: timedelta) -> dict[str, int]:
    """Table -> its versions above an age without the newest; only tables with any."""
    before = time() - age.total_seconds()
    counts = Counter[str]()
    for folder in directory.glob("*.lance"):
        ages = sorted(_modified(path) for path in manifests_of(folder))
        counts[folder.stem] = sum(age < before for age in ages[:-1])
    return {name: count for name, count in counts.items() if count}


def _is_whole(manifest: Path) -> bool:
    try:
        with manifest.open("rb") as file:
            if file.seek(0, os.SEEK_END) < len(_MAGIC):
                return False
            file.seek(-len(_MAGIC), os.SEEK_END)
            return file.read() == _MAGIC
    except OSError:
        # Removed by another process, or unreadable: no sign of damage.
        return True


def _empty(directory: Path, patterns: Iterable[str]) -> Iterator[Path]:
    return (p for pattern in patterns for p in directory.glob(pattern) if _size(p) == 0)


def _tables_of(paths: Iterable[Path]) -> list[str]:
    return sorted({path.parent.parent.stem for path in paths})


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        # Another process removed the version meanwhile.
        return time()


def _data_files(directory: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(directory):
        if ENGINE_FOLDER in subfolders:
            subfolders.remove(ENGINE_FOLDER)
        yield from (Path(folder, name) for name in names)


def _size(path: Path) -> int | None:
    """Bytes; None if another process removed the file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
