"""Lines out of chunks."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zettel.server.protocol.malformed import MAX_MESSAGE, RejectedMessage
from zettel.server.transports.stdio.conversation import LineReader


def reader_of(chunks: Sequence[bytes]) -> LineReader:
    """A reader whose stream consists of these chunks."""
    waiting = [chunk for chunk in chunks if chunk]

    async def receive() -> bytes:
        return waiting.pop(0) if waiting else b""

    return LineReader(receive)


async def all_lines(reader: LineReader) -> list[bytes | RejectedMessage]:
    """Read to the end."""
    lines: list[bytes | RejectedMessage] = []
    while (line := await reader.next_line()) is not None:
        lines.append(line)
    return lines


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut a stream at these places."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


@given(
    lines=st.lists(st.binary(min_size=1, max_size=20).map(lambda raw: raw.replace(b"\n", b"."))),
    places=st.lists(st.integers(min_value=0, max_value=10_000)),
)
async def test_lines_do_not_depend_on_how_the_stream_is_cut(
    lines: list[bytes], places: list[int]
) -> None:
    stream = b"".join(line + b"\n" for line in lines)

    assert await all_lines(reader_of(cut(stream, places))) == [x for x in lines if x.strip()]


async def test_a_last_line_without_a_newline_counts() -> None:
    assert await all_lines(reader_of([b"a\n\n  \nb"])) == [b"a", b"b"]


async def test_a_line_that_is_too_long_is_told_and_the_next_one_read() -> None:
    start = b'{"jsonrpc":"2.0","id":9,"method":"x","params":{"content":"'
    long = start + b"a" * MAX_MESSAGE
    chunks = [long[at : at + 65_536] for at in range(0, len(long), 65_536)]
    found, after = await all_lines(reader_of([*chunks, b"a\nnext\n"]))

    assert isinstance(found, RejectedMessage)
    assert found.request_id == 9
    assert after == b"next"


async def test_the_longest_line_allowed_passes() -> None:
    line = b"a" * MAX_MESSAGE

    assert await all_lines(reader_of([line, b"\nb\n"])) == [line, b"b"]


async def test_of_an_endless_line_only_the_edges_are_kept() -> None:
    piece = b"x" * 65_536
    reader = reader_of([piece] * 400)
    (found,) = await all_lines(reader)

    assert isinstance(found, RejectedMessage)
