"""Settings: what wins over what, and how a bad value is told."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from zettel.server.config.settings import differences, load_engine_settings, load_settings
from zettel.server.config.trust import confirm
from zettel.server.runtime.factories import installed_factories
from zettel.storage.errors import InvalidArgumentError


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own, and no other setting in the environment."""
    for name in ("NAMESPACE", "SESSION", "MODEL", "HOST", "PORT", "LOG_LEVEL", "PROTOCOL"):
        monkeypatch.delenv(f"ZETTEL_{name}", raising=False)
    monkeypatch.setenv("ZETTEL_STORE", str(tmp_path))
    return tmp_path


def configure(store: Path, text: str) -> None:
    """Write the store's config.toml, as its owner."""
    (store / "config.toml").write_text(text, encoding="utf-8")
    with suppress(ValueError):
        confirm(store / "config.toml")


def test_a_flag_wins_over_environment_file_and_default(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().port == 8377
    configure(store, "port = 1111")
    assert load_settings().port == 1111
    monkeypatch.setenv("ZETTEL_PORT", "2222")
    assert load_settings().port == 2222
    assert load_settings(port=3333).port == 3333
    assert load_settings(port=None).port == 2222


def test_the_file_of_the_store_named_by_flag_counts(store: Path) -> None:
    other = store / "other"
    other.mkdir()
    configure(other, 'namespace = "elsewhere"')

    assert load_settings().namespace is None
    assert load_settings(store=str(other)).namespace == "elsewhere"


def test_the_default_store_is_the_platforms_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ZETTEL_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    assert Path(load_settings().store).name == "zettel"


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETTEL_PORT", "")

    assert load_settings().port == 8377


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "99999"),
        ("port", "eighty"),
        ("log_level", "loud"),
        ("protocol", "modern"),
        ("namespace", "../up"),
        ("namespace", "Big"),
        ("evolve_minutes", "0"),
        ("settle_seconds", "-1"),
        ("durability", "forever"),
        ("found_from", "1.5"),
        ("archive_below", "1"),
        ("working_notes", "-1"),
        ("cache_mb", "-1"),
        ("cache_mb", "9" * 40),
        ("rate_per_minute", "9" * 40),
    ],
)
def test_a_bad_value_names_the_setting_and_the_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ZETTEL_{name.upper()}", value)

    with pytest.raises(InvalidArgumentError) as caught:
        load_settings()

    assert caught.value.name == f"setting {name}"
    assert repr(value) in str(caught.value)
    assert f"ZETTEL_{name.upper()}" in str(caught.value)
    assert "validation error" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    ["port = true", "idle_minutes = false", "quota_notes = true", 'retain_days = {"*" = true}'],
)
def test_true_and_false_are_no_numbers_in_the_file(store: Path, line: str) -> None:
    configure(store, line)

    with pytest.raises(InvalidArgumentError, match=r"'(True|False)' cannot be used") as caught:
        load_settings()

    assert caught.value.name == f"setting {line.split()[0]}"


def test_a_path_that_is_not_utf_8_is_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETTEL_STORE", "/srv/b\udcfcro")

    with pytest.raises(InvalidArgumentError, match="Pass text in UTF-8"):
        load_settings()


def test_an_unknown_setting_in_the_file_is_named(store: Path) -> None:
    configure(store, "prot = 8000")

    with pytest.raises(InvalidArgumentError, match=r"prot: config\.toml sets it"):
        load_settings()


def test_a_file_that_is_not_toml_is_told(store: Path) -> None:
    configure(store, "port = = 1")

    with pytest.raises(InvalidArgumentError, match=r"config\.toml: it cannot be read"):
        load_settings()


def test_a_file_may_begin_with_a_byte_order_mark(store: Path) -> None:
    configure(store, "\ufeffport = 1111")

    assert load_settings().port == 1111


@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
def test_what_is_no_file_is_told_and_not_read(store: Path, kind: str) -> None:
    file = store / "config.toml"
    if kind == "directory":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")

    with pytest.raises(
        InvalidArgumentError, match=r"config\.toml: it cannot be read \(it is no file"
    ):
        load_settings()


def test_a_store_cannot_send_away_to_another(store: Path) -> None:
    configure(store, 'store = "/elsewhere"')

    with pytest.raises(InvalidArgumentError, match="names another store"):
        load_settings()


def test_a_store_that_is_a_file_is_no_matter_of_settings(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()

    assert load_settings(store=str(place)).store == str(place)


@pytest.mark.parametrize(("durability", "synced"), [("fast", False), ("power-loss", True)])
async def test_durability_has_every_commit_on_the_disk(
    store: Path, monkeypatch: pytest.MonkeyPatch, durability: str, synced: bool
) -> None:
    places = list[Path]()
    monkeypatch.setattr("zettel.storage.lance.store.sync_file_system", places.append)
    configure(store, f'durability = "{durability}"')
    settings = load_settings(model="hash")
    factories = installed_factories(settings)
    opened = await factories.open_store(await factories.make_embedder())
    places.clear()

    await opened.swap_meta("key", expected=None, value="value")
    await opened.close()

    assert bool(places) is synced


async def test_a_reranker_is_made_only_where_one_is_set(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await installed_factories(load_settings()).make_reranker() is None
    configure(store, 'reranker = "/models/one"')
    assert load_settings().reranker == "/models/one"
    monkeypatch.setenv("ZETTEL_RERANKER", "/models/other")

    settings = load_settings()
    made = await installed_factories(settings).make_reranker()

    assert settings.reranker == "/models/other"
    assert made is not None
    assert not made.ready
    [told] = differences(settings, load_engine_settings(str(store)), ["reranker"])
    assert "setting reranker" in told


@pytest.mark.parametrize("name", ["evolve_off", "llm_off"])
def test_namespaces_are_listed_in_a_variable_with_commas_and_in_the_file_as_a_list(
    name: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(store, f'{name} = ["journal", "user"]')
    assert getattr(load_settings(), name) == ("journal", "user")
    configure(store, f'{name} = "journal"')
    assert getattr(load_engine_settings(str(store)), name) == ("journal",)

    monkeypatch.setenv(f"ZETTEL_{name.upper()}", " a.b, user ,")
    given = load_settings()

    assert getattr(given, name) == ("a.b", "user")
    assert "('a.b', 'user')" in differences(given, load_engine_settings(str(store)), [name])[0]
    monkeypatch.setenv(f"ZETTEL_{name.upper()}", "a b")
    with pytest.raises(InvalidArgumentError) as caught:
        load_settings()
    assert caught.value.name == f"setting {name}"
