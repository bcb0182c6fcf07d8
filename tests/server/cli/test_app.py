"""The command line for people."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from mcp import Client
from tests.server.processes import Launcher, environment

from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.version import VERSION
from zettel.server.engine.takeover import take_over
from zettel.server.main import main, stdio_flags


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Launcher, str]]:
    """A store with one active note in `farm`, one forgotten and one elsewhere; the active id."""
    with ExitStack() as running:
        launcher = Launcher(store=tmp_path_factory.mktemp("farm") / "store", running=running)
        yield launcher, anyio.run(_tell_of_the_farm, launcher)


async def _tell_of_the_farm(launcher: Launcher) -> str:
    async with Client(launcher.parameters(ZETTEL_SETTLE_SECONDS="3600")) as client:
        ids: list[str] = []
        for content, namespace in (
            ("Ana keeps bees in Ulm", "farm"),
            ("Bob keeps hens", "farm"),
            ("a tram", "town"),
        ):
            told = await client.call_tool(
                "remember", {"content": content, "namespace": namespace, "subject": "Ana"}
            )
            ids.append(told.structured_content["note_id"])
        await client.call_tool("forget", {"note_ids": [ids[1]]})
    return ids[0]


async def _tell_what_waits(launcher: Launcher) -> None:
    """Tell a note that nobody evolves by himself: what precedes the model an engine does."""
    async with Client(launcher.parameters(ZETTEL_SETTLE_SECONDS="3600")) as client:
        await client.call_tool("recall", {"query": "bees", "namespace": "farm"})
        await to_thread.run_sync(launcher.run, "evolve", "--once")
        await client.call_tool("remember", {"content": "Cem keeps goats", "namespace": "goats"})


def use(monkeypatch: pytest.MonkeyPatch, store: Path, *arguments: str) -> int:
    """Run the command line in this process as far as its exit; the status."""
    monkeypatch.setenv("ZETTEL_STORE", str(store))
    monkeypatch.setattr(sys, "argv", ["zettel", "--in-process", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_list_prints_every_active_note_of_the_namespace(farm: tuple[Launcher, str]) -> None:
    zettel, note_id = farm
    lines = zettel.run("list", "--namespace", "farm").stdout.splitlines()
    (note,) = map(
        json.loads, zettel.run("--namespace", "farm", "list", "--json").stdout.splitlines()
    )

    assert [line.split()[0] for line in lines] == [note_id[-7:]]
    assert "Ana keeps bees in Ulm" in lines[0]
    assert (note["note_id"], note["content"]) == (note_id, "Ana keeps bees in Ulm")


def test_show_prints_one_note(farm: tuple[Launcher, str]) -> None:
    zettel, note_id = farm
    page = zettel.run("show", note_id.lower())
    note = json.loads(zettel.run("show", note_id, "--json").stdout)

    assert page.stdout.startswith("Ana keeps bees in Ulm\n")
    assert (note["note_id"], note["subject"]) == (note_id, "Ana")
    assert note["origin"]["transport"] == "stdio"


def test_show_of_an_unknown_note_fails_in_one_line(farm: tuple[Launcher, str]) -> None:
    done = farm[0].run("show", "01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_evolve_prints_one_json_object_and_a_second_run_changes_nothing(
    farm: tuple[Launcher, str],
) -> None:
    arguments = ("evolve", "--once", "--json", "--now", "2026-11-20T09:00:00Z")
    anyio.run(_tell_what_waits, farm[0])
    first, second = (json.loads(farm[0].run(*arguments).stdout) for _ in range(2))

    assert first.keys() >= {"run_id", "changed", "created", "steps", "llm"}
    assert (first["evolve_off"], first["llm_off"]) == ([], [])
    assert first["changed"] > 0
    assert (second["changed"], second["created"]) == (0, 0)
    assert second["run_id"] != first["run_id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nonsense",), "nonsense"),
        (("evolve",), "--once or --dry-run"),
        (("evolve", "--once", "--dry-run"), "--once or --dry-run"),
        (("list", "--namespace", "../up"), "setting namespace: '../up'"),
        (("evolve", "--once", "--now", "yesterday"), "'yesterday' is no ISO 8601 time"),
        (("serve", "--port", "99999"), "setting port: '99999'"),
        (("serve", "--port", "http"), "--port"),
        (("--bogus",), "--bogus"),
        (("--store",), "--store"),
    ],
)
def test_a_wrong_use_exits_with_2_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    assert use(monkeypatch, tmp_path, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_wrong_option_of_the_stdio_server_exits_with_2(tmp_path: Path) -> None:
    zettel = Launcher(store=tmp_path / "store", running=ExitStack())
    done = zettel.run("--in-process", "--protocol", "modern")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("zettel: setting protocol: 'modern' cannot be used.")


def test_a_store_that_is_a_file_is_unavailable(zettel: Launcher) -> None:
    zettel.store.touch()
    done = replace(zettel, fresh=True).run("list")

    assert done.returncode == 3
    assert "is a file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="engines of POSIX")
def test_the_version_of_the_stores_engine_is_told_beside_ones_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = Rendezvous(str(tmp_path / "store"))
    place.prepare()
    engine_lock = take_over(place, "unix", "")
    assert engine_lock is not None
    place.write_record(place.read_record() | {"version": "9.8.7"})

    assert use(monkeypatch, tmp_path / "store", "--version") == 0
    engine_lock.release()
    own, engine = capsys.readouterr().out.splitlines()
    assert own == VERSION
    assert engine == f"engine: 9.8.7, process {os.getpid()}"


def test_version_and_help_need_no_store(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = tmp_path / "store"

    assert use(monkeypatch, store, "--version") == 0
    assert capsys.readouterr().out.strip().count(".") == 2
    assert use(monkeypatch, store, "--help") == 0
    usage = capsys.readouterr().out
    commands = (
        "serve status stop recall evolve undo runs history backup restore doctor list show".split()
    )
    assert all(command in usage for command in commands)
    assert not store.exists()


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ([], {}),
        (["--store", "a", "--protocol=legacy"], {"store": "a", "protocol": "legacy"}),
        (["--log-level", "debug"], {"log_level": "debug"}),
        (["--in-process", "--store", "a"], {"in_process": "yes", "store": "a"}),
        (["--in-process=no"], None),
        (["--store"], None),
        (["--store", "a", "list"], None),
        (["serve"], None),
        (["--help"], None),
        (["store", "a"], None),
    ],
)
def test_only_stdio_options_mean_the_stdio_server(
    arguments: list[str], flags: dict[str, str] | None
) -> None:
    assert stdio_flags(arguments) == flags


@pytest.mark.slow
def test_the_stdio_path_imports_nothing_heavy_before_it_serves(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "import zettel.server.transports.stdio.server, zettel.server.config.settings\n"
        "import zettel.server.observability.logs\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment(tmp_path),
    )

    for heavy in ("lancedb", "pyarrow", "torch", "sentence_transformers", "typer"):
        assert f"'{heavy}'" not in done.stdout


def test_commands_that_ask_the_engine_and_hooks_import_nothing_heavy(tmp_path: Path) -> None:
    of_engine = "engine forget graph hooks listing recall review writing".split()
    script = (
        "import sys\n"
        "import zettel.server.cli.app\n"
        f"from zettel.server.commands import {', '.join(of_engine)}\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment(tmp_path),
    )

    for heavy in ("mcp", "starlette", "lancedb", "pyarrow", "numpy", "rich"):
        assert f"'{heavy}'" not in done.stdout


def test_listing_a_store_that_is_not_there_says_so_and_makes_none(zettel: Launcher) -> None:
    result = zettel.run("list")

    assert result.returncode == 3
    assert "holds no notes yet" in result.stderr
    assert not zettel.store.exists()
