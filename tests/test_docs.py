"""What the documents tell people to type exists: commands, options, settings, targets, files."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from zettel.server.cli.app import app
from zettel.server.config.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
PROGRAMS = ("zettel", "zettel-mcp", "/opt/zettel/bin/zettel", ".venv/bin/zettel")
STANDS_FOR_ANY = re.compile(r"[A-Z][A-Z_|]+|…|\[.*\]…?|<.*>")
"""Words that a reader replaces."""

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def text(document: Path) -> str:
    """What it says."""
    return document.read_text(encoding="utf-8")


def commands(document: Path) -> Iterator[list[str]]:
    """The words of every call of `zettel`, in shell blocks and in the running text."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text(document), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    for line in (*lines, *re.findall(r"`([^`\n]+)`", text(document))):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # an apostrophe of the running text
            continue
        # Before it stand names of users, containers and images, which are zettel as well.
        at = max((at for at, word in enumerate(words) if word in PROGRAMS), default=0)
        if words[:2] in (["sudo", "-u"], ["docker", "run"], ["docker", "exec"]):
            yield words[at + 1 :]
        elif words and words[0] in PROGRAMS:
            yield words[1:]


def complaints(group: TyperGroup, words: list[str]) -> Iterator[str]:
    """What of a call is not there."""
    command, name = group, "zettel"
    while words and isinstance(command, TyperGroup) and not words[0].startswith("-"):
        if STANDS_FOR_ANY.fullmatch(words[0]):
            return
        found = command.commands.get(words[0])
        if found is None:
            yield f"{name} has no command {words[0]!r}"
            return
        command, name, words = found, f"{name} {words[0]}", words[1:]  # pyright: ignore[reportAssignmentType]  the loop's condition narrows it
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--") and word.split("=")[0] not in options:
            yield f"{name} has no option {word}"


@documents
def test_every_command_and_option_it_names_exists(document: Path) -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)

    assert [each for words in commands(document) for each in complaints(group, words)] == []


@documents
def test_every_setting_it_names_exists(document: Path) -> None:
    named = {name.lower() for name in re.findall(r"ZETTEL_([A-Z_]+[A-Z])(?!\*)\b", text(document))}

    assert {name for name in named if not name.startswith("test_")} <= set(Settings.model_fields)


@documents
def test_every_file_it_links_to_is_there_and_has_the_heading(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s:]+)\)", text(document)):
        path, _, anchor = target.partition("#")
        file = (document.parent / path) if path else document
        assert file.is_file(), target
        headings = re.findall(r"^#+ (.+)$", text(file), re.M) if anchor else []
        anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings]
        assert not anchor or anchor in anchors, target


@documents
def test_every_make_target_it_names_exists(document: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)

    assert set(re.findall(r"`make ([a-z-]+)", text(document))) <= set(targets)


def test_the_commands_are_really_looked_at() -> None:
    found = [" ".join(words) for words in commands(ROOT / "docs" / "operations.md")]

    for needed in ("serve --check", "token revoke ana", "forget --erase --all --namespace ana"):
        assert needed in found
    assert len([words for words in found if words.startswith("token create")]) >= 4
