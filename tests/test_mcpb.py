"""The bundle for clients that install `.mcpb` files: its manifest is true and starts a server."""

import json
import os
import runpy
import shutil
import subprocess
import sysconfig
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from mcp import Client, StdioServerParameters
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from zettel.server.protocol.server import TOOLS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "mcpb"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UV = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "lock-tools" / "bin"))


class Call(TypedDict):
    """How a client starts the server."""

    command: str
    args: list[str]


class Server(TypedDict):
    """The server of a bundle."""

    type: str
    entry_point: str
    mcp_config: Call


class Described(TypedDict):
    """A tool."""

    name: str


class Compatibility(TypedDict):
    """Where it runs."""

    runtimes: dict[str, str]


class Bundle(TypedDict):
    """The fields of a bundle's manifest that are used here."""

    name: str
    version: str
    server: Server
    tools: list[Described]
    compatibility: Compatibility


MANIFEST = TypeAdapter(Bundle).validate_json((FOLDER / "manifest.json").read_bytes())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked bundle, as a client has it."""
    build = runpy.run_path(str(FOLDER / "build.py"))
    filled, packed = (tmp_path_factory.mktemp(name) for name in ("filled", "packed"))
    build["fill"](filled)
    build["pack"](filled, packed / "zettel.mcpb")
    unpacked = tmp_path_factory.mktemp("unpacked")
    ZipFile(packed / "zettel.mcpb").extractall(unpacked)
    return unpacked


def test_the_manifest_says_what_the_package_says() -> None:
    project = PROJECT["project"]

    assert MANIFEST["version"] == project["version"]
    assert MANIFEST["compatibility"]["runtimes"]["python"] == project["requires-python"]
    assert [tool["name"] for tool in MANIFEST["tools"]] == list(TOOLS)
    assert MANIFEST["server"]["mcp_config"]["args"][-1] in project["scripts"]


def test_the_bundle_is_a_project_that_uv_installs_in_tested_versions_and_without_torch(
    bundle: Path,
) -> None:
    project = tomllib.loads((bundle / "pyproject.toml").read_text(encoding="utf-8"))
    uv = project["tool"]["uv"]

    assert project["project"] == PROJECT["project"]
    assert f"lancedb=={_locked('lancedb')}" in uv["constraint-dependencies"]
    assert uv["override-dependencies"] == ['sentence-transformers ; python_version < "3"']
    assert (bundle / MANIFEST["server"]["entry_point"]).is_file()
    assert (bundle / "LICENSE").is_file()
    assert not list(bundle.rglob("*.pyc"))


def _locked(name: str) -> str:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)[name]


@pytest.mark.slow
@pytest.mark.skipif(UV is None, reason="uv is not installed: run `make uv`")
async def test_a_client_that_does_what_the_manifest_says_gets_the_four_tools(
    bundle: Path, tmp_path: Path
) -> None:
    assert UV is not None
    # What uv would install is here: an environment that sees it, and the bundle's own code.
    venv.create(bundle / ".venv", with_pip=False)
    [inside] = (bundle / ".venv" / "lib").glob("python3*/site-packages")
    paths = [bundle / "server", bundle / "tools", bundle / "storage", sysconfig.get_path("purelib")]
    (inside / "seen.pth").write_text("\n".join(map(str, paths)), encoding="utf-8")
    script = bundle / ".venv" / "bin" / "zettel"
    script.write_text(
        f"#!{script.with_name('python')}\nfrom zettel.server.main import main\nmain()\n"
    )
    script.chmod(0o755)
    call = MANIFEST["server"]["mcp_config"]
    arguments = [word.replace("${__dirname}", str(bundle)) for word in call["args"]]
    started = StdioServerParameters(
        command=call["command"],
        args=[*arguments, "--in-process"],
        env=os.environ
        | {
            "PATH": f"{Path(UV).parent}:{os.environ['PATH']}",
            "UV_NO_SYNC": "1",
            "UV_OFFLINE": "1",
            "ZETTEL_MODEL": "hash",
            "ZETTEL_STORE": str(tmp_path / "store"),
        },
        cwd=tmp_path,
    )

    async with Client(started) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == list(TOOLS)


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("ZETTEL_TEST_MCPB"),
    reason="ZETTEL_TEST_MCPB names no @anthropic-ai/mcpb (npm install): .ci/run fetches it",
)
def test_the_specifications_own_tool_finds_the_manifest_valid() -> None:
    tool = Path(os.environ["ZETTEL_TEST_MCPB"], "node_modules", ".bin", "mcpb")
    done = subprocess.run(
        [str(tool), "validate", str(FOLDER / "manifest.json")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, json.dumps([done.stdout, done.stderr])
