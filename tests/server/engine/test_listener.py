"""The engine's side of a connection: who comes in, with what, and how it ends."""

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from pydantic import JsonValue
from tests.server.doors import House as ServedHouse
from tests.server.doors import opened as opened_doors
from tests.server.processes import INITIALIZE
from tests.server.runtime.test_runtime import Fakes

from zettel.server.config.settings import Settings, load_engine_settings
from zettel.server.engine.engine import idle_s, shut_down_when_idle
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.connect import EngineConnection, RefusedError, dial
from zettel.server.engine.ipc.handshake import Json, Message, request, session_hello
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.sockets import connect_loopback
from zettel.server.engine.listener import EngineListener
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown
from zettel.storage.notes import BEGUN, Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets of POSIX")


@dataclass(frozen=True, kw_only=True)
class House:
    """A listener that is open."""

    place: Rendezvous
    engine_lock: EngineLock
    listener: EngineListener
    shutdown: Shutdown
    runtime: Runtime

    async def come(self, hello: Message) -> EngineConnection:
        """Say hello."""
        line = await to_thread.run_sync(dial, self.place, hello)
        assert line is not None
        return line

    async def enter(self, **given: str) -> EngineConnection:
        """Come in as a client who was given some settings."""
        return await self.come(session_hello(self.place.store, given))


@asynccontextmanager
async def opened(tmp_path: Path, config: str = "", ipc: str = "unix") -> AsyncGenerator[House]:
    """Open a listener; everybody is sent home at the end."""
    place = Rendezvous(str(tmp_path / "store"))
    place.prepare()
    (tmp_path / "store" / "config.toml").write_text(f'model = "hash"\n{config}', encoding="utf-8")
    engine_lock = EngineLock.take(place, ipc)
    assert engine_lock is not None
    engine_lock.announce()
    shutdown = Shutdown()
    runtime = Runtime(place.store, Fakes().factories())
    settings = load_engine_settings(place.store)
    listener = EngineListener(engine_lock, settings, runtime, shutdown)
    async with runtime.running(), anyio.create_task_group() as tasks:
        await runtime.settled()
        tasks.start_soon(listener.serve)
        yield House(
            place=place,
            engine_lock=engine_lock,
            listener=listener,
            shutdown=shutdown,
            runtime=runtime,
        )
        shutdown.request()
    engine_lock.release()
    await listener.close()


def said(line: EngineConnection, message: JsonValue) -> Message:
    """Say something on a connection; the answer."""
    line.sock.sendall(json.dumps(message).encode() + b"\n")
    with line.sock.makefile("rb") as answers:
        answer: Message = json.loads(answers.readline())
    return answer


def part(message: Message, name: str) -> dict[str, Json]:
    """An object within a message."""
    found = message[name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("ipc", ["unix", "tcp"])
async def test_a_client_that_said_hello_speaks_mcp(tmp_path: Path, ipc: str) -> None:
    async with opened(tmp_path, ipc=ipc) as house:
        line = await house.enter()
        answer = await to_thread.run_sync(said, line, INITIALIZE)
        assert house.listener.sessions == 1
        line.sock.close()

    assert "result" in answer
    assert house.listener.sessions == 0


async def test_who_does_not_know_the_secret_gets_no_answer(tmp_path: Path) -> None:
    async with opened(tmp_path, ipc="tcp") as house:
        port = house.place.read_record()["port"]
        assert isinstance(port, int)
        for secret in ({}, {"secret": "wrong"}, {"secret": ""}):
            with connect_loopback(port) as stranger:
                hello = request(house.place.store, "drain") | secret
                stranger.sendall(json.dumps(hello).encode() + b"\n")
                assert await to_thread.run_sync(stranger.recv, 1) == b""
        assert not house.shutdown.requested.is_set()


@pytest.mark.parametrize(
    "hello", [b"\n", b"nonsense\n", b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n', b"", b"[]\n"]
)
async def test_what_is_no_hello_gets_no_answer(tmp_path: Path, hello: bytes) -> None:
    async with opened(tmp_path, ipc="tcp") as house:
        port = house.place.read_record()["port"]
        assert isinstance(port, int)
        with connect_loopback(port) as stranger:
            stranger.sendall(hello)
            stranger.shutdown(1)
            assert await to_thread.run_sync(stranger.recv, 1) == b""


@pytest.mark.parametrize(
    ("name", "value"), [("protocol", "modern"), ("namespace", "../up"), ("evolve_minutes", "0")]
)
async def test_a_setting_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, name: str, value: str
) -> None:
    async with opened(tmp_path) as house:
        with pytest.raises(RefusedError, match=f"setting {name}: '{value}'"):
            await house.enter(**{name: value})


async def test_a_setting_that_the_engine_does_not_follow_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path, "idle_minutes = 3") as house:
        same = await house.enter(model="hash", idle_minutes="3.0", namespace="n")
        other = await house.enter(model="other")
        for line in (same, other):
            line.sock.close()

    assert same.answer["warning"] == ""
    for needed in ("'other'", "'hash'", "ZETTEL_MODEL", "config.toml", "zettel stop"):
        assert needed in str(other.answer["warning"])


async def test_a_client_is_told_which_settings_of_the_stores_file_do_not_count(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, 'llm_model = "m"\n') as house:
        line = await house.enter(model="hash")
        line.sock.close()

    assert "llm_model" in str(line.answer["warning"])
    assert "zettel trust --store" in str(line.answer["warning"])


async def test_a_status_tells_what_there_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        client = await house.enter()
        asked = await house.come(request(house.place.store, "status"))
        client.sock.close()
        asked.sock.close()

    told = asked.answer
    assert told.items() >= {"clients": 1, "state": "ok", "queue": 0, "problem": None}.items()
    assert part(told, "model") == {
        "name": "hash", "ready": True, "id": "hash@64", "embedding_anew": None
    }  # fmt: skip
    assert part(told, "evolution")["last"] is None
    assert str(part(told, "evolution")["next"]).endswith("Z")
    assert part(told, "size")["notes"] == 0
    assert str(told["endpoint"]).endswith("engine.sock")


async def test_a_status_tells_the_last_evolution_behind_other_runs_and_one_that_was_killed(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as house:
        store = (await house.runtime.memory()).admin
        kinds = [("evolve", "done"), *[("export", "done")] * 30, ("evolve", BEGUN)]
        for number, (kind, outcome) in enumerate(kinds):
            at = datetime(2026, 11, 20, 9, number, tzinfo=UTC)
            run = Run(
                run_id=f"run-{number}",
                kind=kind,
                who="cli",
                started_at=at,
                ended_at=at,
                counts={},
                outcome=outcome,
            )
            await store.add_run(run)
        asked = await house.come(request(house.place.store, "status"))
        asked.sock.close()

    told = part(asked.answer, "evolution")
    assert (told["last"], told["outcome"]) == ("2026-11-20T09:00:00Z", "done")


async def test_who_asks_for_the_end_is_told_and_newcomers_wait(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        client = await house.enter()
        asked = await house.come(request(house.place.store, "drain"))
        await house.shutdown.requested.wait()
        assert await to_thread.run_sync(client.sock.recv, 1) == b""
        late = await to_thread.run_sync(dial, house.place, session_hello(house.place.store, {}))
        client.sock.close()
        asked.sock.close()

    assert late is None


async def test_a_client_of_another_directory_gets_no_answer(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "store")
    (tmp_path / "other").mkdir()
    async with opened(tmp_path) as house:
        by_link = await house.come(session_hello(str(tmp_path / "link"), {}))
        by_link.sock.close()
        wrong = await to_thread.run_sync(
            dial, house.place, session_hello(str(tmp_path / "other"), {})
        )

    assert wrong is None


async def test_an_engine_with_notes_stays_for_the_next_session_of_the_day() -> None:
    async with opened_doors(ServedHouse()) as doors:
        runtime, day = doors.runtime, Settings(idle_minutes=240)
        empty = await idle_s(runtime, day)
        async with doors.client("stdio", "auto") as client:
            await client.call_tool("remember", {"content": "Ana keeps bees"})
        kept = await idle_s(runtime, day)
        asked_for_less = await idle_s(runtime, Settings(idle_minutes=1))

    assert (empty, kept, asked_for_less) == (600, 14_400, 60)


async def test_nobody_is_there_for_long_enough_only_once_the_last_one_has_left(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as house:
        client = await house.enter()
        asked_early = True

        async def soon() -> float:
            return 0.01

        while_served = house.listener.idle_until(0) - anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shut_down_when_idle, house.listener, soon, house.shutdown)
            await anyio.wait_all_tasks_blocked()
            asked_early = house.shutdown.requested.is_set()
            client.sock.close()

    assert while_served >= -0.1
    assert not asked_early
    assert house.shutdown.requested.is_set()
