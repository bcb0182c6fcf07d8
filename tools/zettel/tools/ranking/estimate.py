"""How likely notes hold what a question asks for, where people do not talk with each other.

A logistic regression of four figures that do not depend on how much a store holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import regex as re

from zettel.storage.notes import Outline, fold
from zettel.tools.caller import is_reserved
from zettel.tools.language.asked_slots import Slot, find_asked_slots
from zettel.tools.language.names import find_names
from zettel.tools.language.question_words import (
    find_roles,
    find_users,
    speaks_of_me,
    without_kin,
)
from zettel.tools.language.terms import terms
from zettel.tools.language.user_words import own_words, says_we
from zettel.tools.ranking.corpus import Corpus, Flags, Values
from zettel.tools.ranking.question import USER, Question
from zettel.tools.ranking.signals import find_asked_codes, spelled_anyhow

NAMED_GAP_MAX = 0.3
"""Most that is counted of the distance between the nearest note and the nearest that holds a name
of the question."""
BACKGROUND_NOTES = 7
"""Notes that a scope has at least for what is usual in it; missing ones are not near at all. Set by
hand: a few notes tell little of what is usual, and from 1 to 20 all sets come out alike."""
LANGUAGE_MIN_NOTES = 4
"""Fewest notes of a language that show how near its notes are to any question."""
USUAL_COSINE = 0.2
"""Usual cosine up to which nothing is taken off (from .1 to .25 all sets come out alike). To an
English question unrelated English notes have .1, to a German one German notes .35."""
STATING_NOTES, STATING_NOTES_OF_NAME, TELLING_WHO_NOTES = 2, 5, 20
"""Notes that may state what is asked for by name: the first, the nearest that hold the name of the
question, and for somebody whom they may call by name the first of the ranking."""
CALLED_MAX_NOTES = 20
"""Notes with a name that are read for whether it is the user's."""
FIRST_PERSON_NOTES = 10
"""Nearest notes that are read for whether they say "I": one of them may be the user's."""
WEIGHTS: Mapping[str, float] = {"nearness": 5.65, "named": 5.4, "stands_out": 2.1, "stated": 3.55}
"""Weight of each figure."""
OFFSET = -1.72
"""Added to the weighted figures: at 0 the likelihood is 0.5. All are fitted by `make fit-verdict`,
each set of questions left out in turn (`benchmarks/RESULTS.md`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of a question's notes."""

    nearness: float
    """Of the nearest note that is about whom the question asks, in `[0, 1]`, without what notes of
    its language have usually."""
    named: float
    """Cosine of the nearest note that holds a name of the question, less that of the nearest of
    all; in `[-NAMED_GAP_MAX, 0]`, 0 where no name is asked for."""
    stands_out: float
    """Cosine of the nearest note less the usual one of the scope, in `[0, 1]`."""
    stated: float = 0.0
    """-1 if the question asks for something by name that the notes do not state, otherwise 0."""


PRESENT = Figures(nearness=1.0, named=0.0, stands_out=0.0)
"""Where what is asked for is known to be there, by its time or its kind."""
ABSENT = Figures(nearness=0.0, named=0.0, stands_out=0.0)
"""Where it is known not to be there."""


def likelihood(figures: Figures) -> float:
    """The likelihood that the notes answer, in `[0, 1]`; 0.5 is where `found` begins."""
    weighted = float(np.dot(list(WEIGHTS.values()), astuple(figures)))
    return float(1 / (1 + np.exp(-(weighted + OFFSET))))


def read_figures(
    corpus: Corpus,
    near: Values,
    best: float,
    nearness: float,
    *,
    holding: Flags | None,
    unstated: bool,
) -> Figures:
    """The figures of a question.

    `best` is of the nearest note that tells something, `nearness` of the nearest about whom the
    question asks; `holding` is `holding_names` of it.
    """
    named = 0.0
    if holding is not None:
        named = max(float(near[holding].max(initial=0.0)) - best, -NAMED_GAP_MAX)
    return Figures(
        nearness=nearness,
        named=min(named, 0.0),
        stands_out=max(best - _usual(corpus, near), 0.0),
        stated=-float(unstated),
    )


def find_unstated(
    question: Question,
    corpus: Corpus,
    near: Values,
    order: Sequence[int],
    *,
    holding: Flags | None,
    anothers: bool,
    own_names: Collection[str],
) -> Slot | None:
    """What a question asks for by name and no note that may answer states; None if nothing.

    What can be told in many ways proves nothing by not being stated, unless the best note is of
    another than the question names: then its words make that one near, and not the asked one. But
    to "the colleague of Ana's project" a note of the colleague's own name answers: 16 more known
    answers of 2,245 questions in 21 sets are `found` since, none never told (November 2026).

    What somebody else has is nothing that the user asks of themselves: "What is my birthday?" is
    not answered by "Ben's birthday is on 3 March", nor by "My mother's …".

    `order` has the best first; `holding` is `holding_names` of the question; `anothers` is whether
    there are such notes, the best one is none of them, and the question calls all by name; or the
    best one `is_of_somebody_else`.
    """
    asked = () if question.is_passage else find_asked_slots(question.text)
    slots = [slot for slot in asked if anothers or not slot.orders_only]
    if not slots:
        return None
    rows = [int(row) for row in order[:TELLING_WHO_NOTES]]
    first = rows[:STATING_NOTES]
    if holding is not None and holding.any():
        first = [*(row for row in first if holding[row]), *_nearest(holding, near)]
    elif question.asks_self or question.names_user:
        first += _nearest(_of_user(corpus), near)

    def is_stated(slot: Slot) -> bool:
        told = dict.fromkeys((*first, *rows) if slot.person else first)
        may = (row for row in told if slot.is_stated(as_told(corpus.outlines[row])))
        return not all(is_of_somebody_else(question, corpus, row, own_names) for row in may)

    return next((slot for slot in slots if not is_stated(slot)), None)


_THING = re.compile(r"(?<![\w-])[a-z0-9]+(?:[-_][a-z0-9]+)+(?![\w-])", re.IGNORECASE)
_THING_PARTS = re.compile("[-_]")
_RELATIVE = re.compile(r"\A\W*([^\W_]+)['’]s (\w+)(?! and\b)(?!\W+\w+ and\b)")
"""Of whom a note is that begins with "Johanna's mother"."""
_POSSESSIVE = re.compile(r"['’]s?(?!\w)")
_IS = re.compile(r"\A (?:(?:is|has|ist|hat|est|a|es|tiene|è|ha|heeft) )?")
_TO_ME = re.compile(r"(?<!\w)m['’](?=\p{L})", re.IGNORECASE)
"""French: "m'a donné"."""


def tells_of_its_author(question: Question, note: Outline, own_names: Collection[str]) -> bool:
    """Whether a note says "I" of a principal that is none of `own_names`, asked of oneself.

    And not whether it answers anybody: "Holiday requests go to Eva".
    """
    if not question.asks_self or note.principal in own_names or is_reserved(note.principal):
        return False
    return _asks_personal(question) and speaks_of_me(own_words(note.content))


def _asks_personal(question: Question) -> bool:
    return any(slot.personal for slot in find_asked_slots(question.text))


def is_of_somebody_else(
    question: Question, corpus: Corpus, row: int, own_names: Collection[str]
) -> bool:
    """Whether a note begins with somebody else than the one of whom a question asks a birthday.

    Or another such thing (`Slot.personal`). Asked by the user of themselves, that is a person's
    name ("Ben's phone number"), what somebody is to the user ("My daughter Lotte is"), or "I" of
    another principal (`tells_of_its_author`); asked of Johanna, what somebody is to her ("Johanna's
    mother"). Not if the question calls somebody so as well.
    """
    if not _asks_personal(question):
        return False
    note = corpus.outlines[row]
    if tells_of_its_author(question, note, own_names):
        return True
    if find_roles(question.text):
        return False
    if question.spelled:
        found = _RELATIVE.match(note.content)
        # "Johanna's boss" tells of her work, and "Johanna's husband and she" of her home.
        loose = any(s.orders_only for s in find_asked_slots(question.text) if s.personal)
        named = found is not None and found[1] in question.spelled
        return bool(found and named and not loose and find_roles(found[2]))
    if not question.asks_self:
        return False
    told = without_kin(note.content)
    if told != note.content:
        return not _speaks_of_us(told)
    return not _speaks_of_us(note.content) and _begins_with_another(question, corpus, note)


def _speaks_of_us(text: str) -> bool:
    return speaks_of_me(text) or says_we(text) or _TO_ME.search(text) is not None


def _begins_with_another(question: Question, corpus: Corpus, note: Outline) -> bool:
    """Whether a note begins with a person's name that is none of the user's: "Ben lives in"."""
    first = next(iter(find_names(note.content)), "")
    if not first or not note.content.startswith(first):
        return False
    # A thing, a firm and a place begin notes, too: "Siemens is the employer".
    asked = [slot for slot in find_asked_slots(question.text) if slot.personal]
    rest = _IS.sub("", note.content[len(first) :])
    if not _POSSESSIVE.match(rest) and not any(slot.begins(rest) for slot in asked):
        return False
    name = fold(first)
    # What the question names as well is a thing that is asked for: "for gridding".
    if name in corpus.users or set(terms(first)) & set(terms(question.text)):
        return False
    naming = corpus.mentions.speak_of(name)[:CALLED_MAX_NOTES]
    return not any(first in find_users(corpus.outlines[row].content) for row in naming)


def find_untold_codes(question: Question, corpus: Corpus, order: Sequence[int]) -> list[str]:
    """The codes of a question that no note holds, as it spells them: "RNK-412", "pool_size".

    Nobody tells of one in other words, however near they are.

    Args:
        question: The question; of a time that it names none.
        corpus: The notes.
        order: Rows of the notes, the best first, in which a code may be spelled otherwise.
    """
    codes = () if question.is_passage else find_asked_codes(question.text)
    untold = [
        code
        for code in codes
        if not corpus.mentions.count(fold(code))
        and not any(map(set(terms(code)).issubset, question.time_words))
    ]
    rows = map(int, order[:TELLING_WHO_NOTES]) if untold else ()
    told = [fold(as_told(corpus.outlines[row])) for row in rows]
    return [code for code in untold if not any(map(spelled_anyhow(code, alone=True).search, told))]


def _nearest(among: Flags, near: Values) -> list[int]:
    """Rows of the nearest of some notes."""
    rows = np.flatnonzero(among)
    return rows[np.argsort(-near[rows], kind="stable")][:STATING_NOTES_OF_NAME].tolist()


def _of_user(corpus: Corpus) -> Flags:
    """The notes about the user or that hold a name of the user's."""
    names = {USER, *corpus.users}
    found = corpus.of_subjects(n for n, subject in enumerate(corpus.subjects) if subject in names)
    for name in names:
        found[corpus.mentions.speak_of(name)] = True
    return found


def as_told(outline: Outline) -> str:
    """A note's words with its subject, which they need not repeat."""
    return f"{outline.subject}: {outline.content}" if outline.subject else outline.content


def without_usual(corpus: Corpus, near: Values) -> Values:
    """Cosines of notes, without what those in their language have usually beyond `USUAL_COSINE`."""
    if not corpus.whole:
        return near
    languages, telling = corpus.languages(), corpus.telling()
    rest, all_of = near.copy(), _usual(corpus, near)
    for language in np.unique(languages):
        of = languages == language
        told = near[of & telling]
        known = language and len(told) >= LANGUAGE_MIN_NOTES
        usual = float(np.median(told)) if known else all_of
        rest[of] -= max(usual - USUAL_COSINE, 0.0)
    return np.maximum(rest, 0.0)


def _usual(corpus: Corpus, near: Values) -> float:
    """The median cosine of the scope's notes that tell something; most of a large one's are 0."""
    if not corpus.whole:
        return 0.0
    told = near[corpus.telling()]
    usual = np.zeros(max(BACKGROUND_NOTES, len(told)))
    usual[: len(told)] = told
    return float(np.median(usual))


def holding_names(question: Question, corpus: Corpus, near: Values) -> Flags | None:
    """The notes that are about a name of the question, hold it or, if near, have it as a tag.

    None if it has no name.

    Args:
        question: The question; of one about the user also notes about nobody else that say "I", and
            of one about "my mother" those that name a mother.
        corpus: The notes.
        near: Cosine of each note.
    """
    spelled = map(fold, question.spelled)
    names = {*question.names, *map(corpus.mentions.known, spelled)}
    if question.subject:
        names.add(question.subject)
    if not names:
        return None
    meant = (
        number
        for number, subject in enumerate(corpus.subjects)
        if subject in names or not names.isdisjoint(subject.split())
    )
    holding = corpus.of_subjects(meant)
    for name in names:
        holding[corpus.mentions.speak_of(name)] = True
    nearest = [int(row) for row in np.argsort(-near, kind="stable")[:FIRST_PERSON_NOTES]]
    for row in nearest:
        holding[row] |= not names.isdisjoint(map(fold, corpus.outlines[row].tags))
    if question.subject == USER:
        roles = find_roles(question.text)
        for row in nearest:
            outline = corpus.outlines[row]
            holding[row] |= not outline.subject and _is_of_users(own_words(outline.content), roles)
    return holding


def find_held_things(question: Question, corpus: Corpus, rows: Sequence[int]) -> tuple[str, ...]:
    """What a question names in code and notes hold, as it spells it: "web-02", "user-service".

    Only where some notes tell of another such thing, of which a part is called the same.
    """
    if question.is_passage:
        return ()
    told = {*_THING.findall(fold(" ".join(as_told(corpus.outlines[row]) for row in rows)))}

    def is_held(thing: str) -> bool:
        return thing in corpus.subjects or corpus.mentions.count(thing) > 0

    named = dict.fromkeys(_THING.findall(question.text))
    return tuple(
        name
        for name in named
        if any(_are_alike(fold(name), other) for other in told) and is_held(fold(name))
    )


def _are_alike(thing: str, other: str) -> bool:
    """Whether two things are called the same before or behind what parts them."""
    one, another = map(_THING_PARTS.split, (thing, other))
    return one != another and (one[0] == another[0] or one[-1] == another[-1])


def holding_things(things: Sequence[str], corpus: Corpus) -> Flags | None:
    """The notes that hold one of some things; None if these are none."""
    if not things:
        return None
    folded = {*map(fold, things)}
    holding = corpus.of_subjects(n for n, told in enumerate(corpus.subjects) if told in folded)
    for thing in folded:
        holding[corpus.mentions.speak_of(thing)] = True
    return holding


def _is_of_users(told: str, roles: frozenset[str]) -> bool:
    """Whether words of the user are about one of some roles; about themselves if there are none."""
    return not roles.isdisjoint(find_roles(told)) if roles else speaks_of_me(told)
