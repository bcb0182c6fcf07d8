"""`zettel config`: what is set, by what, and setting it."""

import json
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.server.processes import Launcher

from zettel.server.config.settings import load_engine_settings
from zettel.server.config.trust import confirm


@pytest.fixture
def zettel(tmp_path: Path) -> Launcher:
    """Commands on a store with a file of settings."""
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    text = '# mine\nport = 9000 # why\nmodel = "hash"\n\n[retain_days]\nfarm = 365\n'
    (store / "config.toml").write_text(text, encoding="utf-8")
    confirm(store / "config.toml")
    return Launcher(store=store, running=ExitStack())


def listed(zettel: Launcher, **settings: str) -> dict[str, tuple[str, str]]:
    """Value and source by name."""
    done = zettel.run("config", "--json", **settings)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: (line["value"], line["source"]) for line in lines}


def test_every_setting_is_shown_with_what_says_so(zettel: Launcher) -> None:
    found = listed(zettel, ZETTEL_LLM_KEY="sesame", ZETTEL_FOUND_FROM="0.25")

    assert found["port"] == ("9000", "config.toml")
    assert found["found_from"] == ("0.25", "ZETTEL_FOUND_FROM")
    assert found["llm_key"] == ("(set)", "ZETTEL_LLM_KEY")
    assert found["durability"] == ("fast", "default")
    assert found["log_level"] == ("info", "default")
    assert found["retain_days"][1] == "config.toml"


def test_a_flag_is_named_where_it_wins_over_a_variable_and_the_file(zettel: Launcher) -> None:
    assert zettel.run("config", "set", "log_level", "info").returncode == 0

    shown = zettel.run("config", "--log-level", "debug").stdout.splitlines()

    sources = {line.split()[0]: line.split("  ")[-1] for line in shown}
    assert sources["log_level"] == "(flag)"


def test_a_setting_is_explained_and_a_wrong_name_is_answered_with_the_nearest(
    zettel: Launcher,
) -> None:
    told = zettel.run("config", "explain", "ZETTEL_RECALL_SECONDS").stdout
    wrong = zettel.run("config", "explain", "recal_seconds")

    assert "recall_seconds = 30.0  (default)" in told
    assert "Seconds that one recall" in told
    assert (wrong.returncode, "Did you mean recall_seconds?" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("recall_seconds", "5", 5.0),
        ("port", "9001", 9001),
        ("consolidate", "true", True),
        ("namespace", "123", "123"),
        ("evolve_off", "a,b", ("a", "b")),
        ("reranker", 'a "b" é', 'a "b" é'),
    ],
)
def test_a_setting_is_written_and_everything_else_stays(
    zettel: Launcher, name: str, text: str, value: object
) -> None:
    done = zettel.run("config", "set", name, text)
    file = (zettel.store / "config.toml").read_text(encoding="utf-8")
    found = load_engine_settings(str(zettel.store))

    assert done.returncode == 0, done.stderr
    assert getattr(found, name) == value
    assert file.startswith("# mine\n")
    assert "# why" in file
    assert stat.S_IMODE((zettel.store / "config.toml").stat().st_mode) == 0o600
    assert (found.model, dict(found.retain_days)) == ("hash", {"farm": 365})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("found_from", "7", "from 0 to 1"),
        ("store", "/x", "--store"),
        ("recal_seconds", "5", "recall_seconds"),
        ("retain_days", '{"farm": -1}', "-1.0 for 'farm' is no number of days"),
        ("retain_days", '{"farm": 1e6}', "Pass one above 0, at most 36,525."),
        ("retain_days", '{"farm": true}', "setting retain_days: 'True' cannot be used"),
        ("idle_minutes", "-5", "setting idle_minutes: '-5' cannot be used"),
        ("retain_days", '{"farm/cattle": 3}', "kinds are working"),
        ("host", "127.0.0.1:9000", "is more than a host"),
    ],
)
def test_what_cannot_be_set_changes_nothing(
    zettel: Launcher, name: str, text: str, said: str
) -> None:
    before = (zettel.store / "config.toml").read_bytes()
    done = zettel.run("config", "set", name, text)

    assert done.returncode == 2
    assert said in done.stderr
    assert (zettel.store / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("set", "port", "9001"), 'port = 9001\nmodel = "hash"\n'),
        (("unset", "port"), 'model = "hash"\n'),
    ],
    ids=str,
)
def test_a_value_that_stops_every_start_is_mended_by_the_command_that_sets_it(
    zettel: Launcher, words: tuple[str, ...], left: str
) -> None:
    file = zettel.store / "config.toml"
    file.write_text('port = "none"\nmodel = "hash"\n', encoding="utf-8")

    before = zettel.run("config")
    done = zettel.run("config", *words)
    after = zettel.run("config")

    assert (before.returncode, "port" in before.stderr) == (2, True)
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text(encoding="utf-8") == left
    assert after.returncode == 0


def test_a_setting_that_is_a_table_is_written_as_one(zettel: Launcher) -> None:
    done = zettel.run("config", "set", "retain_days", '{"farm": 3, "town": 9}')
    found = load_engine_settings(str(zettel.store))

    assert done.returncode == 0, done.stderr
    assert dict(found.retain_days) == {"farm": 3, "town": 9}
    assert (found.model, found.port) == ("hash", 9000)
    assert 'retain_days is {"farm": 3.0, "town": 9.0} in ' in done.stdout


@pytest.mark.parametrize(("name", "value"), [("port", 8377), ("retain_days", {})])
def test_a_setting_is_taken_out_and_everything_else_stays(
    zettel: Launcher, name: str, value: object
) -> None:
    done = zettel.run("config", "unset", name)
    again = zettel.run("config", "unset", name)
    found = load_engine_settings(str(zettel.store))

    assert (done.returncode, again.returncode) == (0, 0), done.stderr
    assert "nothing was changed" not in done.stdout
    assert "nothing was changed" in again.stdout
    assert getattr(found, name) == value
    assert found.model == "hash"
    assert (zettel.store / "config.toml").read_text(encoding="utf-8").startswith("# mine\n")


def test_a_file_that_was_not_confirmed_stays_unconfirmed(tmp_path: Path, zettel: Launcher) -> None:
    (zettel.store / "config.toml").write_text('llm_model = "theirs"\n', encoding="utf-8")
    assert zettel.run("config", "set", "port", "9001").returncode == 0

    assert load_engine_settings(str(zettel.store)).llm_model == ""
    assert load_engine_settings(str(zettel.store)).port == 9001
    assert tmp_path.exists()
