"""The locked files are those of the exact versions, and cover all that is installed."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
BASE: list[str] = PROJECT["project"]["dependencies"]
BUILD: list[str] = PROJECT["build-system"]["requires"]
WANTED = {
    "light": [*BASE, *EXTRAS["llm"]],
    "dev": [*BASE, *EXTRAS["dev"], *EXTRAS["verify"]],
    "build": BUILD,
}
"""What each file is to hold at least."""
NOT_IN_FREEZE = {"setuptools", "colorama", "pywin32", "httpx2-jsfetch"}
"""Locked, and not in constraints.txt: pip freeze leaves the first out, the others are for other
platforms."""


def locked(name: str) -> dict[str, str]:
    """Versions of a file, by name."""
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.M)
    return {canonicalize_name(known): version for known, version in found}


def exact() -> dict[str, str]:
    """The versions of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_holds_what_pyproject_asks_for_in_versions_that_it_allows(name: str) -> None:
    versions = locked(name)

    for wanted in map(Requirement, WANTED[name]):
        version = versions[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version, prereleases=True), wanted


@pytest.mark.parametrize("name", WANTED)
def test_every_locked_version_is_that_of_the_constraints_and_has_hashes(name: str) -> None:
    versions, known = locked(name), exact()
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]

    others = {k: v for k, v in versions.items() if k not in NOT_IN_FREEZE and known.get(k) != v}
    assert others == {}
    assert len(entries) == len(versions)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in text


def test_the_largest_lock_holds_every_version_and_nothing_for_cuda() -> None:
    assert set(exact()) <= set(locked("dev"))
    assert set(locked("light")) - {"httpx2-jsfetch"} <= set(locked("dev"))
    assert not [name for name in locked("dev") if name.startswith(("nvidia", "cuda", "triton"))]


def test_the_light_lock_holds_nothing_that_only_torch_and_other_extras_need() -> None:
    heavy = {"torch", "transformers", "sentence-transformers", "scikit-learn", "scipy", "sympy"}

    assert heavy <= set(locked("dev"))
    assert heavy.isdisjoint(locked("light"))


def test_make_and_the_image_install_from_the_locks_and_ci_asks_for_advisories() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

    assert "--require-hashes --no-deps -r locks/dev.txt" in makefile
    assert "--require-hashes --no-deps -r locks/light.txt" in makefile
    assert "--require-hashes --no-deps -r locks/light.txt" in dockerfile
    assert "pip-audit --strict" in makefile  # or it passes where nothing could be asked
    assert "make audit" in workflow
    assert "make audit" not in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
