"""A stand-in for the command `zettel`: the two tools the benchmark calls, by shared words.

As a script: no argument serves stdio, `serve --port N` HTTP and SSE, `evolve` prints its counts.
"""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

Answer = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeNote:
    """What was remembered, and under which id."""

    note_id: str
    arguments: Answer

    def words(self) -> set[str]:
        """What it can be found by."""
        return _words(f"{self.arguments['content']} {self.arguments['context']}")


@dataclass(frozen=True, slots=True)
class FakeMemory:
    """Notes and every call made, for a test to look at."""

    notes: dict[str, FakeNote] = field(default_factory=dict[str, FakeNote])
    remembered: list[Answer] = field(default_factory=list[Answer])
    recalled: list[Answer] = field(default_factory=list[Answer])

    def remember(self, arguments: Answer) -> Answer:
        """Store a note, or answer with the one that says the same."""
        self.remembered.append(arguments)
        if arguments["content"] == "refuse me":
            message = "content: refused. Say something else."
            raise ToolError(message)
        if arguments["content"] == "die":
            os._exit(1)
        for note in self.notes.values():
            same = ("content", "namespace", "subject")
            if all(note.arguments[name] == arguments[name] for name in same):
                return {"note_id": note.note_id, "status": "already_known"}
        note = FakeNote(note_id=f"n{len(self.notes)}", arguments=arguments)
        self.notes[note.note_id] = note
        return {"note_id": note.note_id, "status": "stored", "candidates": []}

    def recall(self, arguments: Answer) -> Answer:
        """Rank the notes that fit by how many of the question's words they share."""
        self.recalled.append(arguments)
        query = _words(str(arguments["query"]))
        found = [note for note in self.notes.values() if self._fits(note, arguments)]
        found.sort(key=lambda note: -len(query & note.words()))
        shown = [n for n in found if not query or query & n.words()][: int(str(arguments["limit"]))]
        notes: list[JsonValue] = [
            {"note_id": n.note_id, "happened_at": n.arguments["happened_at"]} for n in shown
        ]
        verdict = "found" if notes else "nothing_relevant"
        return {"verdict": verdict, "now": "2026-01-01T00:00:00Z", "notes": notes}

    def _fits(self, note: FakeNote, arguments: Answer) -> bool:
        tags, wanted = note.arguments["tags"], arguments["tags"]
        assert isinstance(tags, list)
        assert isinstance(wanted, list)
        superseded = f"'{note.note_id}'" in str([n.arguments["links"] for n in self.notes.values()])
        in_scope = not wanted or any(tag in tags for tag in wanted)
        return note.arguments["namespace"] == arguments["namespace"] and in_scope and not superseded


def build_server(memory: FakeMemory) -> MCPServer:
    server = MCPServer("fake-zettel")

    @server.tool()
    async def remember(
        content: str,
        namespace: str,
        context: str = "",
        subject: str = "",
        tags: list[str] | None = None,
        kind: str = "episodic",
        happened_at: str = "",
        session: str = "",
        links: list[dict[str, str]] | None = None,
    ) -> Answer:
        return memory.remember(
            {
                "content": content,
                "context": context,
                "subject": subject,
                "tags": [*(tags or [])],
                "kind": kind,
                "happened_at": happened_at,
                "session": session,
                "links": [{**link} for link in links or []],
                "namespace": namespace,
            }
        )

    @server.tool()
    async def recall(
        namespace: str,
        query: str = "",
        tags: list[str] | None = None,
        as_of: str = "",
        limit: int = 10,
        max_tokens: int = 2000,
        detail: str = "notes",
    ) -> Answer:
        return memory.recall(
            {
                "query": query,
                "tags": [*(tags or [])],
                "as_of": as_of,
                "limit": limit,
                "max_tokens": max_tokens,
                "detail": detail,
                "namespace": namespace,
            }
        )

    # The decorator registered them; naming them here shows that they are used.
    assert remember
    assert recall
    return server


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _build_app(server: MCPServer) -> Starlette:
    app, sse = server.streamable_http_app(), server.sse_app()
    app.router.routes.extend(sse.routes)

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    app.add_route("/health", health)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with server.session_manager.run():
            yield

    app.router.lifespan_context = lifespan
    return app


def _evolve(store: Path) -> int:
    """The first run has work, the second has none; `broken` in the store makes it fail."""
    if (store / "broken").exists():
        sys.stderr.write("the store is broken\n")
        return 3
    evolved = store / "evolved"
    changed = 0 if evolved.exists() else 2
    evolved.touch()
    sys.stdout.write(json.dumps({"run_id": "r", "changed": changed, "created": 0, "steps": {}}))
    return 0


def main(arguments: list[str]) -> int:
    store = Path(os.environ["ZETTEL_STORE"])
    store.mkdir(parents=True, exist_ok=True)
    if arguments[:1] == ["evolve"]:
        return _evolve(store)
    (store / "notes").write_bytes(bytes(1000))
    server = build_server(FakeMemory())
    if arguments[:2] == ["serve", "--port"]:
        port = int(arguments[2])
        uvicorn.run(_build_app(server), port=port, log_level="error", timeout_graceful_shutdown=1)
    else:
        server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
