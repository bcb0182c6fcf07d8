"""What an LLM is asked of notes that may not both be true, and which of its verdicts are heard.

Only one that quotes both notes to the letter: a quotation can be checked, an opinion cannot.
Retiring true facts is the dearest mistake a memory can make (graphiti's issue 1728 counts 41 to
49 %), so whatever is not sure stays open.
"""

from collections.abc import Sequence
from typing import Literal

import regex as re
from pydantic import BaseModel

from zettel.storage.notes import Note, fold
from zettel.tools.evolve.writing.prompts import DATA, FORM, block, question
from zettel.tools.evolve.writing.writer import Ruling, Verdict
from zettel.tools.llm.chat import ChatQuestion

QUOTE_MOST = 160
"""Characters of a quotation."""
QUOTE_LEAST = 2
"""Words of one: a single word shows nothing."""

_RULINGS: dict[str, Ruling] = {
    "replaced": "supersedes",
    "contradict": "contradicts",
    "both_hold": "both",
}
_WORD = re.compile(r"\w+")
_LINK_MARKS = re.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Bidi_Control}<>]")


class Judged(BaseModel):
    """What the LLM says of the younger note and one older."""

    model_config = FORM

    older: str
    verdict: Literal["replaced", "contradict", "both_hold", "unsure"]
    younger_quote: str
    older_quote: str


class Judgements(BaseModel):
    """Its answer to `judgement`."""

    model_config = FORM

    pairs: list[Judged]


_JUDGE = f"""\
You keep notes for somebody. A rule found that a younger note and each of the older ones may not \
both be true now. For each older note give
- older: its id;
- verdict: replaced, if the younger note says that what the older one says was true and is no \
longer; contradict, if both cannot be true and it does not show which one is; both_hold, if both \
are true, for instance of different things, people or times; unsure, if the words do not settle it;
- younger_quote: the words of the younger note that show it, to the letter, 2 words at least;
- older_quote: the words of the older note they bear on, to the letter, 2 words at least.
Say replaced or both_hold only if nobody who reads the two could think otherwise; else unsure.
{DATA}
Answer with JSON and nothing else."""


def judgement(note: Note, older: Sequence[Note]) -> ChatQuestion:
    """Ask what holds of a note and of older ones."""
    others = "\n".join(block(other, "older") for other in older)
    data = f"{block(note, 'younger')}\n{others}"
    return question(_JUDGE, data, "judgements", Judgements, len(older))


def read_verdict(judged: Judged, note: Note, older: Note) -> tuple[Verdict | None, str]:
    """The verdict, or None and why it is not heard."""
    ruling = _RULINGS.get(judged.verdict)
    if ruling is None:
        return None, "unsure"
    mine, theirs = " ".join(judged.younger_quote.split()), judged.older_quote
    if len(mine) > QUOTE_MOST:
        return None, "too_long"
    if _LINK_MARKS.search(mine):
        return None, "malformed"
    if not (_stands_in(mine, note) and _stands_in(theirs, older)):
        return None, "invented"
    return Verdict(ruling=ruling, quote=mine), ""


def _stands_in(quote: str, note: Note) -> bool:
    return len(_WORD.findall(quote)) >= QUOTE_LEAST and fold(quote) in fold(note.content)
