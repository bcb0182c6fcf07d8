"""The version of this code, and the order of versions.

Not read from the installed metadata: that is slow, and may be newer than the running code.
"""

import re

VERSION = "0.1.0"
"""Equal to `pyproject.toml`; a test checks it."""


def is_newer(one: str, other: str) -> bool:
    """Whether `one` comes after `other`; never both ways."""
    return _rank(one) > _rank(other)


def _rank(version: str) -> tuple[tuple[int, ...], int, list[tuple[int, str]]]:
    """A sort key in the order of PEP 440, for the forms that our versions have."""
    found = re.match(r"v?(\d+(?:\.\d+)*)(.*)", version.strip().lower())
    if found is None:
        return ((), 0, [(0, version)])
    numbers = [int(part) for part in found.group(1).split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    rest = found.group(2)
    stage = 1 if not rest or rest.startswith("+") else 2 if rest.startswith(".post") else 0
    pieces = re.findall(r"\d+|[a-z]+", rest)
    # `dev` comes before `a`, `b` and `rc`.
    words = [(int(p), "") if p.isdecimal() else (0, p.replace("dev", "")) for p in pieces]
    return (tuple(numbers), stage, words)
