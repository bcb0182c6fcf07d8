"""Questions that take two steps: "Where does Ana's colleague live?" needs a name first.

Two notes are joined by a name: one ties it to its owner ("Ana shares an office with Ben"), one
answers the question about it ("Ben has moved to Lyon"). Neither need share a word with the
question, so every name near Ana is weighed by both.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import regex as re

from zettel.storage.notes import Outline, fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.names import ASSISTANTS, ORDINARY_WORDS
from zettel.tools.language.terms import terms
from zettel.tools.ranking.corpus import Corpus, Rows, Values
from zettel.tools.ranking.fusion import Ranking, rank_rows
from zettel.tools.ranking.mentions import is_addressed
from zettel.tools.ranking.question import SELF_WORDS, USER

STEP_SHARE, STEP_SHARE_IN_TALK = 0.98, 0.85
"""What a place in the next question's ranking counts beside the first question's: the study's
share (section 13), but less where people talk with each other, who seldom ask in two steps. There
the possessives of LoCoMo lose 3 points of recall@10 with 0.98."""
EVENT_SHARE = 1.05
"""What a place counts of what happened beside an event: that is asked for, and the event is not."""
TIE_SHARE = 0.95
"""What a note that says who is meant counts: it is evidence too."""
PLACE_FIRST_SHARE, PLACE_SHARE_STEP, PLACE_DELAY = 1.1, 0.02, 10.0
"""Where a person is unnamed and people do not talk with each other, notes of a second look count by
place: the first as 1.1 of the first look's best, each further one 0.02 less; a name that is a tenth
less likely starts one place later. Not for things: "Ana's home" takes one step."""

STEPPED = "stepped"
"""What a second look adds to a score, or takes off it, so that it has its place beside the first's.
No signal: it says of no note what is in it."""

_PEOPLE = frozenset(
    "person people man woman boy girl guy colleague coworker co-worker workmate teammate friend"
    " boss manager supervisor mentor advisor adviser assistant employee client customer partner"
    " wife husband spouse fiancé fiancée fiance fiancee girlfriend boyfriend ex sister brother"
    " sibling twin mother father mom mum dad parent son daughter child kid cousin aunt uncle niece"
    " nephew grandmother grandfather grandma grandpa grandson granddaughter roommate flatmate"
    " housemate neighbour neighbor teacher student pupil tutor coach trainer doctor dentist"
    " therapist lawyer accountant landlord tenant".split()
)
"""What somebody can be to somebody; anything else, as a project or a dog, is no person."""
_NO_NOUNS = "to|of|in|on|at|for|by|with|and|or|from|is|was|are|were|as|than|that|who"
"""What follows a closing quotation mark, and is nobody's."""
_NAME = r"(?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*+(?:\s+\p{Lu}[\p{L}\p{M}\p{N}-]*+)*+)"
_NOUN = r"(?P<noun>\p{Ll}[\p{L}-]*)"
_UNNAMED = re.compile(
    rf"""(?P<whole>
        the\s+(?P<noun>{"|".join(sorted(_PEOPLE))})\s+of\s+{_NAME}
      | {_NAME}['’]s\s+{_NOUN}
      | (?<!['’‘“"])\b{_NAME}(?<=s)['’]\s+(?!(?:{_NO_NOUNS})\b){_NOUN}
      | (?P<name>my)\s+{_NOUN}
      | the\s+{_NOUN}\s+of\s+{_NAME}(?!['’])
      | the\s+{_NOUN}\s+(?:that\s+|who\s+|whom\s+)?
            {_NAME}\s+\p{{Ll}}+(?:\s+(?:with|for|on|at|to|in)\b)?
    )(?![\p{{L}}-])""",
    re.VERBOSE,
)
"""Somebody or something that is named by what it is to somebody with a name."""
_WORD = re.compile(r"[\p{L}\p{M}\p{N}-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiHop:
    """Words of a question that stand for a name."""

    words: str
    """ "Ana's colleague"."""
    rest: str
    """The question without them."""
    start: int
    end: int
    name: str
    """Folded: whose it is."""
    noun: str
    """What it is to them: "colleague"."""
    is_person: bool

    def named(self, text: str, name: str) -> str:
        """The question with the name in place of the words."""
        spelled = f"{name[:1].upper()}{name[1:]}"  # so that "User's project" leads on
        return f"{text[: self.start]}{spelled}{text[self.end :]}"


def find_multi_hop(text: str) -> MultiHop | None:
    """The innermost words of a question that stand for a name.

    None if there are none, or if nothing further is asked: "What is Ana's job?" takes one step.
    """
    found = _UNNAMED.search(text)
    if found is None:
        return None
    rest = " ".join(f"{text[: found.start()]} {text[found.end() :]}".split())
    name, words = fold(found["name"]), found["whole"]
    if not terms(rest):
        return None
    return MultiHop(
        words=words,
        rest=rest,
        start=found.start(),
        end=found.end(),
        name=USER if name in SELF_WORDS else name,
        noun=fold(found["noun"]),
        is_person=not _PEOPLE.isdisjoint(_WORD.findall(fold(words))),
    )


def step_share(corpus: Corpus) -> float:
    """What a second look counts in a scope."""
    return STEP_SHARE_IN_TALK if corpus.conversation else STEP_SHARE


def beside_share(corpus: Corpus) -> float:
    """What counts in a scope what happened before or after the event that a question names."""
    return STEP_SHARE_IN_TALK if corpus.conversation else EVENT_SHARE


def merge_by_score(first: Ranking, second: Ranking, share: float) -> Ranking:
    """One ranking in which each note has the better of its two places.

    Args:
        first: Whose scale stays.
        second: Of the same corpus.
        share: What the best note of the second counts beside the best of the first.
    """
    if not len(first.order) or not len(second.order):
        return first if len(first.order) else second
    scores, theirs = first.scores, second.scores
    scale = share * scores[first.order[0]] / theirs[second.order[0]]
    better = scale * theirs > scores
    better[np.setdiff1d(np.arange(len(better)), second.order)] = False
    parts = _parts(first, second, np.where(better, scale, 0.0))
    return rank_rows(first.corpus, parts, np.union1d(first.order, second.order))


def merge_by_place(
    first: Ranking, second: Ranking, rows: Rows, share: float, best: float
) -> Ranking:
    """One ranking in which some notes of a second one have places of their own.

    Args:
        first: Whose scale stays.
        second: Of the same corpus; it tells why the notes come.
        rows: The notes, best first.
        share: How likely it is that they are meant, in `(0, 1]`.
        best: What the best note of the first look counts.
    """
    theirs = second.scores[rows]
    places = np.arange(len(rows)) + PLACE_DELAY * (1 - share)
    aims = best * (PLACE_FIRST_SHARE - PLACE_SHARE_STEP * places)
    better = (theirs > 0) & (aims > first.scores[rows])
    lift = np.zeros(len(first.corpus))
    lift[rows[better]] = aims[better] / theirs[better]
    return rank_rows(first.corpus, _parts(first, second, lift), np.union1d(first.order, rows))


def _parts(first: Ranking, second: Ranking, scale: Values) -> dict[str, tuple[float, Values]]:
    """What the signals say of each note in the look it counts by; `STEPPED` is what that changes.

    Args:
        first: Of notes whose scale is 0.
        second: Of the others.
        scale: What a note's score in the second is multiplied by.
    """
    names = dict.fromkeys((*first.parts, *second.parts, STEPPED))
    parts = {name: np.where(scale > 0, _of(second, name), _of(first, name)) for name in names}
    parts[STEPPED] += np.where(scale > 0, (scale - 1.0) * second.scores, 0.0)
    return {name: (1.0, values) for name, values in parts.items()}


def _of(ranking: Ranking, name: str) -> Values:
    return ranking.share(name) if name in ranking.parts else np.zeros(len(ranking.corpus))


NAMING_MAX_NOTES = 500
"""Notes about whose it is that are read for names, the nearest first: an aside that ties two names
may be the last of them (with 60 it was lost in 4 of 131 steps of the generator's dialogues)."""
BRIDGE_MAX_NAMES = 2
"""Names followed: the best two (retrieval study, section 13; three gain nothing here)."""
WRONG_KIND_WEIGHT = 0.3
"""What a name counts that is no person where a person is asked for, or the other way round. Between
0.15 and 0.5 it makes no difference on worlds of the generator."""

EXCLUSIVE_NAME_WEIGHT = 0.5
"""What a name counts that no note holds but those about whose it is, as that of her own project:
names of places, makes and languages are everybody's. On the generator's dialogues the right project
leads in 48 instead of 43 of 67 steps, of the first two in 59 instead of 54; 0.3 to 1 are alike.
Not where people talk with each other: LoCoMo's possessives lose 1.3 points of recall@5 by it."""
SUBJECT_SAMPLE_NOTES, FIRST_PERSON_MIN_SHARE = 100, 0.05
"""Notes of a subject that are looked at, and the share of them in the first person from which on
subjects speak for themselves."""

_CAPITALISED = re.compile(
    r"(?<!\w)\p{Lu}[\p{L}\p{M}\p{N}-]*[\p{L}\p{N}](?:\s+\p{Lu}[\p{L}\p{M}\p{N}-]*[\p{L}\p{N}])*"
)
_SENTENCE_END = ".!?…\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeEntity:
    """A name that somebody unnamed may have."""

    name: str
    """As the notes spell it."""
    share: float
    """How likely beside the likeliest, in `(0, 1]`."""
    rows: tuple[int, ...]
    """Notes that tie it to whose it is."""


def find_bridge_entities(unnamed: MultiHop, about: Ranking, asked: Ranking) -> list[BridgeEntity]:
    """The likeliest names of somebody unnamed, at most `BRIDGE_MAX_NAMES`, the best first.

    Args:
        unnamed: Whom they are about.
        about: Ranking of these words alone.
        asked: Ranking of the question without them.
    """
    corpus = about.corpus
    spoken = _is_spoken(unnamed.name, corpus)
    alone = 0.0 if corpus.conversation else EXCLUSIVE_NAME_WEIGHT
    tied, told = _over_names(about), _over_names(asked)
    rows = _about(unnamed.name, corpus)
    beside = dict[str, list[int]]()
    nearest: list[int] = rows[np.argsort(-tied[rows], kind="stable")].tolist()
    for row in nearest[:NAMING_MAX_NOTES]:
        for name in _names(corpus.outlines[row], spoken=spoken):
            beside.setdefault(name, []).append(row)
    weights, ties = dict[str, float](), dict[str, list[int]]()
    for name, there in beside.items():
        answering = _elsewhere(name, unnamed.name, corpus, told, spoken=spoken)
        if answering is not None and _is_name(name, corpus):
            said = (fold(name), unnamed.name)
            ties[name] = [r for r in there if _ties(corpus.outlines[r], *said, spoken=spoken)]
            tie = tied[ties[name]].max(initial=0.0)
            called = any(_is_called(corpus.outlines[r], fold(name), unnamed) for r in ties[name])
            fits = (
                1.0
                if called or _is_person(name, corpus) == unnamed.is_person
                else WRONG_KIND_WEIGHT
            )
            hers = alone * len(there) / len({*there, *_holding(fold(name), corpus)})
            weights[name] = fits * float(tie + told[answering] + hers)
    likely = sorted(weights, key=lambda name: -weights[name])[:BRIDGE_MAX_NAMES]
    return [
        BridgeEntity(
            name=name,
            share=weights[name] / weights[likely[0]],
            rows=tuple(ties[name] or beside[name]),
        )
        for name in likely
        if weights[name] > 0
    ]


def _over_names(ranking: Ranking) -> Values:
    """Scores as shares of the best one, without what names add."""
    scores = np.maximum(ranking.without({"subject", "mentioned"}), 0.0)
    return scores / max(float(scores.max(initial=0.0)), 1e-9)


def _about(name: str, corpus: Corpus) -> Rows:
    """Rows of the notes by, or about, whose it is."""
    own = _of_subject(name, corpus)
    if name == USER and not len(own):
        own = [row for row, o in enumerate(corpus.outlines) if USER in _words(o.content)]
    return np.union1d(own, corpus.mentions.speak_of(name)).astype(np.intp)


def _is_spoken(name: str, corpus: Corpus) -> bool:
    """Whether a note's subject is who said it, not whom it is about."""
    if corpus.conversation or not ASSISTANTS.isdisjoint(corpus.subjects):
        return True
    own = _of_subject(name, corpus)[:SUBJECT_SAMPLE_NOTES]
    return sum(
        USER in _words(corpus.outlines[row].content) for row in own
    ) > FIRST_PERSON_MIN_SHARE * len(own)


def _holding(name: str, corpus: Corpus) -> list[int]:
    """Rows of the notes by, or about, whoever has a folded name."""
    return sorted({*_of_subject(name, corpus), *corpus.mentions.speak_of(name)})


def _of_subject(name: str, corpus: Corpus) -> list[int]:
    numbers = (n for n, subject in enumerate(corpus.subjects) if subject == name)
    return np.flatnonzero(corpus.of_subjects(numbers)).tolist()


def _names(outline: Outline, *, spoken: bool) -> list[str]:
    """The names a note speaks of, its own subject first, but not who is only addressed.

    Args:
        outline: The note.
        spoken: Whether a subject is who said it: then it speaks of them only in the first person.
    """
    text = outline.content
    means_subject = outline.subject and (not spoken or USER in _words(text))
    spelled = (m for m in _CAPITALISED.finditer(text) if not is_addressed(text, *m.span()))
    names = (name for m in spelled for name in _readings(m.group()))
    found = [*([outline.subject] if means_subject else []), *names]
    return list({fold(name): name for name in found}.values())


def _readings(run: str) -> list[str]:
    """The names that capitalised words in a row may be: "With Ben I" may be Ben."""
    words = run.split()
    while words and fold(words[-1]) in ORDINARY_WORDS:
        words.pop()
    return [
        " ".join(words[first:])
        for first in (0, 1)
        if words[first:] and fold(words[first]) not in ORDINARY_WORDS
    ]


def _elsewhere(name: str, whose: str, corpus: Corpus, told: Values, *, spoken: bool) -> int | None:
    """Row of the note about a name, and not about whose it is, that tells most of what is asked."""
    folded = fold(name)
    speaks = folded in corpus.subjects
    if folded == whose or (whose == USER and speaks and folded in ASSISTANTS):
        return None
    rows = np.array(_holding(folded, corpus), np.intp)
    best: list[int] = rows[np.argsort(-told[rows], kind="stable")].tolist()
    return next(
        (row for row in best if _is_apart(corpus.outlines[row], folded, whose, spoken=spoken)), None
    )


def _is_apart(outline: Outline, name: str, whose: str, *, spoken: bool) -> bool:
    """Whether what a note tells of a folded name is not told of whose it is."""
    # "The client wants Umbra in May. Can you help me?"
    text = _around(name, outline.content) if spoken else outline.content
    return whose not in _words(text) and (spoken or fold(outline.subject) != whose)


def _ties(outline: Outline, name: str, whose: str, *, spoken: bool) -> bool:
    """Whether a note says a folded name and whose it is, perhaps as "my", in one sentence.

    Whoever tells of Ben has not yet told what Ben is to them: a name that no note ties counts by
    what is told of it alone. With this two steps find all in 77.8 instead of 62.6 % in the
    generator's dialogues and in 84.1 instead of 70.5 with an assistant (seeds 0, 3, 5 and 7; where
    such a name counts by its nearest note, too, in 69.7 and 76.1).
    """
    words = _words(_around(name, outline.content))
    return whose in words or (fold(outline.subject) == whose and (not spoken or USER in words))


def _is_called(outline: Outline, name: str, unnamed: MultiHop) -> bool:
    """Whether a note says of a folded name what the question does: "My sister Irena"."""
    return unnamed.noun in _words(_around(name, outline.content))


def _around(name: str, text: str) -> str:
    """The sentences that hold a folded name; the whole text if none does."""
    parts = [text[slice(*span)] for span in sentence_spans(text)]
    return "".join(part for part in parts if name in fold(part)) or text


def _is_name(name: str, corpus: Corpus) -> bool:
    """Whether notes spell it so amid a sentence."""
    folded = fold(name)
    if folded in corpus.subjects:
        return True
    spelled = re.compile(rf"(?<!\p{{Lu}}[\w-]*\s)(?<!\w){re.escape(name)}(?!\w)")
    texts = (corpus.outlines[row].content for row in corpus.mentions.speak_of(folded))
    before = (text[: m.start()].rstrip(" ") for text in texts for m in spelled.finditer(text))
    return any(text and text[-1] not in _SENTENCE_END for text in before)


def _is_person(name: str, corpus: Corpus) -> bool:
    """Whether notes are about whoever has that name: its subjects, else who is in many of them."""
    folded = fold(name)
    people = corpus.subjects.keys() - ASSISTANTS
    return folded in corpus.subjects or (not people and corpus.is_common(folded))


def _words(text: str) -> set[str]:
    words: Iterable[str] = re.findall(r"[\p{L}\p{M}\p{N}-]+", re.sub(r"['’]s\b", "", fold(text)))
    found = set(words)
    return found | {USER} if found & SELF_WORDS else found
