"""Fixtures of every test, and how long Hypothesis hunts."""

import gc
import json
import logging
import os
import ssl
from collections.abc import Generator, Mapping
from functools import cache

import httpcore2
import pytest
from hypothesis import settings
from jsonschema import Draft202012Validator
from platformdirs import user_cache_path
from tests.object_server import Objects, serving_objects
from tests.time_zones import living_in

from zettel.server.observability.logs import OWN_LOGGER

settings.register_profile("quick", deadline=None)
settings.load_profile("quick")
"""A busy machine takes as long as it takes."""
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
"""A long hunt: `make test ARGS="--hypothesis-profile=long tests/tools/test_state_machine.py"`."""


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of every later collection, some 200 ms each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop Zettel runs on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def time_zone() -> Generator[None]:
    """UTC, wherever the tests run: the days of notes and questions are those of the place."""
    with living_in("UTC"):
        yield


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """A state directory of the tests' own: no erasure of theirs is to be remembered here.

    By the platform's variable: an engine does not hear its clients' own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """A cache of the tests' own: an export of a model that lies here is not to be theirs.

    But the rules that find secrets are compiled once, which takes 4 s, and not in every process.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KF_RULE_CACHE_DIR", str(user_cache_path("zettel-tests") / "rules"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    """Restore the logging configuration: a test's standard error is closed after it."""
    loggers = [logging.getLogger(), logging.getLogger(OWN_LOGGER)]
    before = [(list(logger.handlers), logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        for handler in [each for each in logger.handlers if each not in handlers]:
            logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Generator[None]:
    """Every HTTP client reads all authorities' certificates, 25 ms each time; here one context."""
    read = httpcore2.default_ssl_context

    @cache
    def kept(trust_env: bool, _file: str | None, _folder: str | None) -> ssl.SSLContext:
        return read(_trust_env=trust_env)

    def shared(*, _trust_env: bool = True) -> ssl.SSLContext:
        # The variables that OpenSSL and httpx look at.
        named = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return kept(_trust_env, *named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", shared)
        yield


@pytest.fixture(scope="session", autouse=True)
def schemas_checked_once() -> Generator[None]:
    """Every client checks the schema of each tool it calls, 30 ms each time; here once a schema."""
    check = Draft202012Validator.check_schema

    @cache
    def kept(schema: str) -> None:
        check(json.loads(schema))

    def shared(schema: Mapping[str, object]) -> None:
        kept(json.dumps(schema, sort_keys=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", shared)
        yield


@pytest.fixture(scope="session")
def object_server(request: pytest.FixtureRequest) -> Generator[Objects]:
    """A local S3 server, moto's or the one named; it starts when the first test needs it."""
    with serving_objects(getattr(request, "param", "moto")) as served:
        yield served


@pytest.fixture
def objects(object_server: Objects, monkeypatch: pytest.MonkeyPatch) -> Objects:
    """The server, told to this process as to any: by the variables of the cloud's libraries."""
    for name, value in object_server.environment.items():
        monkeypatch.setenv(name, value)
    return object_server
