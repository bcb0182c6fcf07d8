"""`zettel audit`: who did what to which note, and when; words only on demand, and never erased."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from zettel.server.auth.token_store import add_token, revoke_token
from zettel.server.auth.tokens import Token, make_token, revoked
from zettel.server.commands import audit
from zettel.server.commands.audit import print_audit, read_query
from zettel.server.commands.output import CLI_PRINCIPAL, Output
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.errors import InvalidArgumentError, NoteNotFoundError, StoreUnavailableError
from zettel.storage.lance import audit as lance_audit
from zettel.storage.notes import DERIVED_TAGS, EVOLUTION, SCHEDULER, Origin
from zettel.tools.caller import LOCAL, Caller, actor, is_reserved
from zettel.tools.doctor.heal import HEAL
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
Object = dict[str, JsonValue]


def caller(principal: str, client: str = "claude") -> Caller:
    """Somebody with a token, or the owner (`local`)."""
    return Caller(namespace="farm", origin=Origin(client=client, principal=principal))


@dataclass(frozen=True, kw_only=True)
class About:
    """What somebody asks about."""

    principal: str | None = None
    since: str | None = None
    until: str | None = None
    note_id: str | None = None
    namespace: str | None = None


WHOLE = About()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A store after some days' work, and the ids of its notes."""

    settings: Settings
    honey: str
    wax: str
    secret: str

    async def lines(
        self, about: About = WHOLE, *, as_json: bool = True, limit: int = 0, with_text: bool = False
    ) -> list[str]:
        """What is said."""
        said = list[Output]()
        query = read_query(
            principal=about.principal,
            since=about.since,
            until=about.until,
            note_id=about.note_id,
            namespace=about.namespace,
            limit=limit,
            with_text=with_text,
        )
        await print_audit(self.settings, query, said.append)
        return [output.render(as_json=as_json) for output in said]

    async def events(self, about: About = WHOLE, *, limit: int = 0) -> list[Object]:
        """What is said, read."""
        return [json.loads(line) for line in await self.lines(about, limit=limit)]


async def told(memory: Memory, by: Caller, content: str, day: int, namespace: str = "farm") -> str:
    """A note told on a day."""
    now = START + timedelta(days=day)
    answer = await remember(memory, by, now=now, content=content, namespace=namespace)
    return answer["note_id"]


async def erased(memory: Memory, by: Caller, note_id: str, day: int) -> None:
    """A note erased on a day."""
    now = START + timedelta(days=day)
    seen = await forget(memory, by, now=now, note_ids=[note_id], erase=True)
    await forget(memory, by, now=now, confirm=seen.get("confirm"))


@pytest.fixture(scope="module")
async def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Two people with tokens and the owner; one note is erased."""
    place = tmp_path_factory.mktemp("audited")
    settings = Settings(
        store=str(place / "store"),
        model="hash",
        erasures=str(place / "state"),
        trusted_principals=("ana", "ben"),
    )
    ana, ben, owner = caller("ana"), caller("ben", "cursor"), caller("local", "ben: a friend")
    async with opened(settings, create=True) as memory:
        await memory.embedder.load()
        honey = await told(memory, ana, "Ana keeps honey", 1)
        wax = await told(memory, owner, "The wax is in the shed", 2, "shed")
        secret = await told(memory, ben, "The secret is Nachtigall", 3)
        now, why = START + timedelta(days=4), "she counted"
        await update(memory, ben, now=now, note_id=honey, content="Nine jars", reason=why)
        run_at = START + timedelta(days=5)
        await evolve(memory, now=run_at, run_id="run-1", who="scheduler", budget=Budget())
        await erased(memory, ben, secret, 6)
        token, _ = make_token("ana", ["farm"], expires=None, now=START)
        await add_token(memory.store, token)

        def over(known: Token) -> Token:
            return revoked(known, START + timedelta(days=7))

        await revoke_token(memory.store, "ana", over)
    return Kept(settings=settings, honey=honey, wax=wax, secret=secret)


async def test_everything_is_told_newest_first_with_who_did_it(kept: Kept) -> None:
    events = await kept.events()
    times = [str(event["at"]) for event in events]
    done = [(e["principal"], e.get("client", ""), e["did"]) for e in events]

    assert times == sorted(times, reverse=True)
    people = [entry for entry in done if entry[0] not in ("scheduler", "zettel")]
    assert people == [
        ("local", "", "token revoke"),
        ("ben", "cursor", "erase"),
        ("ben", "cursor", "update"),
        # The owner's client may call itself what it likes: it is nobody else.
        ("local", "ben a friend", "remember"),
        ("ana", "claude", "remember"),
        ("local", "", "token create"),
    ]
    assert ("scheduler", "", "evolve") in done


async def test_words_are_told_on_demand_only_and_erased_ones_never(kept: Kept) -> None:
    without, with_text = await kept.lines(), await kept.lines(with_text=True)
    plain = await kept.lines(as_json=False, with_text=True)

    for word in ("honey", "jars", "shed\n", "counted"):
        assert word not in "\n".join(without)
    for said in (with_text, plain):
        assert "Nine jars" in "\n".join(said)
        assert "she counted" in "\n".join(said)
        assert "Nachtigall" not in "\n".join(said)
        assert kept.secret not in "\n".join(said)


async def test_of_an_erased_note_there_is_the_receipt_alone(kept: Kept) -> None:
    [event] = await kept.events(About(note_id=kept.secret.lower()))

    assert event["did"] == "erase"
    assert event["principal"] == "ben"
    assert "note_id" not in event
    assert "gone" in str(event["told"])


async def test_it_is_narrowed_by_person_note_namespace_and_time(kept: Kept) -> None:
    async def deeds(about: About) -> list[JsonValue]:
        events = await kept.events(about)
        return [e["did"] for e in events if e["principal"] not in ("scheduler", "zettel")]

    assert await deeds(About(principal="ben")) == ["erase", "update"]
    # What was done for a token of that name is about her, too.
    assert await deeds(About(principal="ana")) == ["token revoke", "remember", "token create"]
    assert await deeds(About(note_id=kept.honey)) == ["update", "remember"]
    assert await deeds(About(namespace="shed")) == ["remember"]
    assert await deeds(About(namespace="nowhere")) == []
    assert await deeds(About(since="2026-11-24", until="2026-11-25")) == ["update"]
    assert [e["did"] for e in await kept.events(About(principal="scheduler"))][-1] == "construct"
    assert len(await kept.events(limit=2)) == 2


async def test_a_note_is_named_by_a_part_of_its_id_and_nothing_unknown_is_answered_by_silence(
    kept: Kept,
) -> None:
    assert [e["did"] for e in await kept.events(About(note_id=kept.wax[-7:].lower()))][-1:] == [
        "remember"
    ]
    with pytest.raises(NoteNotFoundError):
        await kept.lines(About(note_id="nowhere"))
    with pytest.raises(InvalidArgumentError, match="is too short"):
        await kept.lines(About(note_id=kept.wax[:3]))
    with pytest.raises(InvalidArgumentError, match="is not a namespace"):
        await kept.lines(About(namespace="The Shed"))


async def test_pages_neither_overlap_nor_miss(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await kept.lines(with_text=True)
    for page in (1, 2, 3):
        monkeypatch.setattr(lance_audit, "AUDIT_PAGE_ROWS", page)
        # With a bound: pages that overlap would have no end.
        assert await kept.lines(with_text=True, limit=len(whole) + 3) == whole


async def test_no_more_is_read_than_is_said(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_audit, "AUDIT_PAGE_ROWS", 1)
    read = list[str]()
    revisions = lance_audit.revisions

    async def counted(*args: object, **words: object):
        async for revision in revisions(*args, **words):  # pyright: ignore[reportArgumentType]
            read.append(revision.note_id)
            yield revision

    monkeypatch.setattr(audit, "revisions", counted)
    assert len(await kept.events(limit=3)) == 3
    assert len(read) < 3


async def test_it_changes_no_file(kept: Kept) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        found = [f for f in Path(kept.settings.store).rglob("*") if f.is_file()]
        return {f: (f.stat().st_mtime_ns, f.stat().st_size) for f in found}

    before = files()
    await kept.lines()

    assert files() == before


async def test_another_stores_erasures_are_not_told_here(kept: Kept, tmp_path: Path) -> None:
    place = str(tmp_path / "other")
    # Both keep their copies of the record in one place, as stores of one person do.
    there = kept.settings.model_copy(update={"store": place})
    async with opened(there, create=True) as memory:
        await told(memory, caller("ana"), "elsewhere", 1)
    events = await replace(kept, settings=there).events()

    assert [event["did"] for event in events] == ["remember"]


async def test_a_store_that_is_not_there_and_a_time_that_is_none_are_refused(
    kept: Kept, tmp_path: Path
) -> None:
    nowhere = kept.settings.model_copy(update={"store": str(tmp_path / "none")})
    with pytest.raises(StoreUnavailableError):
        await replace(kept, settings=nowhere).lines()
    with pytest.raises(InvalidArgumentError):
        await kept.lines(About(since="soonish"))


@pytest.mark.parametrize(
    ("principal", "client", "expected"),
    [
        ("ana", "claude", ("ana", "claude")),
        ("local", "claude", ("local", "claude")),
        ("local", "ana: claude", ("local", "ana claude")),
        ("https://id.example: x", "c: d", ("https://id.example x", "c d")),
        ("local", "scheduler", ("local", "scheduler")),
        ("", "zettel", ("local", "zettel")),
        ("", "", ("local", "")),
    ],
)
def test_no_client_can_pass_for_somebody_else(
    principal: str, client: str, expected: tuple[str, str]
) -> None:
    assert actor(caller(principal, client).name) == expected


def test_every_name_that_the_server_gives_itself_is_reserved() -> None:
    own = {LOCAL, SCHEDULER, HEAL, CLI_PRINCIPAL, EVOLUTION, "zettel"}

    assert [name for name in own | DERIVED_TAGS if not is_reserved(name)] == []
    assert not is_reserved("local-ana")
