"""The benchmark of evolution: what each step is worth, and whether notes carry the day asked."""

from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.evolution.__main__ import main
from benchmarks.evolution.broad import Asked, broad, broad_questions
from benchmarks.evolution.conflicts import counted, narrowed, write_conflicts
from benchmarks.evolution.days import Days, carried_days
from benchmarks.evolution.desk import Asking
from benchmarks.evolution.fading import fades, write_cells
from benchmarks.evolution.gists import measure
from benchmarks.evolution.links import BUDGETS, Beside, beside, write_links
from benchmarks.evolution.parts import NOTHING, without_each, write_without
from benchmarks.evolution.profiles import as_facts, current, profiles
from benchmarks.evolution.report import write_broad, write_report
from benchmarks.evolution.rows import count_rows, write_rows
from benchmarks.evolution.steps import ablate, write_stages
from benchmarks.evolution.trials import Sample, Told
from benchmarks.evolution.written import Written, read_judged, sample, write_written
from benchmarks.generator.generate import generate
from benchmarks.generator.records import Operation, Telling
from benchmarks.generator.run import run_plain
from benchmarks.generator.systems import Answer
from benchmarks.generator.truth import Oracle
from benchmarks.month.records import read_month
from benchmarks.recall_parts import MOVES, SIGNALS, switched_off
from benchmarks.retrieval.data import Dataset, Document, Question
from tests.scripted_llm import scripted_llm
from tests.tools.llm_desk import describe_all

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.evolve.run import EVOLUTION_STEPS
from zettel.tools.ranking import fusion
from zettel.tools.recall import modes, search

FRIDAY = "2023-07-14"


def made(answer: str, content: str = "Last Fri I took the kids to a workshop") -> Dataset:
    return Dataset(
        name="made",
        documents=(
            Document(
                document_id="d",
                conversation="c",
                session="s",
                time="2023-07-15T13:51:01",
                speaker="Mel",
                content=content,
            ),
        ),
        questions=(
            Question(
                question_id="q",
                conversation="c",
                text="When did Mel go to the workshop?",
                category="temporal",
                evidence=("d",),
                answer=answer,
            ),
        ),
    )


@pytest.mark.parametrize(
    "answer", ["14 July 2023", "July 14, 2023", "The Friday before 15 July 2023", "14 July, 2023."]
)
def test_a_day_is_carried_by_what_the_note_calls_it(answer: str) -> None:
    assert carried_days(made(answer)) == Days(asked=1, resolved=1, told_then=0)


@pytest.mark.parametrize("answer", ["July 2023", "two days before 5 July 2023", "", "31 June 2023"])
def test_what_is_no_day_is_not_counted(answer: str) -> None:
    assert carried_days(made(answer)) == Days(asked=0, resolved=0, told_then=0)


def test_a_day_that_only_the_notes_own_date_tells_is_not_resolved() -> None:
    same_day = made("15 July 2023", "We are just around the corner")

    assert carried_days(same_day) == Days(asked=1, resolved=0, told_then=1)


def say(_line: str) -> None:
    pass


@pytest.mark.slow
async def test_what_gists_cover_is_measured_and_what_was_told_is_kept(tmp_path: Path) -> None:
    measured = await measure(made(FRIDAY), HashEmbedder(), tmp_path / "store")

    assert measured.narrow.cited == 1
    assert (measured.folding.told_twice, measured.folding.lost) == (1, 0)
    assert "evidence lost: 0 of 1" in write_report("made", measured)


MONTH = """
{"type": "session", "id": "s1", "at": "2026-03-02T09:00:00+01:00"}
{"type": "remember", "ref": "bees", "content": "Ana keeps bees.", "subject": "Ana"}
{"type": "remember", "ref": "hives", "content": "Decided: Ana buys three hives.", "subject": "Ana"}
{"type": "remember", "ref": "rain", "content": "Rain spoiled the market."}
{"type": "session", "id": "s2", "at": "2026-03-09T09:00:00+01:00"}
{"type": "remember", "ref": "honey", "content": "Ana sold the honey.", "subject": "Ana"}
{"type": "ask", "id": "q", "question": "What is open?", "gold": ["rain"], "sort": "kind"}
"""


async def test_broad_questions_are_of_what_has_enough_notes_and_both_ways_are_counted(
    tmp_path: Path,
) -> None:
    month = tmp_path / "month.jsonl"
    month.write_text(MONTH.strip())

    asked = list(broad_questions(read_month(month)))
    found = await broad(HashEmbedder(), tmp_path / "stores", [month])

    assert asked == [
        Asked("a day", "What happened on 2 March 2026?", ("bees", "hives", "rain")),
        Asked("a month", "What happened in March 2026?", ("bees", "hives", "rain", "honey")),
        Asked("a subject", "Tell me everything about Ana.", ("bees", "hives", "honey")),
    ]
    for sort, notes in (("a day", 3), ("a month", 4), ("a subject", 3)):
        assert (found[sort].notes.cited, found[sort].notes.quoted) == (notes, notes)
        assert found[sort].composed.tokens > 0
    assert "| a month | 1 | notes |" in write_broad(found)


@pytest.mark.slow
async def test_every_step_is_asked_after_and_one_that_changes_nothing_is_not(
    tmp_path: Path,
) -> None:
    stages = await ablate(Told(made(FRIDAY)), HashEmbedder(), tmp_path / "store", progress=say)

    assert [stage.step for stage in stages] == ["off", *(step.name for step in EVOLUTION_STEPS)]
    changed = {stage.step: stage.changed for stage in stages}
    assert (changed["construct"], changed["revise"]) == (1, 0)
    by_step = {stage.step: stage.samples for stage in stages}
    assert by_step["construct"] is not by_step["off"]
    assert by_step["revise"] is by_step["compare"]
    assert "| + construct | 1 | 100.00 | +0.00 | 100.00 | 100.0 |" in write_stages("made", stages)


@pytest.mark.slow
async def test_everything_is_asked_again_without_each_part_of_recall(tmp_path: Path) -> None:
    asked = await without_each(Told(made(FRIDAY)), HashEmbedder(), tmp_path / "store", progress=say)

    assert list(asked) == [NOTHING, *MOVES, *SIGNALS]
    assert {"text", "meaning", "stating_first"} <= asked.keys()
    report = write_without("made", asked)
    assert "| nothing | 100.00 | +0.00 | 100.00 | +0.00 | 100.00 | +0.00 | 0 |" in report


@pytest.mark.parametrize("part", [*MOVES, *SIGNALS])
def test_a_part_of_recall_is_off_for_a_while_only(part: str) -> None:
    def read() -> list[dict[str, object]]:
        return [dict(vars(place)) for place in (fusion, modes, search)]

    before = read()
    with switched_off(part):
        assert read() != before
    assert read() == before


async def test_the_same_is_measured_with_an_llm_and_its_cost_told(tmp_path: Path) -> None:
    one = made(FRIDAY)
    with scripted_llm() as llm:
        llm.describes = describe_all
        asking = Asking(llm.mind())

        stages = await ablate(
            Told(one), HashEmbedder(), tmp_path / "store", progress=say, asking=asking
        )

    assert [s.changed for s in stages if s.step == "construct"] == [1]
    assert asking.counts["llm_calls"] == len(llm.asked) > 0
    assert asking.counts["llm_tokens"] > 0


def test_an_llm_is_refused_where_none_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rows", "--llm", "m"])

    assert ended.value.code == 2
    assert "steps, links" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:optimize.cleanup_older_than=0.:UserWarning")
async def test_evolution_writes_at_most_eleven_rows_for_ten_new_notes(tmp_path: Path) -> None:
    world = generate(0, "smoke", "notes")

    rows = await count_rows(world, HashEmbedder(), tmp_path / "store", often=True, progress=say)

    assert 0.9 * rows.told <= rows.revisions.total() <= 1.1 * rows.told
    assert rows.in_place <= 0.05 * rows.told
    assert f"| **{rows.revisions.total()}** |" in write_rows("made", [("so", rows)])


@pytest.mark.slow
async def test_links_stand_beside_notes_and_take_no_evidence_away(tmp_path: Path) -> None:
    one = made(FRIDAY)
    days = [f"Mel took the kids to a workshop about {what}" for what in ("clay", "wood", "wool")]
    more = [replace(one.documents[0], document_id=day, content=day) for day in days]
    trial = Told(replace(one, documents=(*one.documents, *more)))

    rows = await beside(trial, HashEmbedder(), tmp_path / "store")

    assert [row.budget for row in rows] == list(BUDGETS)
    # Without links there are only the lines of a note's two neighbours in its session.
    assert all(s.links <= 2 * len(s.ranked) for row in rows for s in row.without)
    assert rows[-1].linked[0].links > rows[-1].without[0].links
    assert [row.less() for row in rows] == [0] * len(rows)
    assert "| 2000 | 100.00 | 100.00 | 0 |" in write_links("made", rows)


def test_an_answer_that_shows_less_beside_its_links_is_counted() -> None:
    def sample(*ranked: str) -> Sample:
        return Sample(category="c", evidence=("a", "b"), ranked=ranked, flagged=False)

    row = Beside(budget=1, without=[sample("a", "b"), sample("a")], linked=[sample("a")] * 2)

    assert row.less() == 1
    assert "| 1 | 75.00 | 50.00 | 1 | 0.0 |" in write_links("made", [row])


@pytest.mark.slow
async def test_archiving_takes_out_of_recall_what_nobody_asked_for(tmp_path: Path) -> None:
    one = made(FRIDAY)
    twice = replace(one, questions=one.questions * 2)

    cells = await fades(Told(twice), HashEmbedder(), tmp_path, progress=say)

    archived = {(c.asked_before, c.days, c.below): c.archived for c in cells}
    assert archived[False, 90, 0.2] == 0
    assert archived[False, 365, 0.05] == 1
    assert archived[True, 365, 0.05] == 0  # asked for once, it lasts twice as long
    assert archived[True, 365, 0.2] == 1
    report = write_cells("made", cells)
    assert "recall@10 100.0 without" in report
    assert "| no | 365 | 0.05 | 100.0 | 0.0 | 100.0 |" in report


@pytest.mark.slow
async def test_a_profile_is_checked_against_what_stands_at_the_end(tmp_path: Path) -> None:
    whole = as_facts(generate(0, "smoke", "notes"))
    told = [o for o in whole.operations if o.op != "remember" or _fact(o) in whole.stated]
    world = replace(whole, operations=tuple(told))
    standing = current(world)

    found = await profiles(world, HashEmbedder(), tmp_path / "store")

    assert found.current == len(standing) > 10
    assert found.single == found.right + found.stale + found.wrong
    assert 0 < found.right <= found.lines
    old = {t.replaces for o in world.operations if isinstance(t := o.expect, Telling)} - {""}
    assert old
    assert not old & standing


def _fact(operation: Operation) -> str:
    assert isinstance(operation.expect, Telling)
    return operation.expect.document


async def test_conflicts_are_counted_pair_by_pair(tmp_path: Path) -> None:
    world = narrowed(generate(0, "smoke", "notes"))
    outcomes = await run_plain(world, Oracle(world.documents))
    pairs = [frozenset((t.document, t.replaces)) for t, _ in outcomes.tellings if t.replaces]
    alike = [frozenset((t.document, t.resembles)) for t, _ in outcomes.tellings if t.resembles]
    strange = frozenset(("one", "other"))
    *rest, (review, _) = outcomes.answers
    marked = Answer(linked=frozenset((*pairs, alike[0], strange)))

    found = counted(world, replace(outcomes, answers=[*rest, (review, marked)]))

    assert pairs
    assert found.candidates == found.marked == found.both == (len(pairs), len(pairs))
    assert found.false_flags == (0, len(alike))
    assert (found.false_marks, found.other_marks) == ((1, len(alike)), 1)
    assert "| marks on anything else | 1 |" in write_conflicts([("notes", found)])


def wrote(number: int, sort: str = "link") -> Written:
    return Written(sort=sort, key=f"{sort} {number}", text="both name Ana")


def test_a_sample_of_what_was_written_is_the_same_for_a_seed() -> None:
    found = [wrote(number) for number in range(50)]

    assert sample(found, "link", 10, 1) == sample(found, "link", 10, 1)
    assert sample(found, "link", 10, 1) != sample(found, "link", 10, 2)
    assert len({one.key for one in sample(found, "link", 10, 1)}) == 10


def test_the_share_that_a_reader_found_sensible_counts_what_was_judged() -> None:
    found = [wrote(0), wrote(1), wrote(2), wrote(0, "words")]
    judged = {"link 0": True, "link 1": False}

    told = write_written(found, judged, 0, {"link": 10, "words": 10})

    assert "link: 3 written, 3 sampled (seed 0), 2 of them judged, sensible 50 %" in told
    assert "words: 1 written, 1 sampled (seed 0), 0 of them judged, sensible -" in told
    assert "[NOISE] link 1" in told
    assert "[not judged] link 2" in told


def test_what_was_judged_can_be_read() -> None:
    assert len(read_judged()) >= 150
