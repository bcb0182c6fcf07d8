"""`zettel move`: notes, or all of a namespace, go to another one with their history, and back."""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.tools.conftest import notes
from tests.tools.tenants import TenantDesk, opened_tenants

from zettel.server.commands import moving
from zettel.server.commands.evolve import (
    dry_run,
    dry_run_output,
    evolve_once,
    evolve_output,
    undo_once,
)
from zettel.server.commands.moving import move_namespace_once, move_notes_once, move_output
from zettel.server.commands.namespaces import merge_once, merge_output
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError, UnknownNameError
from zettel.storage.ids import new_id
from zettel.storage.notes import DERIVED_FROM, EVOLUTION, Kind, Link, Note, Origin, State
from zettel.storage.progress import no_progress
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.evolve.run import waiting

EVERYTHING = NoteFilter(states=(), derived=None)
Desks = dict[str, TenantDesk]


class KilledError(Exception):
    """The process has ended."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A store on the disk."""
    return Settings(store=str(tmp_path / "store"), model="hash", erasures=str(tmp_path / "state"))


@asynccontextmanager
async def agents(settings: Settings) -> AsyncGenerator[Desks]:
    """Clients with tokens for bees, for hives, and the owner's."""
    async with opened(settings, create=True) as memory:
        await memory.embedder.load()
        reaches = {"bees": ["bees"], "hives": ["hives"], "owner": []}
        async with opened_tenants(memory, reaches) as desks:
            yield desks


async def told_of_bees(settings: Settings, *contents: str) -> list[str]:
    """Notes of the namespace bees, each changed once."""
    async with agents(settings) as desks:
        told = [await desks["bees"].told(content) for content in contents]
        for note_id in told:
            await desks["bees"]("update", note_id=note_id, tags=["kept"])
    return told


async def seen(settings: Settings) -> dict[str, set[str]]:
    """What each token recalls."""
    async with agents(settings) as desks:
        return {
            name: {str(n["content"]) for n in notes(await desks[name]("recall", tags=["kept"]))}
            for name in ("bees", "hives")
        }


async def kept(settings: Settings) -> dict[str, Note]:
    """Every note by its id."""
    async with opened(settings) as memory:
        return {note.note_id: note for note in await memory.admin.find(EVERYTHING, limit=9_999)}


def untold() -> None:
    """Nobody waits."""


def agreed(_preview: str, _word: str) -> bool:
    """The person types the word."""
    return True


def refused(_preview: str, _word: str) -> bool:
    """The person does not."""
    return False


async def test_a_note_goes_with_its_history_and_its_readers_change(settings: Settings) -> None:
    moved, stays = await told_of_bees(settings, "The queen is marked", "The smoker is empty")

    done = await move_notes_once(settings, [moved[-7:]], "hives", untold)

    assert (done.moved, done.into) == (1, "hives")
    assert await seen(settings) == {
        "bees": {"The smoker is empty"},
        "hives": {"The queen is marked"},
    }
    after = await kept(settings)
    assert (after[moved].namespace, after[moved].rev, after[stays].rev) == ("hives", 3, 2)
    async with opened(settings) as memory:
        revisions = await memory.admin.revisions(moved)
    assert [(note.rev, note.namespace) for note in revisions] == [
        (1, "bees"),
        (2, "bees"),
        (3, "hives"),
    ]
    assert done.run_id in move_output(done).text


async def test_what_a_moved_note_told_before_is_found_by_those_who_may_read_where_it_was(
    settings: Settings,
) -> None:
    async with agents(settings) as desks:
        queen = await desks["bees"].told("The queen is marked blue", happened_at="2026-01-05")
        await desks["bees"](
            "update", note_id=queen, content="The queen is marked red", happened_at="2026-05-01"
        )
    await move_namespace_once(settings, "bees", "hives", agreed, untold)
    asked = {"query": "How is the queen marked?", "namespace": "hives"}

    async with agents(settings) as desks:
        shared = desks["owner"].shared
        assert shared is not None
        shared.now = utc_now() + timedelta(hours=1)
        now = await desks["owner"]("recall", **asked)
        then = await desks["owner"]("recall", **asked, as_of="2026-02-01")
        of_hives = await desks["hives"]("recall", **asked, as_of="2026-02-01")
        gone = await desks["bees"]("recall", query="queen", as_of="2026-02-01")

    assert [note["content"] for note in notes(now)] == ["The queen is marked red"]
    assert [note["content"] for note in notes(then)] == ["The queen is marked blue"]
    assert (notes(of_hives), notes(gone)) == ([], [])


async def test_with_the_first_part_of_a_long_text_all_of_it_goes_and_with_another_that_alone(
    settings: Settings,
) -> None:
    text = "\n\n".join(f"Step {number}: {'wait ' * 40}" for number in range(200))
    (first,) = await told_of_bees(settings, text)
    parts = len(await kept(settings))

    whole = await move_notes_once(settings, [first], "hives", untold)
    last = max(await kept(settings))
    part = await move_notes_once(settings, [last], "bees", untold)

    assert (whole.moved, part.moved) == (parts, 1)
    assert parts > 2


async def test_an_undo_brings_a_moved_note_back(settings: Settings) -> None:
    (moved,) = await told_of_bees(settings, "The queen is marked")
    done = await move_notes_once(settings, [moved], "hives", untold)

    await undo_once(settings, done.run_id, False, untold)

    assert await seen(settings) == {"bees": {"The queen is marked"}, "hives": set()}
    again = await move_notes_once(settings, [moved], "hives", untold)
    assert again.moved == 1


async def test_a_note_that_is_there_is_left_alone(settings: Settings) -> None:
    (note_id,) = await told_of_bees(settings, "The queen is marked")
    before = await kept(settings)

    done = await move_notes_once(settings, [note_id], "bees", untold)

    assert (done.moved, await kept(settings)) == (0, before)
    assert "already" in move_output(done).text


async def test_what_is_composed_of_a_moved_note_leaves_the_old_namespace(
    settings: Settings,
) -> None:
    (moved,) = await told_of_bees(settings, "The queen is marked")
    source = (await kept(settings))[moved]
    gist = Note(
        note_id=new_id(source.known_from),
        namespace="bees",
        content="“The queen is marked”",
        kind=Kind.CONCEPT,
        links=(Link(to=moved, relation=DERIVED_FROM, made_at=source.known_from),),
        origin=Origin(client="zettel", transport=EVOLUTION, principal="gist"),
        happened_at=source.happened_at,
        valid_from=source.valid_from,
        known_from=source.known_from,
    )
    async with opened(settings) as memory:
        await memory.admin.write(new=[NewNote(note=gist)])

    await move_notes_once(settings, [moved], "hives", untold)

    assert (await kept(settings))[gist.note_id].state is State.ARCHIVED
    with pytest.raises(InvalidArgumentError, match="composed"):
        await move_notes_once(settings, [gist.note_id], "hives", untold)


async def test_all_of_a_namespace_goes_and_both_names_stay_their_own(settings: Settings) -> None:
    told = await told_of_bees(settings, "The queen is marked", "The smoker is empty")
    async with agents(settings) as desks:
        await desks["bees"]("forget", note_ids=[told[1]])
    previews = list[str]()

    def agree(preview: str, word: str) -> bool:
        previews.append(preview)
        return word == "hives"

    done = await move_namespace_once(settings, "bees", "hives", agree, untold)

    assert "2 notes of 'bees'" in previews[0]
    assert done.moved == 2
    assert {note.namespace for note in (await kept(settings)).values()} == {"hives"}
    async with agents(settings) as desks:
        new = await desks["bees"].told("New in bees")
    assert (await kept(settings))[new].namespace == "bees"
    await undo_once(settings, done.run_id, False, untold)
    assert {note.namespace for note in (await kept(settings)).values()} == {"bees"}


@contextmanager
def killed_before(call: str, number: int = 1) -> Generator[None]:
    """What is done before a call of `moving` is done, as a kill -9 before it leaves it."""
    real, calls = getattr(moving, call), list[int]()

    async def killed(*given: object) -> object:
        calls.append(1)
        if len(calls) == number:
            raise KilledError
        return await real(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving, "MOVE_BATCH_NOTES", 2)
        patch.setattr(moving, call, killed)
        with pytest.raises(KilledError):
            yield


async def runs_of(settings: Settings) -> dict[str, Mapping[str, int]]:
    """What each run did, as `zettel runs` lists it."""
    async with opened(settings) as memory:
        return {run.run_id: run.counts for run in await memory.admin.runs(limit=99)}


async def where_all_are(settings: Settings) -> list[str]:
    """The namespace of every note, sorted."""
    return sorted(note.namespace for note in (await kept(settings)).values())


async def test_a_migration_that_is_killed_goes_on_and_is_undone_as_one(settings: Settings) -> None:
    contents = [f"Hive number {number} is green" for number in range(5)]
    told = await told_of_bees(settings, *contents)

    with killed_before("commit", 2):
        await move_namespace_once(settings, "bees", "hives", agreed, untold)
    half = await kept(settings)
    done = await move_namespace_once(settings, "bees", "hives", agreed, untold)

    assert sorted(half) == sorted(told)
    assert sorted(note.namespace for note in half.values()) == ["bees"] * 3 + ["hives"] * 2
    assert done.moved == 5
    assert await seen(settings) == {"bees": set(), "hives": set(contents)}
    await undo_once(settings, done.run_id, False, untold)
    assert await seen(settings) == {"bees": set(contents), "hives": set()}


@pytest.mark.parametrize(
    ("call", "number", "left"),
    [("commit", 1, 5), ("commit", 2, 3), ("record_move", 1, 0)],
)
async def test_a_merge_that_is_killed_goes_on_and_is_undone_as_one(
    settings: Settings, call: str, number: int, left: int
) -> None:
    await told_of_bees(settings, *[f"Hive number {number} is green" for number in range(5)])
    async with agents(settings) as desks:
        await desks["hives"].told("The hive is empty")

    with killed_before(call, number):
        await merge_once(settings, "bees", "hives", agreed, untold)
    half = await where_all_are(settings)
    done = await merge_once(settings, "bees", "hives", agreed, untold)
    again = await merge_once(settings, "bees", "hives", agreed, untold)

    assert half == ["bees"] * left + ["hives"] * (6 - left)
    assert (done.moved, await runs_of(settings)) == (5, {done.run_id: {"moved": 5}})
    assert done.run_id in merge_output(done).text
    assert (again.run_id, again.moved) == ("", 0)
    await undo_once(settings, done.run_id, False, untold)
    assert await where_all_are(settings) == ["bees"] * 5 + ["hives"]


async def test_a_merge_that_is_killed_goes_on_where_the_name_had_no_notes(
    settings: Settings,
) -> None:
    await told_of_bees(settings, "The queen is marked")
    async with agents(settings) as desks:
        await desks["hives"].told("The hive is empty")
    await merge_once(settings, "bees", "hives", agreed, untold)

    with killed_before("commit"):
        await merge_once(settings, "hives", "bees", agreed, untold)
    done = await merge_once(settings, "hives", "bees", agreed, untold)

    assert (done.moved, done.into) == (2, "bees")


@pytest.mark.parametrize(("call", "into"), [("commit", "bees"), ("record_move", "hives")])
async def test_a_move_of_notes_that_is_killed_goes_on_and_is_undone_as_one(
    settings: Settings, call: str, into: str
) -> None:
    told = await told_of_bees(settings, "The queen is marked", "The smoker is empty")

    with killed_before(call):
        await move_notes_once(settings, told, "hives", untold)
    half = await where_all_are(settings)
    done = await move_notes_once(settings, [told[1], told[0][-7:]], "hives", untold)
    again = await move_notes_once(settings, told, "hives", untold)

    assert half == [into] * 2
    assert (done.moved, await runs_of(settings)) == (2, {done.run_id: {"moved": 2}})
    assert done.run_id in move_output(done).text
    assert (again.run_id, again.moved) == ("", 0)
    await undo_once(settings, done.run_id, False, untold)
    assert await where_all_are(settings) == ["bees"] * 2


async def test_what_was_told_after_the_undo_of_a_killed_move_stays_when_the_next_is_undone(
    settings: Settings,
) -> None:
    (moved,) = await told_of_bees(settings, "The queen is marked blue")
    with killed_before("record_move"):
        await move_namespace_once(settings, "bees", "hives", agreed, untold)
    killed = (await kept(settings))[moved].run_id
    await undo_once(settings, killed, False, untold)
    async with agents(settings) as desks:
        await desks["bees"]("update", note_id=moved, content="The queen is marked red")

    done = await move_namespace_once(settings, "bees", "hives", agreed, untold)
    await undo_once(settings, done.run_id, False, untold)

    after = (await kept(settings))[moved]
    assert (after.namespace, after.content) == ("bees", "The queen is marked red")


async def test_nothing_is_moved_that_nobody_confirmed_or_knows(settings: Settings) -> None:
    await told_of_bees(settings, "The queen is marked")
    before = await kept(settings)

    with pytest.raises(NotConfirmedError):
        await move_namespace_once(settings, "bees", "hives", refused, untold)
    with pytest.raises(UnknownNameError, match="bees"):
        await move_namespace_once(settings, "beees", "hives", agreed, untold)
    with pytest.raises(InvalidArgumentError):
        await move_namespace_once(settings, "bees", "bees", agreed, untold)

    assert await kept(settings) == before


@pytest.mark.parametrize(
    ("named", "arguments"),
    [("bees", ("ID", "--from", "FROM")), ("hives", ("--to", "--to", "INTO"))],
)
async def test_a_refusal_for_a_setting_names_the_argument_that_names_the_namespace(
    settings: Settings, named: str, arguments: tuple[str, ...]
) -> None:
    [note_id] = await told_of_bees(settings, "The queen is marked")
    async with agents(settings) as desks:
        await desks["hives"].told("The hive is empty")
    strict = settings.model_copy(update={"evolve_off": (named,)})

    for argument, move in zip(
        arguments,
        (
            lambda: move_notes_once(strict, [note_id], "hives", untold),
            lambda: move_namespace_once(strict, "bees", "hives", agreed, untold),
            lambda: merge_once(strict, "bees", "hives", agreed, untold),
        ),
        strict=True,
    ):
        with pytest.raises(InvalidArgumentError, match="evolve_off") as caught:
            await move()
        assert caught.value.name == argument


async def merged(settings: Settings) -> None:
    """Bees and hives have a note each, and the name bees leads to hives."""
    await told_of_bees(settings, "The queen is marked")
    async with agents(settings) as desks:
        await desks["hives"].told("The hive is empty")
    await merge_once(settings, "bees", "hives", agreed, untold)


async def test_evolve_off_reaches_notes_under_the_name_that_its_own_leads_to(
    settings: Settings,
) -> None:
    await merged(settings)
    off = settings.model_copy(update={"evolve_off": ("bees",)})
    before = await kept(settings)

    planned = await dry_run(off, None, no_progress)
    report = await evolve_once(off, None, no_progress, untold)

    assert (planned.touched, planned.report.evolve_off) == ((), ("bees", "hives"))
    assert (report.steps["construct"], report.evolve_off) == (0, ("bees", "hives"))
    assert await kept(settings) == before
    async with opened(off) as memory:
        assert await waiting(memory) == 0


@pytest.mark.parametrize("rule", ["bees", "bees/episodic"])
async def test_a_run_says_which_rule_of_retain_days_keeps_nothing_as_its_name_leads_elsewhere(
    settings: Settings, rule: str
) -> None:
    await merged(settings)
    strict = settings.model_copy(update={"retain_days": {rule: 1.0}})
    later = utc_now() + timedelta(days=90)
    said = "retain_days: bees leads to hives, where its rule does not count; name hives"

    planned = await dry_run(strict, later, no_progress)
    report = await evolve_once(strict, later, no_progress, untold)

    assert planned.expired == ()
    assert len(await kept(settings)) == 2
    assert said in dry_run_output(planned).text
    assert said in evolve_output(report).text
    assert '"retain_elsewhere": {"bees": "hives"}' in evolve_output(report).render(as_json=True)


async def test_a_run_says_nothing_of_rules_of_retain_days_that_name_all_or_where_notes_are(
    settings: Settings,
) -> None:
    await merged(settings)
    strict = settings.model_copy(update={"retain_days": {"bees": 1.0, "hives": 400.0, "*": 400.0}})

    report = await evolve_once(strict, None, no_progress, untold)

    assert "retain_days" not in evolve_output(report).text
