"""What happened to the notes, on the command line: runs, history, dry run, undo."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from mcp import Client
from pydantic import JsonValue, TypeAdapter
from tests.server.processes import Launcher

NOW = ("--now", "2026-11-20T09:00:00Z")
QUIET = {"ZETTEL_SETTLE_SECONDS": "3600"}
TOLD = (
    {"content": "We met Zebulon at the fair", "subject": "Ana", "tags": ["fair", "paris"]},
    {"content": "My flat is quiet now that Zebulon left", "subject": "Ana"},
)
Object = dict[str, JsonValue]
objects = TypeAdapter(Object)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A store that nobody serves, and the ids of its notes."""

    zettel: Launcher
    ids: tuple[str, ...]

    def json(self, *arguments: str) -> Object:
        """What a command prints as one JSON object."""
        done = self.zettel.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return objects.validate_json(done.stdout)

    def lines(self, *arguments: str) -> list[Object]:
        """What a command prints as one JSON object a line."""
        done = self.zettel.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [objects.validate_json(line) for line in done.stdout.splitlines()]

    def update(self, **arguments: JsonValue) -> None:
        """Change a note as an agent does."""
        anyio.run(tell, self.zettel, "update", [arguments])

    def notes(self) -> dict[str, Object]:
        """The active notes as `zettel list` shows them, but for what numbers and dates rows."""
        rows = ("rev", "known_from", "changed_by", "change", "reason", "run_id", "stage")
        return {
            str(note["note_id"]): {k: v for k, v in note.items() if k not in rows}
            for note in self.lines("list", "--namespace", "farm")
        }


async def tell(zettel: Launcher, tool: str, calls: list[Object]) -> list[str]:
    """Make calls through a server of one's own that evolves nothing; the notes' ids."""
    async with Client(zettel.parameters(**QUIET)) as client:
        answers = [await client.call_tool(tool, arguments) for arguments in calls]
    assert not any(answer.is_error for answer in answers)
    return [str(answer.structured_content["note_id"]) for answer in answers]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Two notes that name the same person."""
    with ExitStack() as running:
        zettel = Launcher(store=tmp_path / "store", running=running)
        calls: list[Object] = [{**told, "namespace": "farm"} for told in TOLD]
        yield Kept(zettel=zettel, ids=tuple(anyio.run(tell, zettel, "remember", calls)))


def files(directory: Path) -> dict[str, bytes]:
    """Every file of the store by its path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_dry_run_tells_what_the_run_then_does_and_touches_no_file(kept: Kept) -> None:
    before = files(kept.zettel.store)

    preview = kept.json("evolve", "--dry-run", *NOW)

    assert files(kept.zettel.store) == before
    run = kept.json("evolve", "--once", *NOW)
    undone = kept.json("undo", str(run["run_id"]))
    redone = kept.json("undo", str(undone["undo_id"]))
    assert [preview[name] for name in ("changed", "created", "steps")] == [
        run[name] for name in ("changed", "created", "steps")
    ]
    assert [_difference(note) for note in _notes(preview)] == [
        _difference(note) for note in _notes(redone)
    ]
    assert len(_notes(preview)) == 2
    assert kept.json("evolve", "--dry-run", *NOW)["changed"] == 0


def _notes(told: Object) -> list[Object]:
    return TypeAdapter(list[Object]).validate_python(told["notes"])


def _difference(note: Object) -> list[JsonValue]:
    return [note[name] for name in ("note_id", "line", "created", "changed")]


def test_a_dry_run_prints_a_heading_a_note_and_a_line_a_field(kept: Kept) -> None:
    done = kept.zettel.run("evolve", "--dry-run", *NOW)

    assert "Nothing was done." in done.stdout.splitlines()[0]
    assert f"  links: + about_same {kept.ids[0]}" in done.stdout.splitlines()
    assert "  entities: + Zebulon" in done.stdout.splitlines()
    assert not list((kept.zettel.store / ".engine").glob("preview-*"))


def test_a_dry_run_works_beside_a_server_that_writes(kept: Kept) -> None:
    async def both() -> list[int]:
        async with Client(kept.zettel.parameters(**QUIET)) as client:
            codes = list[int]()
            async with anyio.create_task_group() as tasks:

                async def preview() -> None:
                    done = await anyio.to_thread.run_sync(
                        lambda: kept.zettel.run("evolve", "--dry-run")
                    )
                    codes.append(done.returncode)
                    tasks.cancel_scope.cancel()

                tasks.start_soon(preview)
                for number in range(1_000):
                    told = {"content": f"note {number}", "namespace": "farm"}
                    assert not (await client.call_tool("remember", told)).is_error
            return codes

    assert anyio.run(both) == [0]


def test_undo_restores_every_note_and_evolving_again_changes_nothing(kept: Kept) -> None:
    before = kept.notes()
    run_id = str(kept.json("evolve", "--once", *NOW)["run_id"])
    assert kept.notes() != before

    undone = kept.json("undo", run_id)

    assert undone["restored"] == sorted(kept.ids)
    assert kept.notes() == before
    assert kept.json("evolve", "--once", *NOW)["changed"] == 0
    assert kept.notes() == before


def test_what_was_changed_since_is_refused_and_left_with_partial(kept: Kept) -> None:
    run_id = str(kept.json("evolve", "--once", *NOW)["run_id"])
    kept.update(note_id=kept.ids[0], tags=["fair", "lyon"])

    refused = kept.zettel.run("undo", run_id)
    assert refused.returncode == 4
    assert f"{kept.ids[0]} by" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1

    done = kept.zettel.run("undo", run_id, "--partial")
    assert done.returncode == 0
    assert f"left as it is: {kept.ids[0]}, changed by" in done.stdout


def test_an_unknown_run_is_a_wrong_use_that_names_the_newest(kept: Kept) -> None:
    run_id = str(kept.json("evolve", "--once", *NOW)["run_id"])

    done = kept.zettel.run("undo", "run-0")

    assert done.returncode == 2
    assert run_id in done.stderr


def test_runs_are_listed_newest_first(kept: Kept) -> None:
    run_id = str(kept.json("evolve", "--once", *NOW)["run_id"])
    undo_id = str(kept.json("undo", run_id)["undo_id"])

    runs = kept.lines("runs")
    lines = kept.zettel.run("runs").stdout.splitlines()

    assert [(run["run_id"], run["kind"], run["who"], run["outcome"]) for run in runs] == [
        (undo_id, "undo", "cli", "done"),
        (run_id, "evolve", "cli", "done"),
    ]
    assert [line.split()[0] for line in lines] == [undo_id, run_id]
    assert "restored 2" in lines[0]


def test_history_tells_of_every_revision_when_who_why_and_what(kept: Kept) -> None:
    note_id = kept.ids[0]
    run_id = str(kept.json("evolve", "--once", *NOW)["run_id"])
    kept.update(note_id=note_id, tags=["fair", "lyon"], reason="she moved")

    page = kept.zettel.run("history", note_id.lower()).stdout
    revisions = kept.lines("history", note_id)

    assert page.startswith(f"{note_id}  farm  active")
    assert "content: + We met Zebulon at the fair" in page
    assert f"construct by scheduler, {run_id}: derived by rule" in page
    assert "she moved" in page
    assert "  tags: + lyon, - paris" in page.splitlines()
    assert [revision["rev"] for revision in revisions] == [1, 2, 3]
    assert revisions[1]["run_id"] == run_id
    assert revisions[2]["changed"] == {"tags": {"added": ["lyon"], "removed": ["paris"]}}


def test_history_says_when_it_was_true(kept: Kept) -> None:
    note_id = kept.ids[0]
    kept.update(note_id=note_id, content="We met Zebulon at the zoo", happened_at="2026-11-25")

    page = kept.zettel.run("history", note_id).stdout
    first, second = kept.lines("history", note_id)

    assert ", when the world changed" in page
    assert str(first["world_changed_at"]) == str(second["true_from"])
    assert json.dumps(first["corrected"]) == "false"


def test_history_of_an_unknown_note_fails_in_one_line(kept: Kept) -> None:
    done = kept.zettel.run("history", "01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("--once", "--dry-run")])
def test_evolve_wants_to_know_whether_it_is_meant(kept: Kept, arguments: tuple[str, ...]) -> None:
    done = kept.zettel.run("evolve", *arguments)

    assert done.returncode == 2
    assert "--once or --dry-run" in " ".join(done.stderr.replace("│", " ").split())
