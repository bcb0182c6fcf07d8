"""Acknowledged means kept: kill -9 amid many calls."""

import json
import random
import sys

import pytest
from pydantic import JsonValue
from tests.server.processes import INITIALIZE, INITIALIZED, Launcher, Process, tool_call

IN_FLIGHT = 8


def tell(process: Process, waiting: list[int], acknowledged: dict[int, str], stop: int) -> None:
    """Store waiting notes, eight at a time, until a given number is acknowledged."""
    flying = 0
    todo = list(waiting)
    until = len(acknowledged) + stop
    while len(acknowledged) < until:
        while todo and flying < IN_FLIGHT:
            number = todo.pop(0)
            process.say(tool_call(number, "remember", content=f"fact number {number}"))
            flying += 1
        answer = process.hear()
        flying -= 1
        number, note_id = read(answer)
        acknowledged[number] = note_id


def read(answer: dict[str, JsonValue]) -> tuple[int, str]:
    """Which call was answered, and with which note."""
    number, result = answer["id"], answer["result"]
    assert isinstance(number, int)
    assert isinstance(result, dict)
    content = result["structuredContent"]
    assert isinstance(content, dict)
    return number, str(content["note_id"])


def begin(zettel: Launcher) -> Process:
    """Start a server and shake hands."""
    process = zettel.spawn(ZETTEL_LOG_LEVEL="warning", ZETTEL_NAMESPACE="kept")
    process.say({**INITIALIZE, "id": -1})
    assert process.hear()["id"] == -1
    process.say(INITIALIZED)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 of POSIX")
@pytest.mark.slow
@pytest.mark.parametrize(("calls", "least", "most"), [(60, 15, 40), (200, 40, 90)])
def test_nothing_acknowledged_is_missing_or_doubled_after_kill_9(
    zettel: Launcher, calls: int, least: int, most: int
) -> None:
    chance = random.Random(2)
    acknowledged: dict[int, str] = {}
    while len(acknowledged) < calls:
        waiting = [number for number in range(calls) if number not in acknowledged]
        process = begin(zettel)
        tell(process, waiting, acknowledged, min(len(waiting), chance.randint(least, most)))
        process.popen.kill()
        process.popen.wait()

    listed = zettel.run("list", "--json", "--namespace", "kept").stdout.splitlines()
    kept = {note["content"]: note["note_id"] for note in map(json.loads, listed)}
    assert len(listed) == calls
    assert kept == {f"fact number {number}": id_ for number, id_ in acknowledged.items()}
