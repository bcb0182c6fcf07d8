"""The same talk told turn by turn and as transcripts: how much evidence answers of a size show.

Both are told to one server, each in namespaces of its own, and asked the same. A turn counts as
shown if an answer quotes at least half of its sentences, by characters: so that it does not matter
which notes they are in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import cast

from pydantic import JsonValue

from benchmarks.retrieval.ask import RECALL_LIMIT
from benchmarks.retrieval.data import Dataset, Document, Question, namespaces
from benchmarks.retrieval.drive import tell
from benchmarks.retrieval.evolve import evolve_to_rest
from benchmarks.retrieval.run import Watch, store_home
from benchmarks.retrieval.server import Launch, Transport, connect
from benchmarks.retrieval.tools import Clock, Timed, Whole
from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.render import count_tokens

DEFAULT_SIZE = 0
BUDGETS = (250, 500, 1000, DEFAULT_SIZE)
"""Most tokens of an answer; `DEFAULT_SIZE` leaves its size to recall."""
SHOWN_MIN_SHARE = 0.5
WAYS = ("turn by turn", "told whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one answer shows."""

    evidence: float
    """Share of the question's evidence."""
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeResult:
    """Way of telling -> budget -> what each answerable question's answer shows."""

    answers: Mapping[str, Mapping[int, Sequence[Shown]]]
    calls: Mapping[str, int]
    """Way of telling -> calls of `remember`."""
    seconds: Mapping[str, float]
    """Way of telling -> how long these took."""


def as_transcripts(dataset: Dataset) -> Dataset:
    """Each session as one text, a line for each turn, with the session's date."""
    documents = list[Document]()
    for (conversation, session), turns in groupby(
        dataset.documents, key=lambda turn: (turn.conversation, turn.session)
    ):
        first, *rest = turns
        lines = (f"{turn.speaker}: {turn.content}" for turn in (first, *rest))
        documents.append(
            replace(
                first,
                document_id=f"{conversation}/{session}",
                speaker="",
                content="\n".join(lines),
                conversation=_whole_name(conversation),
            )
        )
    questions = [
        replace(question, conversation=_whole_name(question.conversation))
        for question in dataset.questions
    ]
    return replace(dataset, documents=tuple(documents), questions=tuple(questions))


def _whole_name(conversation: str) -> str:
    return f"whole-{conversation}"


async def run_whole(
    dataset: Dataset,
    *,
    command: Path,
    transport: Transport,
    keep_store: Path | None = None,
    clock: Clock = perf_counter,
) -> WholeResult:
    """Tell both ways, let evolution come to rest, and ask with each budget.

    Raises:
        ServerError: The server fails.
        DataError: `keep_store` is there already and is not empty.
    """
    told = dict(zip(WAYS, (dataset, as_transcripts(dataset)), strict=True))
    names = namespaces(d.place for data in told.values() for d in data.documents)
    calls, seconds = dict[str, int](), dict[str, float]()
    with store_home(keep_store) as home:
        launch = Launch(command=command, store=home / "store", log=home / "server.log")
        watch = Watch(launch.store)
        async with connect(launch, transport) as client:
            timed = Timed(client=client, clock=clock)
            for way, data in told.items():
                begun = clock()
                done = await tell(timed, data, names, progress=watch.step)
                calls[way], seconds[way] = len(done.milliseconds), clock() - begun
            await evolve_to_rest(launch, progress=watch.say)
            texts = {document.document_id: document.content for document in dataset.documents}
            answers = {way: dict[int, list[Shown]]() for way in WAYS}
            for way, data in told.items():
                asked = [q for q in data.questions if q.answerable and q.evidence]
                for number, question in enumerate(asked, start=1):
                    namespace = names[question.conversation]
                    for budget in BUDGETS:
                        shown = await _ask(timed, question, namespace, texts, budget)
                        answers[way].setdefault(budget, []).append(shown)
                    watch.step(f"recall, {way}", number, len(asked))
    return WholeResult(answers=answers, calls=calls, seconds=seconds)


async def _ask(
    timed: Timed, question: Question, namespace: str, texts: Mapping[str, str], budget: int
) -> Shown:
    arguments: dict[str, JsonValue] = {
        "query": question.text,
        "as_of": question.asked_at,
        "namespace": namespace,
        "limit": RECALL_LIMIT if budget else None,
        "max_tokens": budget,
    }
    given = {name: value for name, value in arguments.items() if value}
    answer, _ = await timed.call("recall", given, Whole)
    quoted = [fold(text) for text in shown_texts(answer.notes)]
    held = [is_shown(texts[turn], quoted) for turn in question.evidence]
    return Shown(evidence=fmean(held), tokens=count_tokens(answer.model_dump()))


def shown_texts(notes: Iterable[Mapping[str, object]]) -> list[str]:
    """The texts that an answer's notes show, and their lines about linked notes."""
    found = list[str]()
    for note in notes:
        found.append(str(note.get("content", "")))
        links = cast("Sequence[Mapping[str, object]]", note.get("links", ()))
        found += [str(link.get("line", "")) for link in links]
    return found


def is_shown(turn: str, quoted: Sequence[str]) -> bool:
    """Whether folded texts hold at least half of a turn's sentences, by characters."""
    sentences = [fold(turn[slice(*span)]) for span in sentence_spans(turn)]
    held = sum(len(one) for one in sentences if one and any(one in text for text in quoted))
    return held >= SHOWN_MIN_SHARE * sum(map(len, sentences))


def write_whole_report(dataset: Dataset, result: WholeResult, *, command: str, machine: str) -> str:
    """The report in Markdown.

    Args:
        dataset: What was asked.
        result: What came of it.
        command: How to repeat it.
        machine: Versions and hardware, one line.
    """
    lines = [
        f"## {dataset.name}: turn by turn, and told whole",
        f"`{command}`",
        machine,
        "\n".join(
            [
                "| evidence shown within | " + " | ".join(WAYS) + " |",
                "|---|" + "---:|" * len(WAYS),
                *(f"| {_name(budget)} | {_cells(result, budget)} |" for budget in BUDGETS),
            ]
        ),
        "; ".join(
            f"{way}: {result.calls[way]} calls of remember in {result.seconds[way]:.0f} s"
            for way in WAYS
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _name(budget: int) -> str:
    return f"{budget} tokens" if budget else "the default size"


def _cells(result: WholeResult, budget: int) -> str:
    of_ways = (result.answers[way][budget] for way in WAYS)
    return " | ".join(
        f"{100 * fmean(one.evidence for one in shown):.1f} % ({fmean(o.tokens for o in shown):.0f})"
        for shown in of_ways
    )
