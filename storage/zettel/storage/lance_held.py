"""How much a namespace holds in LanceDB: lengths are read, texts are not."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from lancedb import AsyncTable

from zettel.storage.lance_filters import all_of, equals, one_of
from zettel.storage.lance_search import count_notes
from zettel.storage.lance_tables import MAX_ROWS, Tables
from zettel.storage.measures import WRITTEN, Held
from zettel.storage.store import NoteFilter

_TEXTS = ("content", "context", "subject", "source", "array_to_string(tags, '')")
_LENGTH = " + ".join(f"octet_length({text})" for text in _TEXTS)


async def held(tables: Tables, namespace: str) -> Held:
    """Do what `NoteStore.held` promises.

    Raises:
        StoreUnavailableError: The table cannot be read.
    """
    where = all_of(equals("namespace", namespace), one_of("change", sorted(WRITTEN)))

    async def lengths(handle: AsyncTable) -> list[int]:
        query = handle.query().select({"length": _LENGTH}).where(where).limit(MAX_ROWS)
        return (await query.to_arrow()).column("length").to_pylist()

    told = NoteFilter(namespaces=(namespace,), states=(), derived=False)
    return Held(
        notes=await count_notes(tables, told), text_bytes=sum(await tables.notes.read(lengths))
    )
