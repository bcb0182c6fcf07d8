"""`server.json` says of the package what the package says of itself, as the MCP registry asks."""

import json
import re
import tomllib
from pathlib import Path

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from zettel.server.config.settings import Settings

ROOT = Path(__file__).parents[1]


class Transport(TypedDict):
    """How a client talks with the package."""

    type: str


class Variable(TypedDict):
    """An environment variable."""

    name: str
    description: str


class Package(TypedDict):
    """Where the server is to be had."""

    registryType: str
    identifier: str
    version: str
    transport: Transport
    environmentVariables: list[Variable]


class Manifest(TypedDict):
    """The fields of the registry's schema that are used here."""

    name: str
    title: str
    description: str
    version: str
    packages: list[Package]


def manifest() -> Manifest:
    raw = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    return TypeAdapter(Manifest).validate_python(raw)


def test_name_and_versions_are_the_packages_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = manifest()
    [package] = told["packages"]

    assert (package["registryType"], package["identifier"]) == ("pypi", project["name"])
    assert told["version"] == package["version"] == project["version"]
    assert project["scripts"][project["name"]]


def test_the_registry_finds_the_servers_name_in_the_readme_that_goes_to_pypi() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"<!-- mcp-name: {manifest()['name']} -->" in readme


def test_the_manifest_keeps_the_bounds_of_the_registrys_schema() -> None:
    told = manifest()

    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", told["name"])
    assert 1 <= len(told["description"]) <= 100
    assert told["packages"][0]["transport"]["type"] == "stdio"


def test_every_variable_named_is_a_setting() -> None:
    [package] = manifest()["packages"]
    names = {variable["name"] for variable in package["environmentVariables"]}

    assert names <= {f"ZETTEL_{name.upper()}" for name in Settings.model_fields}
