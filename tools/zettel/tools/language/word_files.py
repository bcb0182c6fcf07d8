"""The files of a folder of words, one for each language."""

import tomllib
from collections.abc import Iterable
from importlib.resources import files
from typing import Any


def read_word_files(folder: str) -> dict[str, dict[str, Any]]:
    """Language -> its table, by the names of the files."""
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(
            files("zettel.tools.language").joinpath(folder).iterdir(), key=lambda file: file.name
        )
        if file.name.endswith(".toml")
    }


def spell_words(words: Iterable[str], *, inside: bool) -> str:
    """A pattern of any of these patterns, the longest first; empty without any.

    Words `inside` stand within others, as in scripts without spaces.
    """
    spelled = "|".join(sorted(words, key=len, reverse=True))
    return spelled if inside or not spelled else rf"(?<!\w)(?:{spelled})(?!\w)"
