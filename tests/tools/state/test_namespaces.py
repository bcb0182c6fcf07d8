"""Which namespace a repository's notes go to, as its names and the store's notes have it."""

from dataclasses import dataclass, replace

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, notes, opened_desk

from zettel.server.protocol.schemas import RecallArguments, RememberArguments
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.access import Access
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.caller import Caller
from zettel.tools.namespace_names import Project
from zettel.tools.state.memory import Memory
from zettel.tools.state.namespaces import read_names, record_names, settled


@dataclass
class Folder:
    """A client of one store in one folder of a repository."""

    memory: Memory
    former: str
    remote: str = ""
    commit: str = "commit:c0ffee00"
    asked: int = 0

    def caller(self) -> Caller:
        """The caller as a server makes it."""
        return Caller(
            project=Project(
                slug="bees", former=self.former, remote=self.remote, first_commit=self._ask
            )
        )

    def _ask(self) -> str:
        self.asked += 1
        return self.commit

    async def tell(self, content: str) -> str:
        """Remember; the namespace it went to."""
        arguments = RememberArguments(content=content)
        answer = await dispatch(self.memory, self.caller(), arguments, now=START)
        return str(answer["namespace"])

    async def found(self) -> int:
        """How many notes a recall has."""
        answer = await dispatch(
            self.memory, self.caller(), RecallArguments(kind="episodic"), now=START
        )
        return len(notes(answer))


def memory() -> Memory:
    """An empty one."""
    return Memory(store=DictStore(), embedder=HashEmbedder())


async def test_a_remote_that_is_added_or_renamed_leaves_a_project_what_it_was() -> None:
    folder = Folder(memory(), "bees-111111")
    before = await folder.tell("Without a remote")
    added = await replace(folder, remote="remote:aaaaaaaa").tell("With a remote")
    renamed = await replace(folder, remote="remote:bbbbbbbb").tell("With another")
    elsewhere = Folder(folder.memory, "bees-222222", remote="remote:bbbbbbbb")

    assert before == added == renamed == await elsewhere.tell("Elsewhere") == "bees-c0ffee"


async def test_another_repository_at_the_same_path_is_another_project() -> None:
    folder = Folder(memory(), "bees-111111")
    other = Folder(folder.memory, "bees-111111", commit="commit:badcab1e")

    assert await folder.tell("Of the first") != await other.tell("Of the second")
    assert await other.found() == 1


@pytest.mark.parametrize(
    ("commit", "later"), [("commit:c0ffee00", ""), ("", "commit:badcab1e"), ("", "")]
)
async def test_another_remote_at_the_same_path_is_another_project_where_a_commit_is_unknown(
    commit: str, later: str
) -> None:
    folder = Folder(memory(), "bees-111111", remote="remote:aaaaaaaa", commit=commit)
    other = Folder(folder.memory, "bees-111111", remote="remote:bbbbbbbb", commit=later)

    assert await folder.tell("Of the first") == "bees-aaaaaa"
    assert await other.tell("Of the second") == "bees-bbbbbb"
    assert await folder.found() == await other.found() == 1
    assert await replace(folder, former="bees-222222").tell("Elsewhere") == "bees-aaaaaa"


async def test_a_repository_in_place_of_another_is_known_by_its_first_commit_too() -> None:
    first = Folder(memory(), "bees-111111", remote="remote:aaaaaaaa")
    second = replace(first, remote="remote:bbbbbbbb", commit="commit:badcab1e")

    await first.tell("Of the first")
    assert await second.tell("Of the second") == "bees-bbbbbb"
    assert await replace(second, remote="").tell("Without a remote") == "bees-bbbbbb"
    moved = replace(second, remote="", former="bees-222222")
    assert await moved.tell("Moved") == "bees-bbbbbb"
    assert await first.found() == 1


async def test_the_first_commit_is_asked_only_of_a_repository_that_is_not_known() -> None:
    folder = Folder(memory(), "bees-111111", remote="remote:aaaaaaaa")
    await folder.tell("First")
    asked = folder.asked
    await folder.tell("Second")

    assert asked == folder.asked == 1


async def test_reading_alone_records_nothing_and_notes_of_old_are_recorded_when_read() -> None:
    folder = Folder(memory(), "bees-111111", remote="remote:aaaaaaaa")
    await folder.found()
    unread = await read_names(folder.memory.admin)
    async with opened_desk(folder.memory, namespace="bees-111111") as desk:
        await desk.told("Of old")
    read = await folder.found()
    names = await read_names(folder.memory.admin)

    assert not unread.primary_of
    assert read == 1
    assert names.primary("remote:aaaaaaaa") == "bees-111111"


async def test_a_namespace_that_a_setting_names_stays_what_it_was() -> None:
    shared = memory()
    private = replace(shared, llm_off=("bees-111111",))
    elsewhere = Folder(private, "bees-222222", remote="remote:aaaaaaaa")

    assert await elsewhere.tell("Elsewhere") == "bees-aaaaaa"
    assert await Folder(private, "bees-111111", remote="remote:aaaaaaaa").tell("x") == "bees-111111"


async def test_other_names_lead_a_token_nowhere_that_it_may_not_go() -> None:
    shared = memory()
    await record_names(shared.admin, {"old": "new", "own": "kept"})
    one = Caller(namespace="old", reach=Access(reads=frozenset({"old"}), writes=frozenset({"old"})))
    both = frozenset({"old", "new"})
    two = Caller(namespace="old", reach=Access(reads=both, writes=both))
    reader = Caller(namespace="old", reach=Access(reads=both, writes=frozenset({"old"})))
    known = [await settled(shared, c, writes=True, now=START) for c in (one, two, reader)]

    assert [c.names.group("old") for c in known] == [("old",), ("new", "old"), ("old",)]
    assert all(c.names.group("own") == ("own",) for c in known)
