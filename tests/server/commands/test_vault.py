"""A folder of Markdown files that is edited, and the notes behind it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
import yaml
from tests.server.engine_homes import ask, home_at
from tests.server.small_disks import small_disk
from tests.storage.keeping import untold

from zettel.server.commands.imports import ImportRequest, importing
from zettel.server.commands.namespaces import merge_once
from zettel.server.commands.output import Output
from zettel.server.commands.vault import (
    VaultExport,
    VaultImport,
    export_vault,
    import_vault,
    import_vault_output,
    watch_vault,
)
from zettel.server.config.settings import Settings, load_settings
from zettel.server.runtime.factories import opened
from zettel.storage.errors import OtherRevisionError, UnknownNameError
from zettel.storage.notes import Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.changes.links import LinkArgument
from zettel.tools.changes.undo import undo_run
from zettel.tools.erasure.erase import erase_all
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.imports.write import ERASED_BEFORE, FORGOTTEN_BEFORE
from zettel.tools.state.memory import Memory
from zettel.tools.vault import read
from zettel.tools.vault.manifest import VAULT_FILE, Vault, VaultError
from zettel.tools.vault.note_file import standing_links
from zettel.tools.vault.read import EditKind
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BEES = Caller(namespace="farm")


class Desk:
    """A store, a folder of its notes, and what a person does in it."""

    def __init__(self, memory: Memory, settings: Settings, folder: Path) -> None:
        self.memory, self.settings, self.folder = memory, settings, folder

    async def remember(self, content: str, *, namespace: str = "farm", **more: object) -> str:
        """Store a note; its id."""
        caller = Caller(namespace=namespace)
        told = await remember(self.memory, caller, now=NOW, content=content, **more)  # pyright: ignore[reportArgumentType] named as its arguments
        return told["note_id"]

    async def note(self, note_id: str) -> Note:
        """A note as it is now."""
        (note,) = await self.memory.store.get([note_id])
        return note

    async def write(self, *, force: bool = False) -> VaultExport:
        """Export into the folder."""
        return await export_vault(self.settings, self.folder, (), force, untold)

    async def read(self, *, apply: bool = True, forgets: bool = False) -> VaultImport:
        """Import what was changed."""
        return await import_vault(
            self.settings, self.folder, apply=apply, forget_deleted=forgets, tell=untold
        )

    def file_of(self, note_id: str) -> Path:
        """A note's file."""
        return next(file for file in self.folder.rglob("*.md") if note_id in file.read_text())

    def text_of(self, note_id: str) -> str:
        """What a note's file says."""
        return self.file_of(note_id).read_text()

    def edit(self, note_id: str, old: str, new: str) -> None:
        """Change words in a note's file."""
        file = self.file_of(note_id)
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    """An empty store and the place of a folder."""
    settings = load_settings(
        store=str(tmp_path / "store"),
        model="hash",
        erasures=str(tmp_path / "erasures"),
        namespace="user",
    )
    async with opened(settings, create=True) as memory:
        yield Desk(memory, settings, tmp_path / "vault")


def kinds(found: VaultImport) -> dict[str, EditKind]:
    """File names and what was found."""
    return {Path(edit.path).name: edit.kind for edit in found.changes.edits}


async def test_an_edited_file_comes_back_as_a_revision_once(desk: Desk) -> None:
    ben = await desk.remember("Ben has a barn")
    ana = await desk.remember("Ana has 40 bees", tags=["two words", "hive"], subject="Ana")
    carl = await desk.remember("Carl helps", links=[LinkArgument(to=ben, relation="supports")])
    await desk.write()

    desk.edit(ana, "40 bees", "41 bees")
    desk.edit(ana, "- hive", "- new one")
    desk.edit(ana, "subject: Ana\n", "")
    stem = desk.file_of(ana).stem
    desk.edit(carl, "supports:", f"answers:\n- '[[{stem}|x]]'\nhidden:")
    shown = await desk.read(apply=False)
    before = await desk.note(ana)
    done = await desk.read()
    again = await desk.read()

    assert [edit.kind for edit in shown.changes.edits] == [EditKind.UPDATE] * 2
    assert (before.content, before.rev) == ("Ana has 40 bees", 1)
    assert all(edit.done for edit in done.changes.edits)
    assert again.changes.edits == []
    note = await desk.note(ana)
    assert (note.content, note.subject, note.tags) == (
        "Ana has 41 bees",
        "",
        ("two words", "new one"),
    )
    assert (note.happened_at, note.rev) == (NOW, 2)
    assert (await desk.memory.store.revisions(ana))[0].corrected
    links = {(link.to, link.relation) for link in (await desk.note(carl)).links if link.stood(None)}
    assert links == {(ana, "answers"), (ben, "hidden")}
    # The files take over what the store made of it, and then there is nothing to do.
    assert len((await desk.write()).report.written) == 2
    assert (await desk.write()).report.written == []
    assert (await desk.read()).changes.edits == []


async def test_a_note_that_was_changed_meanwhile_is_a_conflict_and_evolution_is_none(
    desk: Desk,
) -> None:
    ana, ben = await desk.remember("Ana has 40 bees"), await desk.remember("Ben keeps hens in May")
    await desk.write()
    await evolve(desk.memory, now=NOW, run_id="e1", who="scheduler", budget=Budget())
    await update(desk.memory, BEES, now=NOW, note_id=ana, content="Ana has 50 bees")

    desk.edit(ana, "40 bees", "41 bees")
    desk.edit(ben, "hens", "ducks")
    shown = await desk.read(apply=False)
    done = await desk.read()
    kept = await desk.write()

    assert sorted(kinds(shown).values()) == [EditKind.CONFLICT, EditKind.UPDATE]
    assert kinds(done) == kinds(shown)
    assert (await desk.note(ana)).content == "Ana has 50 bees"
    assert (await desk.note(ben)).content == "Ben keeps ducks in May"
    assert "41 bees" in desk.file_of(ana).read_text()
    assert [Path(path).name for path in kept.report.edited] == [desk.file_of(ana).name]
    assert "revision" in import_vault_output(done).text
    await desk.write(force=True)
    assert "50 bees" in desk.file_of(ana).read_text()


async def test_all_that_an_import_changed_is_taken_back_by_one_undo(desk: Desk) -> None:
    ana, ben = await desk.remember("Ana has 40 bees"), await desk.remember("Ben has a barn")
    await desk.write()
    desk.edit(ana, "40 bees", "41 bees")
    desk.file_of(ben).unlink()
    (desk.folder / "farm" / "new.md").write_text("Carl helps on Fridays.\n")
    shown = await desk.read(apply=False)
    done = await desk.read(forgets=True)
    new = next(edit.note_id for edit in done.changes.edits if edit.kind is EditKind.NEW)
    (run,) = [run for run in await desk.memory.admin.runs(limit=9) if run.kind == "import"]

    assert shown.run_id == ""
    assert (run.run_id, run.outcome) == (done.run_id, "done")
    assert run.counts == {"updated": 1, "remembered": 1, "forgotten": 1}
    assert f"zettel undo {done.run_id}" in import_vault_output(done).text

    await undo_run(desk.memory, done.run_id, now=NOW, undo_id="undo-1", who="cli", partial=False)

    assert (await desk.note(ana)).content == "Ana has 40 bees"
    assert (await desk.note(ben)).state is State.ACTIVE
    assert (await desk.note(new)).state is State.FORGOTTEN
    await desk.write()
    assert "40 bees" in desk.text_of(ana)
    assert "a barn" in desk.text_of(ben)
    assert not (desk.folder / "farm" / "new.md").exists()


class KilledError(Exception):
    """Ends an import where it stands."""


def unwritten(*_: object) -> None:
    """Stand in the place of a file that is not written."""


async def read_killed(desk: Desk, *, after: int) -> None:
    """An import that ends as a kill -9 leaves it: some edits done, the manifest not written."""
    applied = read._apply  # pyright: ignore[reportPrivateUsage] to stop between two edits
    left = after

    async def killed(*given: object, **more: object) -> None:
        nonlocal left
        if not left:
            raise KilledError
        left -= 1
        await applied(*given, **more)  # pyright: ignore[reportArgumentType] as they came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "_apply", killed)
        patch.setattr(Vault, "write_manifest", unwritten)
        with pytest.raises(KilledError):
            await desk.read(forgets=True)


@pytest.mark.parametrize("evolves", [False, True])
@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
async def test_an_import_that_was_killed_is_run_again_without_a_conflict(
    desk: Desk, after: int, evolves: bool
) -> None:
    ana = await desk.remember("Ana has 40 bees", subject="Ana")
    ben, carl = await desk.remember("Ben has a barn"), await desk.remember("Carl helps")
    await desk.write()
    desk.edit(ana, "40 bees", "41 bees")
    desk.edit(ben, "kind: ", "needs: '[[hive]]'\nkind: ")
    desk.file_of(carl).unlink()
    (desk.folder / "farm" / "hive.md").write_text("---\nneeds: '[[frame]]'\n---\nA hive\n")
    (desk.folder / "farm" / "frame.md").write_text("A frame\n")
    await read_killed(desk, after=after)
    if evolves:
        await evolve(desk.memory, now=NOW, run_id="e1", who="scheduler", budget=Budget())

    done = await desk.read(forgets=True)
    again = await desk.read(forgets=True)

    assert {edit.problem for edit in done.changes.edits} <= {""}
    assert again.changes.edits == []
    assert (await desk.note(ana)).content == "Ana has 41 bees"
    assert (await desk.note(carl)).state is State.FORGOTTEN
    notes = {n.content: n for n in await desk.memory.store.find(NoteFilter(), limit=9)}
    assert set(notes) == {"Ana has 41 bees", "Ben has a barn", "A hive", "A frame"}
    hive, frame = notes["A hive"].note_id, notes["A frame"].note_id
    assert (hive, "needs") in standing_links(await desk.note(ben))
    assert (frame, "needs") in standing_links(await desk.note(hive))


async def test_a_file_that_a_killed_import_took_is_edited_on_from_what_it_says(desk: Desk) -> None:
    ana, ben = await desk.remember("Ana has 40 bees"), await desk.remember("Ben has a barn")
    await desk.write()
    desk.edit(ana, "40 bees", "41 bees")
    desk.edit(ben, "barn", "shed")
    await read_killed(desk, after=1)
    await desk.read()

    desk.edit(ana, "41 bees", "42 bees")
    await desk.read()
    await update(desk.memory, BEES, now=NOW, note_id=ben, content="Ben has a hall")
    desk.edit(ben, "shed", "hut")
    last = await desk.read()

    assert (await desk.note(ana)).content == "Ana has 42 bees"
    assert list(kinds(last).values()) == [EditKind.CONFLICT]


async def test_a_person_who_edited_a_file_is_not_overruled_by_who_had_read_the_note_before(
    desk: Desk,
) -> None:
    ana = await desk.remember("Ana has 40 bees", subject="Ana")
    await desk.write()
    desk.edit(ana, "subject: Ana", "subject: Anna")
    await desk.read()

    with pytest.raises(OtherRevisionError):
        await update(
            desk.memory, BEES, now=NOW, note_id=ana, content="Ana has 50 bees", expected_rev=1
        )


async def test_the_preview_refuses_what_the_import_would_and_in_its_words(desk: Desk) -> None:
    ana, ben = await desk.remember("Ana has bees"), await desk.remember("Ben has hens")
    await desk.write()
    desk.edit(ana, "happened_at: ", "happened_at: garbage ")
    desk.edit(ben, "happened_at: ", "valid_until: 2020\nhappened_at: ")
    new = {
        "time.md": "---\nhappened_at: garbage\n---\nA tractor",
        "end.md": "---\nhappened_at: 2021\nvalid_until: 2020\n---\nA tractor",
        "kind.md": "---\nkind: garbage\n---\nA tractor",
        "tag.md": f"---\ntags: [{'x' * 9_999}]\n---\nA tractor",
        "namespace.md": "---\nnamespace: My Farm\n---\nA tractor",
    }
    for name, text in new.items():
        (desk.folder / "farm" / name).write_text(text)
    (desk.folder / "farm" / "latin.md").write_bytes(b"Caf\xe9")

    shown = await desk.read(apply=False)
    done = await desk.read()

    assert set(kinds(shown).values()) == {EditKind.PROBLEM}
    assert len(kinds(shown)) == 8
    assert "it is not UTF-8" in {edit.problem for edit in shown.changes.edits}
    assert "garbage" in next(edit.problem for edit in shown.changes.edits if edit.note_id == ana)
    told = [[(edit.path, edit.problem) for edit in found.changes.edits] for found in (shown, done)]
    assert told[0] == told[1]
    assert "could not be taken" in import_vault_output(done).text


OWN_FRONT = """---
aliases: [Bobby, "B.", '2']  # as friends say
# for the roof
author: me
due: 2027-01-01
"site é": >-
  on
  the hill
project: '[[Roof]]'
"""


def in_front(text: str, lines: str) -> str:
    """A file with lines added at the end of its front matter."""
    front, end, body = text.removeprefix("---\n").partition("\n---\n")
    return f"---\n{front}\n{lines}{end.removeprefix(chr(10))}{body}"


async def test_keys_that_a_person_adds_stay_as_written_in_changed_unchanged_and_new_files(
    desk: Desk,
) -> None:
    ana, ben = await desk.remember("Ana has 40 bees"), await desk.remember("Ben has a barn")
    await desk.write()
    own = OWN_FRONT.removeprefix("---\n")
    for note_id in (ana, ben):
        file = desk.file_of(note_id)
        file.write_text(in_front(file.read_text(), own))
    desk.edit(ana, "40 bees", "41 bees")
    new = desk.folder / "farm" / "new.md"
    new.write_text(f"{OWN_FRONT}subject: Bob\n---\nBob likes tea.\n")

    (edit,) = [edit for edit in (await desk.read()).changes.edits if edit.kind is EditKind.NEW]
    await desk.write()
    await update(desk.memory, BEES, now=NOW, note_id=ben, content="Ben has a shed")
    await desk.write()

    for note_id in (ana, ben, edit.note_id):
        assert own in desk.text_of(note_id)
    assert new.read_text().startswith(f"---\nid: {edit.note_id}\n")
    assert "rev: 2\n" in desk.text_of(ana)
    assert "Ben has a shed" in desk.text_of(ben)
    assert (await desk.read()).changes.edits == []
    assert (await desk.write()).report.written == []
    desk.edit(ben, "shed", "hall")
    await desk.write(force=True)
    assert own in desk.text_of(ben)


async def test_a_link_stays_in_a_file_only_where_it_stands_or_leads_to_no_note(desk: Desk) -> None:
    ana, ben = await desk.remember("Ana has bees"), await desk.remember("Ben has hens")
    bug = await desk.remember("A secret of a bug", namespace="pests")
    links = [LinkArgument(to=to, relation="needs") for to in (ana, ben, bug)]
    carl = await desk.remember("Carl helps", links=links)
    await desk.write()
    desk.edit(carl, "needs:\n", "needs:\n- '[[Roof]]'\n- a ladder\n")
    await desk.read()

    gone = [LinkArgument(to=ana, relation="needs", remove=True)]
    await update(desk.memory, BEES, now=NOW, note_id=carl, links=gone)
    await erase_all(desk.memory, namespace="pests", who="test", now=datetime.now(UTC))
    await desk.write()

    text = desk.text_of(carl)
    assert "- '[[Roof]]'\n- a ladder\n" in text
    assert "Ben has hens" in text
    assert "Ana has bees" not in text
    assert "secret" not in text


async def test_an_erased_title_leaves_a_file_that_a_person_had_edited_meanwhile(
    desk: Desk,
) -> None:
    bug = await desk.remember("A secret of a bug", namespace="pests")
    carl = await desk.remember("Carl helps", links=[LinkArgument(to=bug, relation="needs")])
    await desk.write()
    desk.edit(carl, "helps", "helped")
    await erase_all(desk.memory, namespace="pests", who="test", now=datetime.now(UTC))
    await desk.write()

    await desk.read()
    await desk.write()

    assert "Carl helped" in desk.text_of(carl)
    assert "secret" not in desk.text_of(carl)


@pytest.mark.parametrize(
    "front",
    [
        "{author: me, pages: 2}",
        "  author: me\n  pages: 2",
        "author: &a me\ntags: &b [x, x]\npages: 2\nmore: *b",
    ],
)
async def test_front_matter_in_another_form_keeps_its_values(desk: Desk, front: str) -> None:
    await desk.write()
    (desk.folder / "new.md").write_text(f"---\n{front}\n---\nA tractor\n")
    (edit,) = (await desk.read()).changes.edits

    await desk.write()

    said = yaml.safe_load(desk.text_of(edit.note_id).split("---\n")[1])
    assert (said["id"], said["author"], said["pages"]) == (edit.note_id, "me", 2)
    assert (await desk.read()).changes.edits == []


@pytest.mark.parametrize("key", ["date", "created", "created_at", "happened_at"])
async def test_a_new_file_gives_its_note_session_source_and_day(desk: Desk, key: str) -> None:
    await desk.write()
    front = f"session: standup-7\nsource: https://example.org/a\n{key}: 2024-03-01\n"
    (desk.folder / "new.md").write_text(f"---\n{front}---\nBob likes tea.\n")
    (desk.folder / "other.md").write_text("---\ndate: '[[Monday]]'\n---\nBob likes cake.\n")

    new, other = (await desk.read()).changes.edits
    await desk.write()

    note = await desk.note(new.note_id)
    assert (note.session, note.source) == ("standup-7", "https://example.org/a")
    assert note.happened_at == datetime(2024, 3, 1, tzinfo=UTC)
    assert not other.problem
    assert "date: '[[Monday]]'\n" in desk.text_of(other.note_id)
    if key != "happened_at":
        assert f"{key}: 2024-03-01\n" in desk.text_of(new.note_id)


async def test_a_new_file_in_the_words_of_another_is_named_and_is_not_that_notes_file(
    desk: Desk,
) -> None:
    hive = await desk.remember("Hive 3 has a new queen.")
    await desk.write()
    same = desk.folder / "farm" / "same.md"
    same.write_text("---\ntags: [urgent]\nvalid_until: 2027-05-01\n---\nHive 3 has a new queen.\n")
    path = f"farm/{desk.file_of(hive).name}"

    for _ in range(2):
        (edit,) = (await desk.read()).changes.edits
        assert (edit.kind, edit.done) == (EditKind.PROBLEM, False)
        assert path in edit.problem
    await desk.write()
    assert "urgent" in same.read_text()
    same.unlink()
    await desk.read(forgets=True)

    assert (await desk.note(hive)).state is State.ACTIVE
    assert (await desk.write()).report.removed == 0
    assert "new queen" in desk.text_of(hive)


async def test_a_new_file_in_the_words_of_a_note_without_one_becomes_its_file_with_what_it_adds(
    desk: Desk,
) -> None:
    await desk.write()
    hive = await desk.remember("Hive 3 has a new queen.", tags=["bees"])
    same = desk.folder / "farm" / "same.md"
    same.parent.mkdir()
    same.write_text("---\ntags: [urgent]\nvalid_until: 2027-05-01\n---\nHive 3 has a new queen.\n")

    (edit,) = (await desk.read()).changes.edits
    await desk.write()

    note = await desk.note(hive)
    assert (edit.note_id, edit.done) == (hive, True)
    assert (note.tags, str(note.valid_until)[:10]) == (("bees", "urgent"), "2027-05-01")
    assert [file.name for file in desk.folder.rglob("*.md")] == ["same.md"]
    assert (await desk.read()).changes.edits == []


async def test_words_moved_to_a_new_file_stay_their_note_though_the_old_file_is_removed(
    desk: Desk,
) -> None:
    hive = await desk.remember("Hive 3 has a new queen.")
    await desk.write()
    desk.file_of(hive).unlink()
    (desk.folder / "queen.md").write_text("---\nnamespace: farm\n---\nHive 3 has a new queen.\n")

    await desk.read(forgets=True)
    await desk.write()

    assert (await desk.note(hive)).state is State.ACTIVE
    assert desk.file_of(hive).name == "queen.md"
    assert (await desk.read(forgets=True)).changes.edits == []


TALK = "\n".join(
    f"{'Ana' if n % 2 else 'Ben'}: Hello there, shall we do number {n} now, what do you say?"
    for n in range(12)
)


async def test_a_new_file_that_reads_like_talk_is_one_note(desk: Desk) -> None:
    await desk.write()
    file = desk.folder / "talk.md"
    file.write_text(f"{TALK}\n")
    (new,) = (await desk.read()).changes.edits

    await desk.write()
    assert [path.name for path in desk.folder.rglob("*.md")] == ["talk.md"]
    assert file.read_text().endswith(f"---\n{TALK}\n")
    file.write_text(f"{file.read_text()}Ana: One more thing, the meeting is at nine.\n")
    (edit,) = (await desk.read()).changes.edits

    assert (edit.note_id, edit.done) == (new.note_id, True)
    assert (await desk.note(new.note_id)).content.endswith("the meeting is at nine.")
    file.unlink()
    await desk.read(forgets=True)
    assert await desk.memory.store.count(NoteFilter()) == 0


def long_text(word: str) -> str:
    """A text that no one note holds."""
    return "\n\n".join(f"Step {n}: {f'{word} ' * 40}by the barn." for n in range(160))


async def test_a_new_file_that_is_too_long_for_one_note_stays_one_file_of_the_whole_text(
    desk: Desk,
) -> None:
    await desk.write()
    file = desk.folder / "farm" / "long.md"
    file.parent.mkdir()
    file.write_text(f"---\nauthor: me\ntags: [hay]\n---\n{long_text('wait')}\n")
    (new,) = (await desk.read()).changes.edits
    count = await desk.memory.store.count(NoteFilter())

    assert count > 2
    assert (await desk.write()).report.written == ["farm/long.md"]
    assert file.read_text().endswith(f"---\n{long_text('wait')}\n")
    assert list(desk.folder.rglob("*.md")) == [file]
    assert (await desk.read()).changes.edits == []
    assert (await desk.write()).report.written == []

    desk.edit(new.note_id, "[hay]", "[straw]")
    await desk.read()
    notes = await desk.memory.store.find(NoteFilter(), limit=count)
    assert {note.tags for note in notes} == {("straw",)}

    await desk.write()
    (other,) = [n for n in notes if "Step 80:" in n.content]
    words = other.content.replace("Step 80", "Stage 80")
    await update(desk.memory, BEES, now=NOW, note_id=other.note_id, content=words)
    desk.edit(new.note_id, "Step 3:", "Phase 3:")
    assert kinds(await desk.read()) == {"long.md": EditKind.CONFLICT}
    assert (await desk.write()).report.edited == ["farm/long.md"]
    await desk.write(force=True)
    assert "Stage 80" in file.read_text()

    file.unlink()
    await desk.read(forgets=True)
    assert await desk.memory.store.count(NoteFilter()) == 0
    assert (await desk.write()).report.deleted == []


@pytest.mark.parametrize("becomes", ["go on", "", "added"])
@pytest.mark.parametrize("is_killed", [False, True])
async def test_new_words_in_a_file_of_a_long_text_are_those_of_the_whole_text(
    desk: Desk, becomes: str, is_killed: bool
) -> None:
    await desk.write()
    file = desk.folder / "long.md"
    before = long_text("wait")
    file.write_text(f"---\nauthor: me\ntags: [hay]\n---\n{before}\n")
    await desk.read()
    await desk.write()
    added = f"{before}\n\nA last step."
    text = added if becomes == "added" else long_text(becomes) if becomes else "Just go."
    file.write_text(file.read_text().replace(before, text))
    if is_killed:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Vault, "write_manifest", unwritten)
            await desk.read()

    await desk.read()
    await desk.write()

    notes = await desk.memory.store.find(NoteFilter(), limit=900)
    said = "".join(n.content for n in sorted(notes, key=lambda n: n.note_id))
    assert said.split() == text.split()
    assert {note.tags for note in notes} == {("hay",)}
    assert list(desk.folder.rglob("*.md")) == [file]
    assert file.read_text().endswith(f"---\n{text}\n")
    assert "author: me" in file.read_text()
    assert (await desk.read()).changes.edits == []


async def test_new_renamed_and_removed_files(desk: Desk) -> None:
    ana, ben = await desk.remember("Ana has bees"), await desk.remember("Ben has hens")
    await desk.write()
    farm = desk.folder / "farm"
    (farm / "tractor.md").write_text("---\ntags: [red, '#big']\nsubject: Ben\n---\n\nA tractor\n")
    (desk.folder / "plain.md").write_text("Just text\r\nof two lines")
    (farm / "empty.md").write_text("---\nsubject: x\n---\n")
    (farm / "bad.md").write_text("---\nsubject: {a: b}\n---\nx")
    (desk.folder / ".obsidian").mkdir()
    (desk.folder / ".obsidian" / "a.md").write_text("not a note")
    desk.file_of(ana).rename(desk.folder / "my bees.md")
    desk.edit(ana, "Ana has bees", "Ana had bees")
    desk.file_of(ben).unlink()

    done = await desk.read()
    again = await desk.read()

    assert set(kinds(again).values()) == {EditKind.PROBLEM, EditKind.DELETED}
    new = {edit.path: edit for edit in done.changes.edits if edit.kind is EditKind.NEW}
    assert set(new) == {"farm/tractor.md", "plain.md"}
    tractor = await desk.note(new["farm/tractor.md"].note_id)
    assert (tractor.content, tractor.tags, tractor.namespace) == (
        "A tractor",
        ("red", "big"),
        "farm",
    )
    plain = await desk.note(new["plain.md"].note_id)
    assert (plain.content, plain.namespace) == ("Just text\nof two lines", "user")
    assert {edit.path for edit in done.changes.edits if edit.kind is EditKind.PROBLEM} == {
        *("farm/empty.md", "farm/bad.md")
    }
    assert (await desk.note(ana)).content == "Ana had bees"
    assert (await desk.note(ben)).state.value == "active"
    written = await desk.write()
    assert (written.report.deleted, (desk.folder / "my bees.md").exists()) == (
        [edit.path for edit in done.changes.edits if edit.kind is EditKind.DELETED],
        True,
    )
    gone = await desk.read(forgets=True)
    assert (await desk.note(ben)).state.value == "forgotten"
    assert [edit.done for edit in gone.changes.edits if edit.kind is EditKind.DELETED] == [True]
    assert EditKind.DELETED not in kinds(await desk.read()).values()


async def test_links_follow_files_that_were_renamed_with_them(desk: Desk) -> None:
    ana = await desk.remember("Ana has bees")
    ben = await desk.remember("Ben sells honey", links=[LinkArgument(to=ana, relation="supports")])
    carl = await desk.remember("Carl buys it", links=[LinkArgument(to=ben, relation="supports")])
    before = [(await desk.note(note_id)).links for note_id in (ben, carl)]
    assert all(before)
    await desk.write()
    # As Obsidian does, which renames a file in all links to it; read in the order of their names.
    for note_id, name in ((ben, "a honey"), (ana, "z bees")):
        old = desk.file_of(note_id)
        old.rename(old.with_name(f"{name}.md"))
        for file in desk.folder.rglob("*.md"):
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(f"[[{old.stem}", f"[[{name}"), encoding="utf-8")

    done = await desk.read()

    assert done.changes.edits == []
    assert [(await desk.note(note_id)).links for note_id in (ben, carl)] == before


async def test_new_files_are_linked_with_one_another_and_from_others(desk: Desk) -> None:
    ana = await desk.remember("Ana has bees")
    await desk.write()
    stem = desk.file_of(ana).stem
    desk.edit(ana, "kind: ", "needs: '[[hive]]'\nlost: '[[empty]]'\nkind: ")
    farm = desk.folder / "farm"
    links = {"frame": "[[hive]]", "hive": f"['[[frame]]', '[[{stem}]]']"}
    for name, to in links.items():
        to = to if to.startswith("['") else f"'{to}'"
        (farm / f"{name}.md").write_text(f"---\nsupports: {to}\n---\nA {name}\n")
    (farm / "empty.md").write_text("---\nsubject: x\n---\n")

    done = await desk.read()

    ids = {edit.path: edit.note_id for edit in done.changes.edits if edit.done}
    frame, hive = (ids[f"farm/{name}.md"] for name in links)
    assert standing_links(await desk.note(frame)) == {(hive, "supports")}
    assert not any(old.corrected for old in await desk.memory.store.revisions(frame))
    assert standing_links(await desk.note(hive)) == {(frame, "supports"), (ana, "supports")}
    assert standing_links(await desk.note(ana)) == {(hive, "needs")}
    assert set(kinds(await desk.read())) == {"empty.md", f"{stem}.md"}
    (farm / "empty.md").write_text("No longer")
    await desk.read()
    assert len(standing_links(await desk.note(ana))) == 2
    assert (await desk.read()).changes.edits == []


async def test_a_file_that_links_to_no_note_says_so_until_it_does(desk: Desk) -> None:
    ana = await desk.remember("Ana has bees")
    await desk.write()
    desk.edit(ana, "kind: ", "needs: '[[hive]]'\nkind: ")
    hive = desk.folder / "farm" / "hive.md"
    hive.write_text("---\nsubject: x\n---\n")

    for _ in range(2):
        problems = [edit.problem for edit in (await desk.read()).changes.edits]
        assert "it links to a file that is no note" in problems
    hive.write_text("A hive")
    assert {edit.done for edit in (await desk.read()).changes.edits} == {True}
    assert [relation for _, relation in standing_links(await desk.note(ana))] == ["needs"]


async def test_a_removed_file_forgets_its_part_of_a_long_text_and_no_other(desk: Desk) -> None:
    first = await desk.remember(
        "\n\n".join(f"Step {number}: {'wait ' * 40}" for number in range(200))
    )
    await desk.write()
    files = list(desk.folder.rglob("*.md"))
    next(file for file in files if f"\nid: {first}\n" in file.read_text()).unlink()

    await desk.read(forgets=True)

    assert len(files) > 2
    assert await desk.memory.store.count(NoteFilter()) == len(files) - 1
    assert (await desk.write()).report.deleted == []


async def test_a_file_that_an_editor_saved_with_windows_line_ends_keeps_its_front_matter(
    desk: Desk,
) -> None:
    ana = await desk.remember("Ana has bees", tags=["hive"])
    await desk.write()
    text = desk.text_of(ana).replace("has bees", "has hens").replace("- hive", "- coop")
    desk.file_of(ana).write_bytes(text.replace("\n", "\r\n").encode())

    await desk.read()

    note = await desk.note(ana)
    assert (note.content, note.tags) == ("Ana has hens", ("coop",))


SOON = f"{datetime.now(UTC) + timedelta(days=9):%B %d}"


@pytest.mark.parametrize("told", ["yesterday", "2025-03-30 03:30:00+02:00", SOON])
async def test_new_words_under_a_time_as_a_person_wrote_it_correct_the_note(
    desk: Desk, told: str
) -> None:
    await desk.write()
    file = desk.folder / "user" / "lift.md"
    file.parent.mkdir()
    front = f"---\nhappened_at: {told}\nvalid_until: 2099-01\n---\n"
    file.write_text(f"{front}The lift runs again.\n")
    (new,) = (await desk.read()).changes.edits

    file.write_text(f"{front}The lift does run again.\n")
    (edit,) = (await desk.read()).changes.edits

    assert (edit.kind, set(edit.fields)) == (EditKind.UPDATE, {"content"})
    assert (await desk.memory.store.revisions(new.note_id))[0].corrected


async def test_the_text_of_an_erased_note_leaves_the_folder_and_the_erasure_names_it(
    desk: Desk,
) -> None:
    await desk.remember("Ana has bees")
    await desk.remember("a secret", namespace="pests")
    await desk.write()
    answer = await erase_all(desk.memory, namespace="pests", who="test", now=datetime.now(UTC))

    report = (await desk.write()).report

    assert report.removed == 1
    assert not (desk.folder / "pests").exists()
    assert "proof" in answer
    assert any("-vault " in name for name in answer["proof"].get("backups", []))


@pytest.mark.parametrize("erases", [False, True])
async def test_a_renamed_file_of_a_note_that_is_gone_goes_and_a_copy_of_it_is_no_new_note(
    desk: Desk, erases: bool
) -> None:
    bug = await desk.remember("a secret of a bug", namespace="pests")
    ana = await desk.remember("Ana has bees")
    await desk.write()
    file = desk.file_of(bug)
    copy = file.with_name("copy.md")
    copy.write_text(file.read_text())
    renamed = file.rename(file.with_name("a bug.md"))
    bees = desk.file_of(ana).rename(desk.folder / "farm" / "bees.md")
    if erases:
        await erase_all(desk.memory, namespace="pests", who="test", now=datetime.now(UTC))
    else:
        await forget(desk.memory, Caller(namespace="pests"), now=NOW, note_ids=[bug])
    before = await desk.read(apply=False)

    report = (await desk.write()).report
    done = await desk.read()

    told = {"a bug.md": EditKind.PROBLEM, "copy.md": EditKind.PROBLEM}
    assert (kinds(before), kinds(done)) == (told, {"copy.md": EditKind.PROBLEM})
    assert "without the id" in done.changes.edits[0].problem
    assert (renamed.exists(), copy.exists(), bees.exists()) == (False, True, True)
    assert (report.removed, report.deleted, report.edited) == (1, [], [])
    assert [n.content for n in await desk.memory.store.find(NoteFilter(), limit=9)] == [
        "Ana has bees"
    ]
    copy.write_text(copy.read_text().replace(f"id: {bug}\n", ""))
    assert kinds(await desk.read()) == {"copy.md": EditKind.NEW}


async def test_a_renamed_file_is_brought_up_to_date_unless_a_person_edited_it(desk: Desk) -> None:
    ana, ben = await desk.remember("Ana has 40 bees"), await desk.remember("Ben has hens")
    await desk.write()
    for note_id, name in ((ana, "ana.md"), (ben, "ben.md")):
        desk.file_of(note_id).rename(desk.folder / "farm" / name)
    desk.edit(ben, "hens", "ducks")
    await update(desk.memory, BEES, now=NOW, note_id=ana, content="Ana has 50 bees")

    report = (await desk.write()).report

    assert (report.written, report.edited, report.deleted) == (["farm/ana.md"], ["farm/ben.md"], [])
    assert "50 bees" in desk.text_of(ana)
    assert kinds(await desk.read()) == {"ben.md": EditKind.UPDATE}
    assert (await desk.note(ben)).content == "Ben has ducks"


async def test_only_a_folder_of_this_store_is_written_and_read(desk: Desk, tmp_path: Path) -> None:
    await desk.remember("Ana has bees")
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.md").write_text("mine")

    with pytest.raises(VaultError):
        await export_vault(desk.settings, other, (), False, untold)
    with pytest.raises(VaultError):
        await export_vault(desk.settings, tmp_path / "store" / "v", (), False, untold)
    with pytest.raises(VaultError):
        await import_vault(desk.settings, other, apply=True, forget_deleted=False, tell=untold)
    await desk.write()
    manifest = desk.folder / VAULT_FILE
    manifest.write_text(manifest.read_text().replace(str(tmp_path / "store"), "/elsewhere"))
    for use in (desk.read, desk.write):
        with pytest.raises(VaultError, match="elsewhere"):
            await use()
    await desk.write(force=True)
    assert (await desk.read()).changes.edits == []
    assert (desk.folder.stat().st_mode & 0o777, manifest.stat().st_mode & 0o777) == (0o700, 0o600)


@asynccontextmanager
async def watching(desk: Desk) -> AsyncGenerator[list[Output]]:
    """Folder and store kept in step while the block runs."""
    said = list[Output]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch_vault, desk.settings, desk.folder, said.append)
        yield said
        tasks.cancel_scope.cancel()


async def eventually(desk: Desk, note_id: str, words: str) -> None:
    """Returns when a note and its file have some words."""
    for _ in range(600):
        if words in (await desk.note(note_id)).content and words in desk.text_of(note_id):
            return
        await anyio.sleep(0.1)
    raise AssertionError(words)


async def test_a_folder_on_a_full_disk_is_named(desk: Desk) -> None:
    await desk.remember("Ana keeps bees.")
    desk.folder.mkdir()
    with small_disk(desk.folder, 1) as disk:
        await desk.write()
        disk.fill()
        await desk.remember("Ben keeps hens.")

        with pytest.raises(VaultError, match=r"vault.*' cannot be written: No space left"):
            await desk.write()


@pytest.mark.slow
async def test_a_misspelt_namespace_writes_no_folder_and_empties_none(desk: Desk) -> None:
    await desk.remember("Ana has bees")
    for _ in range(2):
        with pytest.raises(UnknownNameError, match="'fram' is not known"):
            await export_vault(desk.settings, desk.folder, ("fram",), False, untold)
        await desk.write()

    assert len(list(desk.folder.rglob("*.md"))) == 1


async def test_a_folder_of_a_namespace_that_was_merged_goes_on_with_the_one_it_became(
    desk: Desk,
) -> None:
    ana = await desk.remember("Ana has bees")
    await desk.remember("Ben has goats", namespace="barn")
    await export_vault(desk.settings, desk.folder, ("farm",), False, untold)
    await merge_once(desk.settings, "farm", "barn", lambda _preview, _word: True, lambda: None)

    written = await desk.write()

    assert written.report.removed == 0
    assert "Ana has bees" in desk.text_of(ana)
    assert len(list(desk.folder.rglob("*.md"))) == 2


async def test_folder_and_store_are_kept_in_step_in_both_directions(desk: Desk) -> None:
    ana = await desk.remember("Ana has 40 bees")
    await desk.write()

    async with watching(desk) as said:
        desk.edit(ana, "40 bees", "41 bees")
        await eventually(desk, ana, "41 bees")
        await update(desk.memory, BEES, now=NOW, note_id=ana, content="Ana has 42 bees")
        await eventually(desk, ana, "42 bees")

    assert any("updated" in output.text for output in said)
    assert (await desk.read()).changes.edits == []


@pytest.mark.slow
def test_a_person_edits_a_folder_while_an_engine_runs(tmp_path: Path) -> None:
    with home_at(tmp_path / "store") as home:
        told = ask(home.attach(), 2, "remember", content="Ana has bees", namespace="farm")
        first = home.run("export", "vault", "--format", "markdown")
        (file,) = (tmp_path / "vault").rglob("*.md")
        file.write_text(file.read_text().replace("bees", "hens"))
        shown, done = home.run("import", "vault"), home.run("import", "vault", "--yes")
        again = home.run("import", "vault", "--json")
        back = home.run("show", str(told["note_id"]))
        nowhere = home.run("import", "store", "--from", "zettel")
        unknown = home.run("import", "store")

    assert first.returncode == 0, first.stderr
    assert "--yes" in shown.stdout
    assert done.stdout.startswith("updated")
    assert json.loads(again.stdout)["edits"] == []
    assert "Ana has hens" in back.stdout
    assert (nowhere.returncode, VAULT_FILE in nowhere.stderr) == (1, True)
    assert (unknown.returncode, "no known format" in unknown.stderr) == (2, True)


async def test_a_folder_whose_store_is_lost_becomes_notes_of_another(
    desk: Desk, tmp_path: Path
) -> None:
    long = "# Barn\n\n" + "\n\n".join(f"## Bay {n}\n\nhay bale {n} " * 60 for n in range(3))
    barn = await desk.remember(long, kind="procedural", subject="barn", happened_at="2025-03-04")
    old = await desk.remember(
        "Ana keeps 40 bees", subject="Ana", session="spring", happened_at="2026-11-01"
    )
    new = await desk.remember("Ana sold the bees", tags=["hive"], valid_until="2027-01-01")
    links = [LinkArgument(to=old, relation="supersedes"), LinkArgument(to=barn, relation="needs")]
    await update(desk.memory, BEES, now=NOW, note_id=new, links=links)
    await desk.write()
    other = desk.settings.model_copy(update={"store": str(tmp_path / "other"), "namespace": "farm"})

    with pytest.raises(VaultError, match="if it is lost: zettel import DIR/NAMESPACE --from mark"):
        await import_vault(other, desk.folder, apply=True, forget_deleted=False, tell=untold)
    request = ImportRequest(source=desk.folder / "farm", format="markdown")
    async with importing(other, request) as work:
        await work.run(untold, lambda: None)

    async with opened(other) as memory:
        found = await memory.store.find(NoteFilter(namespaces=("farm",), states=()), limit=9)
    assert {facts(note) for note in found} == {
        facts(await desk.note(note_id)) for note_id in (barn, old, new)
    }
    by_text, texts = {n.content: n for n in found}, {n.note_id: n.content for n in found}
    told = standing_links(by_text["Ana sold the bees"])
    assert {(texts[to], relation) for to, relation in told} == {
        ("Ana keeps 40 bees", "may_supersede"),  # it is over in any case
        (long, "needs"),
    }


async def test_files_of_notes_that_are_gone_are_not_imported_as_markdown_into_their_store(
    desk: Desk,
) -> None:
    bug = await desk.remember("a secret of a bug", namespace="pests")
    ana = await desk.remember("Ana has bees")
    await desk.write()
    file = desk.file_of(bug)
    edited = [line for line in file.read_text().splitlines() if not line.startswith("state:")]
    file.with_name("copy.md").write_text("\n".join(edited))
    await erase_all(desk.memory, namespace="pests", who="test", now=datetime.now(UTC))
    await forget(desk.memory, BEES, now=NOW, note_ids=[ana])

    async with importing(
        desk.settings, ImportRequest(source=desk.folder, format="markdown")
    ) as work:
        report = await work.run(untold, lambda: None)

    assert report is not None
    assert (report.stored, dict(report.skipped)) == (0, {ERASED_BEFORE: 2, FORGOTTEN_BEFORE: 1})
    assert {part.where for part in report.skipped_named} == {bug, ana}


async def test_an_exported_folder_imported_as_markdown_adds_only_what_was_changed_to_its_store(
    desk: Desk,
) -> None:
    between = NOW + timedelta(milliseconds=500)  # a file has whole seconds
    told = [
        await remember(desk.memory, BEES, now=between, content=content, kind=kind)
        for content, kind in (("Ana has bees", "semantic"), ("Ben has hens", "episodic"))
    ]
    ana, ben = (each["note_id"] for each in told)
    carl = await desk.remember(
        "Carl has geese", links=[LinkArgument(to=ben, relation="supersedes")]
    )
    await desk.write()
    desk.edit(carl, "geese", "swans")

    request = ImportRequest(source=desk.folder / "farm", format="markdown")
    settings = desk.settings.model_copy(update={"namespace": "farm"})
    async with importing(settings, request) as work:
        report = await work.run(untold, lambda: None)

    assert report is not None
    assert (report.stored, report.repeated) == (1, 2)
    found = await desk.memory.store.find(NoteFilter(namespaces=("farm",), states=()), limit=9)
    assert {note.content for note in found if note.note_id not in {ana, ben, carl}} == {
        "Carl has swans"
    }


def facts(note: Note) -> tuple[object, ...]:
    """What a note says, besides its links; a file has its times to the second."""
    ends = note.valid_until and note.valid_until.replace(microsecond=0)
    return (
        *(note.content, note.kind, note.subject, note.tags, note.session),
        *(note.happened_at.replace(microsecond=0), ends),
    )
