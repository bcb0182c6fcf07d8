"""Finding many byte strings at once."""

from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.verify.patterns import SEARCH_CHUNK_BYTES, ByteSearch

few = st.binary(max_size=40).map(lambda raw: bytes(byte & 1 for byte in raw))
"""Of two different bytes, so that everything is found everywhere."""
patterns = st.lists(few.filter(bool), unique=True, max_size=6)


def naive(wanted: list[bytes], data: bytes) -> set[tuple[int, int]]:
    """The same, slowly."""
    return {
        (at, offset)
        for at, pattern in enumerate(wanted)
        for offset in range(len(data))
        if data.startswith(pattern, offset)
    }


@given(wanted=patterns, data=few)
def test_every_pattern_is_found_wherever_it_begins(wanted: list[bytes], data: bytes) -> None:
    found = list(ByteSearch(wanted).find(data))

    assert set(found) == naive(wanted, data)
    assert len(found) == len(set(found))


def test_what_lies_across_two_chunks_is_found_once() -> None:
    pattern, edge = b"a pattern of many bytes", SEARCH_CHUNK_BYTES
    for start in range(edge - len(pattern) - 1, edge + 2):
        data = bytes(start) + pattern + bytes(20)

        assert list(ByteSearch([pattern]).find(data)) == [(0, start)]
