"""Being reached by other machines: with tokens and names only, and by TLS."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from tests.server.certificates import certificate
from tests.server.processes import Launcher

from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.server.config.addresses import is_loopback
from zettel.server.config.preflight.serving import exposure_refusals
from zettel.server.config.settings import load_settings
from zettel.server.runtime.factories import opened

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NAMED = {"allowed_hosts": "memory.example", "allowed_origins": "https://memory.example"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "--allowed-host"),
        ({"allowed_hosts": "memory.example"}, "--allowed-origin"),
        (NAMED, "zettel token create"),
    ],
)
async def test_a_host_others_reach_is_refused_for_what_is_missing(
    tmp_path: Path, host: str, given: dict[str, str], missing: str
) -> None:
    settings = load_settings(store=str(tmp_path / "none"), model="hash", host=host, **given)

    refusals = await exposure_refusals(settings)

    assert any(missing in str(refusal) for refusal in refusals)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("namespaces", "expires", "metrics", "enough"),
    [
        (["ana"], None, False, True),
        (["ana"], "1h", False, False),
        ([], None, True, False),
    ],
    ids=["in force", "expired", "for /metrics alone"],
)
async def test_only_a_token_in_force_that_reaches_notes_is_enough(
    tmp_path: Path, namespaces: list[str], expires: str | None, metrics: bool, enough: bool
) -> None:
    settings = load_settings(store=str(tmp_path / "store"), model="hash", host="0.0.0.0", **NAMED)
    token, _ = make_token("ana", namespaces, expires=expires, now=LONG_AGO, metrics=metrics)
    async with opened(settings, create=True) as memory:
        await add_token(memory.store, token)

    refusals = await exposure_refusals(settings)

    assert ["zettel token create" in str(refusal) for refusal in refusals] == [True] * (not enough)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
async def test_a_loopback_host_needs_nothing(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    assert not await exposure_refusals(load_settings(store=str(tmp_path), host=host))


def test_an_exposed_server_speaks_tls_under_its_names_to_bearers(
    zettel: Launcher, tmp_path: Path
) -> None:
    made = zettel.run("token", "create", "--name", "ana", "--namespace", "ana")
    cert, key = certificate(tmp_path)
    served = zettel.serve(
        "--host", "0.0.0.0", "--allowed-host", "memory.example",
        "--allowed-origin", "https://app.example", "--tls-cert", cert, "--tls-key", key,
    )  # fmt: skip
    port = served.url.rpartition(":")[2]
    bearer = {"authorization": f"Bearer {made.stdout.strip()}"}

    assert (
        f'https://memory.example:{port}/mcp --header "Authorization: Bearer TOKEN"'
        in served.welcome
    )
    assert made.stdout.strip() not in served.welcome

    def status(headers: dict[str, str]) -> int:
        with httpx2.Client(verify=ssl.create_default_context(cafile=cert)) as http:
            return http.get(f"https://localhost:{port}/mcp", headers=headers).status_code

    assert served.url.startswith("https://")
    assert status({"host": "evil.example"}) == 421
    assert status({"host": "0.0.0.0"}) == 421
    assert status({"origin": "https://evil.example"}) == 403
    for host in ("memory.example", f"memory.example:{port}", f"localhost:{port}"):
        assert status({"host": host, "origin": "https://app.example"}) == 401
        assert status({"host": host, **bearer}) == 400  # past the gate: without a session
