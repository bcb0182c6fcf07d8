"""What a caller with a limited reach sees of others' notes: nothing."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
from collections.abc import AsyncGenerator, Sized
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Refused, ids, notes, pick
from tests.tools.tenants import TenantDesk, opened_tenants, reach

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import ExpiredTokenError, NamespaceRefusedError
from zettel.storage.ids import new_id
from zettel.storage.notes import Run
from zettel.storage.store import NoteFilter
from zettel.tools.answers import RecalledNote
from zettel.tools.language.times import iso
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.recall_request import RecallRequest
from zettel.tools.state.caches import PAGE_CACHE_MAX_RANKINGS, CachedRanking, Cursor
from zettel.tools.state.memory import Memory
from zettel.tools.trust import TrustRules

TENANTS = {"owner": (), "ana": ("ana", "shared:ro"), "ben": ("ben", "shared")}

Tenants = dict[str, TenantDesk]


class Watched(DictStore):
    """Writes down what is read: the method and how much it gave, which takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[str, int]] = []

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name.startswith("_") or not iscoroutinefunction(method):
            return method

        async def watched(*args: Any, **kwargs: Any) -> Any:
            answer = await method(*args, **kwargs)
            self.given.append((name, len(answer) if isinstance(answer, Sized) else 0))
            return answer

        return watched


@pytest.fixture
def store() -> Watched:
    """An empty store."""
    return Watched()


@pytest.fixture
async def tenants(store: Watched) -> AsyncGenerator[Tenants]:
    """An owner and two tenants on a new in-memory store."""
    # As the owner is, so that only their namespaces keep them apart.
    trust = TrustRules(frozenset({"ana", "ben"}))
    memory = Memory(store=store, embedder=HashEmbedder(), trust=trust)
    async with opened_tenants(memory, TENANTS) as desks:
        yield desks


async def refusal(desk: TenantDesk, tool: str, **arguments: object) -> str:
    """What the tool says instead of an answer."""
    with pytest.raises(Refused) as refused:
        await desk(tool, **arguments)
    return str(refused.value)


async def linked_pair(tenants: Tenants) -> tuple[str, str]:
    """A note of Ana's that supersedes one of Ben's, as only the owner can have it."""
    theirs = await tenants["ben"].told("Ben keeps the quokka key in the blue tin")
    own = await tenants["owner"].told(
        "The key lies in the red tin",
        namespace="ana",
        links=[{"to": theirs, "relation": "supersedes"}, {"to": theirs, "relation": "supports"}],
    )
    return own, theirs


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("recall", {"note_ids": ["ID"]}),
        ("recall", {"note_ids": ["ID"], "detail": "full", "as_of": "2027"}),
        ("update", {"note_id": "ID", "content": "mine now"}),
        ("update", {"note_id": "ID", "restore_rev": 1}),
        ("update", {"note_id": "ID", "content": "mine", "expected_rev": 7}),
        ("forget", {"note_ids": ["ID"]}),
        ("forget", {"note_ids": ["ID"], "undo": True}),
        ("forget", {"note_ids": ["ID"], "erase": True}),
        ("remember", {"content": "a new one", "links": [{"to": "ID"}]}),
        ("remember", {"content": "b", "links": [{"to": "ID", "relation": "supersedes"}]}),
    ],
)
@pytest.mark.parametrize("forgotten", [False, True])
async def test_an_id_elsewhere_is_refused_as_an_id_that_never_was_and_with_as_much_read(
    tenants: Tenants, store: Watched, tool: str, arguments: dict[str, object], forgotten: bool
) -> None:
    theirs = await tenants["ben"].told("Ben keeps the quokka key in the blue tin")
    if forgotten:
        await tenants["ben"]("forget", note_ids=[theirs])
    never = new_id(tenants["ana"].now)

    def asking(note_id: str) -> dict[str, object]:
        given: dict[str, object] = json.loads(json.dumps(arguments).replace("ID", note_id))
        return given

    store.given.clear()
    told = await refusal(tenants["ana"], tool, **asking(theirs))
    given = store.given.copy()
    store.given.clear()
    expected = await refusal(tenants["ana"], tool, **asking(never))

    assert told.replace(theirs, never) == expected
    assert given == store.given


async def test_among_ids_of_ones_own_an_id_elsewhere_is_missing(tenants: Tenants) -> None:
    theirs = await tenants["ben"].told("Ben keeps the quokka key in the blue tin")
    own = await tenants["ana"].told("The tin is red")

    read = await tenants["ana"]("recall", note_ids=[own, theirs])
    gone = await tenants["ana"]("forget", note_ids=[own, theirs])

    assert ids(read) == [own]
    assert f"No note with id {theirs}" in str(read["reason"])
    assert gone["skipped"] == [theirs]
    assert ids(await tenants["ben"]("recall", note_ids=[theirs])) == [theirs]


async def test_among_ids_of_ones_own_an_erased_id_elsewhere_is_as_one_that_never_was(
    tenants: Tenants,
) -> None:
    theirs = await tenants["ben"].told("Ben keeps the quokka key in the blue tin")
    preview = await tenants["ben"]("forget", note_ids=[theirs], erase=True)
    await tenants["ben"]("forget", confirm=preview["confirm"])
    own = await tenants["ana"].told("The tin is red")

    read = await tenants["ana"]("recall", note_ids=[own, theirs])
    shown = await tenants["ana"]("forget", note_ids=[own, theirs], erase=True)
    gone = await tenants["ana"]("forget", note_ids=[own, theirs])

    assert read["reason"] == f"No note with id {theirs}."
    assert "Erased" not in f"{shown['next']} {gone['next']}"
    assert shown["skipped"] == gone["skipped"] == [theirs]


async def test_a_namespace_elsewhere_looks_as_one_that_is_not_there(tenants: Tenants) -> None:
    await tenants["ben"].told("Ben keeps the quokka key in the blue tin", tags=["x"])
    await tenants["owner"].told("warm the caches", namespace="ben")

    for asked in ({"query": "quokka"}, {"tags": ["x"]}, {}):
        told = await tenants["ana"]("recall", namespace="ben", **asked)
        expected = await tenants["ana"]("recall", namespace="bex", **asked)
        assert str(told).replace("ben", "bex").replace(str(told["now"]), "") == str(
            expected
        ).replace(str(expected["now"]), "")
        assert "overview" not in told
        assert "omitted" not in told
    refused = await refusal(tenants["ana"], "remember", content="c", namespace="ben")
    assert refused.replace("ben", "bex") == await refusal(
        tenants["ana"], "remember", content="c", namespace="bex"
    )


async def test_a_note_that_may_only_be_read_is_neither_offered_to_erase_nor_said_to_be_back(
    tenants: Tenants,
) -> None:
    theirs = await tenants["ben"].told("Bob works at Siemens", namespace="shared")
    own = await tenants["ana"].told("Ana keeps bees")

    for given in ({"erase": True}, {"undo": True}):
        for note_ids in ([theirs], [own, theirs]):
            told = await refusal(tenants["ana"], "forget", note_ids=note_ids, **given)
            assert told.startswith("This access token may not write to namespace 'shared'")

    await tenants["ben"]("forget", note_ids=[theirs])
    told = await refusal(tenants["ana"], "forget", note_ids=[theirs])
    assert told.startswith("This access token may not write to namespace 'shared'")


def test_a_token_that_only_reads_is_told_so_in_sentences() -> None:
    assert str(NamespaceRefusedError("shared", ())).endswith(
        " It only reads. Have the person who runs this server make another token."
    )


async def test_a_read_only_namespace_is_found_and_not_changed(tenants: Tenants) -> None:
    shared = await tenants["ben"].told("Releases go out on Tuesdays", namespace="shared")
    ana = tenants["ana"]

    assert await ana.found(query="When do releases go out?", namespace="shared") == [shared]
    assert "It writes to: ana." in await refusal(ana, "remember", content="n", namespace="shared")
    assert "It writes to: ana." in await refusal(ana, "update", note_id=shared, tags=["x"])
    assert "It writes to: ana." in await refusal(ana, "forget", note_ids=[shared])
    assert "It writes to" in await refusal(ana, "forget", query="releases", namespace="shared")
    assert "It writes to" in await refusal(
        ana, "remember", content="Wednesdays", links=[{"to": shared, "relation": "supersedes"}]
    )
    assert pick(await ana("recall", note_ids=[shared]), "notes", 0, "content") == (
        "Releases go out on Tuesdays"
    )


@pytest.mark.parametrize("reader", ["ana", "owner"])
async def test_only_who_may_change_notes_is_given_the_calls_that_settle_them(
    tenants: Tenants, reader: str
) -> None:
    await tenants["ben"].told("Ana lives in Rome", subject="Ana", namespace="shared")
    tenants["ben"].later(days=1)
    newer = await tenants["ben"].told("Ana lives in Oslo", subject="Ana", namespace="shared")

    asked = [{"subject": "Ana"}, {"note_ids": [newer], "detail": "full"}, {"query": "Ana lives"}]
    told = [await tenants[reader]("recall", namespace="shared", **each) for each in asked]

    calls = f'update(note_id="{newer}", links='
    assert [calls in str(each) for each in told] == [reader == "owner"] * 3
    assert all("Ana lives in Oslo" in str(each) for each in told)


async def test_a_link_to_a_note_elsewhere_is_not_shown_and_not_lost(tenants: Tenants) -> None:
    own, theirs = await linked_pair(tenants)
    await tenants["owner"]("update", note_id=own, links=[{"to": theirs, "relation": "causes"}])

    seen = str(await tenants["ana"]("recall", note_ids=[own], detail="full"))
    seen += str(await tenants["ana"]("update", note_id=own, tags=["tin"]))
    seen += str(await tenants["ana"]("update", note_id=own, restore_rev=1))
    owners = await tenants["owner"]("recall", note_ids=[own], detail="full")

    assert theirs not in seen
    assert f"'note_id': '{theirs}'" in str(notes(owners)[0]["links"])


async def test_what_superseded_a_note_elsewhere_is_not_named(tenants: Tenants) -> None:
    own, theirs = await linked_pair(tenants)

    story = str(await tenants["ben"]("recall", note_ids=[theirs], detail="full"))

    assert "superseded by another note" in story
    assert own not in story


async def test_forgetting_ones_own_note_leaves_one_that_may_only_be_read(tenants: Tenants) -> None:
    shared = await tenants["ben"].told("Releases go out on Tuesdays", namespace="shared")
    own = await tenants["owner"].told(
        "Not in December", namespace="ana", links=[{"to": shared, "relation": "supersedes"}]
    )

    gone = await tenants["ana"]("forget", note_ids=[own])

    assert gone["status"] == "forgotten"
    assert pick(await tenants["ben"]("recall", note_ids=[shared]), "notes", 0, "state") == (
        "superseded"
    )


async def test_a_tenant_erases_its_own_notes_and_those_it_only_reads_stay(
    tenants: Tenants,
) -> None:
    ana, ben = tenants["ana"], tenants["ben"]
    own = await ana.told("Ana keeps the wombat key")
    shared = await ben.told("Releases go out on Tuesdays", namespace="shared")

    both = await refusal(ana, "forget", note_ids=[own, shared], erase=True)
    alone = await ana("forget", note_ids=[own], erase=True)
    done = await ana("forget", confirm=alone["confirm"])
    again = await ana("forget", confirm=alone["confirm"])

    assert "It writes to: ana." in both
    assert (done["status"], again) == ("erased", done)
    assert await refusal(ana, "recall", note_ids=[own]) == (
        await refusal(ben, "recall", note_ids=[own])
    )
    assert await ben.found(note_ids=[shared]) == [shared]


async def test_an_erased_note_elsewhere_reads_to_a_tenant_as_one_that_never_was(
    tenants: Tenants,
) -> None:
    owner, ana = tenants["owner"], tenants["ana"]
    erased = [await tenants["ben"].told("Ben's key"), await ana.told("Ana's key")]
    preview = await owner("forget", note_ids=erased, erase=True)
    await owner("forget", confirm=preview["confirm"])
    assert "was erased" in await refusal(owner, "recall", note_ids=erased[:1])

    never = new_id(ana.now)
    expected = await refusal(ana, "recall", note_ids=[never])
    for note_id in erased:
        told = await refusal(ana, "recall", note_ids=[note_id])
        assert told.replace(note_id, never) == expected


async def test_the_proof_gives_a_tenant_the_times_of_backups_and_not_their_names(
    tenants: Tenants,
) -> None:
    owner, ana = tenants["owner"], tenants["ana"]
    made = START - timedelta(days=1)
    backup = Run(
        run_id="backup-1-payroll.zettel",
        kind="backup",
        who="cli",
        started_at=made,
        ended_at=made,
        counts={},
        outcome="done",
    )
    await owner.memory.admin.add_run(backup)
    note_id = await ana.told("Ana keeps the wombat key")

    preview = await ana("forget", note_ids=[note_id], erase=True)
    answer = await ana("forget", confirm=preview["confirm"])

    assert pick(answer, "proof", "backups") == [iso(made)]
    assert "payroll" not in json.dumps(answer)


async def test_an_erasure_withdraws_what_other_tenants_were_shown_of_the_note(
    tenants: Tenants,
) -> None:
    shared = await tenants["ben"].told("Releases go out on Tuesdays", namespace="shared")
    preview = await tenants["ben"]("forget", query="releases Tuesdays", namespace="shared")
    await tenants["ben"]("forget", confirm=preview["confirm"])
    await tenants["ben"]("forget", note_ids=[shared], undo=True)
    store = tenants["owner"].memory.admin
    kept = [await store.get_meta(key) for key in await store.meta_keys("previews")]
    assert "Tuesdays" in str(kept)

    order = await tenants["owner"]("forget", note_ids=[shared], erase=True)
    assert (await tenants["owner"]("forget", confirm=order["confirm"]))["status"] == "erased"

    kept = [await store.get_meta(key) for key in await store.meta_keys("previews")]
    assert "Tuesdays" not in str(kept)
    assert shared not in str(kept)


async def test_a_confirm_token_of_another_tenant_is_unknown(tenants: Tenants) -> None:
    await tenants["ben"].told("Ben keeps the quokka key in the blue tin", subject="Ben")
    preview = await tenants["ben"]("forget", subject="Ben")
    token = str(preview["confirm"])

    before = await refusal(tenants["ana"], "forget", confirm=token)
    await tenants["ben"]("forget", confirm=token)
    after = await refusal(tenants["ana"], "forget", confirm=token)

    assert before == after == await refusal(tenants["ana"], "forget", confirm="0" * 16)


async def test_a_cursor_of_another_tenant_leads_to_ones_own_notes(tenants: Tenants) -> None:
    for number in range(5):
        await tenants["ben"].told(f"quokka number {number} sleeps")
    first = await tenants["ben"]("recall", query="quokka", limit=2)

    assert "quokka" not in str(
        await tenants["ana"]("recall", cursor=pick(first, "omitted", "cursor"))
    )


async def test_a_tenant_that_pages_much_leaves_the_cursors_of_others(tenants: Tenants) -> None:
    for name in ("ana", "ben"):
        for number in range(3):
            await tenants[name].told(f"quokka number {number} sleeps")
    # With so long a question and so few tokens a cursor only names the ranking.
    asked = {"query": "Where does the quokka sleep? " * 40, "limit": 1, "max_tokens": 200}
    first = await tenants["ben"]("recall", **asked)

    memory = tenants["ana"].memory.within(tenants["ana"].reach)
    for _ in range(PAGE_CACHE_MAX_RANKINGS + 1):
        cursor = Cursor(
            key=new_id(START), offset=1, known_at=START, request=RecallRequest(query="q")
        )
        memory.pages.keep(cursor, CachedRanking(ranking=(ranked(cursor.key),)), longest=60)
    second = await tenants["ben"]("recall", cursor=pick(first, "omitted", "cursor"))

    assert ids(second)
    assert ids(second) != ids(first)


async def test_what_one_tenant_was_asked_is_not_answered_from_for_another(tenants: Tenants) -> None:
    told = await tenants["ben"].told("Ben keeps the quokka key in the blue tin")
    asked = {"query": "Where is the quokka key?", "namespace": "ben"}

    assert await tenants["ana"].found(**asked) == []
    assert await tenants["ben"].found(**asked) == [told]
    assert await tenants["ana"].found(**asked) == []


async def test_repeats_and_echoes_are_those_of_ones_own_notes(tenants: Tenants) -> None:
    words = "Ben keeps the quokka key in the blue tin"
    theirs = await tenants["ben"].told(words)
    await tenants["ben"]("recall", note_ids=[theirs])

    own = await tenants["ana"]("remember", content=words)

    assert own["status"] == "stored"
    assert own["note_id"] != theirs
    assert "candidates" not in own


async def test_what_one_tenant_reads_leaves_another_its_echoes(tenants: Tenants) -> None:
    memory = tenants["ana"].memory.within(tenants["ana"].reach)
    own = await tenants["ben"].told("Ben keeps the quokka key in the blue tin")
    await tenants["ben"]("recall", note_ids=[own])
    for number in range(4_001):
        view = RecalledNote(note_id=new_id(START), content=f"one of {number} things")
        memory.served.record(["ana"], view, START)

    again = await tenants["ben"]("remember", content="- Ben keeps the quokka key in the blue tin")

    assert (again["status"], again["note_id"]) == ("already_known", own)


async def test_a_recall_strengthens_only_what_the_caller_may_write(
    tenants: Tenants, store: Watched
) -> None:
    shared = await tenants["owner"].told("The quokka feeding is on Tuesdays", namespace="shared")
    own = await tenants["ana"].told("Ana feeds the quokka")

    for name in ("ana", "ben"):
        await tenants[name]("recall", query="quokka", namespace="shared")
        await tenants[name]("recall", note_ids=[shared])
    await tenants["ana"]("recall", note_ids=[own])
    memory = tenants["owner"].memory
    await memory.usage.flush(memory.store)

    used = await store.usage_of([shared, own])
    assert {note_id: usage.recall_count for note_id, usage in used.items()} == {shared: 2, own: 1}


async def test_counts_and_names_are_those_of_ones_own_notes(tenants: Tenants) -> None:
    await tenants["ben"].told("Quokka key", subject="Quentin", tags=["quokka"])
    own = await tenants["ana"].told("Quentin is on leave", subject="Ana")

    everything = await tenants["ana"]("recall")
    misspelt = await tenants["ana"]("recall", subject="Quentim")
    preview = await tenants["ana"]("forget", subject="Ana")

    assert ids(everything) == [own]
    assert pick(everything, "overview", "namespaces") == {"ana": 1}
    assert "Quentin" not in str(misspelt)
    assert preview["matched"] == 1
    assert preview["also_mention"] == 0


async def test_what_the_process_remembers_of_one_tenant_is_not_there_for_another() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    ana, ben = memory.within(reach("ana")), memory.within(reach("ben"))
    cursor = Cursor(
        key=new_id(START), offset=1, known_at=START, request=RecallRequest(query="long" * 99)
    )
    view = RecalledNote(note_id=cursor.key, content="the quokka sleeps")
    where = NoteFilter(namespaces=("ben",))

    short = ben.pages.keep(cursor, CachedRanking(ranking=(ranked(cursor.key),)), longest=60)
    ben.served.record(["ben"], view, START)
    whole = await memory.corpora.read(memory.store, where, START)

    assert memory.within(reach("ben")).pages.read(short).key == cursor.key
    assert ana.pages.kept(cursor.key) == CachedRanking()
    with pytest.raises(ExpiredTokenError):
        ana.pages.read(short)
    assert len(memory.within(reach("ben")).served.echoed("ben", "the quokka sleeps", START)) == 1
    assert ana.served.echoed("ben", "the quokka sleeps", START) == []
    assert await memory.corpora.read(memory.store, where, START) is whole
    assert await ana.corpora.read(ana.store, where, START) is not whole


def ranked(note_id: str) -> Ranked:
    """A place in a ranking."""
    return Ranked(note_id=note_id, score=1.0, shares={})
