"""Writes the generated part of settings.md, cli.md and tools.md; `make docs` runs it.

Above the marker a page is written by hand and stays; below it everything comes from the code: the
settings classes and the docstrings under their fields, the command line, the tools' schemas.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import typer
from pydantic import BaseModel, JsonValue
from typer.cli import get_docs_for_click
from typer.core import TyperGroup
from typer.main import get_command

from zettel.server.cli.app import app
from zettel.server.config import limits
from zettel.server.config import settings as config
from zettel.server.protocol.server import TOOLS, ToolEntry
from zettel.tools import answers, validation

DOCS = Path(__file__).parent
MARKER = "<!-- make docs writes everything below this line -->\n"
"""Ends the part of a page that is written by hand."""

Schema = dict[str, JsonValue]
"""A JSON schema, or a part of one."""

_LONGEST_FIELD = f"at most {validation.MAX_FIELD:,} characters"
_LONGEST_NAME = f"at most {validation.MAX_NAME} characters"
_LONGEST_LIST = f"at most {validation.MAX_LIST}"
BOUNDS = {
    "content": f"at most {validation.MAX_CONTENT:,} characters"
    f" ({validation.MAX_DOCUMENT:,} of remember, in linked parts)",
    "query": f"at most {validation.MAX_QUERY:,} characters",
    "context": _LONGEST_FIELD,
    "source": _LONGEST_FIELD,
    "reason": _LONGEST_FIELD,
    "subject": _LONGEST_NAME,
    "session": _LONGEST_NAME,
    "tags": f"{_LONGEST_LIST}, each {_LONGEST_NAME}",
    "note_ids": _LONGEST_LIST,
    "links": _LONGEST_LIST,
    "limit": f"1 to {validation.MAX_LIMIT}",
    "max_tokens": f"{validation.MIN_TOKENS} to {validation.MAX_TOKENS:,}",
    "namespace": f"`{validation.NAMESPACE.pattern}`",
}
"""Bounds of the tools' arguments; `zettel.tools.validation` enforces them."""

DESCRIBED_DEFAULTS = {
    "store": "the platform's user data directory + `zettel`",
    "erasures": "the platform's state directory + `zettel`",
    "namespace": "the project, else `user`",
    "session": "one for each process on stdio",
}
"""Defaults that depend on the machine or the client."""

SETTINGS_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Store and notes", ("store", "erasures", "namespace", "session", "secrets", "durability")),
    ("Trust", ("trusted_",)),
    ("Models and recall", ("model", "embed_backend", "embed_device", "reranker", "found_from")),
    (
        "Evolution",
        (
            *(
                "evolve_minutes",
                "settle_seconds",
                "archive_below",
                "working_notes",
                "consolidate",
                "evolve_off",
            ),
            "retain_days",
        ),
    ),
    ("An LLM", ("llm_",)),
    ("Engine, protocol and logs", ("idle_minutes", "ipc", "protocol", "log_")),
    ("HTTP and SSE", ("host", "port", "allowed_", "tls_")),
    ("An authorization server", ("oauth_",)),
    ("Limits and quotas", ("",)),
)
"""Headings of settings.md, each with the beginnings of its settings' names; the first match
counts."""


def main() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


def with_introduction(name: str, generated: str) -> str:
    """A page: its hand-written part as it is, the marker, and what was generated."""
    introduction, marker, _ = (DOCS / name).read_text(encoding="utf-8").partition(MARKER)
    assert marker, f"docs/{name} has no line {MARKER!r}"
    return f"{introduction}{MARKER}\n{generated.rstrip()}\n"


def settings_page() -> str:
    """settings.md: every setting with its type, bounds, default and meaning."""
    meanings = field_docstrings(config) | field_docstrings(limits)
    properties = members(config.Settings.model_json_schema(), "properties")
    rows: dict[str, list[str]] = {title: [] for title, _ in SETTINGS_SECTIONS}
    for name in config.Settings.model_fields:
        [title, *_] = [
            title for title, begins in SETTINGS_SECTIONS if name.startswith(tuple(begins))
        ]
        schema = members(properties, name)
        meaning = linked(meanings[f"{_owner(name)}.{name}"])
        rows[title].append(
            row(f"`ZETTEL_{name.upper()}`", default_of(name, schema), type_of(schema), meaning)
        )
    head = table_head("variable", "default", "type", "meaning")
    return "\n".join(
        f"## {title}\n\n{head}{''.join(lines)}" for title, lines in rows.items() if lines
    )


def _owner(name: str) -> str:
    """The class in whose body a setting stands."""
    return next(c.__name__ for c in config.Settings.__mro__ if name in inspect.get_annotations(c))


def cli_page() -> str:
    """cli.md: every command with its arguments and options."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    _show_whole_help(group)
    context = typer.Context(group, info_name="zettel")  # pyright: ignore[reportArgumentType]  the two classes have one base
    told = get_docs_for_click(obj=group, ctx=context, indent=1, name="zettel")
    told = re.sub(r" +$", "", told, flags=re.M)
    told = re.sub(r"\x08\nExamples:\n((?:  .+\n)+)", _example_block, told)
    return re.sub(r"\n\n\n+", "\n\n", told)


def _example_block(found: re.Match[str]) -> str:
    """The examples of a help as a block of shell."""
    return f"Examples:\n\n```sh\n{textwrap.dedent(found[1])}```\n"


def _show_whole_help(group: TyperGroup) -> None:
    """Have lists of commands show the whole first line of each one's help, not 45 characters."""
    for command in group.commands.values():
        command.short_help = (command.help or "").partition("\n")[0]
        if isinstance(command, TyperGroup):
            _show_whole_help(command)


def tools_page() -> str:
    """tools.md: the four tools with their arguments and the shapes of their answers."""
    parts: dict[str, Schema] = {}
    sections = list[str]()
    for name, entry in TOOLS.items():
        sections.append(_tool(name, entry))
        parts |= definitions(entry.advertised.output_schema or {})
    shapes = "\n".join(
        f"### {name}\n\n{answer_table(name, schema)}" for name, schema in sorted(parts.items())
    )
    return "\n".join((*sections, "## Parts of answers\n", shapes))


def _tool(name: str, entry: ToolEntry) -> str:
    tool, hints = entry.advertised, entry.advertised.annotations
    assert hints is not None
    told = {
        "read-only": hints.read_only_hint,
        "destructive": hints.destructive_hint,
        "idempotent": hints.idempotent_hint,
        "open world": hints.open_world_hint,
    }
    listed = ", ".join(f"{hint}: {'yes' if yes else 'no'}" for hint, yes in told.items())
    output = tool.output_schema or {}
    return (
        f"## {name}\n\n{tool.description}\n\nAnnotations: {listed}.\n\n"
        f"{argument_table(entry.arguments)}\n"
        f"Answer:\n\n{answer_table(str(output['title']), output)}"
    )


def argument_table(model: type[BaseModel]) -> str:
    """The arguments of a tool, in the order they are advertised in."""
    schema: Schema = model.model_json_schema()
    lines = [table_head("argument", "type", "default", "bounds", "meaning")]
    for name in members(schema, "properties"):
        value = members(members(schema, "properties"), name)
        default = value.get("default")
        shown = "" if default is None else f"`{_json(default)}`"
        lines.append(
            row(
                f"`{name}`",
                type_of(value, definitions(schema)),
                "required" if name in listed(schema, "required") else shown,
                BOUNDS.get(name, ""),
                str(value.get("description", "")),
            )
        )
    return "".join(lines)


def answer_table(name: str, schema: Schema) -> str:
    """The keys of an answer, or of a part of one."""
    meanings = field_docstrings(answers)
    lines = [table_head("key", "type", "always there", "meaning")]
    for key in members(schema, "properties"):
        value = members(members(schema, "properties"), key)
        there = "yes" if key in listed(schema, "required") else ""
        lines.append(row(f"`{key}`", type_of(value), there, meanings.get(f"{name}.{key}", "")))
    return "".join(lines)


def field_docstrings(module: ModuleType) -> dict[str, str]:
    """The docstrings under the fields of a module's classes, by `Class.field`."""
    found: dict[str, str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{field}": text for field, text in _docstrings(node.body)}
    return found


def _docstrings(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(told))),
            ):
                yield name, " ".join(told.split())
            case _:
                pass


def definitions(schema: Schema) -> dict[str, Schema]:
    """The schemas that a schema refers to, by name."""
    return {name: members(members(schema, "$defs"), name) for name in members(schema, "$defs")}


def members(schema: Schema, key: str) -> Schema:
    """An object inside a schema; empty where there is none."""
    inner = schema.get(key)
    return inner if isinstance(inner, dict) else {}


def listed(schema: Schema, key: str) -> list[JsonValue]:
    """A list inside a schema; empty where there is none."""
    inner = schema.get(key)
    return inner if isinstance(inner, list) else []


def type_of(schema: Schema, parts: Mapping[str, Schema] | None = None) -> str:
    """A type in words, with its bounds.

    Args:
        schema: Of the value.
        parts: For a tool's argument: the schemas it refers to, whose keys are named; bounds have a
            column of their own there. None elsewhere: parts are linked to.
    """
    kinds = [kind for kind in listed(schema, "anyOf") if isinstance(kind, dict)]
    if kinds:
        return " or ".join(type_of(kind, parts) for kind in kinds if kind.get("type") != "null")
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if parts is None:
            return f"[{name}](#{name.lower()})"
        return "{" + ", ".join(f"`{key}`" for key in members(parts[name], "properties")) + "}"
    if values := listed(schema, "enum"):
        return ", ".join(f"`{value}`" for value in values)
    match schema.get("type"):
        case "array":
            return f"list of {type_of(members(schema, 'items'), parts)}"
        case "object":
            inner = members(schema, "additionalProperties")
            return f"table of {type_of(inner)}" if inner else "table"
        case "integer" | "number" as kind:
            named = "whole number" if kind == "integer" else "number"
            return f"{named}{_range(schema)}" if parts is None else named
        case "boolean":
            return "`true` or `false`"
        case "string":
            longest = schema.get("maxLength")
            return f"text, at most {longest} characters" if longest and parts is None else "text"
        case _:
            return "any"


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    bounds = [
        f"from {least}" if least is not None else "",
        f"above {above}" if above is not None else "",
        f"to {most}" if most is not None else "",
        f"below {below}" if below is not None else "",
    ]
    told = " ".join(filter(None, bounds))
    return f", {told}" if told else ""


def default_of(name: str, schema: Schema) -> str:
    """A setting's default as a variable would give it."""
    default = schema.get("default")
    if name in DESCRIBED_DEFAULTS:
        return DESCRIBED_DEFAULTS[name]
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return "none" if default in (None, "", []) else f"`{_json(default)}`"


def _json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def linked(text: str) -> str:
    """Turn the names of pages in a docstring into links from `docs/`."""
    return re.sub(r"docs/([\w/-]+\.md)((?:#[\w-]+)?)", r"[\1](\1\2)", text)


def table_head(*titles: str) -> str:
    """The first two lines of a table."""
    return row(*titles) + "|" + "---|" * len(titles) + "\n"


def row(*cells: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": lambda: with_introduction("settings.md", settings_page()),
    "cli.md": lambda: with_introduction("cli.md", cli_page()),
    "tools.md": lambda: with_introduction("tools.md", tools_page()),
}
"""Generated pages by file name."""


if __name__ == "__main__":
    main()
