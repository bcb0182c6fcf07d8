"""Which settings of a store's own `config.toml` count.

A store may have come from elsewhere: downloaded, cloned, copied from another machine. Its file must
not choose a folder of a model, an address to which notes and a key go, what is erased, or whom the
server lets in. Such settings count once this user has confirmed the file on this machine, which is
recorded by path and content in the user's state directory.
"""

import json
import os
import shlex
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import cast

from zettel.server.config.files import TOML_ENCODING, read_toml
from zettel.server.engine.ipc.store_path import default_state

CONFIRMED_FILE = "confirmed.json"
"""In the user's state directory: path of a `config.toml` -> SHA-256 of its content."""

_RISKY_NAMES = frozenset(
    "model reranker erasures retain_days secrets host allowed_hosts allowed_origins"
    " trusted_principals".split()
)
_RISKY_PREFIXES = ("llm_", "oauth_")
_HARMLESS_NAMES = frozenset({"llm_off"})
_HARMLESS_VALUES: Mapping[str, tuple[object, ...]] = {
    "model": ("hash", "all-MiniLM-L6-v2"),
    "host": ("127.0.0.1", "localhost", "::1"),
    "secrets": ("cut", "refuse"),
}
"""Values that a store may choose by itself: the models that come with Zettel, only this machine."""


def is_risky(name: str, value: object) -> bool:
    """Whether a store's file may set this only when it is confirmed."""
    if name in _HARMLESS_NAMES or value in _HARMLESS_VALUES.get(name, ()):
        return False
    return name in _RISKY_NAMES or name.startswith(_RISKY_PREFIXES)


def counting_settings(file: Path) -> dict[str, object]:
    """The settings of a store's file that count.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no TOML.
    """
    content = read_toml(file)
    settings: dict[str, object] = tomllib.loads(content.decode(TOML_ENCODING))
    risky = {name for name, value in settings.items() if is_risky(name, value)}
    if not risky or is_confirmed(file, content):
        return settings
    return {name: value for name, value in settings.items() if name not in risky}


def unconfirmed_settings(file: Path) -> list[str]:
    """Names of the settings of a store's file that do not count, in its order."""
    try:
        stored: dict[str, object] = tomllib.loads(read_toml(file).decode(TOML_ENCODING))
        counting = counting_settings(file)
    except (OSError, ValueError):
        return []  # reading the settings fails with a better error
    return [name for name in stored if name not in counting]


def is_confirmed(file: Path, content: bytes) -> bool:
    """Whether this user has confirmed a file with this content at this place."""
    return _confirmed().get(_place(file)) == sha256(content).hexdigest()


def confirm(file: Path) -> list[str]:
    """Record that a store's file counts as it is now.

    Returns:
        Names of its settings that needed that, in its order.

    Raises:
        OSError: The file cannot be read, or the record not written.
        ValueError: The file is no TOML.
    """
    content = read_toml(file)
    settings: dict[str, object] = tomllib.loads(content.decode(TOML_ENCODING))
    confirmed = {**_confirmed(), _place(file): sha256(content).hexdigest()}
    state = Path(default_state())
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made with mode 0600, and whole or not at all.
    handle, written = tempfile.mkstemp(dir=state, prefix=f".{CONFIRMED_FILE}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as record:
            json.dump(confirmed, record, indent=1, sort_keys=True)
        os.replace(written, state / CONFIRMED_FILE)
    except BaseException:
        os.unlink(written)
        raise
    return [name for name, value in settings.items() if is_risky(name, value)]


def unconfirmed_warning(file: Path, names: Iterable[str], store: str) -> str:
    """What a person is told about settings that do not count."""
    return (
        f"{file} sets {', '.join(names)} to no effect: this file may have come with the store"
        " from elsewhere, and you have not confirmed it on this machine as it is now. Read"
        f" it; if it is yours, run: zettel trust --store {shlex.quote(store)}"
    )


def _place(file: Path) -> str:
    return os.path.realpath(file)


def _confirmed() -> dict[str, str]:
    """The record; empty if there is none, or it is not what this module writes."""
    try:
        record: object = json.loads(Path(default_state(), CONFIRMED_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict):
        return {}
    entries = cast("dict[str, object]", record).items()
    return {place: digest for place, digest in entries if isinstance(digest, str)}
