"""What a client says of itself."""

import os
from pathlib import Path

import pytest

from zettel.server.config.limits import Limits
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.handshake import (
    ENGINE_SETTINGS,
    HELLO_SETTINGS,
    given_settings,
    read_object,
    session_hello,
)


def test_every_setting_is_a_clients_or_the_engines_or_of_the_way_in() -> None:
    ways_in = {
        *("store", "host", "port", "ipc"),
        *("allowed_hosts", "allowed_origins", "tls_cert", "tls_key"),
        *(name for name in Settings.model_fields if name.startswith("oauth")),
        *(name for name in Limits.model_fields if not name.startswith("quota")),
    }
    untold = {"llm_key"}
    assert set(HELLO_SETTINGS) | ways_in | untold == set(Settings.model_fields)
    assert set(ENGINE_SETTINGS) == set(HELLO_SETTINGS) - {"namespace", "session", "protocol"}


def test_the_key_of_the_llm_does_not_travel() -> None:
    given = given_settings({}, {"ZETTEL_LLM_KEY": "sesame", "ZETTEL_LLM_MODEL": "m"})

    assert given == {"llm_model": "m"}


def test_a_flag_wins_over_a_variable_and_an_empty_variable_is_none() -> None:
    given = given_settings(
        {"namespace": "flag", "session": ""},
        {"ZETTEL_NAMESPACE": "variable", "zettel_model": "m", "ZETTEL_PROTOCOL": "", "HOME": "/"},
    )

    assert given == {"namespace": "flag", "session": "", "model": "m"}


def test_the_hello_names_project_session_and_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = (session_hello("/store", {"namespace": "n"}) for _ in range(2))

    assert (one["cwd"], one["pid"], one["store"]) == (os.getcwd(), os.getpid(), "/store")
    assert one["settings"] == {"namespace": "n"}
    assert one["session"] != two["session"]


def test_a_working_directory_that_was_removed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert session_hello("/store", {})["cwd"] == ""


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b"{", b"\xff", b'{"a":' * 100_000])
def test_what_is_no_object_is_an_error_of_value(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_object(raw)
