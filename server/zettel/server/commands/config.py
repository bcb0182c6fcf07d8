"""`zettel config`: every setting with its value and where that comes from, and setting one."""

import ast
import inspect
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import tomlkit

from zettel.server.commands.output import Output, printable
from zettel.server.config import limits, settings
from zettel.server.config.addresses import without_password
from zettel.server.config.errors import VARIABLE_PREFIX, read_stored
from zettel.server.config.files import TOML_ENCODING, read_toml, replace_file
from zettel.server.config.settings import (
    EXPECTED,
    Settings,
    checked_setting,
    config_file,
    secret_settings,
)
from zettel.server.config.trust import confirm, unconfirmed_settings
from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.tools.state.retention_policy import check_rules
from zettel.tools.validation import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLine:
    """One setting as it is in force for this command."""

    name: str
    value: str
    """For people; of a secret one whether it is set."""
    source: str


def setting_lines(found: Settings, flags: Collection[str] = ()) -> list[SettingLine]:
    """Every setting, in the order in which they are declared; `flags` names those of flags.

    Raises:
        MisconfiguredError: The store's file cannot be read.
    """
    file = config_file(found.store)
    stored, idle = read_stored(file), unconfirmed_settings(file)

    def source(name: str) -> str:
        return "flag" if name in flags else _source(found, name, stored, idle)

    return [
        SettingLine(name=name, value=_shown(found, name), source=source(name))
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
    takes = EXPECTED.get(known, "text in UTF-8 that is not empty")
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
        InvalidArgumentError: The value cannot be used, or the file cannot be written.
    """
    known = known_setting(name)
    file = config_file(found.store)
    if known == "store":
        problem, remedy = "a store's file cannot name a store", "Use --store or ZETTEL_STORE."
        raise InvalidArgumentError(known, problem, remedy)
    value = checked_setting(known, text)
    _check_servable(found, known, value)
    _change(file, known, value)
    shown = "its value" if known in secret_settings() else json.dumps(value, ensure_ascii=False)
    said = f"{known} is {shown} in {file}. What runs for the store takes it after zettel stop."
    return Output({"name": known, "file": str(file)}, printable(said))


def _check_servable(found: Settings, name: str, value: object) -> None:
    """Refuse what is read as a setting and with which nothing would start.

    Raises:
        InvalidArgumentError: It is that.
    """
    from zettel.server.config.preflight.checks import host_refusals  # noqa: PLC0415  imports numpy

    if name == "retain_days":
        check_rules(cast("dict[str, float]", value))
    elif name == "host":
        for refusal in host_refusals(found.model_copy(update={"host": value})):
            raise refusal


def unset_setting(found: Settings, name: str) -> Output:
    """Take a setting out of the store's config.toml, so that its default holds again.

    Raises:
        UnknownNameError: There is no such setting.
        InvalidArgumentError: The file cannot be written.
    """
    known = known_setting(name)
    file = config_file(found.store)
    there = known in read_stored(file)
    if there:
        _change(file, known, None)
        said = f"{known} is no longer in {file}. What runs for the store goes by its default after"
        said = f"{said} zettel stop."
    else:
        said = f"{known} is not in {file}; nothing was changed. zettel config says what sets it."
    return Output({"name": known, "file": str(file), "unset": there}, printable(said))


def _change(file: Path, name: str, value: object) -> None:
    """Write a setting into a store's file, or take it out if it has no value; the rest stays."""
    before, in_force = read_stored(file), not unconfirmed_settings(file)
    document = tomlkit.parse(read_toml(file).decode(TOML_ENCODING) if before else "")
    if value is None:
        document.remove(name)
    else:
        document[name] = value
    try:
        replace_file(file, tomlkit.dumps(document))
    except OSError as error:
        problem, remedy = f"it cannot be written ({error})", "Check the store's directory."
        raise InvalidArgumentError(str(file), problem, remedy) from None
    if in_force:
        confirm(file)
