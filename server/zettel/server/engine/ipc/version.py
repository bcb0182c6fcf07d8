"""The version of this code, and which of two versions is the newer one.

Written here, not asked of the installed metadata: reading that costs an attachment more memory
than all the rest of it, and an engine must tell what it runs, not what was installed since.
"""

import re

VERSION = "0.1.0"
"""A test holds it equal to `pyproject.toml`."""


def is_newer(one: str, other: str) -> bool:
    """Whether a version comes after another; of two versions never both ways."""
    return _rank(one) > _rank(other)


def _rank(version: str) -> tuple[tuple[int, ...], int, list[tuple[int, str]]]:
    """A key in the order of PEP 440, as far as our own versions go."""
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
