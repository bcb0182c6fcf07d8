"""`zettel open`: finds the page, or starts what serves it."""

import json
import socket
from pathlib import Path

import httpx2
import pytest
from tests.server.processes import PATIENCE_S, Launcher

BROWSER = """#!/bin/sh
echo "$1" > {seen}
"""


def test_the_page_of_a_server_that_runs_is_opened_in_the_browser(
    zettel: Launcher, tmp_path: Path
) -> None:
    served, seen, browser = zettel.serve(), tmp_path / "seen", tmp_path / "browser"
    browser.write_text(BROWSER.format(seen=seen), encoding="utf-8")
    browser.chmod(0o700)

    done = zettel.run("open", BROWSER=f"{browser} %s")

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"The page is open: {served.url}/\n"
    assert seen.read_text(encoding="utf-8") == f"{served.url}/\n"


@pytest.mark.slow
def test_where_no_server_runs_one_is_started_and_stays_until_it_is_stopped(
    zettel: Launcher,
) -> None:
    first = zettel.run("open", "--no-browser", "--port", "0", "--json")
    try:
        again = zettel.run("open", "--no-browser", "--json")
        told = json.loads(first.stdout)
        with httpx2.Client(timeout=PATIENCE_S) as http:
            page = http.get(told["url"])
    finally:
        stopped = zettel.run("stop")

    assert told["started"]
    assert json.loads(again.stdout) == {"url": told["url"], "started": False}
    assert "Ask the memory a question" in page.text
    assert "has ended" in stopped.stdout


@pytest.mark.slow
def test_why_a_server_did_not_start_is_said(zettel: Launcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = zettel.run("open", "--no-browser", "--port", port)

    assert done.returncode == 3
    assert "zettel serve did not start" in done.stderr
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stderr


def test_a_store_that_cannot_be_made_starts_no_server(zettel: Launcher) -> None:
    # What stands at this path can neither be listened on nor written.
    blocked = zettel.store.parent / "file"
    blocked.write_text("", encoding="utf-8")

    done = zettel.run("open", "--no-browser", "--store", str(blocked / "store"))

    assert done.returncode == 3
    assert done.stdout == ""
