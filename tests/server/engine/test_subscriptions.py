"""Subscriptions continue at the next engine after a kill, in both protocol eras."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.server.engine_homes import home_at
from tests.server.processes import Process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

ENVELOPE: dict[str, JsonValue] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "pipes", "version": "1"},
}
UPDATED = "notifications/resources/updated"
TRIES = 50
"""Changes made until one is notified: those before the subscription's renewal are not."""


class Talk:
    """A conversation in one era, and what was heard beside the answers."""

    def __init__(self, process: Process, envelope: Mapping[str, JsonValue]) -> None:
        self._process = process
        self._envelope = dict(envelope)
        self._last_id = 100
        self.updated: list[str] = []

    def say(self, method: str, **params: JsonValue) -> int:
        """Send a request; its id."""
        self._last_id += 1
        meta: dict[str, JsonValue] = {"_meta": self._envelope} if self._envelope else {}
        told: JsonValue = {**params, **meta}
        self._process.say({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": told})
        return self._last_id

    def hear(self) -> dict[str, JsonValue]:
        """The next message."""
        message = self._process.hear()
        if message.get("method") == UPDATED:
            self.updated.append(json.dumps(message))
        return message

    def ask(self, method: str, **params: JsonValue) -> str:
        """Send a request and wait for its answer, as JSON."""
        wanted = self.say(method, **params)
        while (message := self.hear()).get("id") != wanted:
            pass
        return json.dumps(message)

    def remember(self, content: str) -> str:
        """Remember something; its id."""
        answer = json.loads(self.ask("tools/call", name="remember", arguments={"content": content}))
        return str(answer["result"]["structuredContent"]["note_id"])


@pytest.mark.parametrize("era", ["older", "newer"])
def test_a_subscription_outlives_the_engine(tmp_path: Path, era: str) -> None:
    with home_at(tmp_path / "store") as home:
        process = home.attach() if era == "older" else home.spawn()
        talk = Talk(process, {} if era == "older" else ENVELOPE)
        note_id = talk.remember("Ana lives in Paris")
        uri = f"memory://note/{note_id}"
        if era == "older":
            assert '"result"' in talk.ask("resources/subscribe", uri=uri)
        else:
            talk.say("subscriptions/listen", notifications={"resourceSubscriptions": [uri]})
            assert talk.hear()["method"] == "notifications/subscriptions/acknowledged"
        home.engine().kill()
        for number in range(TRIES):
            change: JsonValue = {"note_id": note_id, "content": f"Ana lives in street {number}"}
            assert '"isError": true' not in talk.ask("tools/call", name="update", arguments=change)
            if talk.updated:
                break
        process.stdin.close()

        assert uri in talk.updated[0]
        assert process.end() == 0
