"""What both examples share: a client on stdio that prints each call and the part that matters."""

import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any

from mcp import Client, StdioServerParameters


class Session:
    """A conversation with the server; `client` is any client of the MCP SDK."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its structured answer.

        Raises:
            RuntimeError: The tool refused, in its words.
        """
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        print(f"\n> {tool}({given})")
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            raise RuntimeError(result.content)
        return result.structured_content or {}

    async def ask(self, question: str, **arguments: Any) -> Sequence[dict[str, Any]]:
        """Recall, print verdict and notes; the notes, best first."""
        answer = await self.call("recall", query=question, **arguments)
        print(f"  {answer['verdict']}  {answer.get('reason', '')}")
        for note in answer["notes"]:
            print(f"  - {note['happened_at'][:10]}  {note['content']}")
        return answer["notes"]


def say(text: str) -> None:
    """Print what happens next."""
    print(f"\n== {text}")


@asynccontextmanager
async def start(namespace: str) -> AsyncGenerator[Session]:
    """Start `zettel` on an empty store of its own, which goes when the session ends."""
    with TemporaryDirectory() as folder:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "zettel", "--in-process", "--namespace", namespace, "--log-level", "error"],
            env=os.environ | {"ZETTEL_STORE": f"{folder}/store"},
        )
        async with Client(server) as client:
            yield Session(client)
