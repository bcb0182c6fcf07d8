"""`zettel forget`: notes, namespaces and whole stores, each after its word was typed."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import anyio
import pytest
from tests.server.calls import with_calls
from tests.server.processes import Launcher

from zettel.server.commands import evolve
from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.forget import (
    Confirm,
    ForgetRequest,
    erase_whole,
    forget_notes,
    forget_output,
)
from zettel.server.commands.namespaces import merge_once
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError, NoteErasedError
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Kind
from zettel.storage.store import NoteFilter
from zettel.tools.answers import ForgetAnswer
from zettel.tools.caller import Caller
from zettel.tools.changes.links import LinkArgument
from zettel.tools.state.memory import Memory
from zettel.tools.state.retention_policy import Retention, check_rules
from zettel.tools.verbs.forget import PREVIEW_MAX_NOTES
from zettel.tools.verbs.remember import remember

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that each test has a copy of."""
    embedder, place = HashEmbedder(), tmp_path_factory.mktemp("told") / "store"
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    for namespace in ("farm", "town"):
        for days, kind in ((40, "working"), (0, "episodic")):
            told = NOW - timedelta(days=days)
            text = f"{kind} in {namespace}"
            caller = Caller(namespace=namespace)
            await remember(memory, caller, now=told, content=text, kind=kind, subject="Ana")
    await store.close()
    return place


@pytest.fixture
def farm(told: Path, tmp_path: Path) -> Settings:
    """A store with a note of 40 days ago and one of now in each of two namespaces."""
    return Settings(
        store=str(copytree(told, tmp_path / "store")),
        namespace="farm",
        model="hash",
        erasures=str(tmp_path / "state"),
    )


def types(word: str) -> Confirm:
    """A person who types this, whatever is asked."""
    return lambda told, asked: asked == word


async def forget_once(settings: Settings, request: ForgetRequest, confirm: Confirm) -> ForgetAnswer:
    """What `zettel forget --json` prints."""
    if request.whole or request.everywhere:
        return await erase_whole(settings, request, confirm)
    output, _ = await with_calls(settings, lambda call: forget_notes(call, request, confirm))
    return json.loads(output.render(as_json=True))


async def left(settings: Settings) -> list[str]:
    """The texts that are still there."""
    async with opened(settings) as memory:
        return [n.content for n in await memory.store.find(NoteFilter(states=()), limit=99)][::-1]


def nothing(*_told: object) -> None:
    """Progress that nobody watches."""


async def test_nothing_is_erased_until_the_word_is_typed(farm: Settings) -> None:
    wish = ForgetRequest(subject="Ana", erase=True)

    with pytest.raises(NotConfirmedError, match="'erase' was not typed"):
        await forget_once(farm, wish, types("yes"))
    assert len(await left(farm)) == 4

    answer = await forget_once(farm, wish, types("erase"))

    assert (answer["status"], answer.get("matched")) == ("erased", 2)
    assert await left(farm) == ["working in town", "episodic in town"]
    proof = answer.get("proof")
    assert proof is not None
    assert proof["notes"] == 2
    assert "physical_at" in forget_output(answer).render(as_json=False)


async def test_the_preview_of_an_erasure_lists_what_was_derived_from_the_notes(
    farm: Settings,
) -> None:
    async with opened(farm) as memory:
        [note, _] = await memory.store.find(NoteFilter(namespaces=("farm",)), limit=2)
        links: list[LinkArgument] = [{"to": note.note_id, "relation": "derived_from"}]
        caller = Caller(namespace="farm")
        told = await remember(memory, caller, now=NOW, content="So it rains", links=links)
    asked = list[str]()

    def refuse(told: str, _word: str) -> bool:
        asked.append(told)
        return False

    with pytest.raises(NotConfirmedError):
        await forget_once(farm, ForgetRequest(note_ids=(note.note_id,), erase=True), refuse)

    [line] = [line for line in asked[0].splitlines() if "derived from these" in line]
    short = line.rsplit(" ", 1)[-1]
    assert told["note_id"].endswith(short) or told["note_id"].startswith(short)


@pytest.mark.parametrize("subject", ["Ana", "Bo"])
async def test_what_only_mentions_the_subject_of_an_erasure_is_told_of(
    farm: Settings, subject: str
) -> None:
    async with opened(farm) as memory:
        caller = Caller(namespace="farm")
        for text in (f"The landlord calls {subject} back", f"My aunt {subject} is a midwife"):
            await remember(memory, caller, now=NOW, content=text)

    answer = await forget_once(farm, ForgetRequest(subject=subject, erase=True), types("erase"))

    said = forget_output(answer).render(as_json=False)
    assert "2 other notes mention the subject and stay as they are." in said


async def test_what_is_current_again_is_named_before_and_after(farm: Settings) -> None:
    async with opened(farm) as memory:
        caller = Caller(namespace="farm")
        told = await remember(memory, caller, now=NOW, content="Leo's shoe size is 31")
        old = told["note_id"]
        link = LinkArgument(to=old, relation="supersedes")
        await remember(
            memory, caller, now=NOW, content="Leo's shoe size is 34", tags=["34"], links=[link]
        )
    previews = list[str]()

    def agree(shown: str, word: str) -> bool:
        previews.append(f"{shown} {word}")
        return True

    def work(call: MemoryCall) -> str:
        return forget_notes(call, ForgetRequest(tags=("34",)), agree)[0].render(as_json=False)

    done = await with_calls(farm, work)

    assert f"current again: {old[-7:]}" in previews[0]
    assert f"current again: {old[-7:]}" in done


async def test_matching_notes_that_a_call_leaves_are_told_of(farm: Settings) -> None:
    async with opened(farm) as memory:
        caller = Caller(namespace="farm")
        for number in range(PREVIEW_MAX_NOTES + 2):
            text = f"Line {number} of the diary"
            await remember(memory, caller, now=NOW, content=text, tags=["diary"])

    with ExitStack() as running:
        zettel = Launcher(store=Path(farm.store), running=running)
        wish = ("--namespace", "farm", "forget", "--erase", "--tag", "diary", "--confirm", "erase")
        first = await anyio.to_thread.run_sync(zettel.run, *wish)
        second = await anyio.to_thread.run_sync(zettel.run, *wish, "--json")

    assert "preview: 52 notes match, of which these 50 now" in first.stderr
    assert "erased: 50 notes" in first.stdout
    assert "2 more notes match" in first.stdout
    assert first.returncode == 1
    assert (second.returncode, json.loads(second.stdout)["matched"]) == (0, 2)
    assert len(await left(farm)) == 4


async def test_a_namespace_is_erased_after_its_name_was_typed(farm: Settings) -> None:
    wish = ForgetRequest(erase=True, whole=True)

    with pytest.raises(NotConfirmedError):
        await forget_once(farm, wish, types("town"))
    answer = await forget_once(farm, wish, types("farm"))

    assert (answer["status"], answer.get("matched")) == ("erased", 2)
    assert await left(farm) == ["working in town", "episodic in town"]


@pytest.mark.parametrize("undone", [False, True])
async def test_a_namespace_is_erased_under_any_of_its_names(farm: Settings, undone: bool) -> None:
    moved = await merge_once(farm, "farm", "town", lambda _told, _word: True, lambda: None)
    if undone:  # its notes are under the other name again
        await evolve.undo_once(farm, moved.run_id, False, lambda: None)
    previews = list[str]()

    def see(preview: str, _word: str) -> bool:
        previews.append(preview)
        return True

    answer = await forget_once(farm, ForgetRequest(erase=True, whole=True), see)

    assert previews[0].startswith(
        "All 4 notes of namespace 'farm' (with its other names: 'town'), with every revision,"
    )
    assert (answer["status"], answer.get("matched"), await left(farm)) == ("erased", 4, [])


async def test_a_store_is_erased_after_everything_was_typed(farm: Settings) -> None:
    wish = ForgetRequest(erase=True, everywhere=True)

    with pytest.raises(NotConfirmedError):
        await forget_once(farm, wish, types("farm"))
    answer = await forget_once(farm, wish, types("everything"))
    again = await forget_once(farm, wish, types("everything"))

    assert (answer["status"], answer.get("matched")) == ("erased", 4)
    assert (again["status"], again.get("matched")) == ("erased", 0)
    assert await left(farm) == []


@pytest.mark.parametrize(
    "wish",
    [
        ForgetRequest(whole=True),
        ForgetRequest(whole=True, erase=True, subject="Ana"),
        ForgetRequest(everywhere=True, erase=True, undo=True),
    ],
)
async def test_everything_is_chosen_by_no_accident(farm: Settings, wish: ForgetRequest) -> None:
    with pytest.raises(InvalidArgumentError, match="erases every note there is"):
        await forget_once(farm, wish, types("everything"))


async def test_all_needs_a_namespace_that_was_named(farm: Settings) -> None:
    somewhere = farm.model_copy(update={"namespace": None})

    with pytest.raises(InvalidArgumentError, match="no namespace is named"):
        await forget_once(somewhere, ForgetRequest(whole=True, erase=True), types(""))


async def test_ids_are_forgotten_at_once_and_brought_back(farm: Settings) -> None:
    async with opened(farm) as memory:
        [note, _] = await memory.store.find(NoteFilter(namespaces=("farm",)), limit=9)

    forgotten = await forget_once(farm, ForgetRequest(note_ids=(note.note_id,)), types("nothing"))
    restored = await forget_once(
        farm, ForgetRequest(note_ids=(note.note_id,), undo=True), types("nothing")
    )

    assert (forgotten["status"], restored["status"]) == ("forgotten", "restored")
    await forget_once(farm, ForgetRequest(note_ids=(note.note_id,), erase=True), types("erase"))
    with pytest.raises(NoteErasedError):
        await forget_once(farm, ForgetRequest(note_ids=(note.note_id,)), types(""))


@pytest.mark.slow
async def test_a_dry_run_names_what_was_kept_long_enough_and_a_run_erases_it(
    farm: Settings,
) -> None:
    strict = farm.model_copy(update={"retain_days": {"*/working": 30, "town": 90}})

    preview = await evolve.dry_run(strict, None, nothing)

    assert [o.content for o in preview.expired] == ["working in farm"]
    assert "would erase " in evolve.dry_run_output(preview).render(as_json=False)
    assert (
        json.loads(evolve.dry_run_output(preview).render(as_json=True))["would_erase"][0]["of"]
        == "farm/working"
    )
    assert len(await left(strict)) == 4
    assert not await anyio.Path(strict.erasures).exists()

    report = await evolve.evolve_once(strict, None, nothing, nothing)

    assert (report.steps["retention"], report.steps["erase"]) == (1, 1)
    assert "working in farm" not in await left(strict)
    assert len(await left(strict)) == 3
    again = await evolve.evolve_once(strict, None, nothing, nothing)
    assert "retention" not in again.steps


async def test_without_rules_everything_is_kept(farm: Settings) -> None:
    await evolve.evolve_once(farm, NOW + timedelta(days=10_000), nothing, nothing)

    assert len(await left(farm)) == 4


def test_the_rule_that_names_most_wins() -> None:
    days = {"farm/core": 1, "farm": 2, "*/working": 3, "*": 4}
    rules = Retention(days=check_rules(days))

    asked = (("farm", Kind.CORE), ("farm", Kind.WORKING), ("town", Kind.WORKING), ("x", Kind.CORE))
    assert [rules.days_of(*pair) for pair in asked] == [1, 2, 3, 4]
    assert Retention().days_of("farm", Kind.CORE) is None


@pytest.mark.parametrize("bad", [{"Farm!": 1}, {"farm/gossip": 1}, {"farm": 0}, {"farm": -1}])
def test_a_rule_that_cannot_be_meant_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="retain_days"):
        check_rules(bad)


async def test_an_id_that_is_not_there_is_not_said_to_have_changed(farm: Settings) -> None:
    shown = list[str]()

    def see(preview: str, word: str) -> bool:
        shown.append(preview)
        return True

    def ask(call: MemoryCall) -> str:
        kept, gone = (str(call("remember", content=c)["note_id"]) for c in ("it rains", "it snows"))
        forget_notes(call, ForgetRequest(note_ids=(gone,), erase=True), lambda _told, _asked: True)
        output, _ = forget_notes(call, ForgetRequest(note_ids=(kept, gone)), see)
        forget_notes(call, ForgetRequest(note_ids=(kept, gone), erase=True), see)
        shown.append(output.render(as_json=False))
        return gone

    gone = await with_calls(farm, ask)

    assert len(shown) == 2
    assert all(f"not there: {gone}" in said and "changed" not in said for said in shown)
