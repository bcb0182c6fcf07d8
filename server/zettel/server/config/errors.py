"""Errors and warnings about a configuration, all of them at once.

`MisconfiguredError` stands below `InvalidArgumentError` in the tree of `storage/errors.py`.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from zettel.server.config.files import TOML_ENCODING, read_toml
from zettel.storage.errors import InvalidArgumentError, ZettelError
from zettel.tools.validation import nearest

VARIABLE_PREFIX = "ZETTEL_"
"""Of every variable that Zettel reads."""
FOR_TESTS = "ZETTEL_TEST_"
"""Of the variables that the project's own tests read."""


class MisconfiguredError(InvalidArgumentError):
    """The server cannot run with this configuration.

    Args:
        problems: At least one, the worst first.
    """

    def __init__(self, problems: Sequence[ZettelError]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        self.name = first.name if isinstance(first, InvalidArgumentError) else ""
        ZettelError.__init__(self, "\n".join(map(str, self.problems)))


def settings_named(problems: Iterable[ZettelError]) -> set[str]:
    """Names of the settings of these problems."""
    named = (each.name for each in problems if isinstance(each, InvalidArgumentError))
    return {name.removeprefix("setting ") for name in named}


def read_stored(file: Path) -> Mapping[str, object]:
    """Read a store's settings file; empty if there is none.

    Raises:
        MisconfiguredError: It cannot be read.
    """
    try:
        return tomllib.loads(read_toml(file).decode(TOML_ENCODING)) if file.exists() else {}
    except PermissionError:
        problem = f"this user may not read it, or the directory {str(file.parent)!r}"
        remedy = "Run this as the user who owns the store."
        raise MisconfiguredError([InvalidArgumentError(file.name, problem, remedy)]) from None
    except (OSError, ValueError) as error:
        problem, remedy = f"it cannot be read ({error})", "Mend it, or move it out of the store."
        raise MisconfiguredError([InvalidArgumentError(file.name, problem, remedy)]) from None


def unusable_keys(
    stored: Iterable[str], file: Path, known: Collection[str]
) -> list[InvalidArgumentError]:
    """Errors about names that a store's settings file must not set."""
    found = list[InvalidArgumentError]()
    for name in stored:
        if name == "store":
            problem = f"{file} names another store"
            remedy = "Take it out; use --store or ZETTEL_STORE."
            found.append(InvalidArgumentError(name, problem, remedy))
        elif name not in known:
            near = nearest(name, known)
            remedy = f"Did you mean {near}?" if near else f"Known are {', '.join(known)}."
            problem = f"{file.name} sets it, but there is no such setting"
            found.append(InvalidArgumentError(name, problem, remedy))
    return found


def unknown_variables(environment: Iterable[str], known: Collection[str]) -> list[str]:
    """Warnings about variables with Zettel's prefix that no setting reads."""
    warnings = list[str]()
    for variable in sorted(environment):
        name = variable.upper().removeprefix(VARIABLE_PREFIX).lower()
        ours = variable.upper().startswith(VARIABLE_PREFIX) and not variable.startswith(FOR_TESTS)
        if ours and name not in known:
            near = nearest(name, known)
            meant = f" Did you mean {VARIABLE_PREFIX}{near.upper()}?" if near else ""
            warnings.append(f"The variable {variable} is not read.{meant}")
    return warnings
