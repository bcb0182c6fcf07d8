"""Who comes in with an authorization server's tokens, and who does not."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import base64
import hmac
import json
import socket
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from joserfc.jwk import ECKey, RSAKey
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl, JsonValue
from tests.server.issuer import ALL_SCOPES, ANA, ROBOT, Issuer, issuing
from tests.server.processes import INITIALIZE, PATIENCE_S, Launcher, Served, serving, tool_call

SECRET = b"a secret that is shared with everybody"


def _keys() -> dict[str, RSAKey | ECKey]:
    with warnings.catch_warnings(action="ignore"):  # of the short key, which is the point
        short = RSAKey.generate_key(1024)
    names = ("of any algorithm", "of RS512", "for secrets")
    keys: dict[str, RSAKey | ECKey] = {name: RSAKey.generate_key(2048) for name in names}
    return keys | {"short": short, "elliptic": ECKey.generate_key("P-256")}


KEYS = _keys()
MORE: dict[str, dict[str, str]] = {"of RS512": {"alg": "RS512"}, "for secrets": {"use": "enc"}}

JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@dataclass(frozen=True)
class Team:
    """A server, and the authorization server whose tokens it takes."""

    issuer: Issuer
    served: Served

    @property
    def url(self) -> str:
        """Where the server is; what tokens are for."""
        return self.served.url

    def token(self, **changed: JsonValue) -> str:
        """A token of ana's, with other claims."""
        return self.issuer.sign(self.issuer.claims(self.url, **changed))


def free_port() -> int:
    """A port that nobody listens on: clients are told the address before it is served."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """One for all tests of the module."""
    port, store = free_port(), tmp_path_factory.mktemp("oauth") / "store"
    with issuing() as issuer:
        settings = {
            "ZETTEL_OAUTH_ISSUER": issuer.url,
            "ZETTEL_OAUTH_RESOURCE": f"http://127.0.0.1:{port}",
            "ZETTEL_OAUTH_SCOPES": ALL_SCOPES,
        }
        for name, key in KEYS.items():
            public = {str(part): str(value) for part, value in key.as_dict(private=False).items()}
            issuer.more_keys.append({**public, "kid": name, **MORE.get(name, {})})
        issuer.more_keys.append({"kty": "oct", "kid": "shared secret", "k": encoded(SECRET)})
        with serving(store, "--port", str(port), fresh=False, **settings) as served:
            yield Team(issuer, served)


def bearing(token: str) -> dict[str, str]:
    """The headers that present a token."""
    return JSON | {"authorization": f"Bearer {token}"}


@dataclass
class Kept:
    """What an OAuth client keeps."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None
    answers: list[AuthorizationCodeResult] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The client, as it was registered."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the client."""
        self.client = client_info

    async def open_browser(self, url: str) -> None:
        """Ana's browser: she is logged in, and consents."""
        async with httpx2.AsyncClient() as browser:
            told = await browser.get(url)
        asked = parse_qs(urlsplit(told.headers["location"]).query)
        self.answers.append(AuthorizationCodeResult(code=asked["code"][0], state=asked["state"][0]))

    async def answered(self) -> AuthorizationCodeResult:
        """Where the browser was sent."""
        return self.answers.pop()


def logging_in(url: str, kept: Kept) -> OAuthClientProvider:
    """The SDK's own client, which is told nothing but the server's address."""
    metadata = OAuthClientMetadata(
        redirect_uris=[AnyUrl("http://127.0.0.1:1/callback")],
        token_endpoint_auth_method="none",
        client_name="agent",
    )
    return OAuthClientProvider(url, metadata, kept, kept.open_browser, kept.answered)


def robot(team: Team) -> OAuthClientProvider:
    """A client that acts for nobody but itself."""
    client_id, secret, scope = ROBOT
    return ClientCredentialsOAuthProvider(
        f"{team.url}/mcp",
        Kept(),
        client_id=client_id,
        client_secret=secret,
        scope=scope,
        issuer=team.issuer.url,
    )


@asynccontextmanager
async def client_of(url: str, auth: OAuthClientProvider, mode: str) -> AsyncGenerator[Client]:
    """A client that comes in as it is told to."""
    if url.endswith("/sse"):
        async with Client(sse_client(url, auth=auth), mode=mode) as client:
            yield client
        return
    async with httpx2.AsyncClient(auth=auth, timeout=PATIENCE_S) as http:
        way = streamable_http_client(url, http_client=http)
        async with Client(way, mode=mode) as client:
            yield client


@pytest.mark.parametrize(("path", "mode"), [("mcp", "auto"), ("mcp", "legacy"), ("sse", "auto")])
async def test_a_client_that_knows_only_the_address_logs_in_and_is_at_home(
    team: Team, path: str, mode: str
) -> None:
    url, kept = f"{team.url}/{path}", Kept()
    async with client_of(url, logging_in(url, kept), mode) as ana:
        words = f"told by {path} {mode}"
        told = (await ana.call_tool("remember", {"content": words})).structured_content
        asked = {"note_ids": [told["note_id"]], "detail": "full"}
        own = await ana.call_tool("recall", asked)
        read_only = await ana.call_tool("remember", {"content": "c", "namespace": "shared"})
        async with client_of(f"{team.url}/mcp", robot(team), "auto") as other:
            foreign = await other.call_tool("recall", asked)
            written = await other.call_tool("remember", {"content": "c", "namespace": "ana"})

    assert told["namespace"] == "ana"
    assert f"'principal': '{ANA}'" in str(own.structured_content)
    assert "may not write" in str(read_only.content)
    assert "No note with id" in str(foreign.content)
    assert "may not write" in str(written.content)
    assert team.issuer.asked_for == team.url
    assert kept.client is not None


def encoded(value: bytes) -> str:
    """Base64 as in a JWT."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed_by(secret: bytes, claims: dict[str, JsonValue], **header: str) -> str:
    """A token signed with a shared secret; libraries refuse to make such."""
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"


def with_public_key(team: Team) -> str:
    key = team.issuer.key
    header = {"alg": "HS256", "kid": str(key.kid)}
    return signed_by(key.as_pem(private=False), team.issuer.claims(team.url), **header)


def unsigned(team: Team) -> str:
    header = json.dumps({"alg": "none", "kid": str(team.issuer.key.kid)}).encode()
    body = json.dumps(team.issuer.claims(team.url)).encode()
    return f"{encoded(header)}.{encoded(body)}."


def tampered(team: Team) -> str:
    header, _, signature = team.token().split(".")
    body = json.dumps(team.issuer.claims(team.url, scope="zettel:robot")).encode()
    return f"{header}.{encoded(body)}.{signature}"


def by_another(team: Team) -> str:
    other = RSAKey.generate_key(2048, auto_kid=True)
    return team.issuer.sign(team.issuer.claims(team.url), key=other)


def by_another_under_the_same_id(team: Team) -> str:
    other = RSAKey.generate_key(2048)
    kid = str(team.issuer.key.kid)
    return team.issuer.sign(team.issuer.claims(team.url), key=other, kid=kid)


def of_type(kind: str) -> Callable[[Team], str]:
    return lambda team: team.issuer.sign(team.issuer.claims(team.url), typ=kind)


def saying(**changed: JsonValue) -> Callable[[Team], str]:
    return lambda team: team.token(**changed)


ATTACKS: dict[str, Callable[[Team], str]] = {
    "for another resource": saying(aud="https://else.example"),
    "for what lies below": lambda team: team.token(aud=f"{team.url}/mcp/x"),
    "for nobody": saying(aud=None),
    "of another issuer": saying(iss="https://else.example"),
    "of an issuer that begins alike": lambda team: team.token(iss=f"{team.issuer.url}/"),
    "of no issuer": saying(iss=None),
    "expired": saying(exp=1_700_000_000),
    "without an end": saying(exp=None),
    "with an end that is none": saying(exp="soon"),
    "not begun": saying(nbf=9_999_999_999),
    "issued in the future": saying(iat=9_999_999_999),
    "of nobody": saying(sub=None),
    "of a nameless one": saying(sub=""),
    "of one with a name on two lines": saying(sub="ana\nprincipal: ben"),
    "of one with a long name": saying(sub="a" * 256),
    "an ID token": saying(at_hash="x"),
    "an ID token of Keycloak": saying(typ="ID"),
    "a logout token": of_type("logout+jwt"),
    "unsigned": unsigned,
    "signed with the public key": with_public_key,
    "tampered with": tampered,
    "by an unknown key": by_another,
    "by another key under the same id": by_another_under_the_same_id,
    "cut short": lambda team: team.token()[:-8],
    "doubled": lambda team: team.token() + team.token(),
    "a token of the store": lambda _: "zettel_00000000_" + "A" * 43,
    "deep": lambda _: f"{encoded(b'[' * 5_000)}.{encoded(b'{' * 5_000)}.AAAA",
    "nothing of the kind": lambda _: "x",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_other_token_lets_anybody_in(team: Team, attack: str) -> None:
    token = ATTACKS[attack](team)
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        for path in ("/mcp", "/sse", "/messages/?session_id=0"):
            method = "GET" if path == "/sse" else "POST"
            body = None if path == "/sse" else INITIALIZE
            told = await http.request(method, team.url + path, json=body, headers=bearing(token))
            assert told.status_code == 401
            assert 'Bearer error="invalid_token", ' in told.headers["www-authenticate"]
        good = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=bearing(team.token()))

    assert good.status_code == 200


async def test_who_has_no_token_is_told_where_to_get_one(team: Team) -> None:
    where = f"{team.url}/.well-known/oauth-protected-resource"
    async with httpx2.AsyncClient() as http:
        told = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=JSON)
        metadata = (await http.get(where)).json()
        none_here = await http.get(f"{team.url}/.well-known/oauth-authorization-server")
        health = await http.get(f"{team.url}/health")

    assert told.status_code == 401
    expected = f'Bearer scope="{ALL_SCOPES}", resource_metadata="{where}"'
    assert told.headers["www-authenticate"] == expected
    assert metadata["resource"] == team.url
    assert metadata["authorization_servers"] == [team.issuer.url]
    assert metadata["scopes_supported"] == ALL_SCOPES.split()
    assert (none_here.status_code, health.status_code) == (404, 200)


@pytest.mark.parametrize("scope", [None, "openid", "zettel:", "zettel:A", "zettel:ana:rw", "ana"])
async def test_a_token_that_grants_nothing_here_is_not_enough(
    team: Team, scope: str | None
) -> None:
    async with httpx2.AsyncClient() as http:
        headers = bearing(team.token(scope=scope))
        told = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=headers)

    assert told.status_code == 403
    assert 'error="insufficient_scope"' in told.headers["www-authenticate"]
    assert f'scope="{ALL_SCOPES}"' in told.headers["www-authenticate"]


@pytest.mark.parametrize(
    "sub",
    ["local", "scheduler", "zettel", "cli", "heal", "profile", "Local", " local ", "ｌｏｃａｌ"],
)
async def test_nobody_comes_in_under_a_name_that_the_server_gives_itself(
    team: Team, sub: str
) -> None:
    headers = bearing(team.token(sub=sub, scope="zettel:ana zettel-metrics"))
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        told = [await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=headers)]
        told.append(await http.get(f"{team.url}/metrics", headers=headers))
        like_it = bearing(team.token(sub="local-ana"))
        other = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=like_it)

    assert [answer.status_code for answer in told] == [403, 403]
    assert "a name that Zettel gives itself" in told[0].text
    assert team.issuer.url in told[0].text
    assert other.status_code == 200


async def test_a_token_of_the_issuer_opens_the_page(team: Team) -> None:
    form = {"origin": team.url}
    async with httpx2.AsyncClient(base_url=team.url) as browser:
        shut = await browser.get("/timeline")
        old = {"token": team.token(exp=1)}
        refused = await browser.post("/login", data=old, headers=form)
        taken = await browser.post("/login", data={"token": team.token()}, headers=form)
        seen = await browser.get("/timeline")

    assert (shut.status_code, refused.status_code, taken.status_code) == (303, 401, 303)
    assert (seen.status_code, "Log out" in seen.text) == (200, True)


async def test_a_session_is_of_the_person_and_outlives_a_token(team: Team) -> None:
    url = f"{team.url}/mcp"
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        opened = await http.post(url, json=INITIALIZE, headers=bearing(team.token()))
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}

        async def call(**changed: JsonValue) -> int:
            headers = bearing(team.token(**changed)) | session
            return (await http.post(url, json=tool_call(2, "recall"), headers=headers)).status_code

        assert await call(jti="refreshed") == 200
        assert await call(sub="ben") == 404
        assert await call(client_id="another agent") == 404


async def test_a_narrower_token_of_a_session_ends_its_subscriptions_to_what_it_does_not_cover(
    team: Team,
) -> None:
    url, wide = f"{team.url}/mcp", team.token(scope="zettel:ana zettel:shared")
    async with (
        httpx2.AsyncClient(timeout=PATIENCE_S) as http,
        httpx2.AsyncClient(timeout=PATIENCE_S, headers=bearing(wide)) as other,
        Client(streamable_http_client(url, http_client=other)) as writer,
    ):
        uris = dict[str, str]()
        for namespace in ("ana", "shared"):
            words = {"content": f"subscribed in {namespace}", "namespace": namespace}
            told = (await writer.call_tool("remember", words)).structured_content
            uris[namespace] = f"memory://note/{told['note_id']}"
        opened = await http.post(url, json=INITIALIZE, headers=bearing(wide))
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        for number, uri in enumerate(uris.values()):
            body = {"jsonrpc": "2.0", "id": f"s{number}", "method": "resources/subscribe"}
            body["params"] = {"uri": uri}  # type: ignore[assignment]  # of JSON
            answer = await http.post(url, json=body, headers=bearing(wide) | session)
            assert "result" in answer.text, answer.text

        async with http.stream("GET", url, headers=bearing(wide) | session) as stream:
            lines = stream.aiter_lines()

            async def heard() -> str:
                with anyio.fail_after(PATIENCE_S):
                    while "resources/updated" not in (line := await anext(lines)):
                        pass
                return str(json.loads(line.removeprefix("data: "))["params"]["uri"])

            async def change(namespace: str, content: str) -> None:
                words = {"note_id": uris[namespace].rpartition("/")[2], "content": content}
                assert not (await writer.call_tool("update", words)).is_error

            narrow = bearing(team.token(scope="zettel:ana")) | session
            await http.post(url, json=tool_call(2, "recall"), headers=narrow)
            told_of = [await heard()]
            await change("shared", "changed unheard")
            for content in ("changed once", "changed twice"):
                await change("ana", content)
                told_of.append(await heard())

    assert told_of == [uris["ana"]] * 3


@pytest.mark.parametrize(
    ("scope", "metrics", "memory"),
    [
        (None, 403, 403),
        ("zettel:ana", 403, 200),
        ("zettel:zettel-metrics", 403, 200),
        ("zettel-metrics", 200, 403),
        ("zettel-metrics zettel:ana", 200, 200),
    ],
)
async def test_metrics_take_an_entry_of_their_own(
    team: Team, scope: str | None, metrics: int, memory: int
) -> None:
    headers = bearing(team.token(scope=scope))
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        shown = await http.get(f"{team.url}/metrics", headers=headers)
        told = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=headers)
        nobody = await http.get(f"{team.url}/metrics")

    assert (shown.status_code, told.status_code, nobody.status_code) == (metrics, memory, 401)


async def test_what_is_open_ends_with_its_token_and_a_session_waits_for_the_next(
    team: Team,
) -> None:
    issued = int(team.issuer.claims("")["iat"])  # type: ignore[arg-type]  # it is a number
    short, long = team.token(exp=issued + 3), team.token()
    async with (
        httpx2.AsyncClient(timeout=PATIENCE_S) as http,
        http.stream("GET", f"{team.url}/sse", headers=bearing(short)) as ending,
        http.stream("GET", f"{team.url}/sse", headers=bearing(long)) as lasting,
    ):
        assert (ending.status_code, lasting.status_code) == (200, 200)
        opened = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=bearing(short))
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        with anyio.fail_after(PATIENCE_S):
            await ending.aread()
        late = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=bearing(short))
        assert await anext(lasting.aiter_lines())
        call, headers = tool_call(2, "recall"), bearing(long) | session
        again = await http.post(f"{team.url}/mcp", json=call, headers=headers)

    assert (late.status_code, again.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("name", "algorithm", "status"),
    [
        ("elliptic", "ES256", 200),
        ("of any algorithm", "PS256", 200),
        ("of any algorithm", "RS512", 200),
        ("of RS512", "RS512", 200),
        ("of RS512", "RS256", 401),
        ("of any algorithm", "ES256", 401),
        ("short", "RS256", 401),
        ("for secrets", "RS256", 401),
    ],
)
async def test_a_key_signs_what_it_is_for(
    team: Team, name: str, algorithm: str, status: int
) -> None:
    signing = KEYS["elliptic" if algorithm == "ES256" else name]
    claims = team.issuer.claims(team.url)
    with warnings.catch_warnings(action="ignore"):  # of the short key, which is the point
        token = team.issuer.sign(claims, key=signing, alg=algorithm, kid=name)
    async with httpx2.AsyncClient() as http:
        told = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=bearing(token))

    assert told.status_code == status


async def test_a_shared_secret_among_the_keys_signs_nothing(team: Team) -> None:
    claims = team.issuer.claims(team.url)
    token = signed_by(SECRET, claims, alg="HS256", kid="shared secret")
    async with httpx2.AsyncClient() as http:
        told = await http.post(f"{team.url}/mcp", json=INITIALIZE, headers=bearing(token))

    assert told.status_code == 401


def test_an_exposed_server_needs_no_tokens_of_the_store_and_keeps_none(tmp_path: Path) -> None:
    store, port = tmp_path / "store", free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as running:
        issuer = running.enter_context(issuing())
        settings = {
            "ZETTEL_OAUTH_ISSUER": issuer.url,
            "ZETTEL_OAUTH_RESOURCE": f"{url}/",
            "ZETTEL_OAUTH_AUDIENCE": "api://zettel",
            "ZETTEL_OAUTH_CLAIM": "resource_access.zettel.roles",
            "ZETTEL_ALLOWED_HOSTS": "memory.example",
            "ZETTEL_ALLOWED_ORIGINS": "https://memory.example",
            "ZETTEL_LOG_LEVEL": "debug",
        }
        options = ("--port", str(port), "--host", "0.0.0.0")
        served = running.enter_context(serving(store, *options, fresh=False, **settings))
        zettel = Launcher(store=store, running=running)
        made = zettel.run("token", "create", "--name", "ana", "--namespace", "ana")
        roles: dict[str, JsonValue] = {"zettel": {"roles": ["admin", "zettel:ana"]}}
        claims = issuer.claims("api://zettel", resource_access=roles, scope=None)
        good, bad = issuer.sign(claims), issuer.sign(claims | {"exp": 1})
        with httpx2.Client(timeout=PATIENCE_S) as http:
            told = [
                http.post(f"{url}/mcp", json=INITIALIZE, headers=bearing(token)).status_code
                for token in (good, bad, made.stdout.strip())
            ]
        served.process.popen.terminate()
        assert served.process.popen.stderr
        log = served.process.popen.stderr.read()
        served.process.end()

    assert told == [200, 401, 401]
    kept = [file.read_bytes() for file in store.rglob("*") if file.is_file()]
    assert kept
    for secret in (good, bad):
        assert all(part.encode() not in text for part in secret.split(".") for text in (log, *kept))
