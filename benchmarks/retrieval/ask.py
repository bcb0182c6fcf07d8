"""Asks one question and turns the notes of the answer back into documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, zip_longest

from pydantic import JsonValue

from benchmarks.retrieval.data import Question
from benchmarks.retrieval.tools import Recalled, Timed, Verdict, Whole
from zettel.tools.render import count_tokens

RECALL_LIMIT = 50
"""Notes asked for: deeper than any measure looks, so that their order shows, not the cut."""
RECALL_TOKENS = 32_000
"""The most recall gives."""

_ASKED = ("query", "tags", "as_of", "namespace")
"""The arguments without those that give the answer's size and detail."""
_SURENESS: Mapping[Verdict, int] = {"nothing_relevant": 0, "uncertain": 1, "found": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What recall answered to one question."""

    question_id: str
    ranked: tuple[str, ...]
    """Document ids, best first, each once."""
    verdict: Verdict
    """The least sure one where it took two recalls."""
    degraded: bool
    """Whether recall said that it answered without one of its arms."""
    milliseconds: tuple[float, ...]
    """Of each recall, transport included."""
    confidence: float | None = None
    """How sure recall says it is, 0 to 1; None of a question with parts."""
    shown: tuple[str, ...] = ()
    """Document ids in an answer of the default size; empty of a question with parts."""
    tokens: int = 0
    """Size of that answer; 0 of a question with parts."""
    order: str = ""
    """`A` or `B`, of a question with parts; empty when the two were not told apart."""


async def ask_question(
    timed: Timed, question: Question, namespace: str, documents_of: Mapping[str, tuple[str, ...]]
) -> Outcome:
    """Recall for a question; again for how sure recall is, and for the answer of default size.

    Args:
        timed: The connected server.
        question: Asked as of when it was asked, with its tags as the filter.
        namespace: Where its conversation was remembered.
        documents_of: Ids of the documents each note holds; a note that is not in it was made by
            evolution and stands for no document.

    Raises:
        ServerError: It is refused.
    """
    arguments = _recall_arguments(question, question.text, namespace, detail="index")
    answer, took = await timed.call("recall", arguments, Recalled)
    sure, _ = await timed.call("recall", {**arguments, "detail": "full", "limit": 1}, Recalled)
    plain = {name: arguments[name] for name in _ASKED if name in arguments}
    whole, _ = await timed.call("recall", plain, Whole)
    return Outcome(
        question_id=question.question_id,
        ranked=_documents(answer.notes, documents_of),
        verdict=answer.verdict,
        degraded=answer.degraded is not None,
        milliseconds=(took,),
        confidence=sure.confidence,
        shown=_held((str(note["note_id"]) for note in whole.notes), documents_of),
        tokens=count_tokens(whole.model_dump()),
    )


async def ask_order(
    timed: Timed, question: Question, namespace: str, documents_of: Mapping[str, tuple[str, ...]]
) -> Outcome:
    """Recall each of a question's two passages and order them by the times recall gives.

    The ranking is the two lists taken in turn, as an agent would read them.

    Raises:
        ServerError: One is refused.
    """
    answers: list[Recalled] = []
    milliseconds: list[float] = []
    for part in question.parts or ():
        arguments = _recall_arguments(question, part, namespace, detail="notes")
        answer, took = await timed.call("recall", arguments, Recalled)
        answers.append(answer)
        milliseconds.append(took)
    in_turn = chain.from_iterable(zip_longest(*(answer.notes for answer in answers)))
    return Outcome(
        question_id=question.question_id,
        ranked=_documents((note for note in in_turn if note is not None), documents_of),
        verdict=_least_sure([answer.verdict for answer in answers]),
        degraded=any(answer.degraded is not None for answer in answers),
        milliseconds=tuple(milliseconds),
        order=_earlier(*(_happened_at(answer) for answer in answers)),
    )


def _recall_arguments(
    question: Question, query: str, namespace: str, *, detail: str
) -> dict[str, JsonValue]:
    arguments: dict[str, JsonValue] = {
        # A blank question is no query: recall then lists what the filters match.
        "query": query if query.strip() else "",
        "tags": list(question.tags),
        "as_of": question.asked_at,
        "namespace": namespace,
        "detail": detail,
        "limit": RECALL_LIMIT,
        "max_tokens": RECALL_TOKENS,
    }
    return {name: value for name, value in arguments.items() if value}


def _documents(
    notes: Iterable[Recalled.Note], documents_of: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    return _held((note.note_id for note in notes), documents_of)


def _held(note_ids: Iterable[str], documents_of: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    found = chain.from_iterable(documents_of.get(note_id, ()) for note_id in note_ids)
    return tuple(dict.fromkeys(found))


def _least_sure(verdicts: Sequence[Verdict]) -> Verdict:
    return min(verdicts, key=_SURENESS.__getitem__)


def _happened_at(answer: Recalled) -> datetime | None:
    if not answer.notes or not answer.notes[0].happened_at:
        return None
    time = datetime.fromisoformat(answer.notes[0].happened_at)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _earlier(first: datetime | None, second: datetime | None) -> str:
    if first is None or second is None or first == second:
        return ""
    return "A" if first < second else "B"
