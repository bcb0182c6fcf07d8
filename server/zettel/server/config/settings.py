"""All settings, read once: flag > environment > config.toml > default."""

import json
import os
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from zettel.server.config.addresses import without_password
from zettel.server.config.errors import MisconfiguredError, read_stored, unusable_keys
from zettel.server.config.limits import LIMITS_EXPECTED, Limits
from zettel.server.config.trust import (
    counting_settings,
    is_risky,
    unconfirmed_settings,
    unconfirmed_warning,
)
from zettel.server.engine.ipc.handshake import ENGINE_SETTINGS
from zettel.server.engine.ipc.store_path import (
    PlaceError,
    check_place,
    default_state,
    default_store,
)
from zettel.server.observability.logs import LogFormat
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.validation import FOUND_FROM, NAMESPACE

CONFIG_FILE = "config.toml"
LOCAL_LLM = "http://127.0.0.1:11434/v1"
"""Where Ollama listens (its documentation): by default no note leaves the machine."""
DEFAULT_MODEL = "all-MiniLM-L6-v2"

CACHE_MAX_MB = 2**20
"""A terabyte."""

FLAGS = frozenset(
    ("store", "namespace", "session", "model", "host", "port", "log_level", "protocol")
)
"""Settings that are also flags."""

SCOPE_CLAIM = "scope"
"""Claim that says what a token is for (RFC 9068, section 2.2.3)."""

EXPECTED = LIMITS_EXPECTED | {
    "namespace": "1-64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit",
    "session": "a name of at most 256 characters",
    "port": "a whole number from 0 to 65535; 0 takes any free port",
    "log_level": "one of debug, info, warning, error",
    "log_format": "text or json",
    "protocol": "auto or legacy",
    "evolve_minutes": "a number of minutes above 0",
    "settle_seconds": "a number of seconds, 0 or more",
    "idle_minutes": "a number of minutes above 0",
    "ipc": "unix or tcp",
    "embed_backend": "auto, onnx or torch",
    "embed_device": "auto, cpu or cuda",
    "durability": "fast or power-loss",
    "cache_mb": f"a whole number of megabytes from 0 to {CACHE_MAX_MB}",
    "secrets": "cut, refuse or keep",
    "found_from": "a number from 0 to 1",
    "model_wait_seconds": "a number of seconds, 0 or more",
    "archive_below": "a number from 0 up to, but not, 1",
    "working_notes": "a whole number of notes, 0 or more",
    "llm_base_url": "an http:// or https:// address",
    "llm_key": "the key as text",
    "llm_timeout_seconds": "a number of seconds above 0",
    "llm_tokens_run": "a whole number of tokens, 0 or more",
    "llm_tokens_day": "a whole number of tokens, 0 or more",
    "llm_price_in": "the price of a million tokens, 0 or more",
    "llm_price_out": "the price of a million tokens, 0 or more",
    "llm_money_run": "an amount above 0",
    "llm_money_day": "an amount above 0",
    "consolidate": "true or false",
    "evolve_off": "namespaces, with commas between them",
    "llm_off": "namespaces, with commas between them",
    "trusted_principals": "names of tokens or OAuth subjects, with commas between them",
    "retain_days": 'a table such as {"*/working" = 30, "farm" = 365}; as a variable JSON',
    "allowed_hosts": "names that clients reach the server by, with commas between them",
    "allowed_origins": "such as https://app.example.org, with commas between them",
    "oauth_issuer": "the https:// address that the tokens' iss says, to the letter",
    "oauth_resource": "the https:// address that clients reach this server by, without a path",
    "oauth_jwks": "the https:// address of the authorization server's public keys",
    "oauth_claim": "the name of a claim",
    "oauth_scopes": "scopes, with spaces between them",
}
"""The form of each setting, for error messages."""


_Url = Annotated[str, Field(pattern=r"^(https?://[^\s\"\\]+)?$")]


def _split(value: object) -> object:
    return (
        [name for part in value.split(",") if (name := part.strip())]
        if isinstance(value, str)
        else value
    )


Namespaces = Annotated[
    tuple[Annotated[str, Field(pattern=rf"^{NAMESPACE.pattern}$")], ...],
    NoDecode,
    BeforeValidator(_split),
]
"""Comma-separated in a variable, a list in the file."""
Principals = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=256)], ...],
    NoDecode,
    BeforeValidator(_split),
]
"""Comma-separated in a variable, a list in the file."""
Hosts = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.\[\]:_-]+$")], ...],
    NoDecode,
    BeforeValidator(_split),
]
Origins = Annotated[
    tuple[Annotated[str, Field(pattern=r"^https?://[^/\s]+$")], ...],
    NoDecode,
    BeforeValidator(_split),
]


def config_file(place: str) -> Path:
    """The settings file of a store; it does not exist where the store is no directory."""
    try:
        return Path(place).expanduser() / CONFIG_FILE
    except RuntimeError:  # the home of an unknown user; opening the store fails with a better error
        return Path(place) / CONFIG_FILE


def _from_json(value: object) -> object:
    """Parse a table given as JSON in a variable or flag."""
    return json.loads(value) if isinstance(value, str) else value


def _refuse_truth(value: object) -> object:
    """Refuse true and false where a number is due.

    pydantic reads them as 1 and 0, so notes would be erased after one day.
    """
    if isinstance(value, bool):
        raise ValueError(str(value))
    return value


Days = Annotated[float, BeforeValidator(_refuse_truth)]


class _StoredSettings(TomlConfigSettingsSource):
    """The settings of a store's own file that count."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, object]:
        return counting_settings(Path(str(file_path)))


class Settings(Limits, BaseSettings):
    """The settings of one process."""

    reads_environment: ClassVar[bool] = True
    reads_file: ClassVar[bool] = True

    model_config = SettingsConfigDict(
        env_prefix="ZETTEL_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    store: str = Field(default_factory=default_store, min_length=1)
    """Directory or URI of the store: where the notes live. By default `zettel` in the platform's
    user data directory (Linux: `~/.local/share/zettel`); see docs/data.md."""
    erasures: str = Field(default_factory=default_state, min_length=1)
    """Directory of a second copy of the record of erasures (salted hashes, no text), so that no
    backup restored on this machine brings back what was erased. By default `zettel` in the
    platform's state directory; see docs/erasure.md."""
    namespace: str | None = Field(default=None, pattern=rf"^{NAMESPACE.pattern}$")
    """Default namespace. By default the project that a client works in, else `user`; over HTTP and
    SSE the token's first namespace, else `user`. See docs/recall.md#namespaces."""
    session: str | None = Field(default=None, max_length=256)
    """Session of notes that are stored without one. By default one for each process on stdio, none
    over HTTP and SSE."""
    model: str = Field(default=DEFAULT_MODEL, min_length=1)
    """Embedding model: any sentence-transformers model, by path or by its name in the local Hugging
    Face cache; `hash` needs no model and finds notes by their words, not by their meaning. See
    docs/quality.md#better-models."""
    embed_backend: Literal["auto", "onnx", "torch"] = "auto"
    """What runs the embedding model: sentence-transformers (`torch`), or onnxruntime from an export
    of it, in less time and memory (`onnx`); `auto` takes an export where there is one. It is made
    once: of the packaged model at the first start, of others while nobody calls. See
    docs/operations.md#the-export-of-the-embedding-model."""
    embed_device: Literal["auto", "cpu", "cuda"] = "auto"
    """What the embedding model runs on. With `auto` it is the CPU, where a question takes
    milliseconds; `zettel import` and `zettel reembed` take a GPU if there is one that onnxruntime
    or torch can use. `cuda` is a GPU for servers too. See docs/import.md#how-long-it-takes."""
    reranker: str = ""
    """Cross-encoder that reorders the best notes, by path or by its name in the local Hugging Face
    cache; empty for none. Needs the extra `torch`. See docs/quality.md#a-reranker."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address that `zettel serve` listens on; any other than a loopback address needs what
    docs/remote.md says."""
    port: int = Field(default=8377, ge=0, le=65535)
    """Port that `zettel serve` listens on; 0 takes any free port."""
    allowed_hosts: Hosts = ()
    """Names, besides this machine's own, by which clients may reach the server (`--allowed-host`,
    repeatable)."""
    allowed_origins: Origins = ()
    """Origins, besides this machine's own, whose web pages may reach the server
    (`--allowed-origin`, repeatable)."""
    tls_cert: str = ""
    """PEM file of a certificate, with which the server speaks HTTPS; empty for HTTP."""
    tls_key: str = ""
    """PEM file of the certificate's private key."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged. Logs go to standard error, an engine's to `.engine/engine.log` in
    the store, and hold no note text at any level."""
    log_format: LogFormat = "text"
    """`json`: one object a line."""
    protocol: Literal["auto", "legacy"] = "auto"
    """`legacy` speaks only the handshake era, for clients that mix both eras on one pipe."""
    evolve_minutes: float = Field(default=15.0, gt=0)
    """Minutes between evolution runs without writes."""
    settle_seconds: float = Field(default=2.0, ge=0)
    """Seconds without a write after which new notes are evolved."""
    idle_minutes: float = Field(default=240.0, gt=0)
    """Minutes without a client and without work after which an engine leaves, with its model in
    memory until then; of a store without notes, ten at most. See
    docs/data.md#what-runs-in-the-background."""
    model_wait_seconds: float = Field(default=20.0, ge=0)
    """Seconds that a question waits for the embedding model after a start, at most two thirds of
    `recall_seconds`; then notes are found by words only, and the verdict is `uncertain`. Loading
    takes 4 seconds, on a busy machine 20 and more; 0 does not wait."""
    ipc: Literal["unix", "tcp"] = "unix"
    """How an attachment and its engine talk: a Unix socket, or `tcp`, a loopback port and a
    secret."""
    durability: Literal["fast", "power-loss"] = "fast"
    """`power-loss` has every commit on the disk before it is acknowledged. Measured on a busy
    virtual disk: a `remember` takes 36 ms instead of 31 at the median without the model's share,
    1.1 times as long."""
    found_from: float = Field(default=FOUND_FROM, ge=0, le=1)
    """Confidence from which recall's verdict is `found`: 0 says `found` always; a higher value
    warns more often of notes that may be about somebody else or not about the question."""
    cache_mb: int = Field(default=64, ge=0, le=CACHE_MAX_MB)
    """Megabytes of memory for what ranking reads of notes, half of it for single notes and half for
    scopes that are read whole; what was used longest ago goes first. Less makes recall slower and
    changes no answer: see docs/operations.md#sizes."""
    secrets: Literal["cut", "refuse", "keep"] = "cut"
    """What happens to keys, private keys, signed tokens and passwords of connections in what is to
    be remembered: `cut` puts a marker in their place before anything is written, `refuse` refuses
    the call, `keep` stores them. See docs/data.md#secrets."""
    archive_below: float = Field(default=0.0, ge=0, lt=1)
    """Share of a note still held below which evolution archives it; 0 archives nothing. Leave it at
    0 unless the store must stay small: docs/evolution.md#archiving says what it costs."""
    working_notes: int = Field(default=20, ge=0)
    """Unfinished `working` notes of a namespace above which `remember` and a `recall` without
    arguments say so, with the calls that close or fold them; 0 never. None is closed by itself."""
    llm_model: str = ""
    """LLM that words what evolution writes, as its service calls it; empty for none: everything is
    by rule. See docs/evolution.md#an-llm."""
    llm_base_url: str = Field(default=LOCAL_LLM, pattern=r"^https?://")
    """Address of a service with OpenAI's HTTP interface; the default is Ollama on this machine."""
    llm_key: SecretStr = SecretStr("")
    """Key of that service; never logged."""
    llm_timeout_seconds: float = Field(default=60.0, gt=0)
    """Seconds that one question to the LLM may take, its answer included."""
    llm_tokens_run: int = Field(default=100_000, ge=0)
    """Tokens, read and written, that one evolution run may use."""
    llm_tokens_day: int = Field(default=1_000_000, ge=0)
    """Tokens, read and written, that one day (UTC) may use."""
    llm_price_in: float = Field(default=0.0, ge=0)
    """Price of a million tokens read, in any currency."""
    llm_price_out: float = Field(default=0.0, ge=0)
    """Price of a million tokens written, in the same currency."""
    llm_money_run: float | None = Field(default=None, gt=0)
    """Cost of one evolution run at most, at these prices; without a value there is no bound."""
    llm_money_day: float | None = Field(default=None, gt=0)
    """Cost of one day (UTC) at most, at these prices; without a value there is no bound."""
    retain_days: Annotated[dict[str, Days], NoDecode, BeforeValidator(_from_json)] = Field(
        default_factory=dict[str, float]
    )
    """Days after which notes are erased: `NAMESPACE` or `NAMESPACE/KIND` -> days, `*` for any. As a
    variable JSON, such as `{"*/working": 30}`; in `config.toml` a table `[retain_days]`. See
    docs/erasure.md#retention."""
    consolidate: bool = False
    """Whether evolution also composes gists, concepts and a profile; needs the extra `consolidate`.
    See docs/evolution.md#gists-concepts-and-a-profile."""
    evolve_off: Namespaces = ()
    """Namespaces whose notes evolution leaves as they were stored; they get their vectors and are
    found. With commas between them, in `config.toml` a list."""
    llm_off: Namespaces = ()
    """Namespaces whose notes no LLM is shown; they evolve by rule. With commas between them, in
    `config.toml` a list."""
    trusted_principals: Principals = ()
    """Principals whose notes count as the owner's: your own other devices, a team that may change
    one another's notes. See docs/trust.md. With commas between them, in `config.toml` a list."""
    oauth_issuer: _Url = ""
    """Authorization server whose access tokens are taken in place of the store's, written exactly
    as their `iss`; empty for tokens of the store. See
    docs/remote.md#tokens-of-an-authorization-server."""
    oauth_resource: _Url = ""
    """This server's address as clients reach it, such as `https://memory.example.org`; `/mcp` and
    `/sse` lie below it."""
    oauth_audience: str = ""
    """Value that the tokens' `aud` holds; empty for `oauth_resource`."""
    oauth_claim: str = Field(default=SCOPE_CLAIM, min_length=1)
    """Claim that names namespaces, with entries `zettel:NAMESPACE` and `zettel:NAMESPACE:ro`; dots
    lead inwards (`resource_access.zettel.roles`), `scp` stands in for `scope`."""
    oauth_scopes: str = Field(default="", pattern=r"^[!#-\[\]-~ ]*$")
    """Scopes, with spaces between them, that clients are asked to request (RFC 6749, section
    3.3)."""
    oauth_jwks: _Url = ""
    """Address of the keys that sign tokens; empty to take it from the issuer's metadata."""

    @field_validator("*", mode="before")
    @classmethod
    def _check_truth(cls, value: object, info: ValidationInfo) -> object:
        is_due = cls.model_fields[str(info.field_name)].annotation is bool
        return value if is_due else _refuse_truth(value)

    @field_validator("store")
    @classmethod
    def _check_store(cls, value: str) -> str:
        check_place(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read flags, then the environment and the store's config.toml unless excluded."""
        environment = (env_settings,) if cls.reads_environment else ()
        if not cls.reads_file:
            return init_settings, *environment
        place = init_settings().get("store") or env_settings().get("store") or default_store()
        stored = _StoredSettings(settings_cls, toml_file=config_file(str(place)))
        return init_settings, *environment, stored


class EngineSettings(Settings):
    """Settings without the variables of this process, for an engine's client."""

    reads_environment: ClassVar[bool] = False


class _GivenSettings(Settings):
    """Settings of nothing but what is passed."""

    reads_environment: ClassVar[bool] = False
    reads_file: ClassVar[bool] = False


def checked_setting(name: str, text: str) -> object:
    """A setting's value as JSON has it, read from text.

    Raises:
        MisconfiguredError: It cannot be used.
    """
    try:
        value: object = getattr(_GivenSettings.model_validate({name: text}), name)
    except ValidationError as error:
        raise MisconfiguredError(_errors_of(error)) from None
    except ValueError:
        problem = f"{_shown(name, text)} cannot be used"
        remedy = f"Pass {EXPECTED.get(name, 'text in UTF-8 that is not empty')}."
        raise InvalidArgumentError(name, problem, remedy) from None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]: text


def load_engine_settings(store: str, **given: str) -> Settings:
    """Read the settings of an engine's client.

    `given` are the client's flags and variables.

    Raises:
        MisconfiguredError: Values cannot be used; names each setting.
    """
    return _read(EngineSettings, {**given, "store": store})


def unconfirmed(settings: Settings) -> list[str]:
    """A warning if the store's own file sets what does not count; see `zettel.server.config.trust`.

    What a flag or a variable sets needs no file, and is left out.
    """
    file = config_file(settings.store)
    names = [n for n in unconfirmed_settings(file) if n not in settings.model_fields_set]
    return [unconfirmed_warning(file, names, settings.store)] if names else []


def differences(wanted: Settings, running: Settings, given: Iterable[str]) -> list[str]:
    """Warnings about settings in which a client and its engine differ.

    `given` names the settings that the client has by flag or variable.
    """
    return [
        f"setting {name}: this client was given {_value(wanted, name)} (by flag or"
        f" ZETTEL_{name.upper()}), but the engine that all clients of the store share runs with"
        f" {_value(running, name)}. Set {name} in {config_file(wanted.store)}"
        f"{', run zettel trust' if is_risky(name, getattr(wanted, name)) else ''} and run zettel"
        " stop."
        for name in differing(wanted, running, given)
    ]


def differing(wanted: Settings, running: Settings, given: Iterable[str]) -> list[str]:
    """Names of the settings in which a client and its engine differ; arguments as above."""
    return [
        name
        for name in ENGINE_SETTINGS
        if name in given and getattr(wanted, name) != getattr(running, name)
    ]


def _value(settings: Settings, name: str) -> str:
    value: object = getattr(settings, name)
    return repr(without_password(value) if isinstance(value, str) else value)


def load_settings(**flags: object) -> Settings:
    """Read every setting; a flag of None is absent.

    Raises:
        MisconfiguredError: Values cannot be used; names each setting.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    place = given.get("store") or os.environ.get("ZETTEL_STORE") or default_store()
    return _read(Settings, given, str(place))


def _read(kind: type[Settings], given: Mapping[str, object], place: str = "") -> Settings:
    file = config_file(place or str(given["store"]))
    problems = unusable_keys(read_stored(file), file, Settings.model_fields)
    try:
        settings = kind.model_validate(given)
    except ValidationError as error:
        problems += _errors_of(error)
        raise MisconfiguredError(problems) from None
    if problems:
        raise MisconfiguredError(problems)
    return settings


def secret_settings() -> frozenset[str]:
    """Names of the settings whose values are printed nowhere, not even when they are malformed."""
    fields = Settings.model_fields.items()
    return frozenset(name for name, field in fields if field.annotation is SecretStr)


def _shown(name: str, value: object) -> str:
    """A value for an error; nothing of a secret one, and no password of an address."""
    if name in secret_settings():
        return "its value, which is not shown,"
    return repr(without_password(str(value))[:80])


def _errors_of(error: ValidationError) -> list[InvalidArgumentError]:
    """One error per setting, in the order of the settings."""
    errors = dict[str, InvalidArgumentError]()
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else "settings"
        flag = f"--{name.replace('_', '-')}, " if name in FLAGS else ""
        ways = f"{flag}ZETTEL_{name.upper()} or {name} in {CONFIG_FILE}"
        problem = f"{_shown(name, detail['input'])} cannot be used"
        remedy = f"Pass {EXPECTED.get(name, 'text in UTF-8 that is not empty')} ({ways})."
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, PlaceError):
            problem, remedy = cause.problem, cause.remedy
        errors.setdefault(name, InvalidArgumentError(f"setting {name}", problem, remedy))
    return list(errors.values())
