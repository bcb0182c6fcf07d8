"""Compares the account of what was sent with what the store holds: nothing lost, nothing twice."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from pydantic import JsonValue

from benchmarks.torture.store import histories
from benchmarks.torture.store.books import Books
from benchmarks.torture.store.deeds import (
    WORDS,
    Account,
    Card,
    Deed,
    Outcome,
    Verb,
    settled_life,
)
from benchmarks.torture.store.verdict import Flaws, Verdict
from zettel.storage.notes import Note, State

History = Sequence[Note]

DERIVED = "concept"
"""Kind of the notes that evolution makes."""


def audited(account: Account, books: Books) -> Verdict:
    """Every flaw of a store, and what it went through."""
    flaws = Flaws()
    by_key = _by_key(books)
    flaws.doubled += _strangers(account, by_key)
    flaws.doubled += histories.idle(books.histories)
    flaws.resurrected += histories.resurrections(books.histories)
    flaws.torn += histories.gaps(books.histories)
    flaws.torn += histories.dangling(books.histories)
    flaws.torn += histories.half_superseded(books.histories)
    flaws.torn += histories.stamps(books.histories)
    read = sum(map(len, books.histories.values()))
    if read != books.rows:
        flaws.torn.append(f"{books.rows} revisions are stored, {read} belong to a current note")
    for card in account.cards:
        history = (
            books.histories.get(card.note_id) if card.note_id else by_key.get(card.key, [[]])[0]
        )
        flaws.lost += _lost(card, history or ())
        flaws.lost += _out_of_order(card)
        flaws.doubled += _doubled(card, history or ())
        flaws.resurrected += _wrongly_alive(card, history or ())
        flaws.torn += _half(card, history or ())
        flaws.torn += _there_though_refused(card, history or ())
    return Verdict(
        flaws=flaws,
        failed_reads=account.failed_reads,
        failed=account.failed,
        counts=_counts(account, books),
    )


def _by_key(books: Books) -> dict[str, list[History]]:
    found = dict[str, list[History]]()
    for history in books.histories.values():
        if history and history[0].kind != DERIVED:
            found.setdefault(history[0].content.split()[0], []).append(history)
    return found


def _strangers(account: Account, by_key: Mapping[str, Sequence[History]]) -> Iterator[str]:
    told = {card.key: card for card in account.cards}
    for key, found in by_key.items():
        if key not in told:
            yield f"a note of {key!r}, which nobody told"
        elif len(found) > 1 or (told[key].note_id or found[0][0].note_id) != found[0][0].note_id:
            ids = [history[0].note_id for history in found]
            yield f"{key} was told once and is {ids}, acknowledged as {told[key].note_id!r}"


def _lost(card: Card, history: History) -> Iterator[str]:
    """Acknowledged changes that are not in the revision they were answered with."""
    for deed in card.deeds:
        if not deed.acknowledged:
            continue
        if deed.rev > len(history):
            yield f"{_named(card, deed)} was revision {deed.rev} of {len(history)}"
        elif deed.verb is Verb.FORGET:
            if not any(note.state is State.FORGOTTEN for note in history):
                yield f"{_named(card, deed)} is in no revision"
        elif deed.verb not in (Verb.UNDO, Verb.RESTORE) and not _in(deed, history[deed.rev - 1]):
            yield f"{_named(card, deed)} is not in revision {deed.rev}"
        elif deed.verb in (Verb.LINK, Verb.SUPERSEDE):
            if not any(
                (gone.to, gone.word) == (deed.to, deed.word) for gone in card.of(Verb.UNLINK)
            ):
                yield from _lost_later(card, deed, history)
        elif deed.verb is Verb.APPEND:
            yield from _lost_later(card, deed, history)


def _lost_later(card: Card, deed: Deed, history: History) -> Iterator[str]:
    """What was added stays in all later revisions, unless one goes back to an earlier one."""
    for note in history[deed.rev - 1 :]:
        if note.rev > deed.rev and note.change == "restore":
            return
        if not _in(deed, note):
            yield f"{_named(card, deed)} was acknowledged, and is gone from {note.row_id}"
            return


def _in(deed: Deed, note: Note) -> bool:
    """Whether a revision says what a deed wanted it to."""
    standing = {(link.to, link.relation) for link in note.links if link.stood(None)}
    linked = (deed.to, deed.word) in standing
    match deed.verb:
        case Verb.TAGS:
            return deed.word in note.tags
        case Verb.LINK | Verb.SUPERSEDE:
            return linked
        case Verb.UNLINK:
            return not linked
        case Verb.APPEND:
            return note.content.split().count(deed.word) == 1
        case _:
            return note.content.split()[-1] == deed.word


def _out_of_order(card: Card) -> Iterator[str]:
    """What was acknowledged before another was sent stands before it in the history."""
    deeds = sorted((d for d in card.deeds if d.acknowledged and d.rev), key=lambda d: d.sent)
    ended = sorted(deeds, key=lambda deed: deed.over)
    first, highest = 0, 0
    for deed in deeds:
        while ended[first].over < deed.sent:
            highest, first = max(highest, ended[first].rev), first + 1
        if deed.rev < highest or (deed.changed and deed.rev == highest):
            yield f"{_named(card, deed)} is revision {deed.rev}, sent after {highest} was there"


def _doubled(card: Card, history: History) -> Iterator[str]:
    """Contents that came more often than they were sent, or were sent by nobody."""
    sent = {deed.word: deed.sends for deed in card.of(*WORDS)}
    back = sum(deed.sends for deed in card.of(Verb.RESTORE))
    came, returned = Counter[str](), 0
    for old, new in pairwise((None, *history)):
        if new is None or (old is not None and old.content == new.content):
            continue
        if new.change == "restore" and new.content in {note.content for note in history[: new.rev]}:
            returned += 1
        else:
            came[new.content.split()[-1]] += 1
    for word, times in came.items():
        if times > sent.get(word, 0):
            yield f"{card.key} {word} was sent {sent.get(word, 0)} times and came {times} times"
    if returned > back:
        yield f"{card.key} was to be brought back {back} times and was {returned} times"
    revs = Counter(deed.rev for deed in card.deeds if deed.acknowledged and deed.changed)
    for rev, times in revs.items():
        if times > 1:
            yield f"revision {rev} of {card.key} was acknowledged to {times} changes"


def _there_though_refused(card: Card, history: History) -> Iterator[str]:
    for deed in card.deeds:
        if deed.outcome is Outcome.REFUSED and deed.verb in (*WORDS, Verb.TAGS, Verb.LINK):
            if there := [note.row_id for note in history if _in(deed, note)]:
                yield f"{_named(card, deed)} was refused, and is in {there}"


def _wrongly_alive(card: Card, history: History) -> Iterator[str]:
    """Whether the last word on a note's being forgotten is what the store says."""
    last = settled_life(card)
    if last is None or not history:
        return
    forgotten = history[-1].state is State.FORGOTTEN
    if forgotten != (last is Verb.FORGET):
        yield f"the last of {card.key} was {last}, and it is {history[-1].state}"


def _half(card: Card, history: History) -> Iterator[str]:
    """A note that was told is there with everything that was said with it."""
    if not history:
        return
    first, given = history[0], card.deeds[0].given
    links = {(link.to, link.relation) for link in first.links if link.made_by == "agent"}
    said = (given["content"], given["tags"], given["subject"], given["session"])
    if said != (first.content, list(first.tags), first.subject, first.session):
        yield f"{first.row_id} is not as it was told"
    if links != set(_links(given)):
        yield f"{first.row_id} has the links {links}, not those of {given}"


def _links(given: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    links = given.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict):
            yield str(link["to"]), str(link["relation"])


def _named(card: Card, deed: Deed) -> str:
    return f"{deed.verb} {deed.word} of {card.key} ({card.note_id})"


def _counts(account: Account, books: Books) -> dict[str, int]:
    runs = Counter(run.kind for run in books.runs)
    return {
        "changes acknowledged": account.count(Outcome.ACKNOWLEDGED),
        "recalls": account.reads,
        "recalls of a moment before": account.back_then,
        "refused with reason": account.refused,
        "outrun by others": account.outrun,
        "of unknown outcome": account.count(Outcome.UNKNOWN),
        "cancelled": account.cancelled,
        **{f"kill -9 of {name}": times for name, times in sorted(account.kills.items())},
        "evolution runs": runs["evolve"],
        "evolution runs undone": runs["undo"],
        "upkeeps": account.upkeeps,
        "notes": len(books.histories),
        "revisions": books.rows,
    }
