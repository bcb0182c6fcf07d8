"""How far a caller reaches: the key that keeps what a process remembers of callers apart."""

from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.access import Access

NAMES = st.frozensets(st.sampled_from(["a", "b", "a-b", "c"]))


def test_other_writable_namespaces_give_another_key() -> None:
    reads = frozenset({"ana", "shared"})
    keys = {
        Access(reads=reads, writes=frozenset(writes)).key
        for writes in ((), ("ana",), ("shared",), ("ana", "shared"))
    }

    assert len(keys) == 4


@given(NAMES, NAMES, NAMES, NAMES)
def test_only_the_same_reach_has_the_same_key(
    reads: frozenset[str], writes: frozenset[str], more: frozenset[str], others: frozenset[str]
) -> None:
    one, other = Access(reads=reads, writes=writes), Access(reads=more, writes=others)

    assert (one.key == other.key) == (one == other)
