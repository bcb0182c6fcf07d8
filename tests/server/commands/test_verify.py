"""`zettel verify-erased`, from the command line, on what the real server has kept."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.machinery import ModuleSpec
from pathlib import Path

import anyio
import pytest
from mcp import Client
from tests.object_server import Objects
from tests.server.cli.test_app import use
from tests.server.processes import Launcher, environment, run_zettel
from tests.storage.canaries import delete_plainly

from zettel.server.commands.verify import verify_output
from zettel.storage.lance.store import open_store
from zettel.storage.verify.report import FileKind, MatchKind, Unread, VerifyFinding, VerifyReport

SAID = "The quick xylophone of Mr Brzęczyk jumps over nine lazy hedgehogs"
THEN = "The slow bassoon of Mr Brzęczyk trips over seven busy aardvarks"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Launcher, str, str]]:
    """A note with words of its own everywhere, changed twice, linked, recalled and evolved."""
    with ExitStack() as running:
        launcher = Launcher(store=tmp_path_factory.mktemp("told") / "store", running=running)
        note_id, other = anyio.run(_tell, launcher)
        assert launcher.run("evolve", "--once").returncode == 0
        yield launcher, note_id, other


async def _tell(launcher: Launcher) -> tuple[str, str]:
    async with Client(launcher.parameters(ZETTEL_SETTLE_SECONDS="3600")) as client:

        async def call(name: str, **arguments: object) -> dict[str, object]:
            told = await client.call_tool(name, arguments)
            assert not told.is_error, told
            return told.structured_content

        other = await call("remember", content="Bob keeps hens in Ulm")
        note = await call(
            "remember",
            content=SAID,
            context="what a canary sang of contexts",
            subject="Zyxwvut",
            tags=["canarytag"],
            session="canary-session",
            source="file:///canary",
            links=[{"to": other["note_id"], "relation": "canary relation"}],
        )
        note_id = note["note_id"]
        await call("update", note_id=note_id, tags=["canarytag", "second"], reason="canary reason")
        await call("update", note_id=note_id, content=THEN)
        await call("recall", query="bassoon of Mr Brzęczyk")
        await call(
            "update", note_id=other["note_id"], links=[{"to": note_id, "relation": "shares_name"}]
        )
    assert isinstance(note_id, str)
    return note_id, str(other["note_id"])


def written(folder: Path, *texts: str) -> list[str]:
    """Options that name each text in a file of its own."""
    options = list[str]()
    for at, text in enumerate(texts):
        (folder / f"{at}.txt").write_text(text + "\n", encoding="utf-8")
        options += ["--text", str(folder / f"{at}.txt")]
    return options


@pytest.mark.slow
def test_what_a_plain_deletion_leaves_of_a_note_is_named_place_by_place(
    told: tuple[Launcher, str, str], tmp_path: Path
) -> None:
    zettel, note_id, other = told
    texts = written(tmp_path, SAID, THEN)
    anyio.run(delete_plainly, zettel.store, note_id)
    done = zettel.run("verify-erased", "--id", note_id.lower(), *texts, "--json")
    report = json.loads(done.stdout)
    found = {(finding["kind"], finding["what"]) for finding in report["findings"]}

    assert done.returncode == 1
    assert not report["gone"]
    assert report["unread"] == []
    assert found >= {
        *(("data", what) for what in ("id", "text", "vector")),
        ("scalar index", "id"),
        ("scalar index", "text"),
        ("full-text index", "term"),
        ("transaction", "id"),
        ("manifest", "id"),
    }
    # The link from the other note, which a plain deletion does not know of.
    assert [f["column"] for f in report["findings"] if f["live"] and f["note_id"] == other]
    assert "xylophone" not in done.stdout


@pytest.mark.slow
def test_nothing_is_left_of_a_note_once_it_is_erased(tmp_path: Path) -> None:
    texts = written(tmp_path, SAID, THEN, "what a canary sang of contexts", "canary relation")
    with ExitStack() as running:
        zettel = Launcher(store=tmp_path / "store", running=running)
        note_id, _ = anyio.run(_tell, zettel)
        (zettel.store / "config.toml").write_text("consolidate = true\n", encoding="utf-8")
        assert zettel.run("evolve", "--once").returncode == 0
        look = ("verify-erased", "--id", note_id, *texts, "--json")
        before = json.loads(zettel.run(*look).stdout)

        erased = zettel.run("forget", "--erase", note_id, "--confirm", "erase", "--json")
        # A command under load ends before its files are gone: then evolution removes them.
        assert zettel.run("evolve", "--once").returncode == 0
        done = zettel.run(*look)

    assert {"data", "full-text index"} <= {finding["kind"] for finding in before["findings"]}
    assert json.loads(erased.stdout)["status"] in {"erased", "erasing"}, erased.stderr
    report = json.loads(done.stdout)
    assert (report["findings"], report["unread"], report["elsewhere"]) == ([], [], [])
    assert done.returncode == 0


def test_nothing_is_found_of_what_was_never_told_while_an_engine_serves(
    told: tuple[Launcher, str, str], tmp_path: Path
) -> None:
    texts = written(tmp_path, "an okapi plays forgotten concertos")
    with told[0].running.pop_all() as running:
        launcher = Launcher(store=told[0].store, running=running)
        launcher.serve()
        done = launcher.run("verify-erased", "--id", "01ARZ3NDEKTSV4RRFFQ69G5FAV", *texts)

    assert done.stdout.startswith("Nothing found. Looked at ")
    assert done.returncode == 0


def test_a_file_that_cannot_be_decoded_leaves_it_unproven(
    told: tuple[Launcher, str, str], tmp_path: Path
) -> None:
    (tmp_path / "notes.lance" / "data").mkdir(parents=True)
    (tmp_path / "notes.lance" / "data" / "x.lance").write_bytes(b"no pages")
    options = ("--store", str(tmp_path), "--id", told[1])
    done = told[0].run("verify-erased", *options, "--json")
    report = json.loads(done.stdout)

    assert done.returncode == 3
    assert {unread["path"] for unread in report["unread"]} == {
        "notes.lance",
        "notes.lance/data/x.lance",
    }


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "lance" else real(name, package)

    monkeypatch.setattr("zettel.storage.verify.report.find_spec", without)

    assert use(monkeypatch, tmp_path, "verify-erased", "--id", "01ARZ3NDEKTSV4RRFFQ69G5FAV") == 3
    assert "pip install 'zettel-mcp[verify]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "--id ID or --text FILE"),
        (("--id", "nonsense"), 2, "'nonsense' is no note id"),
        (("--text", "no-such-file"), 2, "'no-such-file' cannot be read"),
        (("--id", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), 3, "holds no notes yet"),
        (("--id", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--store", "db://s"), 3, "its provider"),
    ],
)
def test_what_it_cannot_look_into_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert use(monkeypatch, tmp_path, "verify-erased", *arguments) == code
    assert words in capsys.readouterr().err


def test_a_text_is_refused_if_the_model_of_the_stores_vectors_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def make() -> None:
        await (await open_store(str(tmp_path / "store"), model_id="gone@1", dim=4)).close()

    anyio.run(make)
    monkeypatch.setenv("ZETTEL_MODEL", "all-MiniLM-L6-v2")
    texts = written(tmp_path, SAID)

    assert use(monkeypatch, tmp_path / "store", "verify-erased", *texts) == 3
    assert "'gone@1' made the store's vectors and is not found here" in capsys.readouterr().err


def test_a_report_says_where_it_is_who_else_says_so_and_what_is_not_proven() -> None:
    finding = VerifyFinding(
        path="notes.lance/data/1.lance",
        kind=FileKind.DATA,
        what=MatchKind.TEXT,
        column="content",
        note_id="A",
        live=True,
    )
    report = VerifyReport(
        findings=[finding],
        elsewhere=["B"],
        unread=[Unread(path="x.bin", problem="it is unfinished")],
        files=2,
        size=1234,
    )

    assert verify_output(report).text.splitlines() == [
        "notes.lance/data/1.lance (data): text in content of A, in use",
        "Other notes hold the same words: B.",
        "Erase them as well, or pass --spare for each one that may.",
        "x.bin: not decoded, it is unfinished",
        "Nothing is proven of files that could not be decoded.",
        "Still there. Looked at 2 files, 1,234 bytes.",
    ]


def test_help_does_not_wait_for_the_decoder() -> None:
    code = (
        "import sys, zettel.server.cli.app; print('lance' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]


def test_what_only_other_notes_hold_is_not_called_gone() -> None:
    report = VerifyReport(findings=[], elsewhere=["B"], unread=[], files=3, size=12)

    said = verify_output(report)

    assert "Nothing found but in other notes. Looked at 3 files" in said.text
    assert "Other notes hold the same words: B." in said.text


@pytest.mark.slow
def test_on_an_object_store_every_object_is_decoded_where_it_lies(
    objects: Objects, tmp_path: Path
) -> None:
    env = environment(tmp_path) | {"ZETTEL_STORE": (uri := objects.new_uri())}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_zettel("--in-process", *arguments, env=env, cwd=tmp_path)

    assert run("verify-erased", "--id", "01ARZ3NDEKTSV4RRFFQ69G5FAV").returncode == 3
    note = json.loads(run("add", SAID, "--json").stdout)
    assert run("add", "Bob keeps hens in Ulm").returncode == 0
    before = run("verify-erased", "--id", note["note_id"], *written(tmp_path, SAID))
    assert before.returncode == 1
    assert "Still there." in before.stdout
    erased = run("forget", "--erase", note["note_id"], "--confirm", "erase")
    assert erased.returncode == 0, erased.stderr

    after = run("verify-erased", "--id", note["note_id"], *written(tmp_path, SAID))

    assert after.returncode == 0, after
    assert "Nothing found." in after.stdout
    assert "Older versions of objects" in after.stdout
    sound = run("doctor")
    assert (sound.returncode, sound.stdout) == (0, f"{uri}: nothing is wrong.\n")
