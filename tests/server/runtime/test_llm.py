"""The configured LLM: its wiring, its reports, and operation without it."""

import json
import sys
from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from tests.scripted_llm import Reply, ScriptedLlm, linked, scripted_llm, worded
from tests.server.calls import with_calls

from zettel.server.commands import evolve
from zettel.server.commands.engine import status_output
from zettel.server.commands.evolve import dry_run, dry_run_output, evolve_output, print_runs
from zettel.server.commands.listing import print_list
from zettel.server.commands.output import Output
from zettel.server.config.settings import Settings, differences, load_engine_settings, load_settings
from zettel.server.config.trust import confirm
from zettel.server.engine.ipc.handshake import Json, Message
from zettel.server.engine.listener import report as report_of
from zettel.server.runtime import llm
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import installed_factories, opened
from zettel.server.runtime.llm import build_llm
from zettel.server.runtime.runtime import Runtime
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import InvalidArgumentError, ModelUnavailableError
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Link, Note, Origin
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.language.times import iso
from zettel.tools.llm.llm import BREAK_AFTER
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

TOLD_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ENGINE: Message = {
    **{"version": "0.1.0", "pid": 77, "url": "", "uptime_s": 3725, "clients": 2},
    **{"endpoint": "unix /s/.engine/engine.sock"},
}
ANA = Caller(namespace="farm", origin=Origin(client="ana"))


@pytest.fixture
def service() -> Generator[ScriptedLlm]:
    """A service that finds everything agricultural."""
    with scripted_llm() as scripted:
        scripted.describes = lambda asked: worded(
            [{"id": note.note_id, "tags": ["farming"]} for note in asked.notes]
        )
        yield scripted


@pytest.fixture
async def kept(tmp_path: Path, service: ScriptedLlm) -> Settings:
    """A store with a note, and an LLM in its config.toml."""
    embedder, place = HashEmbedder(), tmp_path / "store"
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    await remember(memory, ANA, now=TOLD_AT, content="The barley is in")
    await store.close()
    told = f'model = "hash"\nllm_model = "m"\nllm_base_url = "{service.url}"\nllm_key = "sesame"\n'
    (place / "config.toml").write_text(told, encoding="utf-8")
    confirm(place / "config.toml")
    return load_engine_settings(str(place))


def nothing(*_told: object) -> None:
    """Progress that nobody watches."""


def without_client(name: str) -> ModuleSpec | None:
    """An installation without the extra."""
    return None


async def the_note(settings: Settings) -> Note:
    async with opened(settings) as memory:
        [note] = await memory.store.find(NoteFilter(), limit=9)
    return note


async def test_evolve_asks_the_llm_that_the_engines_settings_name_and_tells_what_it_cost(
    kept: Settings, service: ScriptedLlm
) -> None:
    report = await evolve.evolve_once(kept, TOLD_AT, nothing, nothing)
    said = list[Output]()
    await print_runs(kept, said.append)
    again = await evolve.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert (again.changed, again.llm) == (0, {})
    assert (await the_note(kept)).tags == ("farming",)
    assert report.llm == {"llm_calls": 1, "llm_tokens": 120}
    assert '"llm": {"llm_calls": 1, "llm_tokens": 120}' in evolve_output(report).render(
        as_json=True
    )
    assert evolve_output(report).text.endswith("; LLM: calls 1, tokens 120")
    assert "llm_calls 1, llm_tokens 120" in said[0].text
    assert service.asked[0].headers["authorization"] == "Bearer sesame"


async def test_a_link_that_it_proposes_is_in_the_store_and_undoing_the_run_takes_it_out(
    kept: Settings, service: ScriptedLlm
) -> None:
    older = (await the_note(kept)).note_id
    async with opened(kept) as memory:
        younger = await remember(memory, ANA, now=LATER, content="The crop is in the mill")
    words = ("both are about the barley", "The crop is in", "The barley is in")
    service.revises = lambda asked: linked((older, "same_thing", *words))

    report = await evolve.evolve_once(kept, LATER, nothing, nothing)

    assert [(k.to, k.reason) for k in await links_of(kept, younger)] == [(older, words[0])]
    await evolve.undo_once(kept, report.run_id, False, nothing)
    assert await links_of(kept, younger) == []


LATER = TOLD_AT + timedelta(days=1)


async def links_of(settings: Settings, told: Mapping[str, object]) -> list[Link]:
    async with opened(settings) as memory:
        [note] = await memory.store.get([str(told["note_id"])])
    return [link for link in note.links if link.made_by == "llm"]


async def test_a_dry_run_asks_no_llm(kept: Settings, service: ScriptedLlm) -> None:
    await dry_run(kept, TOLD_AT, nothing)

    assert service.asked == []


@pytest.mark.slow
async def test_a_server_evolves_with_it_too(kept: Settings, service: ScriptedLlm) -> None:
    runtime = Runtime(kept.store, installed_factories(kept), clock=utc_now)
    async with runtime.running():
        memory = await runtime.memory()
        with anyio.fail_after(20):
            while not any(run.kind == "evolve" for run in await memory.admin.runs(limit=9)):
                await anyio.lowlevel.checkpoint()

    assert (await the_note(kept)).tags == ("farming",)
    assert [asked.headers["authorization"] for asked in service.asked] == ["Bearer sesame"]


async def test_without_the_extra_the_command_says_what_to_install(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "find_spec", without_client)

    with pytest.raises(ModelUnavailableError) as caught:
        await evolve.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert "pip install 'zettel-mcp[llm]'" in str(caught.value)


async def test_without_the_extra_notes_are_kept_and_read_all_the_same(
    kept: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(llm, "find_spec", without_client)
    runtime, said = Runtime(kept.store, installed_factories(kept), clock=utc_now), list[Output]()

    async with runtime.running():
        memory = await runtime.memory()
        await remember(memory, ANA, now=TOLD_AT, content="So is the rye")
    farm = kept.model_copy(update={"namespace": "farm"})
    await with_calls(farm, lambda call: print_list(call, said.append, limit=None))

    assert memory.mind is None
    assert "zettel-mcp[llm]" in caplog.text
    told = [output.render(as_json=False) for output in said]
    assert len([text for text in told if "is the rye" in text or "barley" in text]) == 2


def test_no_llm_is_asked_unless_one_is_named(tmp_path: Path) -> None:
    assert build_llm(Settings(store=str(tmp_path), llm_key="k")) is None  # pyright: ignore[reportArgumentType]: as a variable gives it


def test_money_without_prices_is_refused(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path), llm_model="m", llm_money_day=1.0)

    with pytest.raises(InvalidArgumentError) as caught:
        build_llm(settings)

    assert caught.value.name == "setting llm_money_day"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llm_base_url", "ftp://x"),
        ("llm_timeout_seconds", "0"),
        ("llm_tokens_run", "-1"),
        ("llm_price_in", "free"),
        ("llm_money_run", "0"),
    ],
)
def test_a_bad_value_names_the_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZETTEL_STORE", str(tmp_path))
    monkeypatch.setenv(f"ZETTEL_{name.upper()}", value)

    with pytest.raises(InvalidArgumentError) as caught:
        load_settings()

    assert caught.value.name == f"setting {name}"
    assert repr(value) in str(caught.value)


async def test_the_key_is_in_no_text_about_the_settings(kept: Settings) -> None:
    wanted = kept.model_copy(update={"llm_model": "other"})

    told = differences(wanted, kept, Settings.model_fields)

    assert "'other'" in told[0]
    assert "sesame" not in f"{told}{kept!r}"


async def test_a_broken_client_library_is_told_as_such(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zettel.tools.llm.openai_client", None)

    report = await evolve.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert report.llm == {"llm_fallback_unavailable": 1}
    assert (await the_note(kept)).context.startswith("Noted Friday")


async def test_an_outage_loses_no_note(kept: Settings, service: ScriptedLlm) -> None:
    service.describes = lambda asked: Reply(status=401)

    report = await evolve.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert report.llm["llm_fallback_rejected"] == 1
    assert (await the_note(kept)).keywords


async def told_by_an_engine(settings: Settings) -> Message:
    """Its status, before it has done anything, nor has begun to ask the LLM while it ends."""
    still = settings.model_copy(update={"evolve_off": (ANA.namespace,)})
    runtime = Runtime(settings.store, installed_factories(still), clock=utc_now)
    async with runtime.running():
        await runtime.memory()
        return await report_of(runtime, settings, utc_now)


async def test_status_tells_how_the_llm_does_and_what_it_may_still_cost(
    kept: Settings, service: ScriptedLlm
) -> None:
    assert (await told_by_an_engine(kept))["llm"] == {
        **{"model": "m", "state": "not asked yet", "problem": None, "paused_s": None},
        **{"last_error": None, "last_error_at": None, "last_answer_at": None},
        "notes_to_ask_again": None,
        **{"tokens_today": 0, "tokens_day": 1_000_000, "money_today": None, "money_day": None},
    }

    now = utc_now()
    await evolve.evolve_once(kept, now, nothing, nothing)
    told = await told_by_an_engine(kept)

    assert part(told, "llm", "state") == "ok"
    assert part(told, "llm", "last_answer_at") == iso(now)
    assert part(told, "llm", "tokens_today") == 120
    assert "barley" not in json.dumps(told)


@pytest.mark.parametrize(
    ("given", "reply", "state", "error"),
    [
        ({}, Reply(status=401, body=b"barley"), "failing", "rejected"),
        ({"llm_tokens_day": 10}, Reply(), "budget spent", None),
    ],
)
async def test_status_names_what_is_wrong_with_the_llm(
    given: dict[str, int],
    reply: Reply,
    state: str,
    error: str | None,
    kept: Settings,
    service: ScriptedLlm,
) -> None:
    service.describes = lambda asked: reply
    settings = kept.model_copy(update=given)
    await evolve.evolve_once(settings, TOLD_AT, nothing, nothing)

    told = await told_by_an_engine(settings)

    assert (part(told, "llm", "state"), part(told, "llm", "last_error")) == (state, error)
    shown = status_output({"store": "s", "engine": {**ENGINE, **told}}).text
    assert state in shown
    assert "notes to ask about again: 1" in shown
    assert "barley" not in json.dumps(told)


@pytest.mark.slow
async def test_status_says_that_the_llm_cannot_be_used_at_all_or_is_left_alone(
    kept: Settings, service: ScriptedLlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.describes = lambda asked: Reply(status=401)
    runtime = Runtime(kept.store, installed_factories(kept), clock=utc_now)
    async with runtime.running():
        memory = await runtime.memory()
        for number in range(BREAK_AFTER):
            await remember(memory, ANA, now=utc_now(), content=f"sheaf {number}")
            await evolve.run_all(memory, utc_now(), nothing)
        paused = await report_of(runtime, kept, utc_now)
    assert part(paused, "llm", "state") == "paused"
    assert part(paused, "llm", "paused_s")

    monkeypatch.setattr(llm, "find_spec", without_client)

    told = await told_by_an_engine(kept)

    assert part(told, "llm", "state") == "unusable"
    assert "zettel-mcp[llm]" in str(part(told, "llm", "problem"))


async def test_a_namespace_that_is_off_is_embedded_and_otherwise_left_as_it_was_told(
    kept: Settings,
) -> None:
    off = kept.model_copy(update={"evolve_off": ("farm",)})
    before = await the_note(kept)

    seen = await dry_run(off, TOLD_AT, nothing)
    report = await evolve.evolve_once(off, TOLD_AT, nothing, nothing)

    assert (seen.report.steps["construct"], seen.touched) == (0, ())
    assert "not evolved: farm" in dry_run_output(seen).text
    assert (report.changed, report.llm) == (0, {})
    assert evolve_output(report).text.endswith("not evolved: farm")
    assert '"evolve_off": ["farm"]' in evolve_output(report).render(as_json=True)
    assert await the_note(kept) == before
    told = await told_by_an_engine(off)
    assert (told["queue"], told["off"]) == (0, {"evolution": ["farm"], "llm": []})
    assert "not evolved  farm" in status_output({"store": "s", "engine": {**ENGINE, **told}}).text


@pytest.mark.slow
async def test_a_namespace_whose_text_must_not_leave_is_described_by_rule_and_never_sent(
    kept: Settings, service: ScriptedLlm
) -> None:
    off = kept.model_copy(update={"llm_off": ("farm",), "consolidate": True})
    async with opened(kept) as memory:
        orchard = Caller(namespace="orchard", origin=Origin(client="ana"))
        await remember(memory, orchard, now=TOLD_AT, content="The plums are ripe")
        for content in ("Ana lives in Lyon", "Ana lives in Rome now", "Ana has a van"):
            await remember(memory, ANA, now=TOLD_AT, content=content, session="s", subject="Ana")

    report = await evolve.evolve_once(off, TOLD_AT, nothing, nothing)

    assert report.llm["llm_calls"] == len(service.asked) == 1
    assert "plums" in service.asked[0].words
    assert not any(word in service.asked[0].words for word in ("barley", "Ana"))
    assert evolve_output(report).text.endswith("not shown to the LLM: farm")
    async with opened(kept) as memory:
        farm = await memory.store.find(NoteFilter(namespaces=("farm",)), limit=9)
    assert all(note.keywords and "llm" not in note.derived_by.values() for note in farm)


def part(told: Message, name: str, field: str) -> Json:
    """A field of a part of the status."""
    found = told[name]
    assert isinstance(found, dict)
    return found[field]
