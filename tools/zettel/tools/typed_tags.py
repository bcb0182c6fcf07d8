"""Tags in one line, as a person reads and types them."""

import re
from collections.abc import Iterable

_YAML_LIST = re.compile(r"\s*\[([^\[\]]*)\]\s*")
_QUOTED = re.compile(r"(?<![^\s,])'([^'\"]*)'(?![^\s,])")
_TYPED_TAG = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*(?=,|\Z)|([^,]+))')


def typed_tags(tags: Iterable[str]) -> str:
    """Tags with commas between them, in quotes, as CSV has them, where one has a comma itself."""
    return ", ".join(map(_typed, tags))


def _typed(tag: str) -> str:
    doubled = tag.replace('"', '""')
    return f'"{doubled}"' if "," in tag or tag.startswith(('"', "[")) else tag


def read_tags(text: str) -> list[str]:
    """The tags of such a line, or of a YAML list in one line: "[a, b]"."""
    if listed := _YAML_LIST.fullmatch(text):
        text = _QUOTED.sub(r'"\1"', listed[1])
    typed = (quoted.replace('""', '"') or bare for quoted, bare in _TYPED_TAG.findall(text))
    return [tag for each in typed if (tag := each.strip())]
