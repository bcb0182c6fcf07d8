"""The default place of a store, and the canonical form of a place. Standard library only."""

import os
import sys
from collections.abc import Mapping

APPLICATION = "zettel"
SCHEMES = ("file", "s3", "s3+ddb", "gs", "az", "abfss", "oss", "cos", "db")
"""Of the addresses that LanceDB 0.40 connects to and that keep what is stored."""
CONTROLS = frozenset(map(chr, (*range(32), 127)))
"""Control characters that LanceDB 0.40 refuses, in words of its own over several lines."""


class PlaceError(ValueError):
    """A store cannot be at a place.

    Args:
        place: As it was given.
        problem: What is wrong with it.
        remedy: What to do.
    """

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        begin, at, end = place.rpartition("@")
        shown = f"{begin.partition('//')[0]}//...@{end}" if at else place
        self.problem, self.remedy = f"{shown!r} {problem}", remedy
        super().__init__(f"store: {self.problem}. {self.remedy}")


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
    """The canonical place of the store: flag > variable > default.

    Raises:
        PlaceError: It is none.
    """
    variables = {name.lower(): value for name, value in environment.items() if value}
    return one_spelling(flags.get("store") or variables.get("zettel_store") or default_store())


def is_directory(place: str) -> bool:
    """Whether a place is a local directory: not an object store, not a LanceDB Cloud name."""
    return "://" not in place


def check_place(text: str) -> None:
    """Check that a text can be a place, and that what begins as an address does is one of a store.

    Raises:
        PlaceError: It has a control character, or is no address of a store: of an unknown scheme,
            with too few slashes, or without a name.
    """
    _check_characters(_unquoted(text))
    scheme, colon, rest = text.partition(":")
    if not colon or len(scheme) < 2 or not scheme.replace("+", "").isalnum():
        return  # a path, or one with the letter of a drive
    scheme, known, name = scheme.lower(), scheme.lower() in SCHEMES, rest.lstrip("/")
    if not known and not rest.startswith("/"):
        return  # a directory such as `notes:old`
    root = "/" if scheme == "file" else ""
    meant = f"{scheme}://{root}{name or 'bucket/path'}" if known else ""
    if text != meant and not (name and text.startswith("file://localhost/")):
        problem = "is neither a directory nor the address of a store"
        remedy = (
            f"{f'Did you mean {meant}? ' if meant else ''}Pass --store or ZETTEL_STORE a directory,"
            f" or an address that begins with {', '.join(f'{each}://' for each in SCHEMES)}."
        )
        raise PlaceError(text, problem, remedy)


def _check_characters(place: str) -> None:
    if CONTROLS.isdisjoint(place):
        return
    problem = "has a line break or another control character"
    raise PlaceError(place, problem, "Pass --store or ZETTEL_STORE a place without any.")


def _unquoted(text: str) -> str:
    """The path of a `file://` URI; any other text as it is."""
    if not text.startswith("file://"):
        return text
    from urllib.parse import unquote  # noqa: PLC0415  slow, and rarely needed

    return unquote(text.removeprefix("file://").removeprefix("localhost"))


def one_spelling(text: str) -> str:
    """The canonical form of a place.

    Args:
        text: A path, a `~` path, a `file://` URI, another URI or a `db://` name.

    Returns:
        The real absolute path of a directory, links resolved; a URI without slashes at its end.

    Raises:
        PlaceError: It is no place of a store.
    """
    check_place(text)
    if "://" in text and not text.startswith("file://"):
        return text.rstrip("/")
    path = os.path.realpath(os.path.expanduser(_unquoted(text)))
    _check_characters(path)  # of the working directory, say
    return path
