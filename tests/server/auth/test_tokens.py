"""The access that a token gives."""

from datetime import UTC, datetime

import pytest

from zettel.server.auth.tokens import make_token
from zettel.storage.access import Access
from zettel.storage.errors import InvalidArgumentError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("namespaces", "reads", "writes"),
    [
        (["ana"], {"ana"}, {"ana"}),
        (["ana", "shared:ro"], {"ana", "shared"}, {"ana"}),
        (["shared:ro"], {"shared"}, set[str]()),
    ],
)
def test_a_bearer_reads_all_namespaces_of_the_token_and_writes_those_that_are_not_read_only(
    namespaces: list[str], reads: set[str], writes: set[str]
) -> None:
    token, _ = make_token("ana", namespaces, expires=None, now=NOW)

    assert token.reach == Access(reads=frozenset(reads), writes=frozenset(writes))


def test_the_first_namespace_is_the_default_also_when_it_is_read_only() -> None:
    token, _ = make_token("ana", ["shared:ro", "ana"], expires=None, now=NOW)

    assert token.default_namespace == "shared"


@pytest.mark.parametrize("name", ["local", "scheduler", "zettel", "cli", "heal", "Gist"])
def test_no_token_is_in_a_name_that_the_server_gives_itself(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Zettel gives itself"):
        make_token(name, ["ana"], expires=None, now=NOW)


@pytest.mark.parametrize("expires", ["soon", "2020-01-01"])
def test_an_end_that_cannot_be_is_told_with_the_spans_that_can(expires: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"expires: .*Pass a span \(30d, 12h, 8w, 90m\)"):
        make_token("ana", ["ana"], expires=expires, now=NOW)
