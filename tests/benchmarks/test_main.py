"""The whole command, with a fake `zettel` in real processes."""

import json
from pathlib import Path

import pytest
from benchmarks.retrieval.__main__ import main
from tests.benchmarks.conftest import CHAT_DOCUMENTS, CHAT_QUERIES, Line, write_folder

TRANSPORTS = pytest.mark.parametrize(
    "transport",
    [pytest.param(name, marks=pytest.mark.slow) for name in ("attach", "stdio", "http", "sse")],
)


@TRANSPORTS
def test_a_run_reports_its_figures_and_writes_its_rankings(
    transport: str,
    chat_folder: Path,
    fake_command: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run.jsonl"
    options = ["--out", str(out), "--transport", transport, "--command", str(fake_command)]

    code = main([str(chat_folder), *options])

    report, progress = capfd.readouterr()
    assert code == 0, progress
    assert f"`python -m benchmarks.retrieval chats --transport {transport}`" in report
    assert "| **all answerable** | 2 | 50.00 | 100.00 | 100.00 | 100.00 |" in report
    assert "| evolution | 2 runs, 2 changed, 0 created, at rest |" in report
    assert "server's resident memory, peak | 0 MiB" not in report
    assert str(tmp_path) not in report
    assert "remember: 3 of 3" in progress
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {"query": "q1", "ranked": ["a", "c"], "verdict": "found"}
    assert [line["query"] for line in lines] == ["q1", "q2", "q3"]


def test_a_kept_store_is_never_an_old_one(
    chat_folder: Path, fake_command: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(
        [str(chat_folder), "--keep-store", str(chat_folder), "--command", str(fake_command)]
    )

    assert code == 1
    assert "is not empty. Give --keep-store a new directory." in capfd.readouterr().err


def test_a_server_that_does_not_start_is_reported_with_its_log(
    chat_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = tmp_path / "broken"
    command.write_text("#!/bin/sh\necho no such model >&2\nexit 3\n", encoding="utf-8")
    command.chmod(0o755)

    code = main([str(chat_folder), "--transport", "http", "--command", str(command)])

    told = capfd.readouterr().err
    assert code == 1
    assert "it ended with code 3" in told
    assert "no such model" in told


def test_an_evolution_that_fails_is_reported_with_its_log(
    chat_folder: Path, fake_command: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = tmp_path / "half"
    failing = 'case "$1" in evolve) mkdir -p "$ZETTEL_STORE"; touch "$ZETTEL_STORE/broken";; esac'
    text = f'#!/bin/sh\n{failing}\nexec "{fake_command}" "$@"\n'
    command.write_text(text, encoding="utf-8")
    command.chmod(0o755)

    code = main([str(chat_folder), "--command", str(command)])

    told = capfd.readouterr().err
    assert code == 1
    assert "Running zettel evolve --once --json: it ended with code 3" in told
    assert "the store is broken" in told


def test_a_server_that_does_not_connect_is_reported_with_its_log(
    chat_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = tmp_path / "gone"
    command.write_text("#!/bin/sh\necho bye >&2\nexit 1\n", encoding="utf-8")
    command.chmod(0o755)

    code = main([str(chat_folder), "--command", str(command)])

    told = capfd.readouterr().err
    assert code == 1
    assert "Talking to zettel over stdio" in told
    assert "bye" in told


@TRANSPORTS
def test_a_server_that_dies_under_a_call_is_reported(
    transport: str, fake_command: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    deadly: list[Line] = [{**CHAT_DOCUMENTS[0], "text": "die"}]
    folder = write_folder(tmp_path / "deadly", deadly, CHAT_QUERIES)

    code = main([str(folder), "--transport", transport, "--command", str(fake_command)])

    assert code == 1
    assert f"Talking to zettel over {transport}" in capfd.readouterr().err


def test_fewer_than_one_question_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["anything", "--limit-questions", "0"])

    assert caught.value.code == 2
    assert "0 is less than 1" in capfd.readouterr().err
