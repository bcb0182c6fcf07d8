"""What a contributor's tools run is what CI runs."""

import json
import re
import tomllib
from pathlib import Path

import yaml
from pydantic import TypeAdapter
from typing_extensions import TypedDict

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


class Hook(TypedDict):
    """One hook of pre-commit."""

    entry: str


class Repository(TypedDict):
    """Where hooks come from."""

    repo: str
    hooks: list[Hook]


class Hooks(TypedDict):
    """The configuration of pre-commit."""

    repos: list[Repository]


def recipe(target: str) -> list[str]:
    """The commands of a make target, without the virtual environment's path."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert found, target
    return [line.strip("\t@ ").replace("$(BIN)", ".venv/bin") for line in found[1].splitlines()]


def test_the_hooks_run_what_make_check_runs() -> None:
    raw = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    [local] = TypeAdapter(Hooks).validate_python(raw)["repos"]

    assert local["repo"] == "local"
    assert [hook["entry"] for hook in local["hooks"]] == [
        command.removesuffix(" .") for command in recipe("check")
    ]


def test_the_workflow_runs_ci_on_the_supported_versions() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    [matrix] = re.findall(r"^ +python: (\[.*\])$", workflow, re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))

    assert "- run: .ci/run\n" in workflow
    assert re.findall(r'"(3\.\d+)"', matrix) == supported


def test_the_dev_container_sets_up_with_a_target_that_exists() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    program, target = container["postCreateCommand"].split()

    assert program == "make"
    assert recipe(target)
