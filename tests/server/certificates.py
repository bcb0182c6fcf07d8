"""Certificates that sign themselves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(
    folder: Path, *, name: str = "localhost", days: float = 1, file: str = "cert"
) -> tuple[str, str]:
    """Paths of a certificate for a name, signed by itself, and its key.

    Args:
        folder: Where both are written.
        name: Whom it is for.
        days: From now until its end; it began a day before the earlier of the two.
        file: What its files are called.
    """
    key, nobody = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    until = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder(nobody, nobody, key.public_key(), x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), until) - timedelta(days=1))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{file}.pem", folder / f"{file}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key_file.chmod(0o600)
    return str(cert_file), str(key_file)
