"""`zettel config`: every setting with its value and where that comes from, and setting one."""

import ast
import inspect
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zettel.server.commands.output import Output, printable
from zettel.server.config import limits, settings
from zettel.server.config.addresses import without_password
from zettel.server.config.errors import VARIABLE_PREFIX, read_stored
from zettel.server.config.settings import (
    EXPECTED,
    Settings,
    checked_setting,
    config_file,
    secret_settings,
)
from zettel.server.config.trust import confirm, unconfirmed_settings
from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.tools.validation import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLine:
    """One setting as it is in force for this command."""

    name: str
    value: str
    """For people; of a secret one whether it is set."""
    source: str


def setting_lines(found: Settings) -> list[SettingLine]:
    """Every setting, in the order in which they are declared.

    Raises:
        MisconfiguredError: The store's file cannot be read.
    """
    file = config_file(found.store)
    stored, idle = read_stored(file), unconfirmed_settings(file)
    return [
        SettingLine(name=name, value=_shown(found, name), source=_source(found, name, stored, idle))
        for name in Settings.model_fields
    ]


def _shown(found: Settings, name: str) -> str:
    value: object = getattr(found, name)
    if name in secret_settings():
        return "(set)" if value else "(not set)"
    if isinstance(value, tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return without_password(str(value)) if value not in (None, "") else "-"


def _source(
    found: Settings, name: str, stored: Mapping[str, object], unconfirmed: Sequence[str]
) -> str:
    variable = f"{VARIABLE_PREFIX}{name.upper()}"
    if any(key.upper() == variable and value for key, value in os.environ.items()):
        return variable
    if name in unconfirmed:
        return "default; config.toml is not confirmed"
    if name in stored:
        return "config.toml"
    return "flag" if name in found.model_fields_set else "default"


def settings_output(lines: Sequence[SettingLine]) -> list[Output]:
    """One printed line each."""
    width = max(len(line.name) for line in lines)
    return [
        Output(
            {"name": line.name, "value": line.value, "source": line.source},
            printable(f"{line.name:<{width}}  {line.value}  ({line.source})"),
        )
        for line in lines
    ]


def explain(found: Settings, name: str) -> Output:
    """What a setting means, takes and is.

    Raises:
        UnknownNameError: There is no such setting; the message names the nearest.
    """
    known = known_setting(name)
    line = next(line for line in setting_lines(found) if line.name == known)
    meaning = _meanings()[known]
    takes = EXPECTED.get(known, "text that is not empty")
    text = f"{known} = {line.value}  ({line.source})\n{meaning}\nTakes {takes}."
    data = {"name": known, "value": line.value, "source": line.source, "meaning": meaning}
    return Output(data, text)


def known_setting(name: str) -> str:
    """A setting's name, also given as its variable or flag.

    Raises:
        UnknownNameError: There is none.
    """
    plain = name.strip().lstrip("-").lower().replace("-", "_")
    plain = plain.removeprefix(VARIABLE_PREFIX.lower())
    if plain in Settings.model_fields:
        return plain
    near = nearest(plain, Settings.model_fields)
    meant = f"Did you mean {near}? " if near else ""
    raise UnknownNameError(
        "setting", name[:80], Settings.model_fields, f"{meant}zettel config lists them."
    )


def _meanings() -> dict[str, str]:
    """The text under each field of the settings' classes."""
    found = dict[str, str]()
    for module in (settings, limits):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.ClassDef):
                for field, text in zip(node.body, node.body[1:], strict=False):
                    match field, text:
                        case (
                            ast.AnnAssign(target=ast.Name(id=name)),
                            ast.Expr(value=ast.Constant(value=str(words))),
                        ):
                            found[name] = " ".join(words.split())
                        case _:
                            pass
    return found


def set_setting(found: Settings, name: str, text: str) -> Output:
    """Write a setting into the store's config.toml; all else in it stays as it is.

    A file whose settings were all in force before is in force as it is now.

    Raises:
        UnknownNameError: There is no such setting.
        InvalidArgumentError: The value cannot be used, or the file has to be edited by hand.
    """
    known = known_setting(name)
    file = config_file(found.store)
    if known == "store":
        problem, remedy = "a store's file cannot name a store", "Use --store or ZETTEL_STORE."
        raise InvalidArgumentError(known, problem, remedy)
    value = checked_setting(known, text)
    before, in_force = read_stored(file), not unconfirmed_settings(file)
    old = file.read_text(encoding="utf-8") if before else ""
    new = _with_line(old, known, f"{known} = {_toml(value)}")
    try:
        written: object = tomllib.loads(new)[known]
    except (ValueError, KeyError):
        written = None
    if written != json.loads(json.dumps(value)) or _others(new, known) != _others(old, known):
        problem = f"{file} sets it over several lines"
        raise InvalidArgumentError(known, problem, f"Change it there, to {_toml(value)}.")
    _replace(file, new)
    if in_force:
        confirm(file)
    shown = "its value" if known in secret_settings() else _toml(value)
    said = f"{known} is {shown} in {file}. What runs for the store takes it after zettel stop."
    return Output({"name": known, "file": str(file)}, printable(said))


def _others(text: str, name: str) -> dict[str, object]:
    try:
        return {key: value for key, value in tomllib.loads(text).items() if key != name}
    except ValueError:
        return {"": None}


def _with_line(text: str, name: str, line: str) -> str:
    """The file with this line in the place of the old one, else before the first table."""
    head, table, rest = re.fullmatch(r"(?s)(.*?)((?:^[ \t]*\[.*)?)()", text, re.MULTILINE).groups()  # pyright: ignore[reportOptionalMemberAccess]: matches any text
    own = re.compile(rf"^[ \t]*{name}[ \t]*=.*$", re.MULTILINE)
    if own.search(head):
        return own.sub(lambda _: line, head, count=1) + table + rest
    return (head.rstrip("\n") + "\n" if head.strip() else "") + line + "\n" + table + rest


def _toml(value: object) -> str:
    if isinstance(value, dict):
        entries: dict[str, object] = value  # pyright: ignore[reportUnknownVariableType]: of a field
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in entries.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            os.replace(written, file)
        except BaseException:
            os.unlink(written)
            raise
    except OSError as error:
        problem, remedy = f"it cannot be written ({error})", "Check the store's directory."
        raise InvalidArgumentError(str(file), problem, remedy) from None
