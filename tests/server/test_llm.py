"""The LLM as a person sets it: what is wired where, what is told, and what goes on without it."""

import sys
from collections.abc import Generator
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from tests.scripted_llm import Reply, ScriptedLlm, scripted_llm, worded

from zettel.server import evolving, llm, previewing
from zettel.server.clock import utc_now
from zettel.server.evolving import as_json, as_text
from zettel.server.listing import print_notes
from zettel.server.llm import mind_of
from zettel.server.offline import opened
from zettel.server.parts import installed_parts
from zettel.server.runs import print_runs
from zettel.server.runtime import Runtime
from zettel.server.settings import Settings, differences, load_engine_settings, load_settings
from zettel.storage.errors import InvalidArgumentError, ModelUnavailableError
from zettel.storage.hash_embedder import HashEmbedder
from zettel.storage.lance_store import open_store
from zettel.storage.notes import Note, Origin
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.memory import Memory
from zettel.tools.remember import remember

TOLD_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
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
    report = await evolving.evolve_once(kept, TOLD_AT, nothing, nothing)
    said = list[str]()
    await print_runs(kept, False, said.append)
    again = await evolving.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert (again.changed, again.llm) == (0, {})
    assert (await the_note(kept)).tags == ("farming",)
    assert report.llm == {"llm_calls": 1, "llm_tokens": 120}
    assert '"llm": {"llm_calls": 1, "llm_tokens": 120}' in as_json(report)
    assert as_text(report).endswith("; LLM: calls 1, tokens 120")
    assert "llm_calls 1, llm_tokens 120" in said[0]
    assert service.asked[0].headers["authorization"] == "Bearer sesame"


async def test_a_dry_run_asks_no_llm(kept: Settings, service: ScriptedLlm) -> None:
    await previewing.preview(kept, TOLD_AT, nothing)

    assert service.asked == []


async def test_a_server_evolves_with_it_too(kept: Settings, service: ScriptedLlm) -> None:
    runtime = Runtime(kept.store, installed_parts(kept), clock=utc_now)
    async with runtime.running():
        memory = await runtime.memory()

    assert memory.mind is not None
    assert service.asked == []


async def test_without_the_extra_the_command_says_what_to_install(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "find_spec", without_client)

    with pytest.raises(ModelUnavailableError) as caught:
        await evolving.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert "pip install 'zettel-mcp[llm]'" in str(caught.value)


async def test_without_the_extra_notes_are_kept_and_read_all_the_same(
    kept: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(llm, "find_spec", without_client)
    runtime, said = Runtime(kept.store, installed_parts(kept), clock=utc_now), list[str]()

    async with runtime.running():
        memory = await runtime.memory()
        await remember(memory, ANA, now=TOLD_AT, content="So is the rye")
    await print_notes(kept.model_copy(update={"namespace": "farm"}), False, said.append)

    assert memory.mind is None
    assert "zettel-mcp[llm]" in caplog.text
    assert len([line for line in said if "is the rye" in line or "barley" in line]) == 2


def test_no_llm_is_asked_unless_one_is_named(tmp_path: Path) -> None:
    assert mind_of(Settings(store=str(tmp_path), llm_key="k")) is None  # pyright: ignore[reportArgumentType]: as a variable gives it


def test_money_without_prices_is_refused(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path), llm_model="m", llm_money_day=1.0)

    with pytest.raises(InvalidArgumentError) as caught:
        mind_of(settings)

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
    monkeypatch.setitem(sys.modules, "zettel.storage.openai_chat", None)

    report = await evolving.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert report.llm == {"llm_fallback_unavailable": 1}
    assert (await the_note(kept)).context.startswith("Noted Friday")


async def test_an_outage_loses_no_note(kept: Settings, service: ScriptedLlm) -> None:
    service.describes = lambda asked: Reply(status=401)

    report = await evolving.evolve_once(kept, TOLD_AT, nothing, nothing)

    assert report.llm["llm_fallback_rejected"] == 1
    assert (await the_note(kept)).keywords
