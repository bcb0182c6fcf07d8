"""Several processes on one directory: nothing lost, nothing doubled, whoever dies when."""

import json
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.starting import start_text
from tests.storage import store_worker
from tests.storage.samples import DIM, MODEL, add, make_note

from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.store import NoteFilter

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120.0
"""Bound of a wait for a process that imports lancedb on a busy machine."""

Worker = subprocess.Popen[str]


@contextmanager
def workers(place: Path, *jobs: Sequence[str | int]) -> Generator[list[Worker]]:
    """Processes that have opened the store and wait for a line on stdin."""
    started = [
        start_text("-m", store_worker.__name__, str(place), *map(str, job), cwd=ROOT)
        for job in jobs
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline()) == ["ready"]
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def start(processes: Sequence[Worker]) -> None:
    """Let them all go at once."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def said(text: str) -> list[list[str | bool]]:
    """The steps acknowledged in whole lines."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def ask(processes: Sequence[Worker], *step: str | int | None) -> list[bool]:
    """Let all of them do one step in the same moment; each answer is whether it took effect."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(json.dumps(step) + "\n")
    for process in processes:
        assert process.stdin is not None
        process.stdin.flush()
    answers: list[bool] = []
    for process in processes:
        assert process.stdout is not None
        answers += json.loads(process.stdout.readline())
    return answers


@pytest.mark.slow
async def test_of_two_processes_that_write_in_the_same_moment_one_takes_effect(
    lance: LanceStore,
) -> None:
    rounds = 20
    note = make_note("0")
    await add(lance, note)

    with workers(Path(lance.place), ("obey",), ("obey",)) as processes:
        start(processes)
        for number in range(rounds):
            key = f"key {number}"
            assert ask(processes, "swap", key, None, "held").count(True) == 1
            assert ask(processes, "swap", key, "held", "used").count(True) == 1
            assert ask(processes, "swap", key, "used", None).count(True) == 1
            assert True in ask(processes, "revise", note.note_id, "words")
            ask(processes, "use", f"note {number % 5}", number + 1)

    rows = await lance.revisions(note.note_id)
    assert [row.rev for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row.current for row in rows) == 1
    used = await lance.usage_of([f"note {number}" for number in range(5)])
    assert sum(usage.recall_count for usage in used.values()) == 2 * sum(range(1, rounds + 1))
    assert sum(usage.strength for usage in used.values()) == 5 * 2.0 + sum(range(1, rounds + 1))


async def test_two_processes_that_change_one_note_make_one_history(lance: LanceStore) -> None:
    wins = 15
    note = make_note("0")
    await add(lance, note)

    with workers(Path(lance.place), *[("revise", note.note_id, wins)] * 2) as processes:
        start(processes)
        for process in processes:
            process.communicate(timeout=PATIENCE_S)
        assert [process.returncode for process in processes] == [0, 0]

    rows = await lance.revisions(note.note_id)
    assert [row.content for row in rows] == [str(n) for n in range(2 * wins + 1)]
    assert [row.rev for row in rows] == list(range(1, 2 * wins + 2))
    assert [row.current for row in rows] == [False] * 2 * wins + [True]
    assert [row.known_to for row in rows[:-1]] == [row.known_from for row in rows[1:]]


@pytest.mark.parametrize("kill_after", [1, 23])
async def test_no_acknowledged_note_is_missing_or_doubled_after_a_kill(
    tmp_path: Path, kill_after: int
) -> None:
    with workers(tmp_path, ("tell", "a", 400), ("tell", "b", 400)) as processes:
        start(processes)
        acknowledged: list[str] = []
        first = processes[0].stdout
        assert first is not None
        acknowledged += [json.loads(first.readline())[0] for _ in range(kill_after)]
        for process in processes:
            process.kill()
        for process in processes:
            # Not by `communicate`, which leaves out what `readline` has read ahead.
            assert process.stdout is not None
            acknowledged += [str(step[0]) for step in said(process.stdout.read())]
            process.wait(timeout=PATIENCE_S)

    opened = await open_store(str(tmp_path), model_id=MODEL, dim=DIM)
    found = [note.note_id for note in await opened.find(NoteFilter(), limit=1000)]
    assert len(acknowledged) >= kill_after
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
    assert len(found) <= len(acknowledged) + len(processes)
    assert len(await opened.match_text("a b", NoteFilter(), limit=1000)) <= len(found)
    await add(opened, make_note("life goes on"))
    assert await opened.upkeep()
    assert await opened.count(NoteFilter()) == len(found) + 1
    await opened.close()
