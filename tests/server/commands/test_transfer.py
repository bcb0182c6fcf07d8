"""`zettel export` and `zettel import` of a whole store, and of parts of it."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow and networkx ship no types)

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import networkx
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.engine_homes import ask, home_at
from tests.server.small_disks import small_disk
from tests.storage.keeping import Everything, everything, untold

from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.server.commands.backup import restore_output
from zettel.server.commands.doctor import examine_once
from zettel.server.commands.evolve import evolve_once, undo_once
from zettel.server.commands.namespaces import merge_once
from zettel.server.commands.transfer import (
    ExportRequest,
    ExportResult,
    export_once,
    export_output,
    import_lines,
)
from zettel.server.config.settings import Settings, load_settings
from zettel.server.runtime.factories import opened
from zettel.storage.backup.errors import (
    BackupExistsError,
    BackupTooLargeError,
    BackupUnwritableError,
    ExportDamagedError,
    NewerBackupError,
    StoreNotEmptyError,
)
from zettel.storage.errors import InvalidArgumentError, NotUndoableError, UnknownNameError
from zettel.storage.lance.store import LanceStore
from zettel.storage.transfer.line_reader import to_backup
from zettel.tools.caller import Caller
from zettel.tools.changes.links import LinkArgument
from zettel.tools.doctor.validity import problem_of
from zettel.tools.erasure.erase import erase_all
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BEES = Caller(namespace="farm")


def machine(folder: Path) -> Settings:
    """The settings of a store on a machine of its own."""
    return load_settings(
        store=str(folder / "store"), model="hash", erasures=str(folder / "erasures")
    )


@asynccontextmanager
async def store_of(where: Settings) -> AsyncGenerator[tuple[Memory, LanceStore]]:
    """An open store."""
    async with opened(where, create=True) as memory:
        assert isinstance(memory.store, LanceStore)
        yield memory, memory.store


async def stored(where: Settings) -> Everything:
    """All that a store holds."""
    async with store_of(where) as (_, store):
        return await everything(store)


async def exported(where: Settings, file: Path, **options: object) -> ExportResult:
    """Export a store."""
    request = replace(ExportRequest(file=file), **options)  # pyright: ignore[reportArgumentType] named as its fields
    return await export_once(where, request, untold)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def is_sound(where: Settings) -> bool:
    """Whether the doctor finds no damage."""
    return (await examine_once(where, False, untold)).is_clean


@dataclass(frozen=True)
class Act:
    """One thing that is done; `on` picks one of the notes told before."""

    name: str
    text: str
    on: int
    namespace: str


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
ACTS = st.builds(
    Act,
    st.sampled_from(["remember"] * 4 + ["update", "correct", "link", "forget", "recall", "evolve"]),
    TEXTS.filter(lambda text: bool(text.strip())),
    st.integers(0, 9),
    st.sampled_from(["farm", "user"]),
)


async def do(memory: Memory, acts: Sequence[Act]) -> None:
    """Do one thing after another, a minute apart."""
    ids = list[str]()
    for minute, act in enumerate(acts):
        now, caller = NOW + timedelta(minutes=minute), Caller(namespace=act.namespace)
        picked = ids[act.on % len(ids)] if ids else ""
        if act.name == "evolve":
            run_id = f"evolve-{minute}"
            await evolve(memory, now=now, run_id=run_id, who="scheduler", budget=Budget())
        elif act.name == "recall":
            await recall(memory, caller, now=now, query=act.text)
        elif act.name == "remember" or not ids:
            links = [LinkArgument(to=picked, relation="supports")] if act.on % 2 and ids else []
            told = await remember(
                memory,
                caller,
                now=now,
                content=f"{act.text} {minute}",
                tags=[act.text[:9], "bees"],
                links=links,
            )
            ids.append(told["note_id"])
        elif act.name == "forget":
            await forget(memory, caller, now=now, note_ids=[picked])
            ids.remove(picked)
        elif act.name == "link" and picked != ids[-1]:
            links = [LinkArgument(to=picked, relation="answers")]
            await update(memory, caller, now=now, note_id=ids[-1], links=links)
        else:
            content, never = f"{act.text} {minute}", act.name == "correct"
            await update(memory, caller, now=now, note_id=picked, content=content, correction=never)


@pytest.mark.slow
@given(st.lists(ACTS, min_size=1, max_size=12), st.booleans())
@settings(max_examples=6)
def test_whatever_was_done_to_a_store_its_export_brings_all_of_it_back(
    acts: list[Act], vectors: bool
) -> None:
    async def go(folder: Path) -> None:
        first, second = machine(folder / "first"), machine(folder / "second")
        async with store_of(first) as (memory, store):
            await memory.embedder.load()
            await do(memory, acts)
            await memory.usage.flush(store)
        await exported(first, folder / "a.jsonl", vectors=vectors)

        await import_lines(second, folder / "a.jsonl", None, untold)
        await exported(second, folder / "b.jsonl", vectors=vectors)

        notes, usage, runs = await stored(first)
        if not vectors:
            notes = {key: (replace(note, embed_model=""), None) for key, (note, _) in notes.items()}
        assert await stored(second) == (notes, usage, runs)
        assert records(folder / "a.jsonl") == records(folder / "b.jsonl")
        assert await is_sound(second)

    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        Path(folder, "first").mkdir()
        Path(folder, "second").mkdir()
        anyio.run(go, Path(folder))


def records(file: Path) -> set[str]:
    """The lines that are the same for every export of one store."""
    lines = file.read_text(encoding="utf-8").split("\n")[1:-2]
    return {line for line in lines if not line.startswith('{"type":"run"')}


@pytest.fixture(scope="module")
async def farm(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store of two namespaces, with history, links, a use, another name and a token."""
    where = machine(tmp_path_factory.mktemp("farm"))
    async with store_of(where) as (memory, store):
        bees = await remember(memory, BEES, now=NOW, content="Ana has 40 bees", tags=["hive"])
        link = LinkArgument(to=bees["note_id"], relation="supports")
        wasps = await remember(memory, BEES, now=NOW, content="wasps\u2028hunt", links=[link])
        await update(memory, BEES, now=NOW, note_id=wasps["note_id"], content="wasps sleep")
        await remember(memory, Caller(namespace="user"), now=NOW, content="I like tea")
        await recall(memory, BEES, now=NOW, query="bees")
        await memory.usage.flush(store)
        token, _ = make_token("ana", ["farm"], expires=None, now=NOW)
        await add_token(store, token)
        assert await store.swap_meta("llm:spent", expected=None, value="7")
    return where


@pytest.fixture(scope="module")
async def lines(farm: Settings, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Its export."""
    file = tmp_path_factory.mktemp("lines") / "a.jsonl"
    await exported(farm, file)
    return file.read_bytes()


async def test_all_of_a_store_comes_back_but_tokens_are_revoked(
    farm: Settings, tmp_path: Path
) -> None:
    file, where = tmp_path / "a.jsonl", machine(tmp_path)
    await exported(farm, file, vectors=True)

    done = await import_lines(where, file, None, untold)

    assert "1 access token came back revoked" in restore_output(done, source="export").text
    assert await stored(where) == await stored(farm)
    async with store_of(where) as (_, store):
        assert await store.get_meta("llm:spent") == "7"
    assert done.tokens == 1
    with pytest.raises(StoreNotEmptyError):
        await import_lines(where, file, None, untold)


async def test_an_import_into_a_namespace_adds_each_note_once(lines: bytes, tmp_path: Path) -> None:
    file, where = tmp_path / "a.jsonl", machine(tmp_path)
    file.write_bytes(lines)
    async with store_of(where) as (memory, _):
        await remember(memory, BEES, now=NOW, content="I was here first")

    once = await import_lines(where, file, "old", untold)
    twice = await import_lines(where, file, "old", untold)

    assert (once.done.notes, once.done.there) == (3, 0)
    assert (twice.done.notes, twice.done.there) == (0, 3)
    assert await is_sound(where)


def unasked() -> None:
    """Nobody waits."""


async def test_an_undone_run_is_undone_in_another_namespace_as_where_it_was(
    tmp_path: Path,
) -> None:
    file, here, there = tmp_path / "a.jsonl", machine(tmp_path / "here"), machine(tmp_path)
    async with store_of(here) as (memory, _):
        for content in ("We met Zebulon at the fair", "It is quiet now that Zebulon left"):
            await remember(memory, BEES, now=NOW, content=content)
    run_id = (await evolve_once(here, NOW, untold, unasked)).run_id
    undone = (await undo_once(here, run_id, False, unasked)).report
    await undo_once(here, undone.undo_id, False, unasked)
    await exported(here, file)
    await import_lines(there, file, "old", untold)

    again = await undo_once(there, f"{run_id}@old", False, unasked)

    assert again.report.restored == undone.restored


async def test_a_run_that_no_undo_takes_back_says_so_and_the_way_out(
    lines: bytes, tmp_path: Path
) -> None:
    file, where = tmp_path / "a.jsonl", machine(tmp_path)
    file.write_bytes(lines)
    brought = await import_lines(where, file, None, untold)
    written = await exported(where, tmp_path / "b.jsonl")

    for run_id, way in (
        (brought.run_id, "zettel forget --erase --all --namespace NS"),
        (written.done.export_id, "only wrote files: delete them"),
    ):
        with pytest.raises(NotUndoableError, match=way) as caught:
            await undo_once(where, run_id, False, unasked)
        assert (caught.value.run_id, caught.value.kind) == (run_id, run_id.split("-")[0])


async def test_what_was_erased_since_does_not_come_back(tmp_path: Path) -> None:
    where, file = machine(tmp_path), tmp_path / "a.jsonl"
    async with store_of(where) as (memory, _):
        await remember(memory, BEES, now=NOW, content="bees")
        await remember(memory, Caller(namespace="pests"), now=NOW, content="wasps")
        result = await exported(where, file)
        answer = await erase_all(memory, namespace="pests", who="test", now=datetime.now(UTC))

    done = await import_lines(where, file, "again", untold)

    assert (done.done.notes, done.done.erased) == (1, 1)
    assert "1 note stayed out, since it or" in restore_output(done, source="export").text
    assert "proof" in answer
    assert any(result.done.export_id in name for name in answer["proof"].get("backups", []))


async def test_a_part_has_its_notes_alone_and_their_use(farm: Settings, tmp_path: Path) -> None:
    part, now = tmp_path / "part.jsonl", tmp_path / "now.jsonl"
    history = await exported(farm, part, namespaces=("farm",))
    result = await exported(farm, now, current=True)

    assert export_output(history).text.startswith(f"{part}: 3 revisions")
    assert export_output(result).text.startswith(f"{now}: 3 notes")
    assert dict(result.done.counts) | {"usage": 0} == {
        **{"note": 3, "usage": 0, "run": 0, "value": 0, "erasure": 0}
    }
    kept = [json.loads(line) for line in part.read_text(encoding="utf-8").split("\n")[1:-2]]
    assert {line["namespace"] for line in kept if line["type"] == "note"} == {"farm"}
    assert {line["type"] for line in kept} <= {"note", "usage"}
    for name, file, notes in (("a", part, 3), ("b", now, 3)):
        where = machine(tmp_path / name)
        Path(where.store).parent.mkdir()
        done = await import_lines(where, file, None, untold)
        assert done.done.revisions == notes
        assert await is_sound(where)


@pytest.mark.parametrize("name", ["old", "new"])
async def test_a_namespace_is_exported_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    where, file = machine(tmp_path / "machine"), tmp_path / "part.jsonl"
    Path(where.store).parent.mkdir()
    async with store_of(where) as (memory, _):
        for namespace in ("old", "new", "other"):
            caller, content = Caller(namespace=namespace), f"told in {namespace}"
            await remember(memory, caller, now=NOW, content=content)
    await merge_once(where, "old", "new", lambda _preview, _word: True, lambda: None)
    async with store_of(where) as (memory, _):  # as a server that had kept the names stores it
        await remember(memory, Caller(namespace="old"), now=NOW, content="told since")

    await exported(where, file, current=True, namespaces=(name,))

    kept = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[1:-2]]
    told = {line["content"] for line in kept if line["type"] == "note"}
    assert told == {"told in old", "told in new", "told since"}


async def test_an_export_is_closed_to_others_and_replaces_no_file_unasked(
    farm: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    await exported(farm, file)

    with pytest.raises(BackupExistsError):
        await exported(farm, file)
    with pytest.raises(BackupUnwritableError):
        await exported(farm, Path(farm.store, "a.jsonl"))
    with pytest.raises(InvalidArgumentError):
        await exported(farm, tmp_path / "a.txt")
    with pytest.raises(InvalidArgumentError):
        await exported(farm, tmp_path / "b.jsonl", namespaces=("../up",))
    with pytest.raises(UnknownNameError):
        await exported(farm, tmp_path / "b.jsonl", namespaces=("farm", "fram"))

    await exported(farm, file, force=True)
    assert file.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["a.jsonl"]


@pytest.mark.parametrize(
    ("name", "format_"),
    [("a.jsonl", None), ("a.parquet", None), ("a.graphml", None), ("folder", "parquet")],
)
async def test_an_export_to_a_full_disk_names_the_file_and_leaves_nothing_of_it(
    farm: Settings, tmp_path: Path, name: str, format_: str | None
) -> None:
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()

        with pytest.raises(BackupUnwritableError, match=f"{name}.*was not written: No space"):
            await exported(farm, disk.path / name, format=format_)

        assert names(disk.path) == ["ballast"]


async def test_an_import_that_the_disk_has_no_room_for_names_its_own_file(
    farm: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    await exported(farm, file)
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()

        with pytest.raises(BackupTooLargeError, match=r"a\.jsonl' unpacks to"):
            await import_lines(machine(disk.path), file, None, untold)


async def test_notes_as_parquet_are_read_by_any_reader_of_it(
    farm: Settings, tmp_path: Path
) -> None:
    file, folder = tmp_path / "notes.parquet", tmp_path / "tables"
    result = await exported(farm, file, vectors=True)
    await exported(farm, folder, format="parquet")

    notes = pq.read_table(file).to_pylist()
    assert dict(result.done.counts) == {"notes": 3}
    assert {note["content"]: (note["rev"], note["tags"]) for note in notes} == {
        "Ana has 40 bees": (1, ["hive"]),
        "wasps sleep": (2, []),
        "I like tea": (1, []),
    }
    assert {len(note["vectors"][0]) for note in notes if note["vectors"]} <= {64}
    assert names(folder) == ["notes.parquet", "runs.parquet", "usage.parquet"]
    assert pq.read_table(folder / "notes.parquet").num_rows == 4
    assert "vectors" not in pq.read_table(folder / "notes.parquet").column_names
    assert pq.read_table(folder / "usage.parquet").num_rows == 1
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    with pytest.raises(BackupUnwritableError):
        await exported(farm, folder, format="parquet", force=True)


HOSTILE = "<b>&amp;\"'\r\n\x01\ufffe ]]> \U0001f41d\u202e"


async def test_a_graph_is_read_back_with_its_notes_and_links(tmp_path: Path) -> None:
    where, file = machine(tmp_path), tmp_path / "a.graphml"
    async with store_of(where) as (memory, _):
        first = await remember(memory, BEES, now=NOW, content=HOSTILE, tags=["a&b", "c"])
        links = [LinkArgument(to=first["note_id"], relation=r) for r in ("supports", "answers")]
        told = await remember(memory, BEES, now=NOW, content="wasps", links=links)
        gone = await remember(memory, BEES, now=NOW, content="moths", links=links[:1])
        more = [LinkArgument(to=gone["note_id"], relation="supports")]
        await update(memory, BEES, now=NOW, note_id=told["note_id"], links=more)
        await forget(memory, BEES, now=NOW, note_ids=[gone["note_id"]])
    await exported(where, file)
    with pytest.raises(InvalidArgumentError):
        await exported(where, tmp_path / "b.graphml", vectors=True)

    graph = networkx.read_graphml(file)

    a, b = first["note_id"], told["note_id"]
    assert set(graph.nodes) == {a, b}
    assert graph.nodes[a]["content"] == HOSTILE.replace("\x01", "\ufffd").replace(
        "\ufffe", "\ufffd"
    )
    assert (graph.nodes[a]["tags"], graph.nodes[b]["label"]) == ("a&b, c", "wasps")
    edges = {(x, y, data["relation"]) for x, y, data in graph.edges(data=True)}
    assert edges == {(b, a, "supports"), (b, a, "answers")}
    assert {type(data["weight"]) for _, _, data in graph.edges(data=True)} == {float}


def changed(number: int, change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    """Changes the fields of one line, the first is 1."""

    def edit(lines: bytes) -> bytes:
        found = lines.split(b"\n")
        fields = json.loads(found[number - 1])
        change(fields)
        found[number - 1] = json.dumps(fields).encode()
        return b"\n".join(found)

    return edit


def put(**fields: object) -> Callable[[dict[str, object]], object]:
    """Puts fields into a line."""
    return lambda line: line.update(fields)


def doubled(lines: bytes) -> bytes:
    """The second line twice."""
    found = lines.split(b"\n")
    return b"\n".join([*found[:2], *found[1:]])


LINK = {"to": "x", "relation": "supports", "made_at": "2026-11-20T09:00:00"}


EDITS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda lines: lines[:-1].rpartition(b"\n")[0], "its end"),
    (lambda lines: lines[:-9], "line "),
    (lambda lines: b"", "line 1"),
    (lambda lines: b"PK\3\4" + lines, "line 1"),
    (lambda lines: lines.replace(b"Ana has 40", b"Ana has 41"), "line "),
    (lambda lines: lines + lines, "line "),
    (doubled, "line 3"),
    (changed(1, put(format="other")), "line 1"),
    (changed(1, put(made_at="yesterday")), "line 1"),
    (changed(2, put(type="nest")), "line 2"),
    (changed(2, put(rev="one")), "line 2"),
    (changed(2, put(rev=0)), "line 2"),
    (changed(2, put(rev=1 << 40)), "line 2"),
    (changed(2, put(note_id="../../x")), "line 2"),
    (changed(2, put(namespace="Not One")), "line 2"),
    (changed(2, put(content="")), "line 2"),
    (changed(2, put(content="x\0")), "line 2"),
    (changed(2, put(known_from="2026-11-20T09:00:00")), "line 2"),
    (changed(2, put(links=[LINK])), "line 2"),
    (changed(2, put(trust=2)), "line 2"),
    (changed(2, put(colour="red")), "line 2"),
    (changed(2, put(vectors="AAAA")), "line 2"),
    (changed(2, put(derived_by={"colour": "agent"})), "line 2"),
    (lambda lines: lines.replace(b'"recall_count":', b'"recall_count":-'), "line "),
    (lambda lines: lines.replace(b"\n", b"\n" + b"[" * 100_000 + b"\n", 1), "line 2"),
]


@pytest.mark.parametrize(("edit", "place"), EDITS)
async def test_a_damaged_line_is_named_and_nothing_is_made_of_it(
    lines: bytes, tmp_path: Path, edit: Callable[[bytes], bytes], place: str
) -> None:
    file, made = tmp_path / "a.jsonl", tmp_path / "a.zettel"
    file.write_bytes(edit(lines))
    assert file.read_bytes() != lines

    with pytest.raises(ExportDamagedError) as caught:
        to_backup(file, made, problem_of=problem_of, tell=untold)

    assert caught.value.place.startswith(place), caught.value
    assert names(tmp_path) == ["a.jsonl"]


async def test_a_later_format_is_refused(lines: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(changed(1, put(version=2))(lines))

    with pytest.raises(NewerBackupError):
        to_backup(file, tmp_path / "a.zettel", problem_of=problem_of, tell=untold)


async def test_a_file_that_was_changed_on_purpose_is_taken_without_its_hash(
    lines: bytes, tmp_path: Path
) -> None:
    file, where = tmp_path / "a.jsonl", machine(tmp_path)
    last = lines.count(b"\n")
    edited = lines.replace(b"Ana has 40", b"Ana has 41")
    file.write_bytes(changed(last, lambda end: end.pop("sha256"))(edited))

    await import_lines(where, file, None, untold)

    notes, _, _ = await stored(where)
    assert "Ana has 41 bees" in {note.content for note, _ in notes.values()}


@pytest.mark.slow
def test_one_store_flows_into_another_while_an_engine_runs(tmp_path: Path) -> None:
    with home_at(tmp_path / "store") as home:
        ask(home.attach(), 2, "remember", content="bees", namespace="farm")
        whole = home.run("export", "-")
        (tmp_path / "b.jsonl").write_text(whole.stdout, encoding="utf-8")
        back = partial(home.run, "--store", str(tmp_path / "second"), "import", "b.jsonl")
        first, again = back("--json"), back()
        (tmp_path / "b.jsonl").write_text(whole.stdout[:-5], encoding="utf-8")
        damaged = back()
        unknown = home.run("export", "notes.txt")

    assert whole.returncode == 0, whole.stderr
    assert "stdout" not in whole.stdout.splitlines()[-1]
    assert (first.returncode, json.loads(first.stdout)["counts"]["notes"]) == (0, 1)
    assert (again.returncode, "--into-namespace" in again.stderr) == (4, True)
    assert (damaged.returncode, "b.jsonl' cannot be imported" in damaged.stderr) == (1, True)
    assert (unknown.returncode, "jsonl" in unknown.stderr) == (2, True)
