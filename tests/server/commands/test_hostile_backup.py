"""Backups that somebody changed and hashed again: refused whole, and no way in for their maker."""

# Rows of pyarrow, which ships no types, and printed JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from math import nan
from pathlib import Path

import pytest
from tests.storage.forging import Record, add_run, change_rows, forge
from tests.storage.keeping import untold
from tests.storage.samples import recalled

from zettel.server.auth.token_store import add_token, read_tokens
from zettel.server.auth.tokens import make_token, recognized
from zettel.server.commands.backup import back_up_once, restore_once, restore_output
from zettel.server.commands.doctor import examine_once
from zettel.server.commands.output import Output
from zettel.server.config.settings import Settings, load_settings
from zettel.server.runtime.factories import opened
from zettel.storage.backup.errors import BackupDamagedError, BackupErasesError
from zettel.storage.erasable import Receipt, digest_of
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.lance.rows import to_table
from zettel.storage.lance.store import LanceStore
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
USAGE: Record = {"note_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "strength": 1.0, "recalled_at": NOW,
         "recall_count": 1}  # fmt: skip


def machine(folder: Path) -> Settings:
    """The settings of a store on a machine of its own."""
    return load_settings(
        store=str(folder / "store"), model="hash", erasures=str(folder / "erasures")
    )


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncGenerator[tuple[Memory, LanceStore]]:
    """An open store."""
    async with opened(settings, create=True) as memory:
        assert isinstance(memory.store, LanceStore)
        yield memory, memory.store


@pytest.fixture(scope="module")
async def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of two linked notes, one of them recalled, and of a token."""
    folder = tmp_path_factory.mktemp("original")
    settings, file = machine(folder), folder / "a.zettel"
    caller = Caller(namespace="farm")
    async with store_of(settings) as (memory, store):
        first = await remember(memory, caller, now=NOW, content="bees", tags=["hive"])
        link = {"to": str(first["note_id"]), "relation": "supports"}
        await remember(memory, caller, now=NOW, content="wasps", links=[link])  # pyright: ignore[reportArgumentType] as JSON
        await store.reinforce([recalled(str(first["note_id"]))])
        token, _ = make_token("ana", ["farm"], expires=None, now=NOW)
        await add_token(store, token)
    await back_up_once(settings, file, False, untold)
    return file


@pytest.fixture
def backup(original: Path, tmp_path: Path) -> Path:
    """A copy of it to tamper with."""
    copy = tmp_path / "a.zettel"
    copy.write_bytes(original.read_bytes())
    return copy


def every(**fields: object) -> Callable[[list[Record]], None]:
    """Puts values into every row."""

    def change(rows: list[Record]) -> None:
        for row in rows:
            row.update(fields)

    return change


def named(note_id: str) -> Callable[[list[Record]], None]:
    """Gives the first note another id, and everything that goes with it."""

    def change(rows: list[Record]) -> None:
        rows[0] |= {"note_id": note_id, "row_id": f"{note_id}@1"}

    return change


def linked(**fields: object) -> Callable[[list[Record]], None]:
    """Changes the link of the second note."""

    def change(rows: list[Record]) -> None:
        for row in rows:
            links = row["links"]
            assert isinstance(links, list)
            for link in links:  # pyright: ignore[reportUnknownVariableType]
                link.update(fields)  # pyright: ignore[reportUnknownMemberType]

    return change


def appended(row: Record) -> Callable[[list[Record]], None]:
    """Adds a row."""
    return lambda rows: rows.append(row)


def doubled(rows: list[Record]) -> None:
    """One revision twice, with other words."""
    rows.append(rows[0] | {"content": "hornets"})


def crossed(rows: list[Record]) -> None:
    """A row under the key of another note."""
    rows[0]["row_id"] = "01ARZ3NDEKTSV4RRFFQ69G5FAV@1"


NOTES: dict[str, Callable[[list[Record]], object]] = {
    "an id that is a path": named("../../etc/passwd"),
    "an id in lower case": named("01arz3ndektsv4rrffq69g5fav"),
    "an id with a quote": named("01ARZ3NDEKTSV4RRFFQ69G5FA'"),
    "an id that is empty": named(""),
    "a namespace that is none": every(namespace="Farm/../other"),
    "a namespace that is empty": every(namespace=""),
    "no content": every(content="  "),
    "a content that is too long": every(content="a" * 32_769),
    "NUL in the content": every(content="a\0b"),
    "NUL in a tag": every(tags=["a\0b"]),
    "a tag that is too long": every(tags=["a" * 5_000]),
    "tags without end": every(tags=["a"] * 5_000),
    "a missing list": every(keywords=None),
    "a trust above 1": every(trust=2.0),
    "a trust that is no number": every(trust=nan),
    "a negative importance": every(importance=-1.0),
    "a kind that is none": every(kind="root"),
    "a state that is none": every(state="immortal"),
    "a missing time": every(known_from=None),
    "a revision of zero": every(rev=0),
    "a link to no id": linked(to="x' OR 1=1"),
    "a link without a relation": linked(relation=""),
    "a link of a weight above 1": linked(weight=9.0),
    "a link made by nobody": linked(made_by="root"),
    "a link without a time": linked(made_at=None),
    "a reason that is too long": every(reason="a" * 40_000),
    "a maker that is none": every(derived_by={"context": "root"}),
    "a vector of another length than 1": every(vectors=[[2.0] + [0.0] * 63]),
    "one revision twice": doubled,
    "a key that is another note's": crossed,
}
OTHERS: dict[str, tuple[str, Callable[[list[Record]], object]]] = {
    "a use of no note": ("usage", appended(USAGE | {"note_id": "x"})),
    "a strength without end": ("usage", appended(USAGE | {"strength": 1e300})),
    "a negative count": ("usage", appended(USAGE | {"recall_count": -1})),
    "a run whose id is too long": ("runs", every(run_id="x" * 5_000)),
    "a run without a time": ("runs", every(started_at=None)),
    "tokens that are none": ("meta", every(key="access_tokens", value="[{}]")),
    "a token of a reserved name": (
        "meta",
        lambda rows: every(value=str(rows[0]["value"]).replace('"ana"', '"scheduler"'))(rows),
    ),
}
DAMAGES = {name: ("notes", change) for name, change in NOTES.items()} | OTHERS


QUICK = ("an id that is a path", "a namespace that is none", "a content that is too long",
         "a trust above 1", "a state that is none", "a link to no id", "one revision twice",
         "a use of no note", "a run without a time", "a token of a reserved name")  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in DAMAGES],
)
async def test_a_row_that_no_tool_could_have_made_refuses_the_whole_backup(
    backup: Path, tmp_path: Path, damage: str
) -> None:
    table, change = DAMAGES[damage]
    if table == "runs":
        runs: Record = {"run_id": "evolve-1", "kind": "evolve", "who": "x", "started_at": NOW,
                "ended_at": NOW, "counts": [], "outcome": "done"}  # fmt: skip
        add_run(backup, runs)
    change_rows(backup, table, change)

    with pytest.raises(BackupDamagedError):
        await restore_once(machine(tmp_path), backup, None, untold)

    if damage != "a token of a reserved name" and table != "meta":
        assert not (tmp_path / "store").exists()
        return
    async with store_of(machine(tmp_path)) as (memory, store):
        assert await memory.store.count(NoteFilter(states=(), derived=None)) == 0
        assert await read_tokens(store) == ()


def printed(output: Output) -> dict[str, object]:
    """What --json prints."""
    return json.loads(output.render(as_json=True))


async def test_tokens_of_a_backup_come_back_revoked_unless_they_are_asked_for(
    backup: Path, tmp_path: Path
) -> None:
    token, text = make_token("mallory", ["farm"], expires=None, now=NOW)
    stored = json.dumps([{**asdict(token), "made_at": NOW.isoformat()}])
    change_rows(backup, "meta", every(key="access_tokens", value=stored))

    plain, asked = machine(tmp_path / "plain"), machine(tmp_path / "asked")
    (tmp_path / "plain").mkdir()
    (tmp_path / "asked").mkdir()
    without = restore_output(await restore_once(plain, backup, None, untold))
    within = restore_output(await restore_once(asked, backup, None, untold, with_tokens=True))

    assert (printed(without)["tokens"], "1 access token came back revoked" in without.text) == (
        {"restored": 0, "revoked": 1},
        True,
    )
    assert re.search(r"from the backup of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.\n", without.text)
    assert (printed(within)["tokens"], "in force again" in within.text) == (
        {"restored": 1, "revoked": 0},
        True,
    )
    async with store_of(plain) as (_, store):
        (known,) = await read_tokens(store)  # listed, so that the server still asks for one
        assert known.state(NOW) == "revoked"
        assert recognized([known], text, NOW) is None
    async with store_of(asked) as (_, store):
        assert recognized(await read_tokens(store), text, NOW) is not None


async def test_tokens_are_never_restored_into_a_namespace(backup: Path, tmp_path: Path) -> None:
    settings = machine(tmp_path)
    with pytest.raises(InvalidArgumentError):
        await restore_once(settings, backup, "old", untold, with_tokens=True)

    await restore_once(settings, backup, "old", untold)

    async with store_of(settings) as (_, store):
        assert await read_tokens(store) == ()


async def test_a_backup_cannot_have_notes_of_the_store_erased(backup: Path, tmp_path: Path) -> None:
    settings, salt = machine(tmp_path), "ab" * 16
    async with store_of(settings) as (memory, _):
        answer = await remember(memory, Caller(namespace="home"), now=NOW, content="keep me")
    victim = str(answer["note_id"])
    receipt = Receipt(receipt_id="erase-1", scope="notes", who="x", ordered_at=NOW, salt=salt,
                      digests=(digest_of(victim, salt),), notes=1)  # fmt: skip
    line = json.dumps(asdict(receipt), default=str) + "\n"
    forge(backup, "erasures", line.encode(), rows=1)

    with pytest.raises(BackupErasesError) as caught:
        await restore_once(settings, backup, "old", untold)

    assert caught.value.note_ids == (victim,)
    async with store_of(settings) as (memory, _):
        assert [n.note_id for n in await memory.store.find(NoteFilter(), limit=9)] == [victim]


@pytest.mark.parametrize(
    "line",
    ['{"receipt_id": 1}', '{"receipt_id": "x", "unknown": 1}', '{"receipt_id": "x", "salt": [1]}',
     '{"receipt_id":"x","scope":"notes","who":"x","ordered_at":"2026-11-20T09:00:00Z","notes":1,'
     '"salt":"zz","digests":[]}'],
)  # fmt: skip
async def test_a_record_of_erasures_that_would_break_the_ledger_is_refused(
    backup: Path, tmp_path: Path, line: str
) -> None:
    forge(backup, "erasures", line.encode() + b"\n", rows=1)

    with pytest.raises(BackupDamagedError):
        await restore_once(machine(tmp_path), backup, None, untold)

    assert not (tmp_path / "store").exists()
    assert not (tmp_path / "erasures").exists()


@pytest.mark.parametrize(
    ("field", "value", "finding"),
    [
        ("note_id", "../../etc/passwd", "unaddressable_ids"),
        ("namespace", "../up", "invalid_rows"),
        ("content", "a" * 40_000, "invalid_rows"),
        ("trust", 7.0, "invalid_rows"),
    ],
)
async def test_the_doctor_names_rows_that_no_tool_could_have_made(
    tmp_path: Path, field: str, value: object, finding: str
) -> None:
    """As an earlier version's restore let them in."""
    settings = machine(tmp_path)
    async with store_of(settings) as (memory, store):
        await remember(memory, Caller(namespace="farm"), now=NOW, content="bees")
        (note,) = await memory.store.find(NoteFilter(), limit=1)
        bad = replace(note, **{"note_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", field: value})  # pyright: ignore[reportArgumentType]
        inside = store.tables.notes
        rows = to_table([NoteRow(note=bad, vectors=None)], schema=inside.spec.schema,
                        dim=store.tables.dim)  # fmt: skip
        async with inside.writing():
            await inside.merge(rows)

    report = await examine_once(settings, False, untold)

    found = {f.name: f for f in report.findings}
    assert finding in found
    assert found[finding].count == 1
    assert not report.is_clean


async def test_the_doctor_names_tokens_that_zettel_did_not_make(tmp_path: Path) -> None:
    settings = machine(tmp_path)
    token, _ = make_token("ana", ["farm"], expires=None, now=NOW)
    stored = [{**asdict(token), "made_at": NOW.isoformat(), "name": "scheduler"}]
    async with store_of(settings) as (_, store):
        assert await store.swap_meta("access_tokens", expected=None, value=json.dumps(stored))

    report = await examine_once(settings, False, untold)

    assert [f.name for f in report.findings if f.is_damage] == ["foreign_tokens"]
