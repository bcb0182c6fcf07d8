"""The `Host` and `Origin` headers that the application accepts."""

from zettel.server.config.settings import Settings
from zettel.server.transports.http.app import allowed


def test_a_host_that_is_allowed_is_no_origin_that_is_allowed() -> None:
    alone = allowed(Settings())
    named = allowed(Settings(allowed_hosts=("memory.example",)))

    assert set(named.allowed_hosts) - set(alone.allowed_hosts) == {
        "memory.example", "memory.example:*",
    }  # fmt: skip
    assert named.allowed_origins == alone.allowed_origins


def test_an_origin_that_is_allowed_is_accepted_as_it_was_given_and_is_no_host() -> None:
    alone = allowed(Settings())
    named = allowed(Settings(allowed_origins=("https://app.example",)))

    assert set(named.allowed_origins) - set(alone.allowed_origins) == {"https://app.example"}
    assert named.allowed_hosts == alone.allowed_hosts


def test_with_a_certificate_only_origins_of_https_are_this_machines() -> None:
    plain, encrypted = allowed(Settings()), allowed(Settings(tls_cert="cert.pem"))

    assert {origin.partition(":")[0] for origin in plain.allowed_origins} == {"http"}
    assert {origin.partition(":")[0] for origin in encrypted.allowed_origins} == {"https"}
