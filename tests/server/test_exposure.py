"""Being reached by other machines: with tokens and names only, and by TLS."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.server.processes import Launcher

from zettel.server.exposure import check_exposure, is_loopback
from zettel.server.settings import load_settings
from zettel.storage.errors import HostRefusedError, InvalidArgumentError

NAMED = {"allowed_hosts": "memory.example", "allowed_origins": "https://memory.example"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "--allowed-host"),
        ({"allowed_hosts": "memory.example"}, "--allowed-origin"),
        (NAMED, "zettel token create"),
    ],
)
async def test_a_host_others_reach_is_refused_for_what_is_missing(
    tmp_path: Path, host: str, given: dict[str, str], missing: str
) -> None:
    settings = load_settings(store=str(tmp_path / "none"), model="hash", host=host, **given)

    with pytest.raises(HostRefusedError, match=missing):
        await check_exposure(settings)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
async def test_a_loopback_host_needs_nothing(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    await check_exposure(load_settings(store=str(tmp_path), host=host))


async def test_tls_needs_a_certificate_and_its_key(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    for given in (
        {"tls_cert": cert},
        {"tls_key": key},
        {"tls_cert": key, "tls_key": cert},
        {"tls_cert": str(tmp_path / "none"), "tls_key": key},
    ):
        with pytest.raises(InvalidArgumentError):
            await check_exposure(load_settings(store=str(tmp_path), **given))
    await check_exposure(load_settings(store=str(tmp_path), tls_cert=cert, tls_key=key))


def test_an_exposed_server_speaks_tls_under_its_names_to_bearers(
    zettel: Launcher, tmp_path: Path
) -> None:
    made = zettel.run("token", "create", "--name", "ana", "--namespace", "ana")
    cert, key = certificate(tmp_path)
    served = zettel.serve(
        "--host", "0.0.0.0", "--allowed-host", "memory.example",
        "--allowed-origin", "https://app.example", "--tls-cert", cert, "--tls-key", key,
    )  # fmt: skip
    port = served.url.rpartition(":")[2]
    bearer = {"authorization": f"Bearer {made.stdout.strip()}"}

    def status(headers: dict[str, str]) -> int:
        with httpx2.Client(verify=ssl.create_default_context(cafile=cert)) as http:
            return http.get(f"https://localhost:{port}/mcp", headers=headers).status_code

    assert served.url.startswith("https://")
    assert status({"host": "evil.example"}) == 421
    assert status({"host": "0.0.0.0"}) == 421
    assert status({"origin": "https://evil.example"}) == 403
    for host in ("memory.example", f"memory.example:{port}", f"localhost:{port}"):
        assert status({"host": host, "origin": "https://app.example"}) == 401
        assert status({"host": host, **bearer}) == 400  # past the gate: without a session


def certificate(folder: Path) -> tuple[str, str]:
    """Paths of a certificate for localhost, signed by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(cert_file), str(key_file)
