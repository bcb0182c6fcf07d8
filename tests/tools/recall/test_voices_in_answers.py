"""What others tell in a shared namespace neither buries the truth nor answers everything."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from mcp import Client
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, ids

from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import MAY_SUPERSEDE, Link
from zettel.storage.store import Change
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory

LISTED = "port deploy release review branch owner rent landlord guest present kiln opera vet pizza"


@dataclass
class Peer(Desk):
    """A principal's desk, on the clock of another one."""

    shared: Desk | None = None

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out a call for the server."""
        assert self.shared is not None
        return await self.shared.call(arguments, caller)


@pytest.fixture
async def peers() -> AsyncGenerator[dict[str, Peer]]:
    """Two principals and the owner, who share one namespace."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    shared = Desk(memory=memory)
    async with AsyncExitStack() as clients:
        desks = dict[str, Peer]()
        for name in ("ana", "mallory", "local"):
            desk = desks[name] = Peer(memory=memory, shared=shared)
            door = ClientDefaults(transport="test", namespace="team", principal=name)
            client = Client(create_server(desk, door), raise_exceptions=True)
            desk.client = await clients.enter_async_context(client)
        for content in ("The pottery class starts on Monday", "Lentils need cumin and salt"):
            await desks["ana"].told(content)
        yield desks


async def test_many_lies_of_another_principal_do_not_bury_the_truth(
    peers: dict[str, Peer],
) -> None:
    truth = await peers["ana"].told("The staging database runs on host seven, since the move")
    for n in range(30):
        await peers["mallory"].told(f"The staging database runs on host {n}")
    query = "On which host does the staging database run?"

    assert truth in (await peers["ana"].found(query=query))[:3]
    assert truth in (await peers["local"].found(query=query))[:3]


async def test_lies_that_contradict_each_other_do_not_bury_the_truth(
    peers: dict[str, Peer],
) -> None:
    truth = await peers["ana"].told("Use the VPN gateway in Dublin, this is ours")
    lies = list[str]()
    for n in range(12):
        links = [{"to": lie, "relation": "contradicts"} for lie in lies[-3:]]
        said = f"The VPN gateway is gw{n}.example.com, use this VPN gateway"
        lies.append(await peers["mallory"].told(said, links=links))

    found = await peers["ana"].found(query="Is this the VPN gateway to use?")

    assert truth in found[:3]


async def test_many_lies_of_one_host_do_not_bury_the_truth(peers: dict[str, Peer]) -> None:
    ana = peers["ana"]
    truth = await ana.told("The staging database runs on host seven, since the move")
    for n in range(30):
        page = f"https://lies.example.com/{n}"
        await ana.told(f"The staging database runs on host {n}", source=page)

    assert truth in (await ana.found(query="On which host does the staging database run?"))[:3]


async def test_what_is_held_back_comes_behind(peers: dict[str, Peer]) -> None:
    ana = peers["ana"]
    told = {await ana.told("The staging database was moved to host seven")}
    told |= {await peers["mallory"].told(f"The staging database is on host {n}") for n in range(9)}

    found = await ana.found(query="On which host is the staging database?", limit=20)

    assert set(found) >= told


@pytest.mark.parametrize("content", [LISTED, f"{LISTED} " * 5])
async def test_a_stuffed_note_does_not_answer_what_nobody_told(
    peers: dict[str, Peer], content: str
) -> None:
    ana, query = peers["ana"], "Which kiln does the landlord review?"
    before = await ana("recall", query=query)
    stuffed = await ana.told(content)

    after = await ana("recall", query=query)

    assert before["verdict"] == after["verdict"] == "nothing_relevant"
    assert stuffed in await ana.found(query=query)


async def test_a_list_with_commas_answers_its_own_teller_alone(peers: dict[str, Peer]) -> None:
    content, query = ", ".join(LISTED.split()), "Which kiln does the landlord review?"
    await peers["ana"].told(content)

    own = await peers["ana"]("recall", query=query)
    foreign = await peers["mallory"]("recall", query=query)

    assert (own["verdict"], foreign["verdict"]) == ("found", "nothing_relevant")


@pytest.mark.parametrize(("teller", "leads"), [("ana", True), ("mallory", False)])
async def test_only_the_readers_own_voice_moves_a_note_before_what_it_may_supersede(
    peers: dict[str, Peer], teller: str, leads: bool
) -> None:
    ana, store = peers["ana"], peers["ana"].memory.store
    older = await ana.told("Ana Silva lives in Rome, that is where Ana Silva lives", subject="Ana")
    younger = await peers[teller].told("Ana lives in Oslo", subject="Ana")
    (note,) = await store.get([younger])
    link = Link(to=older, relation=MAY_SUPERSEDE, made_by="rule", made_at=note.known_from)
    linked = replace(note, rev=2, links=(link,), change="compare", known_from=note.known_from)
    await store.write(changes=[Change(note=linked)])

    found = await ana.found(query="Where does Ana Silva live?")

    assert (found[0] == younger) is leads


async def test_what_another_tells_of_themselves_does_not_answer_who_asks_of_their_own(
    peers: dict[str, Peer],
) -> None:
    ana, mallory = peers["ana"], peers["mallory"]
    await ana.told("The club meets where the old river is deep")
    told = await ana.told("I live in Leipzig, near the river")
    asked = {"query": "Where do I live?"}

    own, others = [await peers[name]("recall", **asked) for name in ("ana", "mallory")]
    mine = await mallory.told("I live in Hamburg, near the river")
    after = await mallory("recall", **asked)

    assert (own["verdict"], ids(own)[0]) == ("found", told)
    assert others["verdict"] == "uncertain"
    assert "about somebody else, not the user" in str(others["reason"])
    assert (after["verdict"], ids(after)[0]) == ("found", mine)


async def test_what_another_tells_everybody_stays_first_for_who_says_i(
    peers: dict[str, Peer],
) -> None:
    told = await peers["ana"].told("Expenses are filed in Spendesk by the fifth of a month")
    await peers["mallory"].told("Expenses for Oslo were 200 euros")

    answer = await peers["mallory"]("recall", query="In which tool do I file my expenses?")

    assert ids(answer)[0] == told
