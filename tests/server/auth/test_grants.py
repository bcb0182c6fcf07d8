"""What a token of an authorization server grants, and the settings that say where it does."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from zettel.server.auth.oauth import AccessJwtVerifier, IssuerKeys, grant_of
from zettel.server.config.preflight.serving import oauth_refusals
from zettel.server.config.settings import load_settings
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.validation import NAMESPACE

NAMED = {"oauth_issuer": "https://id.example", "oauth_resource": "https://memory.example"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"oauth_issuer": "https://id.example"}, "setting oauth_resource"),
        ({"oauth_resource": "https://memory.example"}, "setting oauth_issuer"),
        ({"oauth_audience": "api://zettel"}, "setting oauth_issuer"),
        ({**NAMED, "oauth_issuer": "http://id.example"}, "setting oauth_issuer"),
        ({**NAMED, "oauth_issuer": "https://id.example?a=b"}, "setting oauth_issuer"),
        ({**NAMED, "oauth_resource": "http://memory.example"}, "setting oauth_resource"),
        ({**NAMED, "oauth_jwks": "http://id.example/keys"}, "setting oauth_jwks"),
    ],
)
def test_settings_nobody_could_log_in_with_are_refused_at_start(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    refused, *_ = oauth_refusals(load_settings(store=str(tmp_path), **given))

    assert refused.name == missing


@pytest.mark.parametrize("issuer", ["id.example", "ftp://id.example", 'https://a"b'])
def test_an_issuer_that_is_no_address_is_refused(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(InvalidArgumentError):
        load_settings(store=str(tmp_path), oauth_issuer=issuer)


def part(text: str) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@given(
    st.text(), st.lists(st.text(), max_size=4), st.dictionaries(st.text(), st.text() | st.none())
)
async def test_any_text_is_refused_and_nothing_worse(
    text: str, parts: list[str], header: dict[str, str | None]
) -> None:
    keys = IssuerKeys("https://id.example", "http://127.0.0.1:1/nobody")
    verifier = AccessJwtVerifier(keys, issuer="https://id.example", audience="a")
    said = [json.dumps({"alg": "RS256", "kid": "k"} | header), *parts]

    for token in (text, ".".join(map(part, parts)), ".".join(map(part, said))):
        assert await verifier.verify_token(token) is None


NAMESPACES = st.from_regex(rf"\A{NAMESPACE.pattern}\Z")


@given(st.lists(st.tuples(NAMESPACES, st.booleans()), min_size=1), st.booleans())
def test_a_grant_reaches_what_it_names_and_writes_what_it_may(
    named: list[tuple[str, bool]], listed: bool
) -> None:
    entries = [f"zettel:{name}{':ro' if read_only else ''}" for name, read_only in named]
    value: JsonValue = [*entries, 7, "other"] if listed else " ".join(entries)
    grant = grant_of({"scp": value}, "scope", subject="ana", expires_at=1)

    assert grant is not None
    assert grant.reach.reads == {name for name, _ in named}
    assert grant.reach.writes == {name for name, read_only in named if not read_only}
    assert grant.default_namespace in (grant.reach.writes or grant.reach.reads)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_a_claim_of_any_shape_is_read(value: JsonValue) -> None:
    for claim in ("scope", "a.b"):
        claims: dict[str, JsonValue] = {"scope": value, "a": {"b": value}}
        grant = grant_of(claims, claim, subject="ana", expires_at=1)
        assert grant is None or "zettel:" in str(value)
