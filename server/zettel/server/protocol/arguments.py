"""Reading a call's arguments: lenient in form, strict in meaning, always in our own words.

Clients really send JSON text where a list or number is due, one string for a list of one, and
null for what they leave out. Text is never decoded: a note may be JSON.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import UnionType
from typing import Literal, TypeVar, get_args, get_origin

from pydantic import JsonValue

from zettel.server.protocol.schemas import Arguments
from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.tools.validation import nearest

A = TypeVar("A", bound=Arguments)

SHOWN = 80
"""Characters of a refused value that its message repeats."""


def read_arguments(
    model: type[A], given: Mapping[str, JsonValue], *, owner: str, within: str = ""
) -> A:
    """Turn what a client sent into a tool's arguments.

    Args:
        model: The tool's arguments, or one link's.
        given: As parsed from JSON; null means absent.
        owner: Who takes the arguments, for messages: `recall`, `a link`.
        within: Path of the object inside the arguments, for messages; empty at the top.

    Raises:
        UnknownNameError: An argument is not known; the message names the nearest.
        InvalidArgumentError: A value has the wrong type, or a required one is missing.
    """
    fields = model.model_fields
    clean: dict[str, object] = {}
    for name, value in given.items():
        if name not in fields:
            raise _unknown(name, fields, owner)
        annotation = fields[name].annotation
        path = f"{within}{name}"
        read = None if value is None else _reader(annotation)(path, value, annotation)
        if read is not None:
            clean[name] = read
    for name, field in fields.items():
        if field.is_required() and name not in clean:
            path = f"{within}{name}"
            raise InvalidArgumentError(
                path, "it is missing", f"Pass it: {owner} cannot do without."
            )
    return model.model_validate(clean)


def _unknown(name: str, fields: Iterable[str], owner: str) -> UnknownNameError:
    near = nearest(name, fields)
    meant = f"Did you mean {near!r}? " if near else ""
    return UnknownNameError(
        "argument", name[:SHOWN], fields, f"{meant}{owner} takes {', '.join(fields)}."
    )


Reader = Callable[[str, JsonValue, object], object]


def _reader(annotation: object) -> Reader:
    """Choose how to read a value from the annotation of its field."""
    kind = _plain(annotation)
    if get_origin(kind) is list:
        return _read_names if get_args(kind)[0] is str else _read_links
    if kind is bool:
        return _read_flag
    return _read_number if kind is int else _read_text


def _plain(annotation: object) -> object:
    """The type of a field without `None`."""
    if isinstance(annotation, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _read_text(path: str, value: JsonValue, annotation: object) -> object:
    text = _valid_text(path, value)
    kind = _plain(annotation)
    if get_origin(kind) is Literal:
        choices: Sequence[str] = get_args(kind)
        text = text.strip().casefold()
        if text not in choices:
            near = nearest(text, choices)
            meant = f"Did you mean {near!r}? " if near else ""
            raise UnknownNameError(
                path, text[:SHOWN], choices, f"{meant}Pass one of {', '.join(choices)}."
            )
    return text


def _read_number(path: str, value: JsonValue, _annotation: object) -> object:
    number = _decoded(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    raise _wrong(path, value, "a whole number", f'Pass a JSON number, as in "{path}": 10.')


def _read_flag(path: str, value: JsonValue, _annotation: object) -> object:
    flag = _decoded(value.casefold() if isinstance(value, str) else value)
    if flag is None or isinstance(flag, bool):
        return flag
    raise _wrong(path, value, "true or false", f'Pass "{path}": true, or leave it out.')


def _read_names(path: str, value: JsonValue, _annotation: object) -> object:
    items = _as_list(value, of=str)
    if items is None:
        return None
    if not isinstance(items, list):
        raise _wrong(path, value, "a list of strings", f'Pass "{path}": ["one", "two"].')
    return [_valid_text(f"{path}[{index}]", item) for index, item in enumerate(items)]


def _read_links(path: str, value: JsonValue, annotation: object) -> object:
    model = get_args(_plain(annotation))[0]
    assert issubclass(model, Arguments)
    items = _as_list(value, of=dict)
    if items is None:
        return None
    example = f'Pass "{path}": [{{"to": "<note id>", "relation": "supports"}}].'
    if not isinstance(items, list):
        raise _wrong(path, value, "a list of objects", example)
    links: list[Arguments] = []
    for index, item in enumerate(items):
        link, place = _decoded(item), f"{path}[{index}]"
        if not isinstance(link, dict):
            raise _wrong(place, item, "an object", example)
        links.append(read_arguments(model, link, owner="a link", within=f"{place}."))
    return links


def _as_list(value: JsonValue, *, of: type[str] | type[dict[str, JsonValue]]) -> JsonValue:
    """A list, from itself, from JSON text, or from the one thing it should hold."""
    decoded = _decoded(value)
    if decoded is None or isinstance(decoded, list):
        return decoded
    if decoded == "":
        return []
    if isinstance(decoded, of):
        return [decoded]
    # The text `123` or `true` as a tag means itself.
    return [value] if of is str and isinstance(value, str) else decoded


def _decoded(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _valid_text(path: str, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _wrong(path, value, "text", "Pass a JSON string.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            path, "it holds half a surrogate pair", "Send valid Unicode text."
        ) from None
    return value


def _wrong(path: str, value: JsonValue, expected: str, remedy: str) -> InvalidArgumentError:
    shown = json.dumps(value)
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
    return InvalidArgumentError(path, f"{shown} is not {expected}", remedy)
