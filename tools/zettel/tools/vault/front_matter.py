"""The front matter of a Markdown file: read, and renewed in the form that a person gave it."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeAlias, TypeGuard, cast

import yaml

FRONT_MAX_CHARACTERS = 65_536
"""Of a front matter: 64 tags and 64 links of the greatest length have some 50,000."""

_FENCE = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes texts, lists and mappings alone, and a text of every scalar: no date, no object."""
_Composer = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Tells a number from a text, so that each is written as it was."""
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Value: TypeAlias = str | list[str]
"""Of a key."""


def split_front(text: str) -> tuple[str | None, str]:
    """The front matter without its fences, None if there is none, and what follows it."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found = _FENCE.match(text)
    return (found[1], text[found.end() :]) if found else (None, text)


def read_front(front: str) -> dict[str, Value]:
    """The keys of a front matter.

    Raises:
        ValueError: It cannot be read; the text says why.
    """
    if len(front) > FRONT_MAX_CHARACTERS:
        message = f"its front matter has more than {FRONT_MAX_CHARACTERS:,} characters"
        raise ValueError(message)
    try:
        said: object = yaml.load(front, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        message = f"its front matter is no YAML ({line[:120]})"
        raise ValueError(message) from None
    if said is None or said == "":
        return {}
    if not _is_mapping(said):
        message = "its front matter is no list of keys and values"
        raise ValueError(message)
    keys = dict[str, Value]()
    for key, value in said.items():
        if not isinstance(value, str) and not _is_texts(value):
            message = f"{str(key)[:40]!r} holds something else than text or a list of texts"
            raise ValueError(message)
        keys[str(key)] = value
    return keys


def renew_front(front: str, said: Mapping[str, int | Value]) -> str:
    """A front matter that says something else, as far as it does not in the form it has.

    Keys stay in their order with the comments behind them; a new one comes behind the one that it
    follows in `said`.

    Args:
        front: What stands in the file, as `read_front` takes it.
        said: All keys that it is to have.
    """
    there, previous = read_front(front), ""
    told = {key: str(value) if isinstance(value, int) else value for key, value in said.items()}
    order = [key for key in there if key in said]
    for key in said:
        if key not in there:
            order.insert(order.index(previous) + 1 if previous else 0, key)
        previous = key
    head, texts = _as_written(front)
    new = {key: dump_front({key: said[key]}) for key in order if told[key] != there.get(key)}
    renewed = head + "".join((texts | new)[key] for key in order)
    if not _says(renewed, told):
        # Such as keys in braces, or what stood at an anchor of a former value.
        renewed = "".join((_serialized(front) | new)[key] for key in order)
    return renewed


def dump_front(said: Mapping[str, int | Value]) -> str:
    """Keys and values as YAML for other programs, too."""
    return yaml.dump(
        dict(said), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000
    )


def _as_written(front: str) -> tuple[str, dict[str, str]]:
    """What stands before the first key, and the text of each key up to the next one."""
    pairs = _pairs(front)
    starts = [*(key.start_mark.index for key, _ in pairs), len(front)]
    texts = {
        str(key.value): front[start:end]
        for (key, _), (start, end) in zip(pairs, pairwise(starts), strict=True)
    }
    return front[: starts[0]], texts


def _serialized(front: str) -> dict[str, str]:
    """The text of each key, with nothing of the others."""
    return {
        str(key.value): yaml.serialize(  # pyright: ignore[reportUnknownMemberType] untyped nodes
            yaml.MappingNode("tag:yaml.org,2002:map", [(key, value)], flow_style=False),
            Dumper=_Dumper,
            allow_unicode=True,
            width=1_000_000,
        )
        for key, value in _pairs(front)
    }


def _pairs(front: str) -> list[tuple[yaml.Node, yaml.Node]]:
    found = cast("object", yaml.compose(front, Loader=_Composer))  # pyright: ignore[reportUnknownMemberType] untyped nodes
    return found.value if isinstance(found, yaml.MappingNode) else []


def _says(front: str, said: Mapping[str, Value]) -> bool:
    try:
        return read_front(front) == said
    except ValueError:
        return False


def _is_mapping(value: object) -> TypeGuard[dict[object, object]]:
    return isinstance(value, dict)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)  # pyright: ignore[reportUnknownVariableType]
