"""What is looked at before a server takes its port and its store, and how it is told."""

import os
import shutil
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from anyio import to_thread
from tests.server.certificates import certificate
from tests.server.processes import Launcher

from zettel.server.config.errors import MisconfiguredError, unknown_variables
from zettel.server.config.preflight.checks import (
    PreflightReport,
    examine,
    examine_flags,
    examine_serving,
)
from zettel.server.config.settings import Settings, load_settings
from zettel.server.config.trust import confirm
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_files import PACKAGED_MODEL
from zettel.storage.lance.store import open_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store's directory that is not there yet; the environment names no setting."""
    for variable in [name for name in os.environ if name.startswith("ZETTEL_")]:
        monkeypatch.delenv(variable)
    return tmp_path / "store"


def configure(store: Path, text: str) -> Path:
    """Make the store's directory with a settings file, as its owner."""
    store.mkdir()
    file = store / "config.toml"
    file.write_text(text, encoding="utf-8")
    with suppress(ValueError):
        confirm(file)
    return file


async def examined(store: object, /, **flags: object) -> PreflightReport:
    """What is said of a configuration that can be used."""
    return (await examine_flags({"store": str(store), "model": "hash"} | flags))[1]


async def refused(store: object, /, **flags: object) -> list[str]:
    """What is said of one that cannot."""
    with pytest.raises(MisconfiguredError) as caught:
        await examined(store, **flags)
    return [str(problem) for problem in caught.value.problems]


async def test_nothing_is_said_where_nothing_is_wrong_and_nothing_is_made(store: Path) -> None:
    assert await examined(store) == PreflightReport()
    with pytest.raises(FileNotFoundError):
        os.listdir(store)


async def test_all_that_is_wrong_is_told_at_once(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(store, 'prot = 1\nnamespace = "Big"')
    monkeypatch.setenv("ZETTEL_LOG_LEVEL", "loud")

    told = await refused(store, host="0.0.0.0", tls_cert="/none.pem")

    assert [text.partition(": ")[0] for text in told[:4]] == [
        "prot", "setting namespace", "setting log_level", "tls_key",
    ]  # fmt: skip
    for missing in ("--allowed-host", "--allowed-origin", "zettel token create"):
        assert any(missing in text for text in told[4:])
    assert "Did you mean port?" in told[0]


async def test_a_setting_that_cannot_be_read_is_not_judged_by_its_default(store: Path) -> None:
    told = await refused(store, retain_days='{"x/y/z": 0}', port="http")

    assert [text.partition(":")[0] for text in told] == ["setting port", "retain_days"]


@pytest.mark.parametrize("host", ["127.0.0.1:80", "http://localhost", "[::1]", "[::1]:80"])
async def test_a_host_is_named_without_its_port(store: Path, host: str) -> None:
    assert any("--port" in text for text in await refused(store, host=host))


async def test_tls_needs_a_certificate_and_its_key(store: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, days=90)
    _, other = certificate(tmp_path, file="other")
    missing = str(tmp_path / "none")
    for given in (
        {"tls_cert": cert},
        {"tls_key": key},
        {"tls_cert": key, "tls_key": cert},
        {"tls_cert": cert, "tls_key": other},
        {"tls_cert": missing, "tls_key": missing},
    ):
        told = await refused(store, **given)
        assert all(text.startswith(("tls_cert: ", "tls_key: ")) for text in told)
    assert len(told) == 2
    assert await examined(store, tls_cert=cert, tls_key=key) == PreflightReport()


async def test_a_certificate_is_looked_at_as_clients_will(store: Path, tmp_path: Path) -> None:
    gone = certificate(tmp_path, days=-1, file="gone")
    cert, key = certificate(tmp_path, name="*.example.org", days=10)
    os.chmod(key, 0o644)

    [expired] = await refused(store, tls_cert=gone[0], tls_key=gone[1])
    hosts = "memory.example.org,example.org"
    said = (await examined(store, tls_cert=cert, tls_key=key, allowed_hosts=hosts)).warnings

    assert "has expired" in expired
    assert [any(part in text for text in said) for part in ("expires at", "private key")] == [
        True, True,
    ]  # fmt: skip
    [unnamed] = [text for text in said if "is for" in text]
    assert "not for example.org:" in unnamed


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"allowed_hosts": "memory.example.org:9000"}, "Leave the port out"),
        ({"allowed_origins": "https://memory.example.org:443"}, "default port"),
        ({"llm_tokens_run": 10}, "llm_model is not set"),
        ({"llm_model": "m", "llm_tokens_run": 10, "llm_tokens_day": 9}, "llm_tokens_day"),
        ({"llm_model": "m", "llm_money_run": 1}, "Set ZETTEL_LLM_PRICE_IN"),
        ({"llm_model": "m", "llm_base_url": "http://llm.example/v1"}, "not encrypted"),
        ({"erasures": "STORE/erasures"}, "lies in the store"),
        ({"store": "s3://bucket/notes", "durability": "power-loss"}, "local disks"),
    ],
)
async def test_settings_that_contradict_each_other_are_named(
    store: Path, flags: dict[str, object], said: str
) -> None:
    flags = {name: str(value).replace("STORE", str(store)) for name, value in flags.items()}

    [warning] = (await examined(store, **flags)).warnings

    assert said in warning


async def test_plain_http_for_other_machines_is_pointed_out(store: Path) -> None:
    settings = load_settings(store=str(store), host="0.0.0.0")

    assert any("plain HTTP" in text for text in (await examine_serving(settings)).warnings)


class Usage(NamedTuple):
    """What is told of a disk."""

    free: int


def nearly_full(_path: Path) -> Usage:
    """A disk with a mebibyte left."""
    return Usage(1 << 20)


def shuts(_path: Path, _mode: int) -> bool:
    """Permissions that let nobody in; they do not bind who runs tests as root."""
    return False


def test_a_place_that_cannot_be_written_or_is_nearly_full_is_pointed_out(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    [below] = examine(load_settings(store=str(tmp_path / "file" / "store"))).warnings
    [state] = examine(load_settings(store=str(store), erasures=str(tmp_path / "file"))).warnings
    monkeypatch.setattr("os.access", shuts)
    shut = examine(load_settings(store=str(store))).warnings
    monkeypatch.undo()
    monkeypatch.setattr("shutil.disk_usage", nearly_full)
    [full] = examine(load_settings(store=str(store))).warnings

    assert "is a file" in below
    assert "record of erasures" in state
    assert "is a file" in state
    assert len([text for text in shut if "cannot be written" in text]) == 2
    assert "1,048,576 bytes are free" in full


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize(
    ("directory", "file", "open_to_others"),
    [(0o755, 0o644, True), (0o750, 0o640, True), (0o700, 0o644, False), (0o755, 0o600, False)],
)
def test_a_key_that_others_can_read_is_pointed_out(
    store: Path, directory: int, file: int, open_to_others: bool
) -> None:
    config = configure(store, 'llm_model = "m"\nllm_key = "secret"')
    store.chmod(directory)
    config.chmod(file)

    said = examine(load_settings(store=str(store))).warnings

    assert any(f"chmod 600 {config}" in text for text in said) is open_to_others
    assert "secret" not in " ".join(said)


def test_a_variable_that_nobody_reads_is_named_with_the_one_that_was_meant() -> None:
    names = ["ZETTEL_MODLE", "ZETTEL_STORE", "PATH", "ZETTEL_TEST_NODE", "ZETTEL_QQQQ"]

    said = unknown_variables(names, Settings.model_fields)

    assert len(said) == 2
    assert "ZETTEL_MODLE is not read. Did you mean ZETTEL_MODEL?" in said[0]
    assert "mean" not in said[1]


def test_serve_check_says_what_would_be_served_and_takes_neither_port_nor_store(
    zettel: Launcher,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = zettel.run("serve", "--check", "--port", port, ZETTEL_MODLE="x")
    free = zettel.run("serve", "--check", "--port", port)

    assert done.returncode == free.returncode == 0
    assert f"http://127.0.0.1:{port}/mcp" in done.stdout
    assert "ZETTEL_MODEL" in done.stderr
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Cannot listen" not in free.stderr
    assert not zettel.store.exists()


def test_serve_check_does_not_say_that_nothing_is_in_the_way_of_a_store_that_is_a_file(
    zettel: Launcher,
) -> None:
    free = zettel.run("serve", "--check", "--port", "0")
    zettel.store.write_text("no directory")
    zettel.store.chmod(0o600)

    done = zettel.run("serve", "--check", "--port", "0")

    assert free.stdout.startswith("Nothing is in the way. zettel serve would listen here:\n")
    assert f"The store's directory {zettel.store} is a file." in done.stderr
    assert "No setting is refused, but see the 1 warning." in done.stdout
    assert "in the way" not in done.stdout


async def _of_a_newer_version(place: Path) -> None:
    store = await open_store(str(place), model_id=HashEmbedder().model_id, dim=HashEmbedder().dim)
    assert await store.swap_meta("schema_version", expected="1", value="9")
    await store.close()


async def test_serve_check_exits_with_3_for_a_store_of_a_newer_version(zettel: Launcher) -> None:
    await _of_a_newer_version(zettel.store)

    done = await to_thread.run_sync(lambda: zettel.run("serve", "--check", "--port", "0"))

    assert (done.returncode, done.stdout) == (3, "")
    assert "has schema version 9; this Zettel knows" in done.stderr
    assert "Upgrade zettel-mcp" in done.stderr


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"ZETTEL_RERANKER": "nobody/none"}, "The reranker 'nobody/none'"),
        (
            {"ZETTEL_EMBED_DEVICE": "cuda", "ZETTEL_MODEL": PACKAGED_MODEL},
            "cannot run on a GPU here",
        ),
    ],
    ids=str,
)
def test_serve_check_warns_of_a_model_that_will_not_load(
    zettel: Launcher, setting: dict[str, str], said: str
) -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("it has a GPU")

    done = zettel.run("serve", "--check", "--port", "0", **setting)

    assert done.returncode == 0
    assert said in done.stderr


def test_serve_tells_each_problem_on_its_line_and_the_first_by_its_exit_code(
    zettel: Launcher,
) -> None:
    done = zettel.run("serve", "--host", "0.0.0.0", "--tls-key", "/none", "--port", "0")

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 4
    assert all(line.startswith("zettel: ") for line in done.stderr.splitlines())
    assert not zettel.store.exists()


def test_an_engine_tells_its_client_all_that_is_wrong_with_the_file(zettel: Launcher) -> None:
    configure(zettel.store, 'port = "x"\nmodle = "m"\n[retain_days]\nfarm = 3')

    done = zettel.run()

    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["modle", "setting port"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize(
    ("directory", "file", "warned"),
    [
        (0o755, 0o600, True),
        (0o750, 0o600, True),
        (0o711, 0o644, True),
        (0o700, 0o644, False),
        (0o700, 0o600, False),
    ],
)
def test_a_store_that_others_can_get_at_is_pointed_out_with_the_command_that_closes_it(
    store: Path, directory: int, file: int, warned: bool
) -> None:
    config = configure(store, 'model = "hash"')
    config.chmod(file)
    store.chmod(directory)

    said = examine(load_settings(store=str(store))).warnings

    assert [text for text in said if text.endswith(f": chmod 700 {store}")] == list(said)
    assert bool(said) is warned
    # What was set stays: it may be meant.
    assert (stat.S_IMODE(store.stat().st_mode), stat.S_IMODE(config.stat().st_mode)) == (
        directory,
        file,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize(
    ("words", "code"), [(("serve", "--check"), 0), (("--in-process",), 0), ((), 0)], ids=str
)
def test_every_way_to_serve_names_an_open_store(
    zettel: Launcher, words: tuple[str, ...], code: int
) -> None:
    zettel.store.mkdir()
    zettel.store.chmod(0o755)

    done = zettel.run(*words)
    log = zettel.store / ".engine" / "engine.log"
    said = done.stderr + (log.read_text(encoding="utf-8") if log.exists() else "")

    assert done.returncode == code, done.stderr
    assert f"chmod 700 {zettel.store}" in said


def test_serve_check_names_a_model_that_brings_code_of_its_own(
    zettel: Launcher, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    listed = '[{"idx": 0, "name": "0", "path": "", "type": "modeling_own.Own"}]'
    (model / "modules.json").write_text(listed, encoding="utf-8")

    done = zettel.run("serve", "--check", "--model", str(model))

    assert done.returncode == 0
    assert "'modeling_own.Own'" in done.stderr
    assert "does not run here" in done.stderr


@pytest.mark.parametrize(
    ("origin", "warned"),
    [("https://memory.example.org", True), ("https://memory.example.org:8377", False)],
)
async def test_an_allowed_origin_without_the_ports_number_is_not_that_of_the_page(
    store: Path, tmp_path: Path, origin: str, *, warned: bool
) -> None:
    cert, key = certificate(tmp_path)
    report = await examined(
        store,
        tls_cert=str(cert),
        tls_key=str(key),
        allowed_hosts=("memory.example.org",),
        allowed_origins=(origin,),
    )

    said = [text for text in report.warnings if "send https://memory.example.org:8377" in text]
    assert bool(said) is warned
