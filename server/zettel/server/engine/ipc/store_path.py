"""One store, one name: where it is by default, and what its place is really called.

Part of the attachment: imports next to nothing.
"""

import os
import sys
from collections.abc import Mapping

APPLICATION = "zettel"


def default_store() -> str:
    """The data directory the platform gives to a person's programs: what platformdirs says."""
    if sys.platform == "win32":
        import platformdirs  # noqa: PLC0415  asks the registry; heavy, and only there

        return platformdirs.user_data_dir(APPLICATION, appauthor=False)
    return _users("XDG_DATA_HOME", ".local/share")


def default_state() -> str:
    """The directory the platform gives to a program's own records: what platformdirs says."""
    if sys.platform == "win32":
        import platformdirs  # noqa: PLC0415  as above

        return platformdirs.user_state_dir(APPLICATION, appauthor=False)
    return _users("XDG_STATE_HOME", ".local/state")


def _users(variable: str, beside: str) -> str:
    """Our own directory in the one a variable names, else in the usual one below the home."""
    named = os.environ.get(variable, "")
    if os.path.isabs(named):
        return os.path.join(named, APPLICATION)
    usual = "Library/Application Support" if sys.platform == "darwin" else beside
    return os.path.join(_home(), usual, APPLICATION)


def _home() -> str:
    if "HOME" in os.environ and not os.path.isabs(os.environ["HOME"]):
        import pwd  # noqa: PLC0415  POSIX only, and only for a HOME that is none

        return pwd.getpwuid(os.getuid()).pw_dir
    return os.path.expanduser("~")


def chosen_store(flags: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """The place of the store in its one spelling: flag > variable > default."""
    variables = {name.lower(): value for name, value in environment.items() if value}
    return one_spelling(flags.get("store") or variables.get("zettel_store") or default_store())


def is_directory(place: str) -> bool:
    """Whether a place is a local directory: not an object store, not a LanceDB Cloud name."""
    return "://" not in place


def one_spelling(text: str) -> str:
    """The one name of a place, however it was written.

    Args:
        text: A path, a `~` path, a `file://` URI, another URI or a `db://` name.

    Returns:
        The real absolute path of a directory, links resolved; a URI without slashes at its end.
    """
    if text.startswith("file://"):
        from urllib.parse import unquote  # noqa: PLC0415  heavy for the rare case that it is

        text = unquote(text.removeprefix("file://").removeprefix("localhost"))
    elif "://" in text:
        return text.rstrip("/")
    return os.path.realpath(os.path.expanduser(text))
