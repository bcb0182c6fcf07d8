"""Log lines: text or JSON, and no word of a note in either, whatever goes wrong."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
import logging
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.doors import ERAS, STREAMS_LEFT_OPEN, TRANSPORTS, House, opened
from tests.storage.in_memory.store import DictStore

from zettel.server.observability.logs import LogFormat, LogLine, fields
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import TOOLS
from zettel.server.runtime.dispatch import dispatch
from zettel.server.runtime.scheduler import EvolutionScheduler
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

CANARY = "Nachtigall"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FORMS: tuple[LogFormat, ...] = ("text", "json")


class Lines(logging.Handler):
    """Keeps what would be written, in both forms."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.written = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Write it down."""
        self.written += [LogLine(form).format(record) for form in FORMS]

    def calls(self) -> list[dict[str, object]]:
        """What was told of tool calls."""
        read = [json.loads(line) for line in self.written if line.startswith("{")]
        return [line for line in read if line["message"] == "call"]


@contextmanager
def listening() -> Generator[Lines]:
    """Everything that anybody logs at debug level, as a server at that level writes it."""
    lines, root = Lines(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "zettel")}
    root.addHandler(lines)
    # As `logs` sets them: others are heard from warnings on.
    root.setLevel(logging.WARNING)
    logging.getLogger("zettel").setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(lines)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def calls_with(canary: str, *, sparing: bool = False) -> list[tuple[str, dict[str, object]]]:
    """Every argument of every verb, holding the canary in forms that fit and forms that do not."""
    forms: list[object] = [canary, [canary], {canary: canary}, [{"to": canary, "relation": canary}]]
    forms = forms[:1] if sparing else forms
    found = list[tuple[str, dict[str, object]]]()
    for name, entry in TOOLS.items():
        needed = {"remember": {"content": canary}, "update": {"note_id": canary}}.get(name, {})
        found += [
            (name, {**needed, argument: form})
            for argument in entry.arguments.model_fields
            for form in forms
        ]
        found.append((name, {**needed, canary: canary}))
    return [*found, (canary, {canary: canary})]


@STREAMS_LEFT_OPEN
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_no_argument_of_any_verb_comes_into_the_log(transport: str) -> None:
    # What stands behind the doors is the same for all; SSE takes its time.
    calls = calls_with(CANARY, sparing=transport != "stdio")
    with listening() as lines:
        async with opened(House()) as doors, doors.client(transport, "legacy") as client:
            for name, arguments in calls:
                await client.call_tool(name, arguments)
            with pytest.raises(Exception, match=CANARY):
                await client.read_resource(f"memory://note/{CANARY}")

    assert CANARY not in "\n".join(lines.written)
    assert len(lines.calls()) == len(calls)
    outcomes = {(told["tool"], told["outcome"]) for told in lines.calls()}
    assert {("remember", "ok"), ("update", "error"), ("unknown", "error")} <= outcomes


async def fails(
    memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
) -> Mapping[str, object]:
    """A bug with the note's words in its message, and in those of what led to it."""
    await dispatch(memory, caller, arguments, now=now)
    try:
        raise StoreUnavailableError("p", f"refused content = '{CANARY}'", CANARY)
    except StoreUnavailableError as error:
        raise ExceptionGroup(CANARY, [KeyError(CANARY)]) from error


async def test_a_bug_that_holds_a_notes_words_is_told_without_them() -> None:
    with listening() as lines:
        async with opened(House(dispatch=fails)) as doors, doors.client("stdio", "auto") as client:
            answer = await client.call_tool("remember", {"content": f"a {CANARY} sings"})

    told = "\n".join(lines.written)
    assert answer.is_error
    assert CANARY not in told
    assert "builtins.KeyError" in told
    assert "StoreUnavailableError" in told
    assert "in fails" in told
    [call] = lines.calls()
    assert call.items() >= {"outcome": "failed", "error": "ExceptionGroup"}.items()


class Fragile(DictStore):
    """Fails once when it is asked how much waits, with a note's words."""

    failed = False

    async def count(self, where: NoteFilter) -> int:
        """How many notes there are."""
        if not self.failed and where.stage_below is not None:
            self.failed = True
            raise KeyError(CANARY)
        return await super().count(where)


async def test_evolution_logs_no_word_of_a_note_even_when_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.BACK_OFF_S", (0.0,))
    told = [f"{CANARY} lives in Lyon", f"{CANARY} lives in Rome now", f"{CANARY} has a van"]
    memory = Memory(store=Fragile(), embedder=HashEmbedder(), consolidates=True)
    for content in told:
        await remember(
            memory, Caller(), now=NOW, content=content, subject=CANARY, tags=[CANARY], session="s"
        )
    scheduler = EvolutionScheduler(memory, interval_s=3600, settle_s=0, clock=lambda: NOW)
    with listening() as lines, anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(scheduler.run)
            scheduler.wrote()
            while scheduler.busy:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    logged = "\n".join(lines.written)
    assert await memory.admin.runs(limit=1)
    assert all(said in logged for said in ("1 in a row", "builtins.KeyError", "step=", "outcome="))
    assert CANARY not in logged


@STREAMS_LEFT_OPEN
@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_is_told_once_with_who_called(transport: str, mode: str) -> None:
    with listening() as lines:
        async with opened(House()) as doors, doors.client(transport, mode) as client:
            await client.call_tool("remember", {"content": "bees dance"})

    [call] = lines.calls()
    expected = {"tool": "remember", "outcome": "ok", "transport": transport, "principal": "local"}
    assert call.items() >= expected.items()
    assert {"client", "request", "milliseconds", "time"} <= call.keys()


@given(st.text().map(lambda text: f"{CANARY} {text}"))
def test_of_another_librarys_record_nothing_that_was_filled_in_is_told(words: str) -> None:
    for message, args in (
        ("dropped %r after %d", (words, 3)),
        ("dropped %(it)s", ({"it": words},)),
        (f"dropped it\n{words}", ()),
        (ValueError(words), ()),
    ):
        record = logging.LogRecord("mcp.server", 30, __file__, 1, message, args, None)
        for form in FORMS:
            assert CANARY not in LogLine(form).format(record)
    record = logging.LogRecord("mcp", 30, __file__, 1, "dropped %r after %d", (words, 3), None)
    assert "dropped '...' after 3" in LogLine("text").format(record)


def test_of_a_warning_its_place_and_kind_are_told() -> None:
    told = warnings.formatwarning(f"{CANARY} is odd", UserWarning, "a.py", 7, CANARY)
    record = logging.LogRecord("py.warnings", 30, __file__, 1, "%s", (told,), None)

    assert LogLine("text").format(record).endswith("py.warnings: a.py:7: UserWarning")


@given(st.text(), st.text())
def test_a_field_never_looks_like_another_nor_like_a_line(client: str, request: str) -> None:
    record = logging.LogRecord("zettel", 20, __file__, 1, "call", (), None)
    record.__dict__.update(fields(tool="recall", client=client, request=request, error=None))
    [text], plain = LogLine("text").format(record).splitlines(), LogLine("json").format(record)

    assert text.split(" ")[4] == "tool=recall"
    assert json.loads(plain).get("client", "") == client
    assert len(plain.splitlines()) == 1


def test_a_message_of_several_lines_never_looks_like_another_record() -> None:
    forged = "it failed\n2026-11-20T09:00:00.000Z INFO zettel: all is well\x1b[2J\u2028"
    record = logging.LogRecord("zettel.a", logging.ERROR, "", 0, "%s", (forged,), None)

    for form in FORMS:
        assert LogLine(form).format(record).isprintable()


def test_where_it_went_wrong_is_told() -> None:
    with pytest.raises(ValueError, match=CANARY) as failed:
        int(CANARY)
    error = (failed.type, failed.value, failed.tb)
    record = logging.LogRecord("uvicorn.error", 40, __file__, 1, "failed", (), error)

    told = json.loads(LogLine("json").format(record))
    assert (
        told.items() >= {"level": "error", "logger": "uvicorn.error", "message": "failed"}.items()
    )
    assert "builtins.ValueError" in told["exception"]
    assert "test_log_lines.py" in told["exception"]
