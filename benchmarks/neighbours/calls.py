"""Tool calls as bytes, so that a client's own work is as small as can be."""

import json
from collections.abc import Mapping

import httpx2
from pydantic import JsonValue

HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
}
META: dict[str, JsonValue] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "neighbour", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ANSWER_S = 90.0
"""Longest wait for an answer."""


def call_body(tool: str, arguments: Mapping[str, JsonValue]) -> bytes:
    """The body of a tool call."""
    params = {"_meta": META, "name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return json.dumps(message).encode()


def client_of(url: str, token: str) -> httpx2.AsyncClient:
    """An HTTP client that presents a token; a proxy set in the environment is not asked."""
    bearing = {"authorization": f"Bearer {token}"}
    timeout = httpx2.Timeout(ANSWER_S)
    return httpx2.AsyncClient(base_url=url, headers=bearing, timeout=timeout, trust_env=False)


async def post(http: httpx2.AsyncClient, tool: str, body: bytes) -> httpx2.Response:
    """Make a tool call."""
    headers = {**HEADERS, "mcp-name": tool}
    return await http.post("/mcp", content=body, headers=headers)


async def answer_to(
    http: httpx2.AsyncClient, tool: str, arguments: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """The structured answer of a tool; of a refusal its text as `error`."""
    response = await post(http, tool, call_body(tool, arguments))
    text = response.text
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        lines = [line[5:] for line in text.splitlines() if line.startswith("data:")]
        text = lines[-1]
    result = json.loads(text)["result"]
    if result.get("isError"):
        return {"error": result["content"][0]["text"]}
    answer: dict[str, JsonValue] = result["structuredContent"]
    return answer
