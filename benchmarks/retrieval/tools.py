"""The two tools the benchmark calls, and what it reads of their answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import anyio
from mcp import Client
from mcp.types import TextContent
from pydantic import BaseModel, JsonValue, ValidationError

from benchmarks.retrieval.errors import ServerError

Clock = Callable[[], float]
"""Seconds from any fixed point, never going back."""
LOADED_WITHIN_S, ASKED_AGAIN_S = 120.0, 0.5
Verdict = Literal["found", "uncertain", "nothing_relevant"]


class Remembered(BaseModel):
    """Of `remember`'s answer."""

    note_id: str
    status: Literal["stored", "already_known"]


class Recalled(BaseModel):
    """Of `recall`'s answer."""

    class Note(BaseModel):
        """Of one note in it."""

        note_id: str
        happened_at: str = ""
        links: list[JsonValue] = []

    verdict: Verdict
    notes: list[Note] = []
    degraded: str | None = None
    confidence: float | None = None


class Whole(BaseModel, extra="allow"):
    """`recall`'s answer with all that is in it."""

    notes: list[dict[str, JsonValue]]


_Answer = TypeVar("_Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Calls tools of a connected client and takes the time of each call."""

    client: Client
    clock: Clock

    async def call(
        self, tool: str, arguments: Mapping[str, JsonValue], answer: type[_Answer]
    ) -> tuple[_Answer, float]:
        """Call a tool.

        Returns:
            Its answer, and how long it took in milliseconds, transport included.

        Raises:
            ServerError: The tool refuses, or answers in another form.
        """
        started = self.clock()
        result = await self.client.call_tool(tool, dict(arguments))
        milliseconds = 1000 * (self.clock() - started)
        if result.is_error:
            told = " ".join(c.text for c in result.content if isinstance(c, TextContent))
            raise ServerError(_describe(tool, arguments), f"it was refused: {told}")
        try:
            return answer.model_validate(result.structured_content), milliseconds
        except ValidationError as error:
            problem = f"its answer does not hold what was agreed: {error}"
            raise ServerError(_describe(tool, arguments), problem) from error


def _describe(tool: str, arguments: Mapping[str, JsonValue]) -> str:
    told = ", ".join(f"{name}={str(value)[:60]!r}" for name, value in arguments.items())
    return f"Calling {tool}({told})"


async def until_loaded(client: Timed, *, namespace: str) -> None:
    """Ask until the model answers, too: a server answers by words alone before.

    It gives up in the end; what is measured then says of itself that it was degraded.

    Raises:
        ServerError: The question is refused.
    """
    with anyio.move_on_after(LOADED_WITHIN_S):
        while True:
            given = {"query": "?", "namespace": namespace}
            answer, _ = await client.call("recall", {**given}, Recalled)
            if answer.degraded is None:
                return
            await anyio.sleep(ASKED_AGAIN_S)
