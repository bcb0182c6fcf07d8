"""Changes of facts: told, and what is seen of them counted."""

from pathlib import Path

import pytest
from benchmarks.changes.play import Alarms, play_changes, play_pairs, play_turns, play_worlds
from benchmarks.changes.records import (
    Change,
    Pair,
    World,
    read_changes,
    read_pairs,
    read_told,
    read_worlds,
)
from benchmarks.changes.report import write_misses, write_report

from zettel.storage.embedding.hashing import HashEmbedder

MOVED = Change(
    id="c1",
    sort="moved",
    language="en",
    old="Ana lives in Lyon",
    new="Ana lives in Paris",
    names_old=False,
    others=("Ben paints a fence", "The cat of Eve sleeps"),
)
WORLD = World(id="k1", language="en", notes=("Ana lives in Lyon", "The sofa is grey"))


def test_there_are_a_hundred_changes_of_ten_sorts_in_six_languages() -> None:
    changes = read_changes()

    assert len(changes) >= 100
    assert len({change.sort for change in changes}) == 10
    assert len({change.language for change in changes}) == 6
    assert len(read_worlds()) >= 60


@pytest.mark.parametrize("kept_aside", [False, True])
def test_there_are_worlds_of_changes_told_by_agents_of_each_sort_and_language(
    kept_aside: bool,
) -> None:
    changes = read_told(kept_aside=kept_aside)

    assert len({(change.sort, change.language) for change in changes}) == 60
    assert all(len({change.old, *change.others}) >= 9 for change in changes)
    assert len({change.place for change in changes}) == 12


async def test_a_newer_note_that_names_the_old_value_is_seen_to_come_first(tmp_path: Path) -> None:
    told = {"old": "The shop runs on MySQL", "new": "We switched the shop from MySQL to Postgres"}
    named = Change.model_validate({**MOVED.model_dump(), **told, "names_old": True})

    (seen,) = await play_changes([named], HashEmbedder(), tmp_path / "store")

    assert seen.newer_first
    assert "newer first and older marked by recall: 100%" in write_report({"one": [seen]}, {}, ())


@pytest.mark.slow
async def test_what_evolution_links_is_seen(tmp_path: Path) -> None:
    (seen,) = await play_changes([MOVED], HashEmbedder(), tmp_path / "store")

    assert seen.linked
    assert not seen.falsely_linked
    report = write_report({"one": [seen]}, {}, ())
    assert "| moved | 1 | 100% | 100% |" in report


async def test_what_changes_nothing_raises_no_alarm(tmp_path: Path) -> None:
    worlds = await play_worlds([WORLD], HashEmbedder(), tmp_path / "worlds")
    turns = await play_turns(
        {"talk": [{"content": "Hello!"}, {"content": "How was Rome?"}]},
        HashEmbedder(),
        tmp_path / "turns",
        lambda _: None,
    )

    assert (worlds.notes, worlds.candidates, worlds.links) == (2, [], [])
    assert (turns.notes, turns.candidates) == (2, [])


async def test_a_world_in_which_something_changes_raises_one(tmp_path: Path) -> None:
    world = World(id="k1", language="en", notes=(MOVED.old, MOVED.new))

    alarms = await play_worlds([world], HashEmbedder(), tmp_path / "store")

    assert alarms.links == ["k1: Ana lives in Paris"]


@pytest.mark.slow
async def test_misses_and_alarms_are_listed(tmp_path: Path) -> None:
    unlike = Change.model_validate({**MOVED.model_dump(), "new": "Rain fell on the harbour"})
    (seen,) = await play_changes([unlike], HashEmbedder(), tmp_path / "store")

    misses = write_misses([seen], {"notes": Alarms(notes=2, candidates=["x: said"])}, ())

    assert "c1 [moved] not linked" in misses
    assert "taken for a change: x: said" in misses
    assert "| notes | 2 | 50.0% | 0.0% |" in write_report(
        {"one": [seen]}, {"notes": Alarms(notes=2, candidates=["x: said"])}, ()
    )


TWO = Pair(
    id="en1",
    language="en",
    of="person",
    older="Ana lives in Lyon",
    younger="Ben lives in Paris",
    asked="Where does Ana live?",
    asked_else="Where does Eve sleep?",
)


def test_there_are_pairs_on_two_things_and_on_one_in_six_languages() -> None:
    pairs = read_pairs()

    assert len([pair for pair in pairs if pair.is_one_thing]) == 100
    assert len([pair for pair in pairs if not pair.is_one_thing]) == 150
    assert len({pair.language for pair in pairs}) == 6


async def test_which_note_of_a_pair_comes_first_is_counted_for_each_question(
    tmp_path: Path,
) -> None:
    one = TWO.model_copy(
        update={"of": "one thing", "younger": "Ana lives in Paris", "asked_else": ""}
    )

    answers = await play_pairs([TWO, one], HashEmbedder(), tmp_path / "store")

    report, misses = write_report({}, {}, answers), write_misses((), {}, answers)
    assert "| person | 1 | 100% | 0% | 0% |" in report
    assert "| **one thing that has changed** | 1 | | 100% | 100% |" in report
    assert "Where does Eve sleep?" in misses
    assert "Where does Ana live?" not in misses
