"""A wheel built from the tree works in an environment that has never seen the tree."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from email import message_from_string
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import anyio
import pytest
from mcp import Client, StdioServerParameters
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PACKAGES = ("server", "tools", "storage")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed; its standard output."""
    environment = {n: value for n, value in os.environ.items() if not n.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", out, cwd=ROOT)
    (built,) = out.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from nothing but the source distribution."""
    out = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", out, sdist, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel, in sight of our dependencies only.

    A path named in a `.pth` file is searched, but its own `.pth` files are not read: so the
    editable installation of this tree stays out of sight.
    """
    place = tmp_path_factory.mktemp("environment")
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    inside = installed(wheel, place)
    (inside / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    return place


def installed(wheel: Path, place: Path) -> Path:
    """A new virtual environment with the wheel alone; where its packages are."""
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=place)
    inside = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place)
    return Path(inside.strip())


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but in sight of what `locks/light.txt` holds and nothing else."""
    place = tmp_path_factory.mktemp("light")
    inside = installed(wheel, place)
    lock = (ROOT / "locks" / "light.txt").read_text(encoding="utf-8")
    found = map(Requirement, re.findall(r"^([\w.-]+==[^\\]+)", lock, re.M))
    for name in [each.name for each in found if not each.marker or each.marker.evaluate()]:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            source = Path(str(distribution(name).locate_file(top)))
            if not (inside / top).exists():
                (inside / top).symlink_to(source)
    return place


def test_the_sdist_holds_what_a_build_and_a_reader_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}

    assert {"LICENSE", "README.md", "CHANGELOG.md", "constraints.txt", "pyproject.toml"} <= names
    assert "tests/test_packaging.py" in names


def test_the_wheel_holds_three_typed_packages_and_no_init_of_the_namespace(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())

    assert {f"zettel/{package}/py.typed" for package in PACKAGES} <= names
    assert {f"zettel/{package}/__init__.py" for package in PACKAGES} <= names
    assert "zettel/tools/secrets/rules.yaml" in names
    page = "zettel/server/page"
    assert {f"{page}/templates/base.html", f"{page}/static/page.css"} <= names
    assert "zettel/__init__.py" not in names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
        licence = archive.read(name.replace("METADATA", "licenses/LICENSE")).decode()

    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_installed_packages_are_the_wheels_own(environment: Path) -> None:
    code = "import zettel.server, zettel.storage, zettel.tools\nprint(*zettel.__path__)"

    found = run(environment / "bin" / "python", "-c", code, cwd=environment)

    assert all(Path(path).is_relative_to(environment) for path in found.split())


@pytest.mark.parametrize("command", ["zettel", "zettel-mcp"])
def test_the_installed_command_runs(environment: Path, command: str) -> None:
    assert "serve" in run(environment / "bin" / command, "--help", cwd=environment)


def test_the_package_runs_as_a_module(environment: Path) -> None:
    python = environment / "bin" / "python"

    assert "serve" in run(python, "-m", "zettel", "--help", cwd=environment)


def test_the_version_is_told_by_the_installed_metadata(environment: Path) -> None:
    code = "from importlib.metadata import version\nprint(version('zettel-mcp'))"

    found = run(environment / "bin" / "python", "-c", code, cwd=environment)

    assert found.strip() == version("zettel-mcp")


HEAVY = ("torch", "transformers", "sentence_transformers", "sklearn", "scipy", "sympy")


def light_environment(home: Path, **settings: str) -> dict[str, str]:
    """Variables of a user who has just installed it; there is no network to fetch anything from."""
    kept = {name: os.environ[name] for name in ("PATH", "KF_RULE_CACHE_DIR") if name in os.environ}
    offline = {"HF_HUB_OFFLINE": "1", "https_proxy": "http://127.0.0.1:9"}
    return kept | offline | {"HOME": str(home)} | settings


def test_the_light_environment_has_nothing_heavy(light: Path, tmp_path: Path) -> None:
    seen = f"from importlib.util import find_spec as f; print([n for n in {HEAVY} if f(n)])"

    assert run(light / "bin" / "python", "-c", seen, cwd=tmp_path).strip() == "[]"


async def test_without_torch_the_first_start_exports_the_model_and_recalls_by_meaning(
    light: Path, tmp_path: Path
) -> None:
    zettel = light / "bin" / "zettel"
    server = StdioServerParameters(
        command=str(zettel), args=["--in-process"], env=light_environment(tmp_path), cwd=tmp_path
    )
    async with Client(server) as client:
        for content in ("Ana keeps bees on the roof", "The rent is due on Friday"):
            await client.call_tool("remember", {"content": content})
        with anyio.fail_after(120):
            answer: dict[str, Any] = {"degraded": "not asked yet"}
            while "degraded" in answer:
                asked = await client.call_tool("recall", {"query": "honey-making insects"})
                answer = asked.structured_content or dict[str, Any]()

    # No word of the question is in either note.
    assert answer["notes"][0]["content"] == "Ana keeps bees on the roof"
    known = await anyio.run_process(
        [str(zettel), "model", "export"], env=light_environment(tmp_path)
    )
    assert b"all-MiniLM-L6-v2@53aa5117+words4 is in" in known.stdout


def test_without_torch_the_check_names_the_extras_that_settings_need(
    light: Path, tmp_path: Path
) -> None:
    settings = {"ZETTEL_RERANKER": "ms-marco", "ZETTEL_CONSOLIDATE": "true"}
    done = subprocess.run(
        [str(light / "bin" / "zettel"), "serve", "--check"],
        env=light_environment(tmp_path, **settings, ZETTEL_EMBED_BACKEND="torch"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("zettel-mcp[torch]") == 2
    assert "zettel-mcp[consolidate]" in done.stderr
