"""What a tenant may send to hinder others: `python -m benchmarks.neighbours.abuses`.

Run as a process of its own, so that its work delays the server only. Each connection makes the
calls of one abuse in turns, until the process is stopped.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Mapping, Sequence

import anyio
import httpx2
from pydantic import JsonValue

from benchmarks.neighbours.calls import call_body, client_of, post

TOKEN_VARIABLE = "BENCHMARK_TOKEN"
LONG = 4_000_000
"""Characters of the longest arguments: the body may have 4 MiB."""
SPEECH = "The quick brown fox told Ana in Lyon on 3 May 2024 about E1234. "

MANY: list[JsonValue] = ["ab"] * (LONG // 6)
NAMES: list[JsonValue] = [f"{number}{chr(0xFDFA) * 250}" for number in range(64)]

Call = tuple[str, Mapping[str, JsonValue]]

ABUSES: Mapping[str, Sequence[Call]] = {
    "a 4 MB argument name": [("recall", {"x" * LONG: 1})],
    "a 4 MB value": [("recall", {"detail": "y" * LONG}), ("recall", {"since": "last " * 800_000})],
    "a 4 MB list": [("recall", {"tags": MANY})],
    "64 long names": [("recall", {"tags": NAMES})],
    "a deep argument": [("recall", {"query": "[" * 60_000})],
    "a 4 MB cursor and token": [
        ("recall", {"cursor": "W" * LONG}),
        ("forget", {"confirm": "A" * LONG}),
    ],
    "4 KB questions": [
        ("recall", {"query": "A " * 2_045 + " x"}),
        ("recall", {"query": "Ana's colleague's " * 220}),
    ],
    "all notes of 32 KB": [
        ("recall", {"query": "Where did Ana go?", "limit": 100, "max_tokens": 32_000}),
        ("recall", {"limit": 100, "max_tokens": 32_000}),
    ],
    "exact words in notes of 32 KB": [
        ("recall", {"query": "E1234 'told Ana' x9y", "limit": 100, "max_tokens": 32_000}),
    ],
    "text that grows": [
        ("remember", {"content": chr(0xFDFA) * 32_768}),
        ("remember", {"content": chr(0xFDFA) * 3_600}),
    ],
    "notes of 32 KB": [("remember", {"content": "NUMBER " + SPEECH * 510})],
}
"""Name -> calls."""
STORED_LONG_NOTES = 40
"""Notes of 32 KB that the abusing tenant stores first."""


async def abuse(url: str, token: str, name: str, connections: int) -> None:
    """Make the calls of an abuse until cancelled."""
    bodies = [(tool, call_body(tool, arguments)) for tool, arguments in ABUSES[name]]

    async def connection(number: int) -> None:
        async with client_of(url, token) as http:
            for turn in itertools.count():
                tool, body = bodies[turn % len(bodies)]
                # No two notes are the same, or the second would not be stored.
                body = body.replace(b"NUMBER", f"{os.getpid()}-{number}-{turn}".encode())
                try:
                    await post(http, tool, body)
                except httpx2.TransportError:
                    await anyio.sleep(0.1)

    async with anyio.create_task_group() as group:
        for number in range(connections):
            group.start_soon(connection, number)


def main() -> int:
    """Read the command line and begin."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours.abuses")
    parser.add_argument("url")
    parser.add_argument("name", choices=list(ABUSES))
    parser.add_argument("connections", type=int)
    given = parser.parse_args()
    anyio.run(abuse, given.url, os.environ[TOKEN_VARIABLE], given.name, given.connections)
    return 0


if __name__ == "__main__":
    sys.exit(main())
