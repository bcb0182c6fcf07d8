"""What a person reads when the server is up: snippets that clients can use as they stand."""

import json
import re
from pathlib import Path

import pytest

from zettel.server.cli.serving import welcome
from zettel.server.config.settings import load_settings


def url_entry(text: str) -> dict[str, object]:
    """The snippet for clients that connect by URL."""
    blocks = re.findall(r"^  \{\n.*?^  \}$", text, re.M | re.S)
    entry: dict[str, object] = json.loads(blocks[1])["mcpServers"]["zettel"]
    return entry


def test_where_a_token_is_needed_every_snippet_by_url_sends_one(tmp_path: Path) -> None:
    settings = load_settings(store=str(tmp_path))

    text = welcome("http://127.0.0.1:8377", settings, "", needs_token=True)

    assert url_entry(text)["headers"] == {"Authorization": "Bearer TOKEN"}
    assert '/mcp --header "Authorization: Bearer TOKEN"' in text
    assert "zettel token create" in text


def test_where_none_is_needed_none_is_sent(tmp_path: Path) -> None:
    text = welcome("http://127.0.0.1:8377", load_settings(store=str(tmp_path)), "")

    assert "headers" not in url_entry(text)
    assert "TOKEN" not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [("memory.example.org", "memory.example.org:9000"), ("memory.example.org:443",) * 2],
)
def test_clients_elsewhere_are_shown_a_name_that_they_can_reach(
    tmp_path: Path, name: str, shown: str
) -> None:
    settings = load_settings(store=str(tmp_path), host="0.0.0.0", allowed_hosts=name)

    text = welcome("https://0.0.0.0:9000", settings, "", needs_token=True)

    assert url_entry(text)["url"] == f"https://{shown}/mcp"
    assert f"zettel https://{shown}/mcp" in text
    assert "https://0.0.0.0:9000/health" in text
