"""The token that a request presents."""

import pytest

from zettel.server.transports.http.access import presented


@pytest.mark.parametrize(
    ("values", "token"),
    [
        ([b"Bearer one"], "one"),
        ([b"bearer  one "], "one"),
        ([b"Basic one"], ""),
        ([], ""),
        # A proxy may check one and pass on both.
        ([b"Bearer one", b"Bearer two"], ""),
        ([b"Bearer one", b"Bearer one"], ""),
    ],
)
def test_a_request_presents_the_bearer_token_of_its_only_authorization_header(
    values: list[bytes], token: str
) -> None:
    headers = [(b"host", b"127.0.0.1"), *((b"authorization", value) for value in values)]

    assert presented({"type": "http", "headers": headers}) == token
