"""The default place of a store, and the canonical form of a place. Standard library only."""

import os
import sys
from collections.abc import Mapping

APPLICATION = "zettel"


def default_store() -> str:
    """The platform's user data directory, as platformdirs names it."""
    if sys.platform == "win32":
        import platformdirs  # noqa: PLC0415  reads the registry; slow, Windows only

        return platformdirs.user_data_dir(APPLICATION, appauthor=False)
    return _user_directory("XDG_DATA_HOME", ".local/share")


def default_state() -> str:
    """The platform's user state directory, as platformdirs names it."""
    if sys.platform == "win32":
        import platformdirs  # noqa: PLC0415  as above

        return platformdirs.user_state_dir(APPLICATION, appauthor=False)
    return _user_directory("XDG_STATE_HOME", ".local/state")


def _user_directory(variable: str, beside: str) -> str:
    """`zettel` in the directory that a variable names, else in the usual one below the home."""
    named = os.environ.get(variable, "")
    if os.path.isabs(named):
        return os.path.join(named, APPLICATION)
    usual = "Library/Application Support" if sys.platform == "darwin" else beside
    return os.path.join(_home(), usual, APPLICATION)


def _home() -> str:
    if "HOME" in os.environ and not os.path.isabs(os.environ["HOME"]):
        import pwd  # noqa: PLC0415  POSIX only, for an unusable HOME

        return pwd.getpwuid(os.getuid()).pw_dir
    return os.path.expanduser("~")


def chosen_store(flags: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """The canonical place of the store: flag > variable > default."""
    variables = {name.lower(): value for name, value in environment.items() if value}
    return one_spelling(flags.get("store") or variables.get("zettel_store") or default_store())


def is_directory(place: str) -> bool:
    """Whether a place is a local directory: not an object store, not a LanceDB Cloud name."""
    return "://" not in place


def one_spelling(text: str) -> str:
    """The canonical form of a place.

    Args:
        text: A path, a `~` path, a `file://` URI, another URI or a `db://` name.

    Returns:
        The real absolute path of a directory, links resolved; a URI without slashes at its end.
    """
    if text.startswith("file://"):
        from urllib.parse import unquote  # noqa: PLC0415  slow, and rarely needed

        text = unquote(text.removeprefix("file://").removeprefix("localhost"))
    elif "://" in text:
        return text.rstrip("/")
    return os.path.realpath(os.path.expanduser(text))
