"""`zettel install` and `zettel uninstall`: Zettel's entry and hooks in the files of a client."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import cast

import platformdirs
import tomlkit
from tomlkit.exceptions import TOMLKitError

from zettel.server.commands.hooks import SHELL_WORD, find_hook_client, hook_entries
from zettel.server.commands.output import Output
from zettel.server.config.files import replace_file
from zettel.server.config.settings import Settings
from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.tools.printable import printable_lines
from zettel.tools.validation import nearest

ENTRY_NAME = "zettel"
"""Name of the server in every client."""

ZETTEL = "Zettel"

Entry = dict[str, object]
"""A server as a client's file describes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """A client and where it reads its MCP servers for all projects of the user."""

    title: str
    file: Callable[[], Path]
    section: str = "mcpServers"
    """Key of the table of servers in the file."""
    typed: bool = False
    """Whether an entry names its transport in `type`."""
    hooks_file: Callable[[], Path] | None = None
    """Where it reads the hooks of the user, if it runs any that are known here."""


def _under(variable: str, default: str, name: str) -> Path:
    """A file in a folder of the user's home that a variable may replace."""
    return Path(os.environ.get(variable) or Path.home() / default) / name


CLIENTS: Mapping[str, McpClient] = {
    "claude-code": McpClient(
        title="Claude Code",
        file=lambda: _under("CLAUDE_CONFIG_DIR", "", ".claude.json"),
        typed=True,
        hooks_file=lambda: _under("CLAUDE_CONFIG_DIR", ".claude", "settings.json"),
    ),
    "claude-desktop": McpClient(
        title="Claude Desktop",
        file=lambda: _settings_folder("Claude") / "claude_desktop_config.json",
    ),
    "codex": McpClient(
        title="Codex",
        file=lambda: _under("CODEX_HOME", ".codex", "config.toml"),
        section="mcp_servers",
        hooks_file=lambda: _under("CODEX_HOME", ".codex", "hooks.json"),
    ),
    "cursor": McpClient(
        title="Cursor",
        file=lambda: Path.home() / ".cursor" / "mcp.json",
        hooks_file=lambda: Path.home() / ".cursor" / "hooks.json",
    ),
    "gemini-cli": McpClient(
        title="Gemini CLI",
        file=lambda: Path.home() / ".gemini" / "settings.json",
        hooks_file=lambda: Path.home() / ".gemini" / "settings.json",
    ),
    "vscode": McpClient(
        title="VS Code",
        file=lambda: _settings_folder("Code") / "User" / "mcp.json",
        section="servers",
        typed=True,
    ),
    "windsurf": McpClient(
        title="Windsurf",
        file=lambda: Path.home() / ".codeium" / "windsurf" / "mcp_config.json",
    ),
}
"""By the name on the command line; the files are those of the clients' own documentation."""


def _settings_folder(application: str) -> Path:
    return Path(platformdirs.user_config_dir(application, appauthor=False, roaming=True))


def find_client(name: str) -> McpClient:
    """The client of a name.

    Raises:
        UnknownNameError: It is not known; the message lists those that are.
    """
    plain = name.strip().lower()
    if plain in CLIENTS:
        return CLIENTS[plain]
    near = nearest(plain, CLIENTS)
    meant = f"Did you mean {near}? " if near else ""
    others = "For any other, zettel serve prints what to paste."
    raise UnknownNameError(
        "client", name[:80], CLIENTS, f"{meant}The clients are {', '.join(CLIENTS)}. {others}"
    )


def command_path() -> str:
    """The path of the command `zettel` that belongs to this interpreter."""
    beside = Path(sys.executable).with_name("zettel")
    return str(beside) if beside.exists() else (shutil.which("zettel") or "zettel")


def store_arguments(settings: Settings) -> list[str]:
    """The arguments that name a store, for a client that passes on hardly any environment."""
    store = settings.store
    if "://" not in store:
        store = str(Path(store).expanduser().absolute())
    return ["--store", store]


def make_entry(client: McpClient, settings: Settings) -> Entry:
    """The entry for a client; it names the store and the namespace only where they were given."""
    command, *arguments = server_command(settings)
    entry: Entry = {"command": command, "args": arguments}
    return {"type": "stdio", **entry} if client.typed else entry


def server_command(settings: Settings) -> list[str]:
    """The command that reaches the memory of these settings, and the options that name it."""
    arguments = store_arguments(settings) if "store" in settings.model_fields_set else []
    if settings.namespace:
        arguments += ["--namespace", settings.namespace]
    return [command_path(), *arguments]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """A change of a client's file."""

    client: McpClient
    file: Path
    what: str
    verb: str
    """What it adds or takes out, and "is" or "are"."""
    adds: bool
    change: Callable[[str], str]
    """From the file's text to the new one."""
    by_hand: str
    """What a person would write; empty for what is taken out."""
    old: str
    new: str

    @property
    def diff(self) -> str:
        """The change as a unified diff; empty if there is none."""
        old, new, name = self.old.splitlines(), self.new.splitlines(), str(self.file)
        return "\n".join(unified_diff(old, new, name, name, lineterm=""))


def plan_edit(client: McpClient, entry: Entry | None) -> FileEdit:
    """Plan to write Zettel's entry into a client's file, or with None to take it out.

    Raises:
        InvalidArgumentError: The file cannot be read, or is not what the client's file should be.
    """
    file = client.file()
    write = _with_toml if file.suffix == ".toml" else _with_json
    return _planned(
        client,
        file,
        ZETTEL,
        lambda text: write(text, client.section, entry),
        {client.section: {ENTRY_NAME: entry}} if entry else None,
    )


def plan_hooks(name: str, client: McpClient, zettel: Sequence[str]) -> FileEdit:
    """Plan to have a client run Zettel's hooks, or without a command that it does not.

    `zettel` as of `hook_command`.

    Raises:
        UnknownNameError: It runs no hooks that are known here.
        InvalidArgumentError: The file cannot be read, or is not what the client's file should be.
    """
    find_hook_client(name)
    assert client.hooks_file is not None
    wanted = hook_entries(zettel, name) if zettel else {}
    return _planned(
        client,
        client.hooks_file(),
        "Zettel's hooks",
        lambda text: _with_hooks(text, name, wanted),
        {"hooks": wanted} if zettel else None,
    )


def _planned(
    client: McpClient, file: Path, what: str, change: Callable[[str], str], by_hand: object
) -> FileEdit:
    """The change of a file; everything else in it stays as it is."""
    shown = json.dumps(by_hand, ensure_ascii=False) if by_hand else ""
    old = _read(file)
    try:
        new = change(old)
    except (ValueError, TypeError, RecursionError, TOMLKitError) as error:
        raise _unusable(file, f"it cannot be read ({error})", shown) from None
    return FileEdit(
        client=client,
        file=file,
        what=what,
        verb="is" if what == ZETTEL else "are",
        adds=bool(shown),
        change=change,
        by_hand=shown,
        old=old,
        new=new,
    )


def read_entry(client: McpClient) -> Entry | None:
    """Zettel's entry in a client's file; None if it has none.

    Raises:
        InvalidArgumentError: The file cannot be read.
    """
    file = client.file()
    text = _read(file)
    try:
        document: Mapping[str, object] = (
            tomlkit.parse(text.removeprefix("\ufeff")).unwrap()
            if file.suffix == ".toml"
            else _parsed(text)
        )
        found = _servers(document, client.section).get(ENTRY_NAME)
    except (ValueError, TypeError, RecursionError, TOMLKitError) as error:
        raise _unusable(file, f"it cannot be read ({error})", "") from None
    return cast("Entry", found) if isinstance(found, dict) else None


def read_hook(name: str, client: McpClient) -> str:
    """The line of a shell that a client runs at its events; empty if it runs none of Zettel's.

    Raises:
        InvalidArgumentError: Its file cannot be read.
    """
    file = client.hooks_file() if client.hooks_file else None
    text = _read(file) if file else ""
    found = re.search(rf'"command": ?"((?:[^"\\]|\\.)*zettel(?:[^"\\]|\\.)* hook {name})"', text)
    return str(json.loads(f'"{found[1]}"')) if found else ""


def write_edit(edit: FileEdit) -> FileEdit:
    """Write the change, made anew in what the file holds now: clients write theirs, too.

    The file is replaced whole or not at all, keeps its permissions, and stays a link if it is one.

    Raises:
        InvalidArgumentError: It cannot be written.
    """
    old = _read(edit.file)
    try:
        now = replace(edit, old=old, new=edit.change(old))
        if now.new != now.old:
            replace_file(now.file, now.new, keep_mode=True)
    except (OSError, ValueError, TypeError, RecursionError, TOMLKitError) as error:
        raise _unusable(edit.file, f"it cannot be written ({error})", edit.by_hand) from None
    return now


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        problem, remedy = f"it cannot be read ({error})", "Check the file, then call again."
        raise InvalidArgumentError(str(file), problem, remedy) from None


def _unusable(file: Path, problem: str, by_hand: str) -> InvalidArgumentError:
    remedy = f"Nothing was changed. By hand, add {by_hand}." if by_hand else "Nothing was changed."
    return InvalidArgumentError(str(file), problem, remedy)


def _servers(document: Mapping[str, object], section: str) -> Mapping[str, object]:
    """The table of servers.

    Raises:
        TypeError: It is no table.
    """
    servers = document.get(section, {})
    if not isinstance(servers, Mapping):
        message = f"{section} is not a table of servers"
        raise TypeError(message)
    return cast("Mapping[str, object]", servers)


def _with_json(text: str, section: str, entry: Entry | None) -> str:
    """JSON with the entry in its section, indented as the text is."""
    document = _parsed(text)
    servers = dict(_servers(document, section))
    wanted = entry and _merged(servers.get(ENTRY_NAME), entry)
    if servers.get(ENTRY_NAME) == wanted:
        return text
    if wanted is None:
        del servers[ENTRY_NAME]
    else:
        servers[ENTRY_NAME] = wanted
    document[section] = servers
    return _formatted_as(text, document)


def _merged(known: object, entry: Entry) -> Entry:
    """The entry with what else a person set in one that starts Zettel, such as `env`."""
    found = cast("Entry", known) if isinstance(known, dict) else {}
    return {**found, **entry} if "command" in found else entry


def _with_hooks(text: str, name: str, wanted: Mapping[str, Sequence[Entry]]) -> str:
    """JSON with these hooks of Zettel's and no others; those of others stay."""
    document = _parsed(text)
    hooks = document.get("hooks", {})
    if not isinstance(hooks, dict):
        message = "its hooks are not a table"
        raise TypeError(message)
    known = cast("dict[str, object]", hooks)
    kept = dict[str, object]()
    for event, entries in known.items():
        others = [left for each in _listed(entries) for left in _of_others(each, name)]
        if others or event in wanted or not entries:
            kept[event] = others
    for event, entries in wanted.items():
        kept[event] = [*_listed(kept.get(event, [])), *entries]
    if kept == known:
        return text
    if not text.strip() and name == "cursor":
        document["version"] = 1  # which its file must name
    document["hooks"] = kept
    return _formatted_as(text, document)


def _listed(entries: object) -> list[object]:
    """The hooks of an event.

    Raises:
        TypeError: They are no list.
    """
    if not isinstance(entries, list):
        message = "the hooks of an event are not a list"
        raise TypeError(message)
    return cast("list[object]", entries)


_HOOK_OF = (
    rf"(?:^|[/\\ '\"])zettel(?:-mcp)?(?:\.exe)?['\"]?(?: --(?:store|namespace) {SHELL_WORD})*"
)


def _of_others(entry: object, name: str) -> list[object]:
    """A hook, or a group of them, without those that run Zettel's command for this client."""
    found = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    inner = found.get("hooks")
    if isinstance(inner, list) and inner:
        hooks = cast("list[object]", inner)
        left = [hook for each in hooks for hook in _of_others(each, name)]
        return [entry if left == hooks else {**found, "hooks": left}] if left else []
    command = found.get("command")
    is_own = isinstance(command, str) and re.search(rf"{_HOOK_OF} hook {name}$", command)
    return [] if is_own else [entry]


def _formatted_as(text: str, document: Mapping[str, object]) -> str:
    """JSON with the indent, line ends and escapes of a text."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    indent = found[1] if found else "  "
    escaped = text.isascii() and "\\u" in text
    new = json.dumps(document, indent=indent, ensure_ascii=escaped, allow_nan=False)
    return _in_form_of(text, new + ("\n" if not text or text.endswith("\n") else ""))


def _parsed(text: str) -> dict[str, object]:
    """The object that JSON text holds; empty for no text.

    Raises:
        ValueError: It is no JSON, or one key stands twice, of which one would be lost.
        TypeError: It is no object.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(found := dict(pairs)) < len(pairs):
            message = "a key stands in it twice"
            raise ValueError(message)
        return found

    text = text.removeprefix("\ufeff")
    found: object = json.loads(text, object_pairs_hook=unique) if text.strip() else {}
    if not isinstance(found, dict):
        message = "it holds no JSON object"
        raise TypeError(message)
    return cast("dict[str, object]", found)


def _with_toml(text: str, section: str, entry: Entry | None) -> str:
    """TOML with the entry in its section; comments, order and line ends stay."""
    plain = text.replace("\r\n", "\n") if _has_crlf(text) else text
    document = tomlkit.parse(plain.removeprefix("\ufeff"))
    known = _servers(document.unwrap(), section).get(ENTRY_NAME)
    wanted = entry and _merged(known, entry)
    if known == wanted:
        return text
    if section not in document:
        document[section] = tomlkit.table(is_super_table=True)
    servers = cast("MutableMapping[str, object]", document[section])
    if entry is None:
        del servers[ENTRY_NAME]
    elif wanted != entry:  # what else is in it keeps its comments
        cast("MutableMapping[str, object]", servers[ENTRY_NAME]).update(entry)
    else:
        servers[ENTRY_NAME] = entry
    return _in_form_of(text, tomlkit.dumps(document))


def _in_form_of(text: str, new: str) -> str:
    """A new text with the byte order mark and the line ends of the old one."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    return mark + (new.replace("\n", "\r\n") if _has_crlf(text) else new)


def _has_crlf(text: str) -> bool:
    """Whether every line ends in CRLF; of a text with both ends each line keeps its own."""
    return 0 < text.count("\n") == text.count("\r\n")


def edit_output(edit: FileEdit, *, name: str, written: bool) -> Output:
    """The printed result, or preview."""
    title, verb = edit.client.title, "would be" if not written else edit.verb
    if edit.new == edit.old:
        text = f"{edit.what} {edit.verb} {'already in' if edit.adds else 'not in'} {edit.file}."
    else:
        place = "in" if edit.adds else "gone from"
        text = f"{edit.what} {verb} {place} {edit.file}. Restart {title}."
    data = {
        "client": name,
        "file": str(edit.file),
        "changed": edit.new != edit.old,
        "written": written and edit.new != edit.old,
        "diff": edit.diff,
    }
    return Output(data, printable_lines(text))
