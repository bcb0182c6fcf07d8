"""A check that an object store keeps concurrent writers from overwriting each other.

LanceDB commits by creating a file that must not exist. A store that ignores the condition loses
commits silently (lance#6595), so the check lets writers race on a temporary table.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import secrets
from datetime import timedelta

import anyio
import pyarrow as pa
from lancedb import connect_async

from zettel.storage.lance.errors import unavailable
from zettel.storage.location import StoreLocation

WRITERS = 4
COMMITS_PER_WRITER = 3
"""12 commits, 4 at a time, on separate connections: without the condition two collide."""
_TABLE = "zettel-probe-"


async def lost_commits(place: StoreLocation) -> int:
    """Number of acknowledged commits of the race that are missing."""
    name = _TABLE + secrets.token_hex(6)
    schema = pa.schema([pa.field("n", pa.int64())])
    try:
        with await connect_async(place.uri, read_consistency_interval=timedelta(0)) as database:
            table = await database.create_table(name, schema=schema)
            try:
                async with anyio.create_task_group() as tasks:
                    for writer in range(WRITERS):
                        tasks.start_soon(_write, place.uri, name, schema, writer)
                return WRITERS * COMMITS_PER_WRITER - await table.count_rows()
            finally:
                with anyio.CancelScope(shield=True):
                    await database.drop_table(name)
    except (RuntimeError, OSError, ValueError) as error:
        raise unavailable(place.uri, error) from error
    except BaseExceptionGroup as group:
        raise unavailable(place.uri, _first(group)) from group


async def _write(uri: str, name: str, schema: pa.Schema, writer: int) -> None:
    with await connect_async(uri, read_consistency_interval=timedelta(0)) as database:
        with await database.open_table(name) as table:
            for number in range(COMMITS_PER_WRITER):
                row = pa.Table.from_pylist(
                    [{"n": writer * COMMITS_PER_WRITER + number}], schema=schema
                )
                await table.add(row)


def _first(group: BaseExceptionGroup[BaseException]) -> Exception:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        if isinstance(error, Exception):
            return error
    raise group
