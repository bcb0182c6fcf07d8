"""What a hammering came to: leaks, failures, memory, times, and what the store holds afterwards."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.soak.connections import Clocks
from benchmarks.soak.grounds import REACHES, World
from benchmarks.soak.site import Site
from benchmarks.torture.store.audit import audited
from benchmarks.torture.store.books import Books, read_books
from benchmarks.torture.store.deeds import Account
from benchmarks.torture.store.verdict import Verdict
from zettel.storage.notes import Note

WARM = 0.4
"""Share of the time after which the server is warm: caches filled, every kind of call made."""

Resident = Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that was found."""

    leaks: list[str]
    failures: list[str]
    """Server errors, and whatever else no server should do."""
    verdict: Verdict
    """On the store as it is read after the server has left."""
    damage: list[str]
    """What `zettel doctor` finds."""
    resident: Resident
    """Seconds -> bytes."""
    taken: Mapping[str, Sequence[float]]
    """Tool or method -> how long each call took, in seconds."""
    heard: Counter[str]

    @property
    def problems(self) -> list[str]:
        """Everything that went wrong, each with its kind."""
        return [
            *(f"leak: {leak}" for leak in self.leaks),
            *(f"server: {failure}" for failure in self.failures),
            *self.verdict.problems,
            *(f"doctor: {damage}" for damage in self.damage),
        ]

    @property
    def growth(self) -> float:
        """Highest memory in the last third over the highest when it had just become warm."""
        whole = self.resident[-1][0]
        warm = [b for at, b in self.resident if WARM <= at / whole < (1 + 2 * WARM) / 3]
        late = [b for at, b in self.resident if at / whole >= (1 + 2 * WARM) / 3]
        return max(late) / max(warm)


async def judged(
    site: Site, world: World, resident: Resident, clocks: Clocks, *, in_order: bool
) -> Judgement:
    """Judge a server that has left.

    Args:
        site: Where it ran.
        world: Whom it served.
        resident: Its memory over time.
        clocks: Its calls.
        in_order: Whether it left with status 0, in time.
    """
    grounds = world.grounds.values()
    account = Account()
    for ground in grounds:
        account.cards += ground.account.cards
        account.failed_reads += ground.account.failed_reads
        account.failed += ground.account.failed
        account.reads += ground.account.reads
        account.back_then += ground.account.back_then
        account.refused += ground.account.refused
        account.cancelled += ground.account.cancelled
    books = await read_books(site.store, account)
    kept, erasable = _parted(books)
    verdict = audited(account, kept)
    verdict.flaws.lost += _erased(world, erasable)
    verdict.flaws.lost += _unlinked(account, kept)
    failures = [f for tenant in world.tenants.values() for f in tenant.ears.failures]
    failures += [] if in_order else ["it did not leave in order when it was asked to"]
    return Judgement(
        leaks=[*_leaks(world, books), *_logged(site, world)],
        failures=[*failures, *_logged_failures(site)],
        verdict=verdict,
        damage=await site.doctor(),
        resident=resident,
        taken=clocks.taken,
        heard=sum((t.ears.counts for t in world.tenants.values()), Counter[str]()),
    )


def _parted(books: Books) -> tuple[Books, dict[str, Sequence[Note]]]:
    """What the account knows, and by key what was told in order to be erased."""
    erasable = {
        history[0].content.split()[0]: history
        for history in books.histories.values()
        if history and history[0].content.startswith("xw")
    }
    ids = {history[0].note_id for history in erasable.values()}
    histories = {i: history for i, history in books.histories.items() if i not in ids}
    rows = books.rows - sum(map(len, erasable.values()))
    return replace(books, histories=histories, rows=rows), erasable


def _erased(world: World, erasable: Mapping[str, Sequence[Note]]) -> Iterator[str]:
    for ground in world.grounds.values():
        for key, note_id in ground.erased.items():
            if key in ground.gone and key in erasable:
                yield f"{key} was acknowledged as erased, and is there"
            if note_id and key not in erasable:
                yield f"{key} ({note_id}) was acknowledged, and is not there"


def _unlinked(account: Account, books: Books) -> Iterator[str]:
    """Notes that lost a link across namespaces, which whoever changed them could not see."""
    spaces = {i: history[0].namespace for i, history in books.histories.items() if history}
    for card in account.known():
        history = books.histories.get(card.note_id) or ()
        across = {
            (link.to, link.relation)
            for note in history[:1]
            for link in note.links
            if spaces.get(link.to) != note.namespace
        }
        for note in history:
            if not across <= {(link.to, link.relation) for link in note.links}:
                yield f"{note.row_id} has lost what only others see of it: {across}"


def _leaks(world: World, books: Books) -> Iterator[str]:
    """What anybody heard, and every id of a note that they may not see."""
    spaces = {i: history[0].namespace for i, history in books.histories.items() if history}
    for name, tenant in world.tenants.items():
        yield from tenant.ears.leaks
        reached = {world.grounds[r.partition(":")[0]].namespace for r in REACHES[name]}
        for note_id in tenant.ears.ids - tenant.ears.said:
            if spaces.get(note_id, "") not in {"", *reached}:
                yield f"{name} was told of {note_id} in {spaces[note_id]}"


def _logged(site: Site, world: World) -> Iterator[str]:
    """Words of anybody's in the server's log, and tokens."""
    secret = [ground.mark for ground in world.grounds.values()]
    secret += [tenant.token for tenant in world.tenants.values()]
    for line in site.log.read_text(encoding="utf-8", errors="replace").splitlines():
        if any(word in line for word in secret):
            yield f"the log says {line[:500]}"


def _logged_failures(site: Site) -> Iterator[str]:
    for line in site.log.read_text(encoding="utf-8", errors="replace").splitlines():
        if " ERROR " in line or "Traceback" in line or "failed inside" in line:
            yield f"the log says {line[:500]}"
