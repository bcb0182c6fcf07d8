"""`zettel install`, `uninstall` and `doctor --client`: a client's own file, and what it starts."""

import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from subprocess import CompletedProcess
from typing import cast

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.processes import Launcher

from zettel.server.commands.clients import (
    CLIENTS,
    ENTRY_NAME,
    Entry,
    McpClient,
    plan_edit,
    read_entry,
    write_edit,
)
from zettel.storage.errors import InvalidArgumentError

ENTRY: Entry = {"command": "/opt/zettel", "args": ["--namespace", "bees"]}
OTHER: Entry = {"command": "other", "args": []}


def client_of(file: Path, section: str = "mcpServers") -> McpClient:
    return McpClient(title="A client", file=lambda: file, section=section)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a client keeps its servers; nothing is there."""
    return tmp_path / "of client" / "mcp.json"


def install(file: Path) -> None:
    write_edit(plan_edit(client_of(file), ENTRY))


def uninstall(file: Path) -> None:
    write_edit(plan_edit(client_of(file), None))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
servers = st.dictionaries(st.text(max_size=5).filter(lambda name: name != ENTRY_NAME), json_values)


@settings(max_examples=30)
@given(before=st.dictionaries(st.text(max_size=5), json_values), others=servers)
def test_whatever_else_a_file_holds_stays_when_zettel_comes_and_goes(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, object], others: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("client") / "mcp.json"
    held = {**before, "mcpServers": others}
    file.write_text(json.dumps(held), encoding="utf-8")

    install(file)
    assert json.loads(file.read_text("utf-8")) == {
        **held,
        "mcpServers": {**others, ENTRY_NAME: ENTRY},
    }
    uninstall(file)
    assert json.loads(file.read_text("utf-8")) == held


def test_a_file_keeps_its_indent_line_ends_and_permissions(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b'{\r\n\t"theme": "dark",\r\n\t"mcpServers": {}\r\n}\r\n')
    file.chmod(0o600)

    install(file)

    text = file.read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n")
    assert b'\r\n\t"theme": "dark",\r\n' in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_to_a_file_elsewhere_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}", encoding="utf-8")
    file.parent.mkdir()
    file.symlink_to(real)

    install(file)

    assert file.is_symlink()
    assert json.loads(real.read_text("utf-8")) == {"mcpServers": {ENTRY_NAME: ENTRY}}


@pytest.mark.parametrize(
    "text",
    [
        '{"mcpServers": {"a": 1, // mine\n}}',
        '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2}}',
        '{"mcpServers": ["a"]}',
        "[]",
        '{"mcpServers": ',
        '{"large": 1e999}',
    ],
)
def test_a_file_that_cannot_be_kept_as_it_is_is_not_touched(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidArgumentError, match="Nothing was changed") as refused:
        install(file)

    assert file.read_text("utf-8") == text
    assert '"command": "/opt/zettel"' in str(refused.value)


def test_what_a_client_wrote_after_the_change_was_shown_is_not_lost(file: Path) -> None:
    shown = plan_edit(client_of(file), ENTRY)
    file.parent.mkdir()
    file.write_text(json.dumps({"mcpServers": {"other": OTHER}}), encoding="utf-8")

    write_edit(shown)

    assert json.loads(file.read_text("utf-8")) == {
        "mcpServers": {"other": OTHER, ENTRY_NAME: ENTRY}
    }


def test_what_a_person_set_in_the_entry_stays_when_zettel_is_installed_again(
    file: Path, tmp_path: Path
) -> None:
    more = {"env": {"ZETTEL_MODEL": "hash"}, "timeout": 60}
    file.parent.mkdir()
    old: Entry = {"command": "/old/zettel", "args": [], **more}
    file.write_text(json.dumps({"mcpServers": {ENTRY_NAME: old}}), encoding="utf-8")
    toml = tmp_path / "config.toml"
    kept = "startup_timeout_sec = 60 # slow disk\n"
    toml.write_text(f'[mcp_servers.zettel]\ncommand = "/old/zettel"\n{kept}', encoding="utf-8")

    install(file)
    write_edit(plan_edit(client_of(toml, section="mcp_servers"), ENTRY))

    assert json.loads(file.read_text("utf-8")) == {"mcpServers": {ENTRY_NAME: {**ENTRY, **more}}}
    assert 'command = "/opt/zettel"' in toml.read_text("utf-8")
    assert kept in toml.read_text("utf-8")


def test_an_entry_by_address_is_replaced_whole(file: Path) -> None:
    file.parent.mkdir()
    old = {"type": "http", "url": "http://127.0.0.1:8377/mcp"}
    file.write_text(json.dumps({"mcpServers": {ENTRY_NAME: old}}), encoding="utf-8")

    install(file)

    assert json.loads(file.read_text("utf-8")) == {"mcpServers": {ENTRY_NAME: ENTRY}}


def test_toml_keeps_its_byte_order_mark_and_its_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    before = '\ufeffmodel = "o"\r\n\r\n[mcp_servers.other]\r\ncommand = "x"\r\n'.encode()
    file.write_bytes(before)
    client = client_of(file, section="mcp_servers")

    write_edit(plan_edit(client, ENTRY))
    text = file.read_bytes()
    assert text.startswith(before)
    assert text.count(b"\n") == text.count(b"\r\n")
    assert read_entry(client) == ENTRY

    write_edit(plan_edit(client, None))
    assert file.read_bytes().rstrip() == before.rstrip()


def test_of_a_file_with_both_line_ends_each_line_keeps_its_own(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    before = b'model = "o"\r\n\n[mcp_servers.other]\ncommand = "x"\n'
    file.write_bytes(before)

    write_edit(plan_edit(client_of(file, section="mcp_servers"), ENTRY))

    assert file.read_bytes().startswith(before)


def test_comments_and_other_servers_stay_in_toml(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    text = '# mine\nmodel = "o"\n\n[mcp_servers.other] # why\ncommand = "x"\n'
    file.write_text(text, encoding="utf-8")
    client = client_of(file, "mcp_servers")

    write_edit(plan_edit(client, ENTRY))
    assert file.read_text("utf-8").startswith(text)
    assert read_entry(client) == ENTRY

    write_edit(plan_edit(client, None))
    assert tomlkit.parse(file.read_text("utf-8")).unwrap() == tomlkit.parse(text).unwrap()
    assert "# why" in file.read_text("utf-8")


@pytest.fixture
def zettel(tmp_path: Path) -> Launcher:
    """Commands with a home of their own."""
    return Launcher(store=tmp_path / "store", running=ExitStack())


def run(
    zettel: Launcher, *arguments: str, **settings: str
) -> "tuple[CompletedProcess[str], Mapping[str, object]]":
    """Run a command with `--json` in an empty home."""
    home = str(zettel.store.parent / "home")
    away = dict.fromkeys(("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"), "")
    done = zettel.run(*arguments, "--json", HOME=home, **away, **settings)
    answer: Mapping[str, object] = json.loads(done.stdout) if done.stdout else {}
    return done, answer


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_each_client_gets_an_absolute_command_once(zettel: Launcher, name: str) -> None:
    done, first = run(zettel, "install", name, "--yes")
    file = Path(str(first["file"]))
    read = tomlkit.parse if file.suffix == ".toml" else json.loads
    held = cast("dict[str, dict[str, Entry]]", read(file.read_text("utf-8")))

    assert (done.returncode, first["written"]) == (0, True)
    assert file.is_relative_to(zettel.store.parent / "home")
    assert os.path.isabs(str(held[CLIENTS[name].section][ENTRY_NAME]["command"]))
    assert run(zettel, "install", name)[1]["changed"] is False
    assert run(zettel, "uninstall", name, "--yes")[1]["changed"] is True


def test_what_is_there_and_what_is_not_is_said(zettel: Launcher) -> None:
    home = str(zettel.store.parent / "home")
    gone = zettel.run("uninstall", "cursor", "--yes", HOME=home)
    first = zettel.run("install", "cursor", "--yes", HOME=home)
    again = zettel.run("install", "cursor", "--yes", HOME=home)

    file = os.path.join(home, ".cursor", "mcp.json")
    assert gone.stdout == f"Zettel is not in {file}.\n"
    assert f"Zettel is in {file}. Restart Cursor." in first.stdout
    assert f"Zettel is already in {file}." in again.stdout


def test_nothing_is_written_before_the_person_said_yes(zettel: Launcher) -> None:
    asked, _ = run(zettel, "install", "cursor")
    shown, answer = run(zettel, "install", "cursor", "--dry-run")

    assert (asked.returncode, '+  "mcpServers"' in asked.stderr) == (4, True)
    assert (shown.returncode, answer["written"]) == (0, False)
    assert not Path(str(answer["file"])).exists()


def test_an_unknown_client_is_answered_with_the_nearest(zettel: Launcher) -> None:
    done, _ = run(zettel, "install", "claude-kode")

    assert (done.returncode, "Did you mean claude-code?" in done.stderr) == (2, True)


def test_doctor_starts_what_the_file_says_and_calls_the_tools(zettel: Launcher) -> None:
    run(zettel, "install", "cursor", "--yes")
    file = zettel.store.parent / "home" / ".cursor" / "mcp.json"
    held = json.loads(file.read_text("utf-8"))
    entry = held["mcpServers"][ENTRY_NAME]
    entry["args"] += ["--in-process", "--store", str(zettel.store), "--model", "hash"]
    file.write_text(json.dumps(held), encoding="utf-8")

    done, check = run(zettel, "doctor", "--client", "cursor")

    assert (done.returncode, check["problem"]) == (0, "")
    assert "tools: remember, recall, update, forget" in cast("list[str]", check["steps"])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (None, "does not know Zettel"),
        ({"command": "/nowhere/zettel", "args": []}, "No such file"),
        ({"command": sys.executable, "args": ["-c", "pass"]}, "zettel install cursor"),
        ({"url": "http://127.0.0.1:9/mcp"}, "zettel install cursor"),
        ({"env": {}}, "names neither a command nor a URL. Mend it"),
    ],
)
def test_doctor_says_why_a_client_cannot_use_zettel(
    zettel: Launcher, entry: Entry | None, problem: str
) -> None:
    file = zettel.store.parent / "home" / ".cursor" / "mcp.json"
    file.parent.mkdir(parents=True)
    held = {"mcpServers": {} if entry is None else {ENTRY_NAME: entry}}
    file.write_text(json.dumps(held), encoding="utf-8")

    done, check = run(zettel, "doctor", "--client", "cursor")

    assert done.returncode == 1
    assert problem in str(check["problem"])
