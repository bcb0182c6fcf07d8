"""The audit behind the store's torture finds every kind of flaw, and none where there is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.torture.store.audit import audited
from benchmarks.torture.store.books import Books
from benchmarks.torture.store.deeds import Account, Card, Deed, Outcome, Verb
from benchmarks.torture.store.verdict import Verdict

from zettel.storage.notes import SUPERSEDES, Link, Note, State

START = datetime(2026, 1, 1, tzinfo=UTC)

Histories = dict[str, list[Note]]


def deed(verb: Verb, word: str, at: float, *, rev: int = 0, to: str = "", **given: str) -> Deed:
    """One that was acknowledged half a second after it was sent."""
    return Deed(
        verb=verb,
        word=word,
        given=given,
        to=to,
        sent=at,
        over=at + 0.5,
        outcome=Outcome.ACKNOWLEDGED,
        rev=rev,
        changed=verb not in (Verb.REMEMBER, Verb.FORGET, Verb.UNDO),
    )


def remembered(number: int, at: float) -> Card:
    """A note that was told, and nothing else yet."""
    given = {
        "content": f"key{number} was told as first{number}",
        "tags": ["t0"],
        "subject": "x",
        "session": "s0",
    }
    told = replace(deed(Verb.REMEMBER, f"first{number}", at, rev=1), given=given)
    return Card(
        number=number,
        key=f"key{number}",
        session="s0",
        sturdy=True,
        grows=False,
        note_id=f"NOTE{number}",
        deeds=[told],
    )


def account() -> Account:
    """Two notes: one changed, linked and growing, one forgotten."""
    changed, forgotten = remembered(1, 0), remembered(2, 1)
    changed.deeds += [
        deed(Verb.CONTENT, "second", 2, rev=2),
        deed(Verb.APPEND, "more", 3, rev=3),
        deed(Verb.LINK, "knows", 4, rev=4, to="NOTE2"),
    ]
    forgotten.deeds.append(deed(Verb.FORGET, "", 5))
    return Account(cards=[changed, forgotten])


def chained(*notes: Note) -> list[Note]:
    """Revisions in a row, each ending where the next begins."""
    times = [START + timedelta(seconds=second) for second in range(len(notes))]
    return [
        replace(
            note,
            rev=number,
            known_from=time,
            known_to=following,
            current=following is None,
        )
        for number, note, time, following in zip(
            range(1, len(notes) + 1), notes, times, [*times[1:], None], strict=True
        )
    ]


def first(number: int) -> Note:
    """What the note says at first."""
    return Note(
        note_id=f"NOTE{number}",
        namespace="n",
        content=f"key{number} was told as first{number}",
        tags=("t0",),
        subject="x",
        session="s0",
        happened_at=START,
        valid_from=START,
        known_from=START,
    )


def histories() -> Histories:
    """What a store holds after all of that."""
    told, link = first(1), Link(to="NOTE2", relation="knows", made_at=START)
    second = replace(told, content="key1 became second", change="update", ended_at=None)
    grown = replace(second, content="key1 became second more")
    told = replace(told, ended_at=START)
    gone = replace(first(2), state=State.FORGOTTEN, change="forget")
    return {
        "NOTE1": chained(
            told, replace(second, ended_at=START), grown, replace(grown, links=(link,))
        ),
        "NOTE2": chained(first(2), gone),
    }


def audit(stored: Histories, rows: int = 0) -> Verdict:
    """The verdict on what a store holds, against what was sent."""
    count = rows or sum(map(len, stored.values()))
    return audited(account(), Books(histories=stored, rows=count, runs=[]))


def lose_a_change(stored: Histories) -> None:
    """The second content is in no revision."""
    del stored["NOTE1"][1]
    stored["NOTE1"] = chained(*stored["NOTE1"])


def lose_a_word(stored: Histories) -> None:
    """A later revision was made of the content before the word was added."""
    stored["NOTE1"][3] = replace(stored["NOTE1"][3], content="key1 became second")


def lose_a_note(stored: Histories) -> None:
    """An acknowledged note is not there."""
    stored["NOTE2"] = []


def tell_twice(stored: Histories) -> None:
    """One note is there as two."""
    stored["NOTE3"] = chained(replace(first(1), note_id="NOTE3"))


def change_twice(stored: Histories) -> None:
    """One change made two revisions."""
    stored["NOTE1"] = chained(*stored["NOTE1"], replace(stored["NOTE1"][3], change="update"))


def bring_back(stored: Histories) -> None:
    """Evolution made an active note of a forgotten one."""
    back = replace(first(2), change="construct")
    stored["NOTE2"] = chained(*stored["NOTE2"], back)


def leave_a_gap(stored: Histories) -> None:
    """A time at which the note was not known."""
    stored["NOTE1"][1] = replace(stored["NOTE1"][1], known_to=START)


def leave_two_current(stored: Histories) -> None:
    """Two revisions are the current one."""
    stored["NOTE1"][2] = replace(stored["NOTE1"][2], current=True)


def link_to_nowhere(stored: Histories) -> None:
    """A link leads to a note that is not there."""
    link = Link(to="NOTE9", relation="knows", made_at=START)
    stored["NOTE2"][1] = replace(stored["NOTE2"][1], links=(link,))


def supersede_by_half(stored: Histories) -> None:
    """A note says that it supersedes another, which stands."""
    link = Link(to="NOTE1", relation=SUPERSEDES, made_at=START)
    stored["NOTE4"] = chained(replace(first(4), links=(link,)))


def close_for_nobody(stored: Histories) -> None:
    """A note is superseded by a forgotten one alone."""
    link = Link(to="NOTE3", relation=SUPERSEDES, made_at=START)
    stored["NOTE2"][1] = replace(stored["NOTE2"][1], links=(link,))
    stored["NOTE3"] = chained(replace(first(3), state=State.SUPERSEDED))


def end_without_a_word(stored: Histories) -> None:
    """A closed revision does not say that the world changed."""
    stored["NOTE1"][0] = replace(stored["NOTE1"][0], ended_at=None)


def test_a_store_that_holds_what_was_acknowledged_has_no_flaw() -> None:
    assert audit(histories()).flawless


def test_the_first_of_three_tellings_is_superseded_though_the_second_was_forgotten() -> None:
    stored = histories()
    close_for_nobody(stored)
    link = Link(to="NOTE2", relation=SUPERSEDES, made_at=START)
    stored["NOTE4"] = chained(replace(first(4), links=(link,)))

    assert not audit(stored).flaws.torn


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose_a_change, "lost"),
        (lose_a_word, "lost"),
        (lose_a_note, "lost"),
        (tell_twice, "doubled"),
        (change_twice, "doubled"),
        (bring_back, "resurrected"),
        (leave_a_gap, "torn"),
        (leave_two_current, "torn"),
        (link_to_nowhere, "torn"),
        (supersede_by_half, "torn"),
        (close_for_nobody, "torn"),
        (end_without_a_word, "torn"),
    ],
)
def test_a_spoiled_store_is_told_from_a_whole_one(
    spoil: Callable[[Histories], None], kind: str
) -> None:
    stored = histories()
    spoil(stored)

    assert getattr(audit(stored).flaws, kind)


def test_a_row_without_a_current_revision_is_noticed() -> None:
    assert audit(histories(), rows=99).flaws.torn


def test_changes_in_another_order_than_they_were_acknowledged_in_count_as_lost() -> None:
    sent = account()
    sent.cards[0].deeds[2].sent, sent.cards[0].deeds[2].over = 0.6, 0.7
    stored = histories()

    verdict = audited(sent, Books(histories=stored, rows=6, runs=[]))

    assert any("sent after" in flaw for flaw in verdict.flaws.lost)
