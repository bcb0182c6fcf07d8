"""What the pages say exists: commands, options, settings, targets, files, levels, snippets."""

import ast
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import anyio
import pytest
from docs import generate
from mcp import Client, StdioServerParameters
from tests.package_graph import LEVEL_OF, modules, package_of, package_pairs, tree
from typer.core import TyperGroup
from typer.main import get_command

from zettel.server.cli.app import app
from zettel.server.config import limits
from zettel.server.config import settings as config
from zettel.server.config.settings import Settings, load_settings
from zettel.server.config.trust import confirm
from zettel.server.protocol.server import TOOLS
from zettel.storage.embedding.model_files import PACKAGED_SHA256

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DOCUMENTS = sorted(chain(ROOT.glob("*.md"), DOCS.rglob("*.md"), ROOT.glob("benchmarks/*.md")))
PROGRAMS = ("zettel", "zettel-mcp", "/opt/zettel/bin/zettel", ".venv/bin/zettel")
STANDS_FOR_ANY = re.compile(r"[A-Z][A-Z_|]+|…|\[.*\]…?|<.*>")
"""Words that a reader replaces."""
NAMED_PATH = re.compile(
    r"`((?:\.ci|benchmarks|deploy|docs|server|storage|tests|tools)/[\w./{},-]*)[`\s:]"
)
"""A path of the repository in running text; `{a,b}` stands for both."""

documents = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def text(document: Path) -> str:
    """What it says."""
    return document.read_text(encoding="utf-8")


def blocks(document: Path, language: str) -> list[str]:
    """Its code blocks of a language."""
    return blocks_of(text(document), language)


def blocks_of(page: str, language: str) -> list[str]:
    """The code blocks of a language in a page, or in a part of one."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page, re.M | re.S)


def section(document: Path, title: str) -> str:
    """The text under one of its headings, of any level, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text(document), re.M | re.S)
    assert found, title
    return found.group(1)


def commands(document: Path) -> Iterator[list[str]]:
    """The words of every call of `zettel`, in shell blocks and in the running text."""
    lines = [line.strip() for block in blocks(document, "sh") for line in block.splitlines()]
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


def make_targets(document: Path) -> set[str]:
    """The targets it tells people to make, in shell blocks and in the running text."""
    in_blocks = [re.findall(r"^ *make ([a-z-]+)", each, re.M) for each in blocks(document, "sh")]
    return set(re.findall(r"`make ([a-z-]+)", text(document))).union(*in_blocks)


def braces_apart(path: str) -> list[str]:
    """The paths that a path with `{a,b}` stands for."""
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", path)
    if found is None:
        return [path]
    before, among, after = found.groups()
    return [f"{before}{each}{after}" for each in among.split(",")]


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
def test_every_path_it_names_exists(document: Path) -> None:
    named = chain.from_iterable(map(braces_apart, NAMED_PATH.findall(text(document))))

    assert [path for path in named if not (ROOT / path).exists()] == []


@documents
def test_every_make_target_it_names_exists(document: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)

    assert make_targets(document) <= set(targets)


def test_the_commands_are_really_looked_at() -> None:
    found = [" ".join(words) for words in commands(DOCS / "operations.md")]

    for needed in ("serve --check", "token revoke ana", "forget --erase --all --namespace ana"):
        assert needed in found
    assert len([words for words in found if words.startswith("token create")]) >= 4


def test_the_targets_and_paths_are_really_looked_at() -> None:
    contributing = ROOT / "CONTRIBUTING.md"

    assert make_targets(contributing) >= {"install", "docs", "bench-retrieval"}
    assert "server/zettel/server/config/limits.py" in NAMED_PATH.findall(text(contributing))
    assert braces_apart("a/{b,c}/") == ["a/b/", "a/c/"]


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    # If this fails: make docs.
    assert text(DOCS / name) == generate.PAGES[name]()


def test_no_generated_page_tells_where_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody-else")
    monkeypatch.setenv("XDG_DATA_HOME", "/elsewhere")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("ZETTEL_PORT", "1")

    assert {name: page() for name, page in generate.PAGES.items()} == {
        name: text(DOCS / name) for name in generate.PAGES
    }


def test_every_setting_has_a_docstring_of_its_own() -> None:
    said = [
        meaning
        for module, owner in ((config, "Settings"), (limits, "Limits"))
        for name, meaning in generate.field_docstrings(module).items()
        if name.startswith(f"{owner}.")
    ]

    assert len(said) == len(set(said)) == len(Settings.model_fields)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows: list[tuple[str, str]] = re.findall(
        r"^\| `ZETTEL_(\w+)` \| ([^|]+) \|", text(DOCS / "settings.md"), re.M
    )
    described = {name.lower(): default.strip("` ") for name, default in rows}

    assert len(rows) == len(described)
    assert set(described) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, bool):
            assert described[name] == str(field.default).lower()
        elif isinstance(field.default, float):
            assert float(described[name]) == field.default
        elif isinstance(field.default, str | int):
            assert described[name] == (str(field.default) or "none")


def test_every_command_is_described() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    cli = text(DOCS / "cli.md")

    described = re.findall(r"^\| `zettel ([\w-]+)` \|", cli, re.M)
    assert sorted(described) == sorted(group.commands)
    assert set(re.findall(r"^### `zettel ([\w-]+)`$", cli, re.M)) == set(group.commands)


def test_every_tool_is_described_with_every_argument() -> None:
    tools = DOCS / "tools.md"

    for name, entry in TOOLS.items():
        described = re.findall(r"^\| `(\w+)` \|.*\|.*\|.*\|.*\|$", section(tools, name), re.M)
        assert described[: len(entry.arguments.model_fields)] == list(entry.arguments.model_fields)


def test_every_key_of_an_answer_that_it_explains_exists() -> None:
    by_hand, _, generated = text(DOCS / "tools.md").partition(generate.MARKER)
    rows = re.findall(r"^\| (`[^|]+) \|", by_hand.partition("| key of an answer |")[2], re.M)
    explained = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}

    assert len(explained) > 15
    assert explained <= set(re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\|[^|]*\|$", generated, re.M))


def test_every_argument_that_a_description_leaves_open_is_explained() -> None:
    by_hand, _, _ = text(DOCS / "tools.md").partition(generate.MARKER)
    fields = [
        (name, field.description)
        for entry in TOOLS.values()
        for name, field in entry.arguments.model_fields.items()
    ]
    described = {name for name, description in fields if description}

    rows = re.findall(r"^\| (`[^|]+) \|", by_hand.partition("| key of an answer |")[0], re.M)
    explained = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}
    assert {name for name, _ in fields} - described <= explained


@documents
def test_a_configuration_it_shows_can_be_used(document: Path, tmp_path: Path) -> None:
    for block in blocks(document, "toml"):
        if "mcp_servers" in tomllib.loads(block):  # a client's own, which test_readme.py runs
            continue
        (tmp_path / "config.toml").write_text(block, encoding="utf-8")
        confirm(tmp_path / "config.toml")

        settings = load_settings(store=str(tmp_path))
        assert set(tomllib.loads(block)) <= settings.model_fields_set


@pytest.mark.slow
async def test_a_backup_is_made_and_restored_as_the_page_shows(tmp_path: Path) -> None:
    here = str(Path(sys.executable).with_name("zettel"))
    restored = tmp_path / "restored"
    environment = os.environ | {
        "ZETTEL_STORE": str(tmp_path / "store"),
        "ZETTEL_ERASURES": str(tmp_path / "erasures"),
        "ZETTEL_MODEL": "hash",
    }
    started = StdioServerParameters(command=here, args=["--in-process"], env=environment)
    async with Client(started) as client:
        await client.call_tool("remember", {"content": "Ana lives in Paris", "namespace": "user"})
    [block] = blocks_of(section(DOCS / "data.md", "Back up and restore"), "sh")

    for line in block.splitlines():
        _, *words = shlex.split(line.replace("DIR", str(restored)))
        await anyio.run_process([here, *words], cwd=tmp_path, env=environment)

    listing = [here, "list", "--namespace", "user", "--store", str(restored)]
    listed = await anyio.run_process(listing, env=environment)
    assert b"Ana lives in Paris" in listed.stdout


def test_the_figures_it_boasts_of_are_those_of_the_results() -> None:
    results = section(ROOT / "benchmarks" / "RESULTS.md", "locomo-dev")
    # The first of each: with speakers told, as a server is used.
    [total, anonymous, *_] = re.findall(r"^\| \*\*all answerable\*\* \| (.+) \|$", results, re.M)
    [multi_hop, *_] = re.findall(r"^\| multi-hop \| (.+) \|$", results, re.M)
    questions, _, at_5, at_10, _, _, ndcg, _ = total.split(" | ")
    of_two_steps = multi_hop.split(" | ")[3]
    [answerable, unanswerable] = re.findall(
        r"^\| (?:un)?answerable \| (\d+) \| \d+ \| \d+ \| ([\d.]+) %", results, re.M
    )[:2]
    shown = [f"{float(figure):.1f}" for figure in (at_5, at_10, ndcg, of_two_steps)]
    quality = text(DOCS / "quality.md")

    assert f"| {' | '.join(shown)} |" in quality
    told = f"{float(unanswerable[1]):.0f}"
    assert f"For {100 - int(told)} % of them the verdict is `found`, for {told} %" in quality
    assert f"{float(answerable[1]):.0f} % come without `found`" in quality
    readme = text(ROOT / "README.md")
    without_speakers = (
        f"without any speaker its recall@10 is {float(anonymous.split(' | ')[3]):.1f}"
    )
    assert without_speakers in readme
    assert f"| {questions} | **{shown[0]}** | **{shown[1]}** |" in readme
    assert f"`found` to {100 - int(told)} % of LoCoMo's" in readme


def test_the_weights_it_promises_are_the_ones_that_are_checked() -> None:
    assert PACKAGED_SHA256 in section(DOCS / "data.md", "The packaged model")


def test_the_tree_names_every_package() -> None:
    listed = re.findall(r"^\| `(\w+)/zettel/([\w/]+)/` \|", text(DOCS / "architecture.md"), re.M)

    # The outermost package holds nothing but the start of `python -m zettel`.
    assert {path.replace("/", ".") for _, path in listed} == set(LEVEL_OF) - {""}


def test_the_drawing_of_the_levels_is_the_import_graph() -> None:
    drawing = section(DOCS / "architecture.md", "Levels")
    nodes = {
        node: (int(level), [name.split()[0].replace("/", ".") for name in names.split(", ")])
        for node, level, names in re.findall(r'(\w+)\["(\d+) · ([^"]+)"\]', drawing)
    }
    bare = re.sub(r'\["[^"]*"\]', "", drawing)
    arrows: list[tuple[str, str]] = re.findall(r"^ +(\w+) --> (\w+)$", bare, re.M)
    drawn = [name for _, names in nodes.values() for name in names]

    assert sorted(drawn) == sorted(set(drawn))
    assert {name: level for level, names in nodes.values() for name in names} == {
        name: LEVEL_OF[name] for name in drawn
    }
    assert len(arrows) == bare.count("-->") > len(nodes) // 2
    for one, other in arrows:
        pairs = {(a, b) for a in nodes[one][1] for b in nodes[other][1]}
        assert pairs & package_pairs(), (one, other)


def test_the_walks_lead_through_modules_and_classes_that_exist() -> None:
    page = text(DOCS / "architecture.md")
    participants: list[tuple[str, str]] = re.findall(
        r"participant \w+ as ([\w/]+)<br/>(.+)$", page, re.M
    )
    stops = {
        f"zettel.{package}.{name}".replace("/", ".")
        for package, names in participants
        for name in names.split(", ")
    }
    boxes = "\n".join(re.findall(r"\w+(?:\[|\{)\"([^\"·]+)\"(?:\]|\})", page))
    passed = {
        "zettel." + path.replace("/", ".")
        for path in re.findall(r"\b(?:server|tools|storage)/[\w/]+", boxes)
    }
    classes = {
        f"zettel.{package_of(module)}.{node.name}"
        for module, file in modules().items()
        for node in tree(file).body
        if isinstance(node, ast.ClassDef)
    }

    assert len(stops) > 15
    assert len(passed) > 8
    assert (stops | passed) - classes <= set(modules())


def test_every_decision_is_listed() -> None:
    pages = {page.name for page in (DOCS / "adr").glob("[0-9]*.md")}

    assert set(re.findall(r"\]\((\d[\w-]+\.md)\)", text(DOCS / "adr" / "README.md"))) == pages
