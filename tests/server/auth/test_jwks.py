"""An authorization server's keys: fetched once, renewed, and had from nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from tests.server.issuer import REALM, Issuer, issuing

from zettel.server.auth import oauth
from zettel.server.auth.oauth import (
    KEYS_FRESH_S,
    KEYS_MAX_AGE_S,
    PAUSE_S,
    IssuerKeys,
    IssuerUnavailableError,
    OAuthAccess,
)
from zettel.server.config.settings import load_settings

KEYS = f"{REALM}/keys"


@dataclass
class Desk:
    """Keys of a server by a clock of ours."""

    issuer: Issuer
    now: float = 0.0
    keys: IssuerKeys = field(init=False)

    def __post_init__(self) -> None:
        self.keys = IssuerKeys(self.issuer.url, now=lambda: self.now)

    @property
    def looks(self) -> int:
        """How often the keys were asked for."""
        return self.issuer.asked.count(KEYS)


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    """One server for all tests of the module."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def desk(running: Issuer) -> Iterator[Desk]:
    """Nothing was asked for yet."""
    running.asked.clear()
    running.manner = "well"
    yield Desk(running)
    running.manner = "well"


def kid(issuer: Issuer) -> str:
    """The id of the key that signs now."""
    return str(issuer.key.kid)


async def test_keys_are_found_through_the_issuers_metadata_and_then_kept(desk: Desk) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(desk.keys.find, kid(desk.issuer))
    assert desk.looks == 1
    desk.now += KEYS_FRESH_S - 1
    assert await desk.keys.find(kid(desk.issuer))
    assert desk.looks == 1
    desk.now += 1
    assert await desk.keys.find(kid(desk.issuer))
    assert desk.looks == 2


async def test_an_unknown_key_id_has_us_look_but_not_often(desk: Desk) -> None:
    await desk.keys.find(kid(desk.issuer))
    for number in range(50):
        assert await desk.keys.find(f"made-up-{number}") is None
    assert desk.looks == 1

    old = kid(desk.issuer)
    desk.issuer.rotate()
    assert await desk.keys.find(kid(desk.issuer)) is None
    desk.now += PAUSE_S
    assert await desk.keys.find(kid(desk.issuer))
    assert await desk.keys.find(old) is None
    assert desk.looks == 2


@pytest.mark.parametrize("manner", ["down", "slow", "huge", "elsewhere", "garbled"])
async def test_keys_that_cannot_be_had_are_said_to_be_so_and_those_at_hand_serve_on(
    desk: Desk, manner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = 1.0 if manner == "slow" else oauth.KEYS_TIMEOUT_S
    desk.issuer.manner = manner
    monkeypatch.setattr(oauth, "KEYS_TIMEOUT_S", timeout)
    for _ in range(3):
        with pytest.raises(IssuerUnavailableError):
            await desk.keys.find(kid(desk.issuer))
    assert desk.looks == 1

    desk.issuer.manner = "well"
    monkeypatch.undo()
    desk.now += PAUSE_S
    assert await desk.keys.find(kid(desk.issuer))
    desk.issuer.manner = manner
    monkeypatch.setattr(oauth, "KEYS_TIMEOUT_S", timeout)
    desk.now += KEYS_MAX_AGE_S - 1
    assert await desk.keys.find(kid(desk.issuer))
    with pytest.raises(IssuerUnavailableError):
        await desk.keys.find("made-up")
    desk.now += 1
    with pytest.raises(IssuerUnavailableError):
        await desk.keys.find(kid(desk.issuer))


async def test_metadata_that_calls_itself_otherwise_leads_to_no_keys(desk: Desk) -> None:
    keys = IssuerKeys(f"{desk.issuer.url}/")
    with pytest.raises(IssuerUnavailableError):
        await keys.find(kid(desk.issuer))
    assert desk.looks == 0
    assert await IssuerKeys("https://else.example", f"{desk.issuer.url}/keys").find(
        kid(desk.issuer)
    )


async def test_while_no_key_can_be_had_a_request_is_told_when_to_come_back(
    desk: Desk, tmp_path: Path
) -> None:
    desk.issuer.manner = "down"
    url = "https://memory.example"
    settings = load_settings(store=str(tmp_path), oauth_issuer=desk.issuer.url, oauth_resource=url)
    token = desk.issuer.sign(desk.issuer.claims(url))
    headers = [(b"authorization", f"Bearer {token}".encode())]
    refusal = await OAuthAccess(settings).refusal({"type": "http", "headers": headers})

    assert refusal is not None
    assert refusal.status_code == 503
    assert float(refusal.headers["retry-after"]) == PAUSE_S


@pytest.mark.parametrize("manner", ["down", "huge", "garbled"])
async def test_the_password_and_the_key_in_the_keys_address_are_not_logged(
    desk: Desk, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    desk.issuer.manner = manner
    address = f"{desk.issuer.url.replace('://', '://ana:sesame@')}/keys?key=sesame"

    with pytest.raises(IssuerUnavailableError) as failed:
        await IssuerKeys(desk.issuer.url, address).find("any")

    own = [record.getMessage() for record in caplog.records if record.name.startswith("zettel")]
    assert any("could not be read" in line for line in own)
    assert "sesame" not in f"{own} {failed.value}"
