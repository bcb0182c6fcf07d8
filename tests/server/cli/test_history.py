"""What happened to the notes, on the command line: runs, history, dry run, undo."""

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import anyio
import pytest
from anyio import to_thread
from mcp import Client
from pydantic import JsonValue, TypeAdapter
from tests.server.processes import Launcher

from zettel.server.commands import evolve
from zettel.server.commands.diffs import notes_as_json, print_history
from zettel.server.commands.evolve import (
    dry_run,
    dry_run_output,
    print_runs,
    undo_once,
    undo_output,
)
from zettel.server.commands.output import Output
from zettel.server.config.settings import Settings
from zettel.server.main import main
from zettel.server.runtime.factories import opened
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import ChangedSinceError, NoteNotFoundError
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note, Origin
from zettel.tools.caller import Caller
from zettel.tools.changes.run_changes import touched_notes
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update

Object = dict[str, JsonValue]
objects = TypeAdapter(Object)
TOLD_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ANA = Caller(namespace="farm", origin=Origin(client="ana"))


def as_json(output: Output) -> Object:
    """What `--json` prints."""
    return objects.validate_json(output.render(as_json=True))


def nothing(*_told: object) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A store that nobody serves, and the ids of its two notes."""

    settings: Settings
    ids: tuple[str, str]

    @property
    def store(self) -> Path:
        """Its directory."""
        return Path(self.settings.store)

    async def evolve(self) -> Object:
        """`zettel evolve --once --now … --json`."""
        report = await evolve.evolve_once(self.settings, NOW, nothing, nothing)
        return as_json(evolve.evolve_output(report))

    async def preview(self) -> Object:
        """`zettel evolve --dry-run --now … --json`."""
        told = await dry_run(self.settings, NOW, nothing)
        return as_json(dry_run_output(told))

    async def undo(self, run_id: JsonValue, *, partial: bool = False) -> Object:
        """`zettel undo RUN --json`."""
        undone = await undo_once(self.settings, str(run_id), partial, nothing)
        return as_json(undo_output(undone))

    async def history(self, *, as_json: bool = True) -> list[str]:
        """`zettel history ID` of the first note, by its lines."""
        said = list[Output]()
        await print_history(self.settings, self.ids[0].lower(), said.append)
        return "\n".join(output.render(as_json=as_json) for output in said).strip().splitlines()

    async def update(self, content: str | None = None, tags: list[str] | None = None) -> None:
        """Change the first note as an agent does."""
        async with opened(self.settings) as memory:
            now = datetime(2026, 11, 25, tzinfo=UTC)
            why, note_id = "she moved", self.ids[0]
            await update(
                memory, ANA, now=now, note_id=note_id, content=content, tags=tags, reason=why
            )

    async def notes(self) -> dict[str, Note]:
        """The notes as they stand."""
        async with opened(self.settings) as memory:
            return {note.note_id: note for note in await memory.store.get(self.ids)}


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Two notes that name the same person, in a store that each test has a copy of."""
    embedder, place = HashEmbedder(), str(tmp_path_factory.mktemp("told") / "store")
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    memory, ids = Memory(store=store, embedder=embedder), list[str]()
    for content in ("We met Zebulon at the fair", "My flat is quiet now that Zebulon left"):
        told = await remember(
            memory, ANA, now=TOLD_AT, content=content, subject="Ana", tags=["fair", "paris"]
        )
        ids.append(told["note_id"])
    await store.close()
    settings = Settings(store=place, model="hash", namespace="farm")
    return Kept(settings=settings, ids=(ids[0], ids[1]))


@pytest.fixture
def kept(told: Kept, tmp_path: Path) -> Kept:
    """Two notes that name the same person."""
    place = copytree(told.store, tmp_path / "store")
    return replace(told, settings=told.settings.model_copy(update={"store": str(place)}))


def files(directory: Path) -> dict[str, bytes]:
    """Every file of the store by its path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def shown(note: Note) -> str:
    """What a person sees of a note's fields that evolution may change."""
    return repr((note.content, note.context, note.keywords, note.entities, note.links, note.state))


@pytest.mark.slow
async def test_a_dry_run_tells_what_the_run_then_does_and_touches_no_file(kept: Kept) -> None:
    before = files(kept.store)

    preview = await kept.preview()

    assert files(kept.store) == before
    run = await kept.evolve()
    async with opened(kept.settings) as memory:
        done = notes_as_json(await touched_notes(memory.store, str(run["run_id"])))
    assert preview["notes"] == done
    assert len(done) == 2
    counts = ("changed", "created", "steps")
    assert [preview[name] for name in counts] == [run[name] for name in counts]
    assert (await kept.preview())["changed"] == 0


async def test_a_dry_run_prints_a_heading_a_note_and_a_line_a_field(kept: Kept) -> None:
    told = dry_run_output(await dry_run(kept.settings, NOW, nothing)).text.splitlines()

    assert "Nothing was done." in told[0]
    heading = f"{kept.ids[1]}  2026-11-20 Ana: My flat is quiet now that Zebulon left"
    assert f"{heading}  (construct, link)" in told
    assert f"  links: + shares_name {kept.ids[0]}" in told
    assert "  entities: + Zebulon" in told


async def test_undo_restores_every_note_and_evolving_again_changes_nothing(kept: Kept) -> None:
    before = {note_id: shown(note) for note_id, note in (await kept.notes()).items()}
    run = await kept.evolve()
    assert all(shown(note) != before[i] for i, note in (await kept.notes()).items())

    undone = await kept.undo(run["run_id"])

    assert undone["restored"] == sorted(kept.ids)
    assert {i: shown(note) for i, note in (await kept.notes()).items()} == before
    assert (await kept.evolve())["changed"] == 0


async def test_an_undo_tells_what_it_changed_and_how_to_take_it_back(kept: Kept) -> None:
    run = await kept.evolve()
    undone = await undo_once(kept.settings, str(run["run_id"]), False, nothing)

    told = undo_output(undone).text.splitlines()
    again = await undo_once(kept.settings, str(run["run_id"]), False, nothing)

    assert f"zettel undo {undone.report.undo_id} takes this back." in told[0]
    assert f"  links: - shares_name {kept.ids[0]}" in told
    assert "nothing was changed" in undo_output(again).text
    assert as_json(undo_output(again))["undo_id"] is None


async def test_what_was_changed_since_is_left_with_partial(kept: Kept) -> None:
    run = await kept.evolve()
    await kept.update(tags=["fair", "lyon"])

    with pytest.raises(ChangedSinceError, match=f"{kept.ids[0]} by ana"):
        await kept.undo(run["run_id"])
    undone = await kept.undo(run["run_id"], partial=True)

    assert (undone["restored"], undone["left"]) == ([kept.ids[1]], {kept.ids[0]: "ana"})


async def test_runs_are_listed_newest_first(kept: Kept) -> None:
    run = await kept.evolve()
    undone = await kept.undo(run["run_id"])
    said = list[Output]()

    await print_runs(kept.settings, said.append)

    lines = [output.text for output in said]
    newest, first = (json.loads(output.render(as_json=True)) for output in said)
    assert (newest["run_id"], newest["kind"], newest["who"]) == (undone["undo_id"], "undo", "cli")
    assert (first["run_id"], first["kind"], first["outcome"]) == (run["run_id"], "evolve", "done")
    assert [line.split()[0] for line in lines] == [newest["run_id"], first["run_id"]]
    assert "restored 2" in lines[0]


async def test_history_tells_of_every_revision_when_who_why_and_what(kept: Kept) -> None:
    run = await kept.evolve()
    await kept.update(tags=["fair", "lyon"])

    page = await kept.history(as_json=False)
    revisions = [objects.validate_json(line) for line in await kept.history()]

    assert page[0].startswith(f"{kept.ids[0][-7:]}  farm  active")
    assert page[1] == "rev 1  2026-11-20T08:00:00Z  remember by ana"
    assert "  content: + We met Zebulon at the fair" in page
    assert any(f"construct by scheduler, {run['run_id']}: derived by rule" in li for li in page)
    assert "rev 3  2026-11-25T00:00:00Z  update by ana: she moved" in page
    assert "  tags: + lyon, - paris" in page
    assert [(revision["rev"], revision.get("run_id")) for revision in revisions] == [
        (1, None),
        (2, run["run_id"]),
        (3, None),
    ]
    assert revisions[2]["changed"] == {"tags": {"added": ["lyon"], "removed": ["paris"]}}


async def test_history_says_when_it_was_true_and_what_was_corrected(kept: Kept) -> None:
    run = await kept.evolve()
    undone = await kept.undo(run["run_id"])
    await kept.update(content="We met Zebulon at the zoo")

    page = await kept.history(as_json=False)
    *_, last = [objects.validate_json(line) for line in await kept.history()]

    told = f"  true from 2026-11-20T08:00:00Z; corrected {str(undone['undo_id'])[5:9]}-"
    assert any(line.startswith(told) for line in page)
    until = "  true from 2026-11-20T08:00:00Z until 2026-11-25T00:00:00Z, when the world changed"
    assert until in page
    assert last["true_from"] == "2026-11-25T00:00:00+00:00"


async def test_history_of_an_unknown_note_is_an_error(kept: Kept) -> None:
    with pytest.raises(NoteNotFoundError):
        await print_history(kept.settings, "01ARZ3NDEKTSV4RRFFQ69G5FAV", nothing)


@pytest.mark.slow
async def test_a_dry_run_works_beside_a_server_that_writes(zettel: Launcher) -> None:
    codes = list[int]()
    async with Client(zettel.parameters(ZETTEL_SETTLE_SECONDS="3600")) as client:

        async def preview() -> None:
            done = await to_thread.run_sync(lambda: zettel.run("evolve", "--dry-run"))
            codes.append(done.returncode)

        async with anyio.create_task_group() as tasks:
            for number in range(1_000):
                told = {"content": f"note {number}"}
                assert not (await client.call_tool("remember", told)).is_error
                if not number:
                    tasks.start_soon(preview)
                if codes:
                    break

    assert codes == [0]
    assert not list((zettel.store / ".engine").glob("preview-*"))


async def test_a_refusal_and_a_wrong_use_end_with_their_own_status(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = await kept.evolve()
    await kept.update(tags=["fair", "lyon"])

    async def use(*arguments: str) -> int | str | None:
        monkeypatch.setattr(sys, "argv", ["zettel", *arguments])
        with pytest.raises(SystemExit) as caught:
            await to_thread.run_sync(main)
        return caught.value.code

    for name in ("store", "model"):
        monkeypatch.setenv(f"ZETTEL_{name.upper()}", getattr(kept.settings, name))
    assert await use("undo", str(run["run_id"])) == 4
    [refusal] = capsys.readouterr().err.splitlines()
    assert f"{kept.ids[0]} by ana. Pass --partial" in refusal
    assert await use("undo", "run-0") == 2
    assert f"The newest are {run['run_id']}; zettel runs lists them." in capsys.readouterr().err


async def test_the_commands_print_and_end_with_0(kept: Kept) -> None:
    run = await kept.evolve()
    with ExitStack() as running:
        zettel = Launcher(store=kept.store, running=running)
        undone = await to_thread.run_sync(lambda: zettel.run("undo", str(run["run_id"])))
        page = await to_thread.run_sync(lambda: zettel.run("history", kept.ids[0]))

    assert (undone.returncode, page.returncode) == (0, 0)
    assert f"2 notes are as before {run['run_id']}" in undone.stdout
    assert "rev 3" in page.stdout
