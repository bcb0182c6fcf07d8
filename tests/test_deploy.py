"""The Dockerfile and the systemd unit name what is there."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from zettel.server.cli.app import app
from zettel.server.commands.serve import COMMIT_S, UVICORN_GRACE_S
from zettel.server.config.settings import Settings
from zettel.server.engine.engine import DRAIN_S
from zettel.server.runtime.runtime import CLOSE_TIMEOUT_S
from zettel.server.runtime.shutdown import SIGNAL_DRAIN_S

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "zettel.service"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in their order."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    joined = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    pairs = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, rest in pairs]


def of(word: str) -> list[str]:
    """What every instruction of a kind says."""
    return [rest for found, rest in instructions() if found == word]


def is_sent(path: str) -> bool:
    """Whether `.dockerignore` lets a path of the checkout into the build."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if pattern and not pattern.startswith("#") and fnmatch(path, pattern):
            sent = line.startswith("!")
    return sent


def unit() -> dict[str, list[str]]:
    """The unit's assignments."""
    found = dict[str, list[str]]()
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.M):
        found.setdefault(name, []).append(value)
    return found


def test_what_the_image_is_built_of_is_there_and_sent_to_the_build() -> None:
    sources = [rest.split()[:-1] for rest in of("COPY") if not rest.startswith("--from=")]

    for source in (name for names in sources for name in names):
        assert (ROOT / source).exists(), source
        assert is_sent(source), source
    sent = {name for names in sources for name in names}
    assert {"server", "tools", "storage", PROJECT["readme"], *PROJECT["license-files"]} <= sent
    assert not is_sent(".git")
    assert not is_sent("tests")


def test_the_image_installs_what_is_locked_and_has_the_export_of_the_model() -> None:
    arguments = dict(rest.split("=", 1) for rest in of("ARG"))
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    hashed = [install for install in installs if "--require-hashes --no-deps -r locks/" in install]

    assert arguments == {"PIP_ARGS": '""', "EXTRAS": '""'}
    assert [install.rpartition("/")[2] for install in hashed] == ["build.txt", "light.txt"]
    [own, other] = [install for install in installs if install not in hashed]
    # The package itself is not allowed to bring anything along.
    assert "--no-deps --no-index dist/*.whl" in own
    assert other.startswith('test -z "$EXTRAS" ||')
    assert "-c constraints.txt" in other
    # As root in the build, as its owner in the image: it is used by nobody else.
    [made] = [rest for rest in of("RUN") if "zettel model export" in rest]
    [cache] = re.findall(r"XDG_CACHE_HOME=(\S+)", made)
    # Without them the first note would wait 4 s for them at every start on a read-only root.
    assert "load_scanner()" in made
    assert f"--from=build --chown=zettel:zettel {cache} {cache}" in of("COPY")
    assert f"XDG_CACHE_HOME={cache}" in of("ENV")[0].split()


def test_the_image_runs_a_command_that_exists_as_nobody_special() -> None:
    words = [word for word, _ in instructions()]
    [entry], [command] = of("ENTRYPOINT"), of("CMD")
    group = get_command(app)
    assert isinstance(group, TyperGroup)

    assert json.loads(entry)[0] in PROJECT["scripts"]
    assert json.loads(command)[0] in group.commands
    [user] = of("USER")
    assert f" {user}" in next(rest for rest in of("RUN") if rest.startswith("useradd"))
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_the_images_settings_exist_and_its_data_is_in_the_volume() -> None:
    [environment], [volume] = of("ENV"), of("VOLUME")
    given = dict(word.split("=", 1) for word in environment.split())
    settings = {name: value for name, value in given.items() if name.startswith("ZETTEL_")}

    assert {name.removeprefix("ZETTEL_").lower() for name in settings} <= set(Settings.model_fields)
    for name in ("ZETTEL_STORE", "ZETTEL_ERASURES"):
        assert settings[name].startswith(f"{volume}/")
    assert of("EXPOSE") == [settings["ZETTEL_PORT"]]
    assert of("STOPSIGNAL") == ["SIGTERM"]


def test_the_image_asks_after_its_health_with_a_file_that_it_has() -> None:
    [check] = of("HEALTHCHECK")
    interpreter, script = json.loads(check.split("CMD ")[1])

    assert interpreter == "python3"
    assert any(rest.endswith(f"health.py {script}") for rest in of("COPY"))


def test_the_image_has_a_python_that_will_do() -> None:
    lowest = PROJECT["requires-python"].removeprefix(">=")

    assert {rest.split()[0] for rest in of("FROM")} == {f"python:{lowest}-slim-bookworm"}


def test_the_unit_gives_the_server_the_time_it_takes_to_leave() -> None:
    [stop] = unit()["TimeoutStopSec"]

    closing = UVICORN_GRACE_S + CLOSE_TIMEOUT_S + SIGNAL_DRAIN_S
    assert int(stop) > 2 * (DRAIN_S + COMMIT_S + closing)


def test_the_unit_names_settings_and_a_command_that_exist() -> None:
    named = re.findall(r"ZETTEL_(\w+)=", "\n".join(unit()["Environment"]))

    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert unit()["ExecStart"] == ["/opt/zettel/bin/zettel serve"]
    assert unit()["Type"] == ["notify"]


SHUT = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "SystemCallArchitectures": "native",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "LimitCORE": "0",
    "StateDirectory": "zettel",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
    "User": "zettel",
}


def test_the_unit_shuts_the_server_in() -> None:
    found = unit()

    assert {name: found.get(name) for name in SHUT} == {n: [value] for n, value in SHUT.items()}
    assert found["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]


def test_the_container_writes_to_its_volume_and_tmp_alone() -> None:
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    composed = yaml.safe_load(text)
    [service] = composed["services"].values()
    [volume] = of("VOLUME")

    assert service["read_only"] is True
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert {"noexec", "nosuid", "nodev"} <= {*re.split("[:,]", service["tmpfs"][0])}
    assert [mount.partition(":")[2] for mount in service["volumes"]] == [volume]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"]["core"] == 0
    assert {"mem_limit", "pids_limit", "init"} <= service.keys()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert all(port.endswith(f":{of('EXPOSE')[0]}") for port in service["ports"])
    uid = re.search(r"--uid (\d+)", next(rest for rest in of("RUN") if "useradd" in rest))
    assert uid is not None
    assert service["user"] == f"{uid[1]}:{uid[1]}"
    names = {name.removeprefix("ZETTEL_").lower() for name in service["environment"]}
    assert names <= set(Settings.model_fields)
    assert service["command"] == json.loads(of("CMD")[0])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_unit_and_finds_it_shut(tmp_path: Path) -> None:
    here = tmp_path / "zettel.service"
    program = Path(sys.executable).with_name("zettel")
    there = UNIT.read_text(encoding="utf-8").replace("/opt/zettel/bin/zettel", str(program))
    here.write_text(there, encoding="utf-8")

    def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = ["systemd-analyze", *arguments, str(here)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    verified = analyze("verify")
    judged = analyze("security", "--offline=true", "--threshold=20")

    assert (verified.returncode, verified.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout
