"""Whether an object store keeps every commit: a probe of racing writers.

LanceDB commits by creating an object that must not exist. A store that ignores the condition loses
commits without a word (lance#6595).
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types, lancedb some)

import os
import secrets
from datetime import timedelta

import anyio
import pyarrow as pa
from lancedb import AsyncConnection, connect_async

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import unavailable
from zettel.storage.lance.side_tables import get_meta, put_meta
from zettel.storage.lance.table import LanceTable
from zettel.storage.location import StoreLocation

OBJECT_STORE_OPTIONS = {"client_max_retries": "8", "client_retry_timeout": "20"}
"""Repeats of a request to an object store that answers 5xx or cannot be reached, in 20 s; LanceDB's
own are 3, in half a second, which is less than S3 may ask to slow down for. A request that is not
answered at all ends after 30 s and is not repeated: for 180 s, LanceDB's default, a call on a
bucket that hangs took more than 5 minutes. Lance finds a commit whose answer was lost, and does not
make it twice."""

WRITERS = 4
COMMITS_PER_WRITER = 3
"""12 commits, 4 at a time, on separate connections: without the condition two collide."""
_TABLE = "zettel-probe-"
_OVERWRITTEN = "Invalid range"
"""Of LanceDB's error for an object that has become shorter while it was read."""


HELD = "held"
"""Value in `meta` of an address where the probe lost nothing."""
_PROBED = "conditional_puts"
"""First part of a key in `meta`: the address at which the probe lost nothing follows."""


async def refuse_lost_commits(place: StoreLocation, meta: LanceTable | None) -> None:
    """Refuse an object store that loses commits; each address is probed once in a store's life.

    `meta` remembers that nothing was lost; None if the store is not made yet.

    Raises:
        StoreUnavailableError: It loses commits, or cannot be written.
    """
    key = probed_key(place)
    if meta is not None and await get_meta(meta, key) is not None:
        return
    if lost := await lost_commits(place):
        raise StoreUnavailableError(
            place.uri,
            f"lost at least {lost} of {WRITERS * COMMITS_PER_WRITER} commits that writers made at"
            " once: its object store ignores the condition of a put (If-None-Match), so notes would"
            " vanish",
            "Keep it where puts can be conditional (AWS S3, Google Cloud Storage, Azure, MinIO):"
            " zettel backup still reads it, zettel restore writes it there.",
        )
    if meta is not None:
        await put_meta(meta, {key: HELD})


def probed_key(place: StoreLocation) -> str:
    """The key under which `meta` remembers a probe of this address at this provider."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "") if place.uri.startswith("s3") else ""
    return f"{_PROBED}@{place.uri} {endpoint}".rstrip()


async def lost_commits(place: StoreLocation) -> int:
    """Acknowledged commits that racing writers lost on a table made for it, at least; 2 s.

    Raises:
        StoreUnavailableError: The location cannot be written.
    """
    name = _TABLE + secrets.token_hex(6)
    schema = pa.schema([pa.field("n", pa.int64())])
    try:
        with await _connected(place) as database:
            table, failures = await database.create_table(name, schema=schema), list[Exception]()
            try:
                # All of them end first: a commit after the table is dropped would leave files.
                async with anyio.create_task_group() as tasks:
                    for writer in range(WRITERS):
                        tasks.start_soon(_write, place, name, schema, writer, failures)
                if failures:
                    raise failures[0]
                return WRITERS * COMMITS_PER_WRITER - await table.count_rows()
            finally:
                with anyio.CancelScope(shield=True):
                    await database.drop_table(name)
    except (RuntimeError, OSError, ValueError) as error:
        return _lost_by(error, place)


def _lost_by(error: Exception, place: StoreLocation) -> int:
    """1 if a writer read a manifest while another one put its own in its place.

    Raises:
        StoreUnavailableError: It is another error.
    """
    if _OVERWRITTEN in str(error):
        return 1
    raise unavailable(place.uri, error) from error


async def _connected(place: StoreLocation) -> AsyncConnection:
    options = OBJECT_STORE_OPTIONS if place.is_object_store else None
    return await connect_async(
        place.uri, read_consistency_interval=timedelta(0), storage_options=options
    )


async def _write(
    place: StoreLocation, name: str, schema: pa.Schema, writer: int, failures: list[Exception]
) -> None:
    try:
        with await _connected(place) as database:
            with await database.open_table(name) as table:
                for number in range(COMMITS_PER_WRITER):
                    row = pa.Table.from_pylist(
                        [{"n": writer * COMMITS_PER_WRITER + number}], schema=schema
                    )
                    await table.add(row)
    except (RuntimeError, OSError, ValueError) as error:
        failures.append(error)
