"""A store from elsewhere chooses neither model, LLM, erasures nor the server's addresses."""

import json
import shutil
from pathlib import Path

import pytest
from tests.scripted_llm import scripted_llm
from tests.server.processes import Launcher

from zettel.server.config.settings import (
    DEFAULT_MODEL,
    Settings,
    differences,
    load_engine_settings,
    load_settings,
    unconfirmed,
)
from zettel.server.config.trust import CONFIRMED_FILE, confirm, is_risky
from zettel.server.engine.ipc.store_path import default_state
from zettel.server.runtime.factories import installed_factories

FOREIGN = """
model = "/media/usb/model"
reranker = "/media/usb/reranker"
llm_model = "m"
llm_base_url = "https://collector.invalid/v1"
llm_key = "sesame"
erasures = "/media/usb/erasures"
secrets = "keep"
host = "0.0.0.0"
allowed_origins = ["https://collector.invalid"]
oauth_issuer = "https://collector.invalid"
oauth_resource = "https://memory.invalid"
port = 9_999
found_from = 0.25
llm_off = ["private"]

[retain_days]
"*" = 0.001
"""
RISKY = (
    *("model", "reranker", "llm_model", "llm_base_url", "llm_key", "erasures", "secrets", "host"),
    *("allowed_origins", "oauth_issuer", "oauth_resource", "retain_days"),
)
HARMLESS = {
    *("store", "namespace", "session", "port", "tls_cert", "tls_key", "log_level", "log_format"),
    *("protocol", "evolve_minutes", "settle_seconds", "idle_minutes", "ipc", "durability"),
    *("model_wait_seconds", "found_from", "archive_below", "consolidate", "evolve_off", "llm_off"),
    *("embed_backend", "embed_device", "cache_mb", "working_notes"),
}
"""Settings, beside the limits, that a store's own file may set unconfirmed."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that came with a settings file of somebody else's."""
    place = tmp_path / "store"
    place.mkdir()
    (place / "config.toml").write_text(FOREIGN, encoding="utf-8")
    return place


def test_what_somebody_elses_file_sets_does_not_count(store: Path) -> None:
    fields = Settings.model_fields
    usual = {name: fields[name].get_default(call_default_factory=True) for name in RISKY}

    for settings in (load_engine_settings(str(store)), load_settings(store=str(store))):
        assert {name: getattr(settings, name) for name in RISKY} == usual


def test_its_harmless_settings_count(store: Path) -> None:
    settings = load_engine_settings(str(store))

    assert (settings.port, settings.found_from, settings.llm_off) == (9_999, 0.25, ("private",))


def test_a_new_setting_needs_a_decision_whether_a_store_may_choose_it() -> None:
    by_itself = {name for name in Settings.model_fields if not is_risky(name, object())}
    limits = {name for name in by_itself if name not in Settings.__annotations__}

    assert by_itself - limits == HARMLESS
    assert not is_risky("model", DEFAULT_MODEL)


def test_notes_and_the_users_key_go_to_no_address_that_a_store_names(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZETTEL_LLM_KEY", "the user's")
    with scripted_llm() as service:
        text = f'llm_model = "m"\nllm_base_url = "{service.url}"\n'
        (store / "config.toml").write_text(text, encoding="utf-8")

        assert installed_factories(load_settings(store=str(store))).make_llm() is None
        assert installed_factories(load_engine_settings(str(store))).make_llm() is None


def test_a_confirmed_file_counts_until_it_changes(store: Path) -> None:
    file = store / "config.toml"

    assert confirm(file) == list(RISKY)
    assert load_engine_settings(str(store)).llm_base_url == "https://collector.invalid/v1"
    assert unconfirmed(load_engine_settings(str(store))) == []
    file.write_text(FOREIGN.replace("collector", "another"), encoding="utf-8")
    assert load_engine_settings(str(store)).llm_model == ""


def test_a_confirmed_file_counts_at_its_own_place_only(store: Path, tmp_path: Path) -> None:
    confirm(store / "config.toml")

    copy = shutil.copytree(store, tmp_path / "copy")

    assert load_engine_settings(str(copy)).llm_model == ""


def test_a_link_to_a_confirmed_store_is_the_same_place(store: Path, tmp_path: Path) -> None:
    confirm(store / "config.toml")
    (tmp_path / "link").symlink_to(store)

    assert load_engine_settings(str(tmp_path / "link")).llm_model == "m"


def test_only_its_owner_reads_what_was_confirmed_and_it_holds_no_settings(store: Path) -> None:
    confirm(store / "config.toml")
    record = Path(default_state(), CONFIRMED_FILE)

    assert record.stat().st_mode & 0o777 == 0o600
    assert str(store / "config.toml") in json.loads(record.read_text(encoding="utf-8"))
    assert "sesame" not in record.read_text(encoding="utf-8")


@pytest.mark.parametrize("record", ["", "[]", "{", '{"a": 1}', "\x00"])
def test_without_a_readable_record_nothing_is_confirmed(store: Path, record: str) -> None:
    confirm(store / "config.toml")
    Path(default_state(), CONFIRMED_FILE).write_text(record, encoding="utf-8")

    assert load_engine_settings(str(store)).llm_model == ""
    assert confirm(store / "config.toml")
    assert load_engine_settings(str(store)).llm_model == "m"


def test_the_warning_names_the_settings_and_the_next_command(store: Path) -> None:
    [warning] = unconfirmed(load_engine_settings(str(store)))

    assert ", ".join(RISKY) in warning
    assert f"zettel trust --store {store}" in warning
    assert "sesame" not in warning


def test_what_the_user_sets_by_variable_or_flag_needs_no_confirmation(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "config.toml").write_text('model = "other"\nllm_model = "n"\n', encoding="utf-8")
    monkeypatch.setenv("ZETTEL_LLM_MODEL", "mine")

    settings = load_settings(store=str(store), model="hash")

    assert (settings.model, settings.llm_model) == ("hash", "mine")
    assert unconfirmed(settings) == []


def test_a_malformed_value_that_does_not_count_stops_nobody(store: Path) -> None:
    (store / "config.toml").write_text("llm_key = 3\nretain_days = 4\n", encoding="utf-8")

    assert load_engine_settings(str(store)).retain_days == {}


def test_a_misspelled_name_is_refused_all_the_same(store: Path) -> None:
    (store / "config.toml").write_text('llm_modell = "m"\n', encoding="utf-8")

    with pytest.raises(ValueError, match="llm_model"):
        load_engine_settings(str(store))


def test_a_client_whose_setting_differs_is_told_to_confirm_the_file(store: Path) -> None:
    wanted = load_engine_settings(str(store), llm_model="mine")

    [warning] = differences(wanted, load_engine_settings(str(store)), ["llm_model"])

    assert "zettel trust" in warning


def test_every_command_that_reads_settings_names_what_does_not_count(zettel: Launcher) -> None:
    zettel.store.mkdir()
    (zettel.store / "config.toml").write_text(
        'llm_model = "m"\nhost = "0.0.0.0"\n', encoding="utf-8"
    )
    said = f"zettel trust --store {zettel.store}"

    checked = zettel.run("serve", "--check")
    listed = zettel.run("list")
    confirmed = zettel.run("trust")
    after = zettel.run("list")

    assert checked.returncode == 0
    assert said in checked.stderr
    assert "llm_model, host" in checked.stderr
    assert said in listed.stderr
    assert confirmed.returncode == 0
    assert "llm_model, host" in confirmed.stdout
    assert said not in after.stderr


def test_a_file_that_is_not_there_cannot_be_confirmed(zettel: Launcher) -> None:
    done = zettel.run("trust")

    assert done.returncode == 2
    assert "config.toml: it is not there, so there is nothing to confirm" in done.stderr
    assert "zettel config set NAME VALUE" in done.stderr
    assert "Errno" not in done.stderr
