"""Secret settings: their values are in no error, log or output, malformed ones least of all."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.server.processes import Launcher

from zettel.server.config.addresses import without_password
from zettel.server.config.settings import (
    Settings,
    differences,
    load_engine_settings,
    secret_settings,
)
from zettel.server.config.trust import confirm

WORD = "sesame"
MALFORMED: dict[str, Callable[[str], str]] = {
    "a list": lambda name: f'{name} = ["{WORD}"]',
    "a table": lambda name: f'[{name}]\nvalue = "{WORD}"',
    "a number": lambda name: f"{name} = 5354414",
    "a date": lambda name: f"{name} = 1999-12-31",
}
TOLD = (WORD, "5354414", "1999", "(12")


def configure(store: Path, text: str) -> None:
    """Write the store's config.toml, as its owner."""
    store.mkdir(exist_ok=True)
    (store / "config.toml").write_text(text, encoding="utf-8")
    confirm(store / "config.toml")


def test_every_setting_that_sounds_secret_is_secret() -> None:
    # Of these tls_key is a file's name, secrets one of three words, the others numbers of tokens.
    harmless = {"tls_key", "secrets", "llm_tokens_run", "llm_tokens_day"}
    sounds = re.compile(r"key|secret|password|token|credential")
    named = {name for name in Settings.model_fields if sounds.search(name)}

    assert named - harmless == secret_settings()
    assert secret_settings()


@pytest.mark.parametrize("name", sorted(secret_settings()))
@pytest.mark.parametrize("form", MALFORMED)
@pytest.mark.parametrize(
    "words",
    [pytest.param((), marks=pytest.mark.slow), ("list",), ("serve", "--check"), ("serve",)],
    ids=" ".join,
)
def test_a_malformed_secret_is_named_and_not_printed(
    zettel: Launcher, name: str, form: str, words: tuple[str, ...]
) -> None:
    configure(zettel.store, MALFORMED[form](name))

    done = zettel.run(*words, "--log-level", "debug")

    assert done.returncode == 2
    assert f"setting {name}: its value, which is not shown" in done.stderr
    assert [told for told in TOLD if told in done.stdout + done.stderr] == []


@pytest.mark.parametrize("name", sorted(secret_settings()))
def test_a_good_secret_is_not_printed_beside_settings_that_are_wrong(
    zettel: Launcher, name: str
) -> None:
    configure(
        zettel.store,
        f'{name} = "{WORD}"\nport = "x"\nllm_model = "m"\nllm_base_url = "http://far.invalid/v1"\n',
    )

    wrong = zettel.run("serve", "--check", "--log-level", "debug")
    checked = zettel.run("serve", "--check", ZETTEL_PORT="0", ZETTEL_LOG_LEVEL="debug")

    assert wrong.returncode == 2
    assert checked.returncode == 0
    assert f"{name} can be read on their way" in checked.stderr
    assert WORD not in wrong.stdout + wrong.stderr + checked.stdout + checked.stderr


def test_the_validators_own_error_holds_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"store": "s", "llm_key": [WORD]})

    assert WORD not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        'llm_model = "m"\nllm_base_url = "http://ana:sesame@far.invalid/v1"',
        'llm_base_url = "ftp://ana:sesame@far.invalid/v1"',
        'oauth_issuer = "http://ana:sesame@far.invalid"\noauth_resource = "https://ana:sesame@z"',
        'oauth_issuer = "https://ana:sesame@far.invalid"\noauth_resource = "https://z"',
        'oauth_issuer = "https://a"\noauth_jwks = "http://ana@far.invalid/keys?key=sesame"',
        'llm_model = "m"\nllm_base_url = "http://ana@far.invalid/v1?key=sesame"',
    ],
)
def test_the_password_in_an_address_is_not_printed(zettel: Launcher, text: str) -> None:
    configure(zettel.store, text)

    done = zettel.run("serve", "--check")

    assert "://***@far.invalid" in done.stderr
    assert WORD not in done.stdout + done.stderr


def test_a_client_that_differs_from_its_engine_prints_no_password(tmp_path: Path) -> None:
    place = str(tmp_path)
    wanted = load_engine_settings(place, llm_base_url=f"https://ana:{WORD}@far.invalid/v1")

    (warning,) = differences(wanted, load_engine_settings(place), ["llm_base_url"])

    assert "'https://***@far.invalid/v1'" in warning
    assert WORD not in warning


def test_a_key_in_the_place_of_its_files_name_is_not_printed(zettel: Launcher) -> None:
    pem = f"-----BEGIN PRIVATE KEY-----\n{WORD}\n-----END PRIVATE KEY-----"
    zettel.store.mkdir()

    done = zettel.run("serve", "--check", "--tls-cert", "/none", "--tls-key", pem)

    assert "tls_key: its value, which is no path, cannot be read" in done.stderr
    assert WORD not in done.stdout + done.stderr


def test_an_address_without_a_password_or_a_query_stays_as_it_is() -> None:
    for address in ("https://far.invalid/v1/ana@b", "s3://bucket/a@b", "/a/b@c", "not one", "a?b"):
        assert without_password(address) == address


def test_the_query_of_an_address_is_not_shown_since_it_may_be_a_key() -> None:
    assert without_password(f"'https://far.invalid/v1?key={WORD}' answers 404") == (
        "'https://far.invalid/v1?***' answers 404"
    )
