"""The store's place: who may read it, its disk, its engine's traces, its model's weights."""

import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from anyio import to_thread

from zettel.server.engine.ipc.connect import RefusedError, dial
from zettel.server.engine.ipc.file_lock import is_locked, try_lock
from zettel.server.engine.ipc.handshake import request
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous, UnattachableError
from zettel.server.engine.ipc.version import VERSION
from zettel.storage.embedding.model_files import check_weights, find_model
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.lance.files import disk_bytes
from zettel.tools.doctor.checks import Finding, found

OPEN_PERMISSIONS = "open_permissions"
FOREIGN_FILES = "foreign_files"
LOW_DISK = "low_disk"
DEAD_ENGINE = "dead_engine"
MUTE_ENGINE = "mute_engine"
OTHER_ENGINE = "other_engine"
MODEL_MISSING = "model_unusable"
OTHER_MODEL = "other_model"

LEAST_FREE = 256 << 20
"""Bytes: compaction writes the largest table once more; below this even small stores stop."""


def check_permissions(directory: Path) -> Sequence[Finding]:
    """Whether others can read the store, and whether all of it is this user's."""
    private = [path for path in _private(directory) if _mode(path) & 0o077]
    foreign = [
        path
        for path in (directory, *directory.glob("*"), *directory.glob("*.lance/*"))
        if hasattr(os, "getuid") and path.lstat().st_uid != os.getuid()
    ]
    return [
        *found(
            OPEN_PERMISSIONS,
            [f"{path.name}: {_mode(path):04o}" for path in private],
            "Other users of this machine can read the notes, or the settings beside them.",
            fix="Closes the directories (0700) and files (0600) to everybody but you.",
        ),
        *found(
            FOREIGN_FILES,
            [path.name for path in foreign],
            "Files of the store belong to another user: writing or healing it may fail.",
            advice=f"sudo chown -R $(id -un) {directory}",
        ),
    ]


def close_to_others(directory: Path) -> None:
    """Take every permission of others from the store and what belongs to it alone."""
    for path in _private(directory):
        with suppress(OSError):
            path.chmod(_mode(path) & 0o700)


def check_disk(directory: Path) -> Sequence[Finding]:
    """Whether the store can still grow and be compacted."""
    free, size = shutil.disk_usage(directory).free, disk_bytes(directory)
    least = max(LEAST_FREE, size)
    if free >= least:
        return []
    return [
        Finding(
            name=LOW_DISK,
            count=1,
            means=f"{free:,} bytes are free; the store has {size:,} and needs as many again to be"
            " compacted. When they run out, nothing can be remembered.",
            advice=f"Free {least - free:,} bytes, or move the store to a larger disk.",
        )
    ]


def check_engine(place: Rendezvous) -> Sequence[Finding]:
    """What is left of an engine that died, and one that cannot be talked to."""
    if not is_locked(place.lock):
        left = [path for path in _traces(place) if os.path.lexists(path)]
        return found(
            DEAD_ENGINE,
            [os.path.basename(path) for path in left],
            "An engine died and left its socket or record; the next client starts another one"
            " all the same.",
            fix="Removes them.",
        )
    who = f"(process {place.read_record().get('pid', 'unknown')})"
    try:
        line = dial(place, request(place.store, "status"))
    except RefusedError:
        line = None
    except UnattachableError as error:
        return [_mute(who, str(error))]
    if line is None:
        return [_mute(who, "does not answer")]
    line.sock.close()
    version = line.answer.get("version")
    if version == VERSION:
        return []
    return [
        Finding(
            name=OTHER_ENGINE,
            count=1,
            means=f"The engine {who} runs zettel {version}, this is {VERSION}; the next client"
            " of a newer version replaces it.",
            advice="zettel stop ends it now.",
            is_damage=False,
        )
    ]


def _mute(who: str, problem: str) -> Finding:
    return Finding(
        name=MUTE_ENGINE,
        count=1,
        means=f"The engine {who} holds the store, and {problem}: clients wait for it.",
        advice="zettel stop; if that does not help, end its process.",
    )


def remove_traces(place: Rendezvous) -> None:
    """Remove what a dead engine left, unless a living one comes meanwhile."""
    lock = try_lock(place.lock)
    if lock is None:
        return
    try:
        for path in _traces(place):
            with suppress(OSError):
                os.unlink(path)
    finally:
        os.close(lock)


async def check_model(name: str, of_store: str) -> Sequence[Finding]:
    """Whether the configured model is there, whole, and the one the store was made with.

    Args:
        name: As the setting names it.
        of_store: Name and fingerprint that the store says; empty if that is not known.
    """
    advice = "Set ZETTEL_MODEL to the model it was made with."
    try:
        files = await find_model(name)
        await to_thread.run_sync(check_weights, files)
    except ModelUnavailableError as error:
        told = Finding(name=MODEL_MISSING, count=1, means=str(error), advice=advice)
        return [told]
    return check_model_id(files.model_id, of_store)


def check_model_id(model_id: str, of_store: str) -> Sequence[Finding]:
    """Whether the configured model is the one the store was made with."""
    if of_store in ("", model_id):
        return []
    return [
        Finding(
            name=OTHER_MODEL,
            count=1,
            means=f"The store's vectors are of {of_store}, the setting names {model_id}: a server"
            " refuses to open it.",
            advice="Set ZETTEL_MODEL to the model it was made with; or zettel backup, and zettel"
            " restore into another --store, which embeds with the new one.",
        )
    ]


def _private(directory: Path) -> list[Path]:
    """What only the owner has any business with, from the top: the rest lies below it."""
    beside = [directory / "config.toml", directory / ".engine", directory / "erasures.jsonl"]
    return [path for path in (directory, *beside) if path.exists() and not path.is_symlink()]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _traces(place: Rendezvous) -> list[str]:
    return [place.record, os.path.join(place.folder, SOCKET)]
