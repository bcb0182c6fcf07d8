"""Lines out of chunks, and how many are read."""

from collections.abc import Sequence
from itertools import pairwise

import anyio
from hypothesis import given
from hypothesis import strategies as st
from tests.server.engines import ListeningEngine

from zettel.server.protocol.malformed import MAX_MESSAGE, RejectedMessage
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.shutdown import Shutdown
from zettel.server.transports.stdio.conversation import OPEN_MAX_REQUESTS, LineReader, converse


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


async def test_no_more_is_read_of_a_client_that_does_not_read_its_answers() -> None:
    read = 0

    async def receive() -> bytes:
        nonlocal read
        read += 1
        await anyio.lowlevel.checkpoint()
        return b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % read

    async def send_line(_line: bytes) -> None:
        await anyio.sleep_forever()

    engine, defaults = ListeningEngine(), ClientDefaults(transport="stdio", namespace="farm")
    server = create_server(engine, defaults, ChangeFeed(engine.call))
    with anyio.move_on_after(1):
        await converse(server, LineReader(receive), send_line, protocol="auto", shutdown=Shutdown())

    assert read == OPEN_MAX_REQUESTS
