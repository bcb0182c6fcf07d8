"""The disk runs full, or read-only, under a running server: said so, nothing lost, no restart."""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.server.engine_homes import Home, home_at, structured
from tests.server.processes import Process, tool_call
from tests.server.small_disks import SmallDisk, small_disk

SIZE_MIB = 24
"""Of the disk: a store of some hundred commits, and its engine's log."""

pytestmark = pytest.mark.slow

MODES = pytest.mark.parametrize("mode", [("--in-process",), ()], ids=["in process", "engine"])

LEFT_KIB = (4, 8, 16, 24, 32, 48)
"""What is left to a call or a run: it fails at its first file, its second, at its end."""

RUN_LEFT_KIB = (0, 64, 192, 320, 512, 1024)
"""What is left to an evolution run: it fails at its lease, in a step, at its upkeep, or not."""

EXIT_UNAVAILABLE = 3
IMPORTED = 3_000
"""Notes: six commits."""
IMPORT_LEFT_KIB = 1_024
"""What is left to them: some commits succeed."""


@dataclass(slots=True)
class Told:
    """One client, and what was acknowledged to it."""

    client: Process
    contents: dict[str, str] = field(default_factory=dict[str, str])
    """Note id -> content."""
    calls: int = 10

    def call(self, name: str, **arguments: JsonValue) -> Mapping[str, JsonValue]:
        """Call one tool; the whole answer."""
        self.calls += 1
        self.client.say(tool_call(self.calls, name, **arguments))
        return self.client.hear()

    def remember(self, content: str) -> str:
        """Tell a note; the error's text if it was refused, else nothing."""
        answer = self.call("remember", content=content)
        if problem := refusal(answer):
            return problem
        self.contents[str(structured(answer)["note_id"])] = content
        return ""

    def update(self, note_id: str, content: str) -> str:
        """Change a note; the error's text if it was refused, else nothing."""
        answer = self.call("update", note_id=note_id, content=content)
        if problem := refusal(answer):
            return problem
        self.contents[note_id] = content
        return ""

    def recalled(self) -> dict[str, str]:
        """Everything there is, as recall shows it."""
        answer = structured(
            self.call("recall", since="2000", limit=100, max_tokens=32_000, detail="notes")
        )
        notes = answer["notes"]
        assert isinstance(notes, list)
        return {str(n["note_id"]): str(n["content"]) for n in notes if isinstance(n, dict)}


def refusal(answer: Mapping[str, JsonValue]) -> str:
    """The text of an answer that is an error; empty for any other."""
    result = answer["result"]
    assert isinstance(result, dict), answer
    return str(result["content"]) if result.get("isError") else ""


@pytest.fixture
def disk(tmp_path: Path) -> Generator[SmallDisk]:
    """An empty one."""
    with small_disk(tmp_path, SIZE_MIB) as made:
        yield made


@pytest.fixture
def home(disk: SmallDisk) -> Generator[Home]:
    """A store on it, that is tended at once."""
    with home_at(disk.path / "store") as made:
        yield made


def begun(home: Home, mode: tuple[str, ...]) -> Told:
    """A client that has told three notes."""
    told = Told(home.attach(*mode))
    assert not any(told.remember(f"fact {number} of the beginning") for number in range(3))
    return told


def begun_untended(home: Home, mode: tuple[str, ...]) -> Told:
    """The same where no upkeep will free space of a full disk: its first is over, no other due."""
    home.configure(settle_seconds=3600)
    told = begun(home, mode)
    assert home.run("evolve", "--once").returncode == 0
    return told


@MODES
def test_on_a_full_disk_every_change_says_so_recall_works_and_so_does_all_with_space(
    disk: SmallDisk, home: Home, mode: tuple[str, ...]
) -> None:
    told = begun_untended(home, mode)
    first = next(iter(told.contents))
    disk.fill()

    problems = [
        told.remember("fact of the full disk"),
        told.update(first, "another fact of the full disk"),
        refusal(told.call("forget", note_ids=[first])),
    ]

    for problem in problems:
        assert "full disk" in problem
        assert "Free some space" in problem
    assert told.recalled() == told.contents
    found = structured(told.call("recall", query="which fact?"))["notes"]
    assert isinstance(found, list)
    assert len(found) == len(told.contents)

    disk.free()

    assert not told.remember("fact of the full disk")
    assert not told.update(first, "another fact of the full disk")
    assert told.recalled() == told.contents


@MODES
def test_a_disk_that_runs_full_amid_changes_leaves_each_of_them_whole_or_undone(
    disk: SmallDisk, home: Home, mode: tuple[str, ...]
) -> None:
    told = begun(home, mode)
    first = next(iter(told.contents))
    for left_kib in LEFT_KIB:
        disk.fill(left_kib)
        problems = list[str]()
        for number in range(8):
            problems.append(told.remember(f"fact {number} with {left_kib} KiB left"))
            problems.append(told.update(first, f"changed {number} with {left_kib} KiB left"))
        assert any("full disk" in problem for problem in problems)
        assert told.recalled() == told.contents
        disk.free()
        assert not told.remember(f"fact after {left_kib} KiB")

    assert told.recalled() == told.contents


def test_a_run_that_fills_the_disk_fails_says_so_and_is_made_up_for_with_space(
    disk: SmallDisk, home: Home
) -> None:
    told = begun_untended(home, ("--in-process",))
    failed = 0
    for left_kib in RUN_LEFT_KIB:
        assert not told.remember(f"a fact to be linked, before {left_kib} KiB were left")
        disk.fill(left_kib)
        run = home.run("evolve", "--once")
        disk.free()
        if run.returncode:
            failed += 1
            assert run.returncode == EXIT_UNAVAILABLE, run.stderr
            assert "full disk" in run.stderr
        assert told.recalled() == told.contents

    assert failed >= 3
    assert home.run("evolve", "--once").returncode == 0
    assert told.recalled() == told.contents


def test_a_client_that_comes_while_the_disk_is_full_can_recall(disk: SmallDisk, home: Home) -> None:
    told = begun_untended(home, ())
    assert home.run("stop").returncode == 0
    disk.fill()

    late = Told(home.attach())

    assert late.recalled() == told.contents
    assert "full disk" in late.remember("fact of the full disk")
    disk.free()
    assert not late.remember("fact of the full disk")


def test_a_disk_made_read_only_under_a_server_is_named_as_such_until_it_is_writable(
    disk: SmallDisk, home: Home
) -> None:
    home.configure(settle_seconds=3600)
    told = begun(home, ("--in-process",))
    disk.remount("ro")

    problem = told.remember("fact of the read-only disk")

    assert "Make it writable" in problem
    assert told.recalled() == told.contents
    disk.remount("rw")
    assert not told.remember("fact of the read-only disk")
    assert told.recalled() == told.contents


def test_a_client_that_comes_to_a_read_only_store_can_recall(disk: SmallDisk, home: Home) -> None:
    told = begun(home, ())
    assert home.run("stop").returncode == 0
    disk.remount("ro")

    late = Told(home.attach())

    assert late.recalled() == told.contents
    assert "Make it writable" in late.remember("fact of the read-only disk")


def test_notes_go_into_a_folder_elsewhere_from_a_full_or_read_only_disk_as_into_a_file(
    disk: SmallDisk, home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begun_untended(home, ())
    assert home.run("stop").returncode == 0
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    command = ("--format", "markdown", "--json")

    disk.fill()
    full = home.run("export", str(elsewhere / "full"), *command)
    disk.free()
    disk.remount("ro")
    closed = home.run("export", str(elsewhere / "closed"), *command)
    told = home.run("export", str(elsewhere / "told"), "--format", "markdown")
    disk.remount("rw")

    assert (full.returncode, closed.returncode, told.returncode) == (0, 0, 0), full.stderr
    made = [json.loads(run.stdout) for run in (full, closed)]
    assert [(each["written"], each["recorded"]) for each in made] == [(3, False)] * 2
    assert "no later erasure will name it" in told.stdout


def test_an_import_that_fills_the_disk_does_not_say_that_nothing_was_stored_and_is_run_again(
    disk: SmallDisk, home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entities = (
        {"type": "entity", "name": f"Hive {n}", "entityType": "hive", "observations": ["Swarmed."]}
        for n in range(IMPORTED)
    )
    file = tmp_path_factory.mktemp("source") / "memory.jsonl"
    file.write_text("\n".join(json.dumps(entity) for entity in entities), encoding="utf-8")
    command = ("import", str(file), "--yes", "--namespace", "hives")
    assert home.run("add", "A fact of the beginning").returncode == 0
    disk.fill(IMPORT_LEFT_KIB)

    full = home.run(*command)
    disk.free()

    assert full.returncode == EXIT_UNAVAILABLE, full.stderr
    stored = home.run("list", "--namespace", "hives", "--all", "--json").stdout.splitlines()
    assert stored
    assert "nothing was stored" not in full.stderr
    assert "make the same call again" in full.stderr
    again = json.loads(home.run(*command, "--json").stdout)
    assert (again["stored"], again["unchanged"]) == (IMPORTED - len(stored), len(stored))
