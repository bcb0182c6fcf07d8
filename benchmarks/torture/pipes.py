"""A server on bare pipes: requests and answers as they go over the wire, told apart by id."""

import json
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import anyio
from anyio.abc import Process
from pydantic import JsonValue

from benchmarks.torture.errors import CallFailedError

Message = dict[str, JsonValue]

CANCEL_S = 1.0
"""Seconds a server may take to read that a request was given up, before nobody tells it."""

LEAVE_S = 30.0
"""Seconds a server may take to leave after its input ended."""


@dataclass(slots=True)
class _Waiting:
    """One request and what came of it."""

    done: anyio.Event = field(default_factory=anyio.Event)
    answer: Message | None = None


class Pipes:
    """The pipes of one server process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.unexpected = 0
        """Answers to what was never asked, or was answered before."""
        self._waiting: dict[int, _Waiting] = {}
        self._turn = anyio.Lock()
        self._last_id = 0
        self._ended = False

    async def say(self, message: Mapping[str, JsonValue]) -> None:
        """Write one message.

        Raises:
            CallFailedError: Nobody reads it.
        """
        assert self.process.stdin is not None
        async with self._turn:
            try:
                await self.process.stdin.send(json.dumps(message).encode() + b"\n")
            except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
                raise CallFailedError("the server closed its input") from error

    async def ask(self, method: str, params: Mapping[str, JsonValue]) -> Message:
        """Send a request; its answer, a result or an error.

        Cancelled, it tells the server so, as the SDK's client does.

        Raises:
            CallFailedError: The server left without an answer.
        """
        self._last_id += 1
        request_id, waiting = self._last_id, _Waiting()
        self._waiting[request_id] = waiting
        if self._ended:
            raise CallFailedError("the server has left")
        await self.say(
            {"jsonrpc": "2.0", "id": request_id, "method": method, "params": dict(params)}
        )
        try:
            await waiting.done.wait()
        except anyio.get_cancelled_exc_class():
            await self._give_up(request_id)
            raise
        if waiting.answer is None:
            raise CallFailedError("the server left without an answer")
        return waiting.answer

    async def _give_up(self, request_id: int) -> None:
        params: dict[str, JsonValue] = {"requestId": request_id}
        with anyio.move_on_after(CANCEL_S, shield=True), suppress(CallFailedError):
            await self.say(
                {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
            )

    async def read(self) -> None:
        """Hand out answers until the server closes its output."""
        assert self.process.stdout is not None
        rest = b""
        async for chunk in self.process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
        self._ended = True
        for waiting in self._waiting.values():
            waiting.done.set()

    def _take(self, message: Message) -> None:
        if "method" in message:
            return
        request_id = message.get("id")
        waiting = self._waiting.pop(request_id, None) if isinstance(request_id, int) else None
        if waiting is None:
            self.unexpected += 1
            return
        waiting.answer = message
        waiting.done.set()


@asynccontextmanager
async def open_pipes(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: TextIO
) -> AsyncGenerator[Pipes]:
    """Start a server on pipes; it ends with the block, by itself or killed."""
    process = await anyio.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env, cwd=cwd
    )
    pipes = Pipes(process)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pipes.read)
            yield pipes
            assert process.stdin is not None
            await process.stdin.aclose()
            with anyio.move_on_after(LEAVE_S):
                await process.wait()
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()
