"""The namespaces of one server, what was told in each, and who may reach which."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.soak.ears import Ears
from benchmarks.torture.store.choices import Choices
from benchmarks.torture.store.deeds import Account
from benchmarks.torture.store.looks import Looks
from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store

SHARED = "shared"
BRIDGE = "bridge"
"""A principal who may write everywhere: only such a one can link a tenant's notes to another's."""

MOST_NOTES = 120
"""Told in one namespace, within two minutes (measured): memory that still grows then is not the
notes'. They go on being changed, forgotten, brought back and erased."""

REACHES: Mapping[str, Sequence[str]] = {
    "ana": ("ana", "shared:ro"),
    "ben": ("ben", "shared"),
    BRIDGE: ("ana", "ben", "shared"),
}
"""Principal -> its namespaces, by the names they have here."""


@dataclass(slots=True, kw_only=True)
class Ground:
    """One namespace; its mark stands in its name and in every word that is told in it."""

    mark: str
    chance: random.Random
    account: Account = field(default_factory=Account)
    erased: dict[str, str] = field(default_factory=dict[str, str])
    """Key of a note that is told to be erased -> its id while it must be there; empty once it
    may be gone."""
    gone: set[str] = field(default_factory=set[str])
    """Keys of those whose erasure was acknowledged."""

    @property
    def namespace(self) -> str:
        """Its name."""
        return f"ns-{self.mark}"

    @property
    def choices(self) -> Choices:
        """What to tell and change here."""
        return Choices(self.account, self.chance, self.mark, most=MOST_NOTES)

    @property
    def looks(self) -> Looks:
        """What to look for here."""
        return Looks(self.account, self.chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Somebody with an access token."""

    name: str
    token: str
    ears: Ears
    loot: dict[str, list[str]]
    """What others would like to have of theirs: `confirm` and `cursor` -> the newest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that one server is asked to keep apart."""

    grounds: Mapping[str, Ground]
    tenants: Mapping[str, Tenant]

    def beyond(self, tenant: Tenant) -> list[Ground]:
        """The namespaces that a tenant must see nothing of."""
        reached = {name.partition(":")[0] for name in REACHES[tenant.name]}
        return [ground for name, ground in self.grounds.items() if name not in reached]


async def found_world(place: Path, chance: random.Random) -> World:
    """Make a new store with a token for everybody.

    Args:
        place: Where the store is to be.
        chance: Decides on all names and words.
    """
    grounds = {
        name: Ground(mark=f"{name[0]}q{chance.getrandbits(32):08x}z", chance=chance)
        for name in ("ana", "ben", SHARED)
    }
    texts = dict[str, str]()
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    try:
        for number, (name, reached) in enumerate(REACHES.items()):
            spaces = [_named(grounds, space) for space in reached]
            now = datetime.now(UTC)
            token, texts[name] = make_token(f"worker-{number}", spaces, expires="1d", now=now)
            await add_token(store, token)
    finally:
        await store.close()
    world = World(grounds=grounds, tenants={})
    tenants = {
        name: Tenant(name=name, token=text, ears=Ears(), loot={"confirm": [], "cursor": []})
        for name, text in texts.items()
    }
    for tenant in tenants.values():
        tenant.ears.forbid([ground.mark for ground in world.beyond(tenant)])
    return World(grounds=grounds, tenants=tenants)


def _named(grounds: Mapping[str, Ground], space: str) -> str:
    name, colon, how = space.partition(":")
    return f"{grounds[name].namespace}{colon}{how}"
