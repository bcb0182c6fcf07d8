"""`zettel backup`, `restore` and `doctor` as a person uses them, beside a serving engine."""

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import anyio
import pytest
from tests.server.engine_homes import Home, ask, home_at
from tests.server.processes import Process
from tests.storage.keeping import Everything, everything, untold

from zettel.server.auth.token_store import add_token, read_tokens, revoke_token
from zettel.server.auth.tokens import make_token, revoked
from zettel.server.commands.backup import back_up_once, restore_once, restore_output
from zettel.server.config.settings import Settings, load_settings
from zettel.server.runtime.factories import opened
from zettel.storage.backup import restore as restore_module
from zettel.storage.backup.errors import StoreNotEmptyError
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.store import LanceStore, open_as_it_is
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.changes.links import LinkArgument
from zettel.tools.erasure.erase import erase_all
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def read(folder: Path) -> Everything:
    """All that a store holds."""

    async def look() -> Everything:
        store = await open_as_it_is(str(folder))
        try:
            return await everything(store)
        finally:
            await store.close()

    return anyio.run(look)


def write(client: Process, hot: str, going: Event, told: list[str]) -> None:
    """Tell notes and change one, without a pause; ids of what was acknowledged."""
    number = 10
    while not going.is_set():
        number += 2
        stored = ask(client, number, "remember", content=f"{hot} bee {number}", namespace="farm")
        told.append(str(stored["note_id"]))
        ask(client, number + 1, "update", note_id=hot, content=f"bee {number} leads")


def restored_elsewhere(home: Home, backup: Path, name: str) -> Home:
    """A second store, restored from a backup."""
    other = Home(store=home.store.parent / name, running=home.running, mark=home.mark)
    other.store.mkdir(mode=0o700)
    other.configure()
    (other.store / "config.toml").chmod(0o600)
    done = other.run("restore", str(backup), "--json")
    assert done.returncode == 0, done.stderr
    return other


@pytest.mark.slow
def test_a_backup_under_load_is_restored_elsewhere_and_found_sound(tmp_path: Path) -> None:
    with home_at(tmp_path / "first") as home:
        clients = [home.attach() for _ in range(2)]
        hot = [
            str(ask(c, 2, "remember", content=f"bee {n}", namespace="farm")["note_id"])
            for n, c in enumerate(clients)
        ]
        going, told = Event(), list[str]()
        writers = [
            Thread(target=write, args=(client, note_id, going, told))
            for client, note_id in zip(clients, hot, strict=True)
        ]
        for writer in writers:
            writer.start()
        while len(told) < 4:
            sleep(0.01)
        before = list(told)
        backup = tmp_path / "load.zettel"
        done = home.run("backup", str(backup), "--json")
        going.set()
        for writer in writers:
            writer.join()

        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)["counts"]
        second = restored_elsewhere(home, backup, "second")
        doctor = second.run("doctor", "--json")
        assert doctor.returncode == 0, doctor.stdout
        assert home.run("stop").returncode == 0

        first, copy = read(home.store)[0], read(second.store)[0]
        assert len(copy) == counts["revisions"]
        assert {*before, *hot} <= {note.note_id for note, _ in copy.values()}
        # What was closed by then is as it was; what was current may have been closed since.
        for row_id, (note, vectors) in copy.items():
            if not note.current:
                assert first[row_id] == (note, vectors)

        # At rest, to the last field.
        assert home.run("backup", str(backup), "--force").returncode == 0
        third = restored_elsewhere(home, backup, "third")
        assert read(third.store) == read(home.store)
        assert third.run("doctor").returncode == 0


@pytest.mark.slow
def test_the_commands_refuse_with_their_exit_codes_and_say_what_next(tmp_path: Path) -> None:
    with home_at(tmp_path / "store") as home:
        client = home.attach()
        ask(client, 2, "remember", content="bees", namespace="farm")
        (home.store / "config.toml").chmod(0o600)
        file = tmp_path / "a.zettel"
        assert home.run("backup", str(file)).returncode == 0

        again = home.run("backup", str(file))
        full = home.run("restore", str(file))
        beside = home.run("restore", str(file), "--into-namespace", "old")
        wrong = home.run("restore", str(file), "--into-namespace", "../up")
        folder = home.run("restore", str(tmp_path))
        file.write_bytes(file.read_bytes()[:-9])
        damaged = home.run("restore", str(file), "--into-namespace", "older")
        nowhere = home.run("--store", str(tmp_path / "nowhere"), "doctor")
        runs = home.run("runs", "--json").stdout
        engines = home.engines()

    assert (again.returncode, "--force" in again.stderr) == (4, True)
    assert (full.returncode, "--into-namespace" in full.stderr) == (4, True)
    assert (beside.returncode, "1 note got a new id" in beside.stdout) == (0, True)
    assert (wrong.returncode, "--into-namespace: '../up' is not a" in wrong.stderr) == (2, True)
    assert (folder.returncode, "is no file" in folder.stderr) == (2, True)
    assert (damaged.returncode, "is damaged at its end" in damaged.stderr) == (1, True)
    assert nowhere.returncode == 3
    assert not (tmp_path / "nowhere").exists()
    made = [run for run in map(json.loads, runs.splitlines()) if run["kind"] == "backup"]
    assert [run["run_id"].endswith("-a.zettel") for run in made] == [True]
    assert len(engines) == 1


def machine(folder: Path) -> Settings:
    """The settings of a store on a machine of its own: with no copy of another one's erasures."""
    return load_settings(
        store=str(folder / "store"), model="hash", erasures=str(folder / "erasures")
    )


async def contents(settings: Settings) -> list[str]:
    """What the notes of a store say."""
    async with opened(settings) as memory:
        return sorted(note.content for note in await memory.store.find(NoteFilter(), limit=9))


@pytest.mark.slow
async def test_an_older_backup_brings_back_nothing_that_a_restored_backup_records_as_erased(
    tmp_path: Path,
) -> None:
    old, new = machine(tmp_path / "old"), machine(tmp_path / "new")
    before, after = tmp_path / "before.zettel", tmp_path / "after.zettel"
    async with opened(old, create=True) as memory:
        for content, namespace in (("bees", "farm"), ("wasps", "pests")):
            await remember(memory, Caller(namespace=namespace), now=NOW, content=content)
        await back_up_once(old, before, False, untold)
        await erase_all(memory, namespace="pests", who="test", now=NOW)
        await back_up_once(old, after, False, untold)

    await restore_once(new, after, None, untold)
    again = await restore_once(new, before, "again", untold)

    assert (again.done.notes, again.done.erased) == (1, 1)
    assert await contents(old) == ["bees"]
    assert await contents(new) == ["bees", "bees"]


async def test_a_store_whose_model_is_not_the_default_takes_a_backup_in_where_none_is_named(
    tmp_path: Path,
) -> None:
    hashed, file = machine(tmp_path), tmp_path / "a.zettel"
    async with opened(hashed, create=True) as memory:
        await remember(memory, Caller(namespace="farm"), now=NOW, content="bees")
        await back_up_once(hashed, file, False, untold)
    unnamed = load_settings(store=hashed.store, erasures=hashed.erasures)

    result = await restore_once(unnamed, file, "again", untold)

    assert (result.done.notes, result.done.unembedded) == (1, 0)
    assert result.model.startswith("hash@")
    assert await contents(hashed) == ["bees", "bees"]


async def test_a_note_that_lost_erased_words_is_said_to_wait_for_vectors_for_that_reason(
    tmp_path: Path,
) -> None:
    settings, file, bees = machine(tmp_path), tmp_path / "a.zettel", Caller(namespace="farm")
    async with opened(settings, create=True) as memory:
        long = "The hive opens at nine. Ana polishes the brass smoker."
        gone = await remember(memory, bees, now=NOW, content=long)
        kept = await remember(memory, bees, now=NOW, content="The hive opens at nine.")
        same = LinkArgument(to=kept["note_id"], relation="same_as")
        await update(memory, bees, now=NOW, note_id=gone["note_id"], links=[same])
        await back_up_once(settings, file, False, untold)
        shown = await forget(memory, bees, now=NOW, note_ids=[gone["note_id"]], erase=True)
        assert "confirm" in shown
        await forget(memory, bees, now=NOW, confirm=shown["confirm"])

    told = restore_output(await restore_once(settings, file, "again", untold)).text

    assert "what 1 other held of that was taken out" in told
    assert "Vectors of words that were erased stayed out: 1 note is found by its words" in told
    assert "the store's model is" not in told


async def test_a_disk_that_is_full_once_all_notes_are_back_is_no_failed_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source, file = machine(tmp_path / "source"), tmp_path / "a.zettel"
    async with opened(source, create=True) as memory:
        await remember(memory, Caller(namespace="farm"), now=NOW, content="bees")
        await back_up_once(source, file, False, untold)

    async def fail(self: LanceStore) -> None:
        raise StoreUnavailableError(self.place, "is on a full disk", "Free some space.")

    monkeypatch.setattr(LanceStore, "upkeep", fail)
    target = machine(tmp_path / "target")
    result = await restore_once(target, file, None, untold)

    assert result.done.notes == 1
    assert "All notes are back, but they are not indexed yet" in caplog.text
    assert await contents(target) == ["bees"]


async def test_erasures_are_taken_over_before_the_notes_that_could_be_all_a_restore_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, file = machine(tmp_path / "source"), tmp_path / "a.zettel"
    async with opened(source, create=True) as memory:
        told = await remember(memory, Caller(namespace="pests"), now=NOW, content="wasps")
        await remember(memory, Caller(namespace="farm"), now=NOW, content="bees")
        await erase_all(memory, namespace="pests", who="test", now=NOW)
        await back_up_once(source, file, False, untold)
    target = machine(tmp_path / "target")

    async def fail(*_: object) -> None:
        raise StoreUnavailableError(target.store, "is gone", "Look for it.")

    monkeypatch.setattr("zettel.storage.backup.restore._add_notes", fail)
    with pytest.raises(StoreUnavailableError):
        await restore_once(target, file, None, untold)

    store = await open_as_it_is(target.store)
    assert store.tables.ledger.is_erased(str(told["note_id"])) is not None
    await store.close()


class KilledError(Exception):
    """Ends a restore where it stands, as a kill -9 between two commits does."""


async def killed(*_: object) -> None:
    """Stand in the place of a step that is not reached."""
    raise KilledError


BEFORE_THE_NOTES = "zettel.storage.backup.restore._add_notes"
AFTER_THE_NOTES = "zettel.server.commands.backup._settle"


async def restore_killed_at(
    step: str, target: Settings, file: Path, *, with_tokens: bool = False
) -> None:
    """Begin a restore that gets as far as a step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, killed)
        with pytest.raises(KilledError):
            await restore_once(target, file, None, untold, with_tokens=with_tokens)


async def backup_of(settings: Settings, content: str, *, token: str = "") -> Path:
    """A backup of a store with one note, and with a token of some name."""
    file = Path(settings.store).with_suffix(".zettel")
    async with opened(settings, create=True) as memory:
        await remember(memory, Caller(namespace="farm"), now=NOW, content=content)
        if token:
            await add_token(memory.store, make_token(token, ["farm"], expires=None, now=NOW)[0])
        await back_up_once(settings, file, False, untold)
    return file


async def tokens_of(settings: Settings) -> dict[str, str]:
    """Names of a store's tokens, and whether they are in force."""
    async with opened(settings) as memory:
        return {token.name: token.state(NOW) for token in await read_tokens(memory.store)}


@pytest.mark.parametrize("step", [BEFORE_THE_NOTES, AFTER_THE_NOTES])
@pytest.mark.parametrize("with_tokens", [False, True])
async def test_a_restore_run_again_after_a_kill_brings_tokens_back_as_the_last_one_is_told(
    tmp_path: Path, step: str, with_tokens: bool
) -> None:
    file = await backup_of(machine(tmp_path / "source"), "bees", token="ana")
    target = machine(tmp_path / "target")
    await restore_killed_at(step, target, file, with_tokens=not with_tokens)

    result = await restore_once(target, file, None, untold, with_tokens=with_tokens)

    assert await tokens_of(target) == {"ana": "active" if with_tokens else "revoked"}
    assert await contents(target) == ["bees"]
    assert (result.done.notes, result.done.there) == ((0, 1), (1, 0))[step == BEFORE_THE_NOTES]
    assert ("had come back" in restore_output(result).text) == (step == AFTER_THE_NOTES)
    with pytest.raises(StoreNotEmptyError):
        await restore_once(target, file, None, untold)


@pytest.mark.parametrize("namespace", [None, "old"])
async def test_a_restore_after_a_killed_one_of_another_backup_leaves_no_token_of_that(
    tmp_path: Path, namespace: str | None
) -> None:
    other = await backup_of(machine(tmp_path / "other"), "wasps", token="mallory")
    file = await backup_of(machine(tmp_path / "source"), "bees")
    target = machine(tmp_path / "target")
    await restore_killed_at(BEFORE_THE_NOTES, target, other, with_tokens=True)

    await restore_once(target, file, namespace, untold)

    assert await tokens_of(target) == {}
    assert await contents(target) == ["bees"]


async def test_a_restore_leaves_the_tokens_that_a_store_has_of_its_own(tmp_path: Path) -> None:
    other = await backup_of(machine(tmp_path / "other"), "wasps", token="mallory")
    file = await backup_of(machine(tmp_path / "source"), "bees", token="ana")
    target = machine(tmp_path / "target")
    async with opened(target, create=True) as memory:
        await add_token(memory.store, make_token("ben", ["farm"], expires=None, now=NOW)[0])
    await restore_killed_at(BEFORE_THE_NOTES, target, other, with_tokens=True)

    await restore_once(target, file, None, untold)

    assert await tokens_of(target) == {"ana": "revoked", "ben": "active"}


@pytest.mark.parametrize("step", [BEFORE_THE_NOTES, AFTER_THE_NOTES])
@pytest.mark.parametrize("namespace", [None, "old"])
async def test_tokens_made_or_revoked_between_a_kill_and_the_next_restore_stay_so(
    tmp_path: Path, step: str, namespace: str | None
) -> None:
    file = await backup_of(machine(tmp_path / "source"), "bees", token="ana")
    target = machine(tmp_path / "target")
    async with opened(target, create=True) as memory:
        await add_token(memory.store, make_token("ben", ["farm"], expires=None, now=NOW)[0])
    await restore_killed_at(step, target, file, with_tokens=True)
    async with opened(target) as memory:
        for name in ("ana", "ben"):
            await revoke_token(memory.store, name, lambda token: revoked(token, NOW))
        await add_token(memory.store, make_token("new", ["farm"], expires=None, now=NOW)[0])

    await restore_once(target, file, namespace, untold, with_tokens=namespace is None)

    standing = await tokens_of(target)
    ana = standing.pop("ana", "revoked")
    assert (ana, standing) == ("revoked", {"ben": "revoked", "new": "active"})


async def test_a_token_revoked_while_a_restore_is_at_it_stays_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await backup_of(machine(tmp_path / "source"), "bees", token="ana")
    target, add_usage = machine(tmp_path / "target"), restore_module._add_usage  # pyright: ignore[reportPrivateUsage]
    async with opened(target, create=True) as memory:
        await add_token(memory.store, make_token("ben", ["farm"], expires=None, now=NOW)[0])

    async def revoke_first(*given: Any) -> int:
        async with opened(target) as memory:
            await revoke_token(memory.store, "ben", lambda token: revoked(token, NOW))
        return await add_usage(*given)

    monkeypatch.setattr(restore_module, "_add_usage", revoke_first)
    await restore_once(target, file, None, untold)

    assert await tokens_of(target) == {"ana": "revoked", "ben": "revoked"}


async def test_a_token_of_the_store_stays_as_it_is_beside_the_same_one_of_a_backup(
    tmp_path: Path,
) -> None:
    source = machine(tmp_path / "source")
    file = await backup_of(source, "bees", token="ana")
    async with opened(source) as memory:
        (ana,) = await read_tokens(memory.store)
    target, ended = machine(tmp_path / "target"), machine(tmp_path / "ended")
    for settings, token in ((target, ana), (ended, revoked(ana, NOW))):
        async with opened(settings, create=True) as memory:
            await add_token(memory.store, token)

    await restore_once(target, file, None, untold)
    await restore_once(ended, file, None, untold, with_tokens=True)

    assert await tokens_of(target) == {"ana": "active"}
    assert await tokens_of(ended) == {"ana": "revoked"}


async def test_a_killed_restore_is_not_run_again_over_notes_that_were_changed_since(
    tmp_path: Path,
) -> None:
    file = await backup_of(machine(tmp_path / "source"), "bees", token="ana")
    target = machine(tmp_path / "target")
    await restore_killed_at(AFTER_THE_NOTES, target, file)
    async with opened(target) as memory:
        await remember(memory, Caller(namespace="farm"), now=NOW, content="hens")

    with pytest.raises(StoreNotEmptyError):
        await restore_once(target, file, None, untold, with_tokens=True)

    assert await tokens_of(target) == {"ana": "revoked"}
    assert await contents(target) == ["bees", "hens"]
