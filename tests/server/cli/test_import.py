"""`zettel import`: shown first, done after a word, once, and whatever interrupts it."""

import json
import re
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.server.engine_homes import ask, home_at
from tests.server.processes import PATIENCE_S
from tests.tools.imports.exports import CHATGPT, zipped

from zettel.server.commands.imports import (
    ImportRequest,
    has_work,
    importing,
    preview_text,
    report_output,
)
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.progress import no_progress
from zettel.storage.store import NoteFilter
from zettel.tools.imports.write import ImportReport

PEERS = Path(__file__).parents[2] / "tools" / "imports" / "peers"


@pytest.fixture
def farm(tmp_path: Path) -> Settings:
    """The settings of a store that is not there yet."""
    store, state = str(tmp_path / "store"), str(tmp_path / "state")
    return Settings(store=store, model="hash", namespace="farm", erasures=state)


def nobody_waits() -> None:
    """Called if another process imports."""
    raise AssertionError


async def done(settings: Settings, source: Path) -> ImportReport:
    """Import without asking."""
    async with importing(settings, ImportRequest(source=source)) as work:
        report = await work.run(no_progress, nobody_waits)
    assert report is not None
    return report


async def count(settings: Settings) -> int:
    """Notes of the store, in any state."""
    async with opened(settings) as memory:
        return await memory.store.count(NoteFilter(states=()))


async def test_a_preview_says_what_the_import_then_does_and_stores_nothing(farm: Settings) -> None:
    request = ImportRequest(source=PEERS / "mcp-memory-service.db")
    async with importing(farm, request) as work:
        preview = await work.preview(no_progress)
        said = preview_text(preview).splitlines()
    assert await count(farm) == 0

    report = await done(farm, request.source)

    assert said[:3] == [
        "mcp-memory-service, into namespace 'farm':",
        "  3 to store: 2 episodic, 1 semantic",
        "  1 link",
    ]
    assert "  2 skipped: 1 replaced there by a newer version, 1 deleted there" in said
    assert said[-3].startswith("  e.g. semantic  2025-10-09  The staging database")
    assert (report.stored, report.links) == (preview.stored, preview.links) == (3, 1)
    assert await count(farm) == 3


async def test_a_file_without_anything_of_the_format_that_was_named_says_so(
    farm: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text('{"not": "a conversation"}')
    request = ImportRequest(source=tmp_path / "a.json", format="chatgpt")
    async with importing(farm, request) as work:
        shown = preview_text(await work.preview(no_progress))
        report = await work.run(no_progress, nobody_waits)

    assert report is not None
    for told in (shown, report_output(report, dry=False).text):
        assert "nothing in it is of this format; --from names another" in told


async def test_what_was_done_is_told_with_the_way_back(farm: Settings) -> None:
    report = await done(farm, PEERS / "server-memory.jsonl")
    output = report_output(report, dry=False)

    assert f"zettel undo {report.run_id}" in output.text
    assert "the embedding model worked for" in output.text
    data = json.loads(output.render(as_json=True))
    assert isinstance(data, Mapping)
    assert (data["stored"], data["kinds"], data["dry_run"]) == (7, {"semantic": 7}, False)
    again = report_output(await done(farm, PEERS / "server-memory.jsonl"), dry=False)
    assert again.text.splitlines()[1:] == ["  0 stored", "  7 imported before"]


async def test_a_file_that_is_damaged_at_its_end_is_refused_before_anything_is_stored(
    farm: Settings, tmp_path: Path
) -> None:
    items = [{"id": str(n), "memory": f"memory {n}"} for n in range(1_200)]
    file = tmp_path / "export.json"
    file.write_text(json.dumps(items)[:-9], encoding="utf-8")

    with pytest.raises(InvalidArgumentError, match="is not whole JSON"):
        await done(farm, file)

    assert await count(farm) == 0


async def test_text_of_a_source_cannot_order_the_terminal_about(
    farm: Settings, tmp_path: Path
) -> None:
    hostile = "\x1b[2J\x9b31m\u202e\r\nzettel: forged"
    lines = [
        {"type": "entity", "name": hostile, "entityType": hostile, "observations": [hostile]},
        {"type": hostile},
    ]
    file = tmp_path / f"memory{hostile.replace('/', '')[:4]}.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    async with importing(farm, ImportRequest(source=file)) as work:
        preview = await work.preview(no_progress)
        shown = [preview_text(preview), report_output(preview, dry=True).render(as_json=False)]
    report = report_output(await done(farm, file), dry=False)
    shown.append(report.render(as_json=False))

    for text in shown:
        assert not any(character in text for character in "\x1b\x9b\r")
        assert not any(line.startswith("zettel:") for line in text.splitlines())


async def test_what_was_cut_out_of_a_page_is_archived_and_the_report_says_so(
    farm: Settings, tmp_path: Path
) -> None:
    page, long = tmp_path / "CLAUDE.md", "Tests run before a push. " * 60
    deploy, house = f"## Deploy\n{long}\n", f"# House\n{long}\n"
    page.write_text(f"{house}## Style\nNames are nouns.\n{deploy}")
    assert (await done(farm, page)).stored == 3

    page.write_text(f"{house}## Style\nNames are nouns.\n")
    async with importing(farm, ImportRequest(source=page)) as work:
        preview = await work.preview(no_progress)
    assert has_work(preview)
    assert "  2 imported before and no longer there, to be archived" in preview_text(preview)
    report = await done(farm, page)

    said = report_output(report, dry=False)
    assert "  2 imported before and no longer there, archived" in said.text.splitlines()
    async with opened(farm) as memory:
        (note,) = await memory.store.find(NoteFilter(), limit=9)
    assert note.content.endswith("Names are nouns.")


def test_nothing_is_imported_until_the_word_is_typed(tmp_path: Path) -> None:
    with home_at(tmp_path / "store") as home:

        def use(typed: bytes, *arguments: str) -> tuple[int, str, str]:
            source = str(PEERS / "mem0-get-all.json")
            process = home.spawn("import", source, "--namespace", "farm", *arguments).popen
            out, err = process.communicate(typed, PATIENCE_S)
            return process.returncode, out.decode(), err.decode()

        refused = use(b"no\n")
        imported = use(b"import\n")

    assert (refused[0], refused[1]) == (4, "")
    assert "3 to store: 3 semantic" in refused[2]
    assert (imported[0], imported[1].splitlines()[1]) == (0, "  3 stored: 3 semantic")
    assert "importing: 3 of 3" in imported[2]


@pytest.mark.slow
def test_an_import_beside_an_engine_is_recalled_by_its_clients(tmp_path: Path) -> None:
    with home_at(tmp_path / "store") as home:
        client = home.attach()
        ask(client, 2, "remember", content="The tram is late", namespace="farm")
        for number, source in enumerate((PEERS / "basic-memory", PEERS / "mempalace")):
            done = home.run("import", str(source), "--namespace", "farm", "--yes", "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["stored"] == (7, 11)[number]

        answer = ask(client, 3, "recall", query="How does Ada like her coffee?", namespace="farm")
        chat = home.run("import", str(zipped(tmp_path / "a.zip", CHATGPT)), "--yes", "--json")

        assert isinstance(answer["notes"], list)
        # By its own text: evolution may have linked others to it by now, with a line of it.
        notes = (n for n in answer["notes"] if isinstance(n, dict))
        (note,) = [n for n in notes if "Ada likes it black" in str(n["content"])]
        assert note["trust"] == 0.5
        assert json.loads(chat.stdout)["kinds"] == {"episodic": 2}
        (home.store / "config.toml").chmod(0o600)
        assert home.run("doctor").returncode == 0


@pytest.fixture
def in_the_foreground() -> Iterator[None]:
    """Processes begun here hear SIGINT, though a shell began these tests in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.usefixtures("in_the_foreground")
def test_an_import_that_is_stopped_says_where_and_the_command_that_goes_on(tmp_path: Path) -> None:
    size = 2_000
    file = tmp_path / "export.json"
    items = [{"id": str(n), "memory": f"memory number {n} of many"} for n in range(size)]
    file.write_text(json.dumps(items), encoding="utf-8")
    options = ("import", str(file), "--namespace", "farm", "--yes")
    with home_at(tmp_path / "store", fresh=True) as home:
        for number, reached in ((signal.SIGTERM, 0), (signal.SIGINT, 500)):
            process = home.spawn(*options).popen
            assert process.stderr is not None
            assert any(line.startswith(b"importing: %d" % reached) for line in process.stderr)
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE_S)

            assert (process.returncode, out) == (130, b"")
            stopped = re.search(r"^zettel: Stopped: ([\d,]+) of 2,000 stored", err.decode(), re.M)
            assert stopped is not None, err
            assert f"To go on: zettel {shlex.join(options)}\n" in err.decode()
            assert number is signal.SIGTERM or int(stopped[1].replace(",", "")) >= 500

        done = home.run(*options)
        runs = [json.loads(line) for line in home.run("runs", "--json").stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    ended = [run["outcome"] for run in reversed(runs) if run["kind"] == "import"]
    assert ended in (["cancelled", "done"], ["cancelled", "cancelled", "done"])
    assert sum(run["counts"]["stored"] for run in runs if run["kind"] == "import") == size


@pytest.mark.slow
def test_an_import_that_is_killed_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    size, kills = 3_000, 2
    file = tmp_path / "export.json"
    items = [{"id": str(n), "memory": f"memory number {n} of many"} for n in range(size)]
    file.write_text(json.dumps(items), encoding="utf-8")
    options = ("import", str(file), "--namespace", "farm", "--yes", "--json")
    with home_at(tmp_path / "store") as home:
        for kill in range(1, kills + 1):
            process = home.spawn(*options).popen
            assert process.stderr is not None
            # These are committed; it is in the midst of the next two batches, or at their end.
            reached = f"importing: {kill * 1_000} of {size}".encode()
            assert any(line.startswith(reached) for line in process.stderr)
            process.kill()
            process.wait(PATIENCE_S)

        done = home.run(*options)

        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["stored"] + report["unchanged"] == size
        assert report["unchanged"] >= kills * 1_000
        listed = home.run(
            "--in-process", "list", "--namespace", "farm", "--all", "--json"
        ).stdout.splitlines()
        texts = [json.loads(line)["content"] for line in listed]
        assert sorted(texts) == sorted(item["memory"] for item in items)
        assert json.loads(home.run(*options).stdout)["unchanged"] == size
        runs = [json.loads(line) for line in home.run("runs", "--json").stdout.splitlines()]
        outcomes = [run["outcome"] for run in runs if run["kind"] == "import"]
        assert outcomes == ["done", *["begun"] * kills]
        (home.store / "config.toml").chmod(0o600)
        doctor = home.run("doctor", "--json")
        assert doctor.returncode == 0, doctor.stdout
