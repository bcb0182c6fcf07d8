"""Who comes in over HTTP and SSE: with a token only, as soon as there is one."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import anyio
import httpx2
import pytest
from anyio import to_thread
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from tests.server.processes import INITIALIZE, PATIENCE_S, Launcher, Served, serving, tool_call

JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@dataclass(frozen=True)
class Endpoint:
    """A server of a store with two tokens."""

    served: Served
    zettel: Launcher
    ana: str
    ben: str


def made(zettel: Launcher, name: str, *namespaces: str, expires: str = "1d") -> str:
    """A new token."""
    spaces = [word for name in namespaces for word in ("--namespace", name)]
    done = zettel.run("token", "create", "--name", name, *spaces, "--expires", expires)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def bearing(token: str) -> dict[str, str]:
    """The header that presents a token."""
    return {"authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """One for all tests of the module; the second token is made while it serves."""
    store = tmp_path_factory.mktemp("guarded") / "store"
    with ExitStack() as running:
        zettel = Launcher(store=store, running=running)
        ana = made(zettel, "ana", "ana", "shared:ro")
        served = running.enter_context(serving(store))
        yield Endpoint(served, zettel, ana, made(zettel, "ben", "ben", "shared"))


@asynccontextmanager
async def client_of(
    url: str,
    token: str,
    transport: str,
    mode: str,
    *,
    query: str = "",
    more: Mapping[str, str] | None = None,
) -> AsyncGenerator[Client]:
    """A client that presents a token, and says more in URL and headers."""
    headers = {**bearing(token), **(more or {})}
    if transport == "sse":
        async with Client(sse_client(f"{url}/sse{query}", headers=headers), mode=mode) as client:
            yield client
        return
    async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S) as http:
        way = streamable_http_client(f"{url}/mcp{query}", http_client=http)
        async with Client(way, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_bearer_is_at_home_in_its_first_namespace_and_named_in_its_notes(
    endpoint: Endpoint, transport: str, mode: str
) -> None:
    url, words = endpoint.served.url, f"told by {transport} {mode}"
    async with client_of(url, endpoint.ana, transport, mode) as ana:
        told = (await ana.call_tool("remember", {"content": words})).structured_content
        asked = {"note_ids": [told["note_id"]], "detail": "full"}
        own = await ana.call_tool("recall", asked)
        async with client_of(url, endpoint.ben, transport, mode) as ben:
            other = await ben.call_tool("recall", asked)
            refused = await ben.call_tool("remember", {"content": "c", "namespace": "ana"})

    assert told["namespace"] == "ana"
    assert "'principal': 'ana'" in str(own.structured_content)
    assert other.is_error
    assert "No note with id" in str(other.content)
    assert refused.is_error
    assert "may not write" in str(refused.content)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_client_names_its_namespace_in_the_url_or_beside_it(
    endpoint: Endpoint, transport: str, mode: str
) -> None:
    url, words = endpoint.served.url, f"shared by {transport} {mode}"
    header = {"X-Zettel-Namespace": "shared"}
    async with client_of(url, endpoint.ben, transport, mode, query="?namespace=shared") as ben:
        told = (await ben.call_tool("remember", {"content": words})).structured_content
    async with client_of(url, endpoint.ana, transport, mode, more=header) as ana:
        found = await ana.call_tool("recall", {"query": words})
        refused = await ana.call_tool("remember", {"content": "c"})
        own = await ana.call_tool("remember", {"content": words, "namespace": "ana"})

    assert told["namespace"] == "shared"
    assert found.structured_content["notes"][0]["content"] == words
    assert "may not write" in str(refused.content)
    assert own.structured_content["namespace"] == "ana"


@pytest.mark.parametrize("named", ["ben", "Ana Bee", "*"])
async def test_a_name_in_the_url_opens_nothing(endpoint: Endpoint, named: str) -> None:
    url, query = endpoint.served.url, f"?namespace={quote(named)}"
    async with client_of(url, endpoint.ben, "http", "auto") as ben:
        await ben.call_tool("remember", {"content": "Ben keeps goats in secret"})
    async with client_of(url, endpoint.ana, "http", "auto", query=query) as ana:
        told = await ana.call_tool("remember", {"content": "c"})
        found = await ana.call_tool("recall", {"query": "goats"})

    assert told.is_error
    assert "goats" not in str(found.content)


async def test_no_verb_changes_a_namespace_that_a_token_may_only_read(endpoint: Endpoint) -> None:
    url = endpoint.served.url
    async with (
        client_of(url, endpoint.ana, "http", "auto") as ana,
        client_of(url, endpoint.ben, "http", "auto") as ben,
    ):
        told = await ben.call_tool("remember", {"content": "we share it", "namespace": "shared"})
        note_id = told.structured_content["note_id"]
        preview = await ben.call_tool("forget", {"note_ids": [note_id], "erase": True})
        confirm = preview.structured_content["confirm"]
        refused = [
            await ana.call_tool("remember", {"content": "c", "namespace": "shared"}),
            await ana.call_tool("update", {"note_id": note_id, "tags": ["c"]}),
            await ana.call_tool("forget", {"note_ids": [note_id]}),
            await ana.call_tool("forget", {"note_ids": [note_id], "undo": True}),
            await ana.call_tool("forget", {"note_ids": [note_id], "erase": True}),
        ]
        taken = await ana.call_tool("forget", {"confirm": confirm})
        kept = await ana.call_tool("recall", {"note_ids": [note_id]})

    assert all("may not write" in str(answer.content) for answer in refused)
    assert all(answer.is_error for answer in (*refused, taken))
    assert "we share it" in str(kept.structured_content)


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/?session_id=0", "/metrics", "/x"])
@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, "Bearer"),
        ({"authorization": "Basic YTpi"}, "Bearer"),
        ({"authorization": "Bearer"}, "Bearer"),
        ({"authorization": "Bearer zettel_00000000_no"}, 'Bearer error="invalid_token"'),
    ],
)
async def test_without_a_token_of_the_store_nobody_comes_in(
    endpoint: Endpoint, path: str, headers: Mapping[str, str], challenge: str
) -> None:
    async with httpx2.AsyncClient() as http:
        for method in ("GET", "POST", "DELETE"):
            answer = await http.request(method, endpoint.served.url + path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == challenge


async def test_the_id_of_a_token_is_not_the_token(endpoint: Endpoint) -> None:
    forged = endpoint.ana[:-1] + ("A" if endpoint.ana[-1] != "A" else "B")
    async with httpx2.AsyncClient() as http:
        for token in (forged, endpoint.ana.rpartition("_")[0], endpoint.ana + "A"):
            answer = await http.post(f"{endpoint.served.url}/mcp", headers=bearing(token))
            assert answer.status_code == 401


async def test_health_is_everybodys_and_oauth_is_not_there(endpoint: Endpoint) -> None:
    async with httpx2.AsyncClient() as http:
        health = await http.get(f"{endpoint.served.url}/health")
        for name in ("oauth-protected-resource", "oauth-protected-resource/mcp", "openid-x"):
            found = await http.get(f"{endpoint.served.url}/.well-known/{name}")
            assert found.status_code == 404

    assert health.status_code == 200


async def test_a_session_is_of_the_token_that_opened_it(endpoint: Endpoint) -> None:
    url = f"{endpoint.served.url}/mcp"
    async with httpx2.AsyncClient(headers=JSON, timeout=PATIENCE_S) as http:
        opened = await http.post(url, json=INITIALIZE, headers=bearing(endpoint.ana))
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        call = tool_call(2, "recall")
        for method in ("POST", "GET", "DELETE"):
            body = call if method == "POST" else None
            theirs = bearing(endpoint.ben) | session
            never = bearing(endpoint.ben) | {"mcp-session-id": "0" * 32}
            told = await http.request(method, url, json=body, headers=theirs)
            expected = await http.request(method, url, json=body, headers=never)
            assert (told.status_code, told.text) == (expected.status_code, expected.text)
            assert told.status_code == 404
        mine = await http.post(url, json=call, headers=bearing(endpoint.ana) | session)

    assert mine.status_code == 200


async def test_an_sse_session_is_of_the_token_that_opened_it(endpoint: Endpoint) -> None:
    url, ana = endpoint.served.url, bearing(endpoint.ana)
    async with (
        httpx2.AsyncClient(headers=JSON, timeout=PATIENCE_S) as http,
        http.stream("GET", f"{url}/sse", headers=ana) as stream,
    ):
        lines = stream.aiter_lines()
        path = await anext(line[6:] async for line in lines if line.startswith("data: /"))
        theirs = await http.post(url + path, json=INITIALIZE, headers=bearing(endpoint.ben))
        mine = await http.post(url + path, json=INITIALIZE, headers=ana)

    assert (theirs.status_code, mine.status_code) == (404, 202)


async def test_revoking_a_token_ends_all_it_has_open_and_nothing_else(endpoint: Endpoint) -> None:
    url = endpoint.served.url
    token = await to_thread.run_sync(made, endpoint.zettel, "cleo", "cleo")
    async with httpx2.AsyncClient(headers=JSON, timeout=PATIENCE_S) as http:
        opened = await http.post(f"{url}/mcp", json=INITIALIZE, headers=bearing(token))
        assert opened.status_code == 200, opened.text
        session = bearing(token) | {"mcp-session-id": opened.headers["mcp-session-id"]}
        async with (
            http.stream("GET", f"{url}/sse", headers=bearing(token)) as sse,
            http.stream("GET", f"{url}/mcp", headers=session) as listening,
            http.stream("GET", f"{url}/sse", headers=bearing(endpoint.ben)) as others,
        ):
            assert (sse.status_code, listening.status_code) == (200, 200)
            done = await to_thread.run_sync(endpoint.zettel.run, "token", "revoke", "cleo")
            with anyio.fail_after(PATIENCE_S):
                await sse.aread()
                await listening.aread()
            late = await http.post(f"{url}/mcp", json=tool_call(2, "recall"), headers=session)
            assert await anext(others.aiter_lines())
        again = await to_thread.run_sync(endpoint.zettel.run, "token", "revoke", "cleo")

    assert done.returncode == 0, done.stderr
    assert (again.returncode, "'cleo' is revoked already" in again.stderr) == (2, True)
    assert late.status_code == 401


async def test_what_a_revoked_token_subscribed_to_is_watched_no_longer(endpoint: Endpoint) -> None:
    url = endpoint.served.url
    token = await to_thread.run_sync(made, endpoint.zettel, "dora", "dora", "shared:ro")
    scrape = await to_thread.run_sync(
        endpoint.zettel.run, "token", "create", "--name", "scraper", "--metrics"
    )
    subscribe = {"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe"}
    async with httpx2.AsyncClient(headers=JSON, timeout=PATIENCE_S) as http:

        async def watched() -> float:
            shown = await http.get(f"{url}/metrics", headers=bearing(scrape.stdout.strip()))
            lines = (line.split() for line in shown.text.splitlines())
            return next(float(line[1]) for line in lines if line[0] == "zettel_subscriptions")

        opened = await http.post(f"{url}/mcp", json=INITIALIZE, headers=bearing(token))
        assert opened.status_code == 200, opened.text
        session = bearing(token) | {"mcp-session-id": opened.headers["mcp-session-id"]}
        asked = subscribe | {"params": {"uri": "memory://stats"}}
        assert '"result"' in (await http.post(f"{url}/mcp", json=asked, headers=session)).text
        assert await watched() == 1
        async with http.stream("GET", f"{url}/mcp", headers=session) as listening:
            await to_thread.run_sync(endpoint.zettel.run, "token", "revoke", "dora")
            told = tool_call(3, "remember", content="the heron nests", namespace="shared")
            await http.post(f"{url}/mcp", json=told, headers=bearing(endpoint.ben))
            with anyio.fail_after(PATIENCE_S):
                heard = await listening.aread()
                while await watched():
                    await anyio.lowlevel.checkpoint()

    assert b"resources/updated" not in heard


def test_a_token_is_shown_once_and_kept_nowhere(endpoint: Endpoint) -> None:
    listed = endpoint.zettel.run("token", "list", "--json")
    files = [file for file in endpoint.zettel.store.rglob("*") if file.is_file()]
    secret = endpoint.ana.split("_", 2)[2]

    told = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {"name": "ana", "state": "active", "namespaces": ["ana", "shared:ro"]}.items() <= told[
        0
    ].items()
    assert secret not in listed.stdout
    assert files
    assert all(secret.encode() not in file.read_bytes() for file in files)


PASSED_ON = {
    "X-Forwarded-For": "203.0.113.9",
    "x-forwarded-host": "memory.example.org",
    "X-Forwarded-Proto": "https",
    "Forwarded": "for=203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "Via": "1.1 proxy",
}


@pytest.mark.parametrize("header", PASSED_ON)
async def test_a_server_without_tokens_answers_nobody_behind_a_proxy(
    served: Served, header: str
) -> None:
    passed_on = {header: PASSED_ON[header]}
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:

        async def post(path: str, headers: dict[str, str]) -> httpx2.Response:
            return await http.post(served.url + path, json=INITIALIZE, headers=JSON | headers)

        refused = [
            await post(path, passed_on) for path in ("/mcp", f"/messages/?session_id={0:032}")
        ]
        refused.append(await http.get(f"{served.url}/metrics", headers=passed_on))
        health = await http.get(f"{served.url}/health", headers=passed_on)
        direct = await post("/mcp", {})
        own_health = await http.get(f"{served.url}/health")

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert "zettel token create" in refused[0].text
    assert "docs/remote.md" in refused[0].text
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert direct.status_code == 200
    assert "store" in own_health.json()


async def test_a_bearer_comes_in_through_a_proxy(endpoint: Endpoint) -> None:
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        headers = JSON | PASSED_ON | bearing(endpoint.ana)
        told = await http.post(f"{endpoint.served.url}/mcp", json=INITIALIZE, headers=headers)

    assert told.status_code == 200
