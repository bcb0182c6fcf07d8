"""Confidence of a recall: a number, a verdict and the reason when it is low.

Does not filter. Flags answers that are about another person or far from the question.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.vocabulary import is_ordinary_english
from zettel.tools.language.asked_slots import Slot, find_asked_slots
from zettel.tools.language.languages import find_language
from zettel.tools.language.names import ASSISTANTS
from zettel.tools.language.opposites import find_other_case
from zettel.tools.language.question_words import find_roles, names_a_role
from zettel.tools.language.terms import STEM_CHARACTERS, beginnings, plain_name, stems, terms
from zettel.tools.ranking.corpus import Corpus, Flags, Values, sum_by
from zettel.tools.ranking.cut import SHOWN_MAX_NOTES
from zettel.tools.ranking.estimate import (
    ABSENT,
    NAMED_GAP_MAX,
    PRESENT,
    STATING_NOTES,
    Figures,
    as_told,
    find_held_things,
    find_unstated,
    find_untold_codes,
    holding_names,
    holding_things,
    is_of_somebody_else,
    likelihood,
    read_figures,
    without_usual,
)
from zettel.tools.ranking.fusion import Ranking, in_rows
from zettel.tools.ranking.mentions import names_called
from zettel.tools.ranking.multi_hop import find_multi_hop
from zettel.tools.ranking.question import USER, Question
from zettel.tools.ranking.ranked import Confidence, Ranked, RecallVerdict
from zettel.tools.ranking.signals import is_of_then
from zettel.tools.ranking.stuffing import Stuffing
from zettel.tools.ranking.voices import OWN, voice_of
from zettel.tools.ranking.weights import STATED_SIGNAL
from zettel.tools.trust import OWNERS
from zettel.tools.validation import FOUND_FROM

MARGIN_NOTES = 3
"""Notes on each side of the margin (retrieval study, section 14)."""
MARGIN_MIN, MARGIN_MAX = -0.3, 0.1
"""Bounds to which the margin is clipped."""
NEARNESS_FAR, NEARNESS_NEAR = 0.2, 0.34
"""Nearness up to which no note is near, and from which on one is; linear in between."""
NOTHING_NEAR = 0.22
"""Nearness up to which nothing is relevant. A wrong "nothing" ends the search for what is there: it
befell 18 % of the answerable questions of two months of an agent's notes (`make bench-month`) while
all below `NEARNESS_NEAR` were told so, and befalls 2 % of them now."""
RARE_NAME_NOTES = 3
"""Most notes that speak of a name for it to tell what a question is about."""
NAMING_NOTES = 3
"""The first notes, of which one must be such a note."""
SORT_NEAR = 0.3
"""Least nearness where notes of the kind that is asked for exist: they may answer."""
ANSWERING_NEAR = 0.35
"""Least nearness where a note is of the name and of the time of the question, or is of whom it asks
and states what it asks for in words that state nothing else. Of 21 sets (sixteen months of agents'
notes, 1,444 questions, among them) four known answers more are `found` by the former, nothing that
was never told is; .35 and .5 alike. By the latter five more of 2,434 questions of 23 sets are, and
nothing that was never told (November 2026)."""
NEAR_WEIGHT, NEARER_WEIGHT = 1.5, 0.2
"""Weights beside the margin: of the step between far and near, and of the nearness itself."""
COVERAGE_WEIGHT = 0.85
"""Weight of the covered share of the question's words against a cosine (generator's seeds)."""
NAMELESS_OFFSET = 0.1
"""Added to the nearness of a question whose names are removed before it is embedded, because the
removal lowers its cosines (generator's notes, seeds 3 and 5)."""
ASSISTANT_PENALTY = 0.1
"""Taken off the nearness of an assistant's notes: they repeat the words of the question."""
UNKNOWN_NAME_PENALTY = 0.15
"""Taken off the nearness for a name that no note holds; from the sum, a margin would hide it."""
CONFIDENCE_MIDDLE, CONFIDENCE_STEEPNESS = 1.48, 8.0
"""The weighted sum at which the confidence is 0.5, and the slope there. All constants are set on
LoCoMo's development half and the generator's seeds 0, 3, 5 and 7 (`benchmarks/RESULTS.md`)."""
WHOM_MAX_NAMES = 3
"""Most names of a question that a reason repeats."""
_OWNER = re.compile(r"(?<![\p{L}\p{N}'’])(\p{Ll}[\p{L}\p{N}]+)['’]s(?![\p{L}\p{N}])")
"""An English possessive in small letters: "bob's"."""
_ORDER = frozenset(
    beginnings(
        "currently earliest first initially last latest newest originally recently thing time"
    )
)
"""Words that ask for an order and that no note needs to hold."""


def judge(
    question: Question,
    ranking: Ranking,
    meaning: Mapping[str, float],
    ranked: Sequence[Ranked],
    *,
    shown: Sequence[Ranked] = (),
    found_from: float = FOUND_FROM,
    own_names: frozenset[str] = OWNERS,
) -> Confidence:
    """Judge a ranking: by its margin and nearness in talk, else by the figures of `estimate`.

    The **margin** (retrieval study, section 14) is the mean of the best scores of notes about the
    question's subject, without what the name adds, minus the same for notes about others. The
    **nearness** is the best cosine of a note, or the share of the question's words that one note
    holds; it is lower for a name that no note holds. A note that shares words with everything and
    tells nothing does not count for it. A time or a kind of notes that is asked for decides alone.

    Args:
        question: The question.
        ranking: Every note that was looked at.
        meaning: Cosine by note id where it is above 0.
        ranked: The best notes; a first one with an exact term makes the confidence 1.
        shown: Those that the answer shows, in its order, which the reason must not deny; empty for
            `ranked`.
        found_from: Confidence from which the verdict is `found`.
        own_names: Principals that count as the one that asks.
    """
    if not ranked:
        return Confidence(verdict="nothing_relevant", confidence=0.0)
    corpus = ranking.corpus
    seen = weigh(question, ranking, meaning, ranked, own_names=own_names)
    if corpus.conversation:
        confidence = _confidence(
            seen.margin,
            NEARNESS_FAR
            if seen.timeless
            else seen.near - UNKNOWN_NAME_PENALTY * bool(seen.unknown),
        )
    else:
        confidence = likelihood(seen.figures)
    if "exact" in ranked[0].shares and not (seen.unstated or seen.other_case):
        confidence = 1.0
    if confidence >= found_from:
        return Confidence(verdict="found", confidence=confidence)
    known = seen.near > 0 and not find_asked_slots(question.text)
    nothing = seen.near <= NOTHING_NEAR and not _may_be_told(question, corpus, ranked, known=known)
    verdict: RecallVerdict = "nothing_relevant" if nothing else "uncertain"
    rows = [corpus.rows[one.note_id] for one in (shown or ranked[:SHOWN_MAX_NOTES])]
    return Confidence(
        verdict=verdict,
        confidence=confidence,
        reason=_reason(question, corpus, seen, verdict, rows),
        is_unknown=bool(seen.unknown),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What a judgement is made of."""

    margin: float
    near: float
    """The nearness of the whole scope."""
    figures: Figures
    timeless: bool
    """No note is of the time asked for, or `later`."""
    later: bool
    """The first note was told long after the time asked for."""
    unknown: Sequence[str]
    """The codes and names that no note holds."""
    others: Flags
    """The notes about others; none if all notes are on one side."""
    others_near: bool
    """Whether notes about others are nearer than those about whom the question asks."""
    holding: Flags | None
    """The notes about a name of the question, or else one of `things`; None if it has none."""
    things: Sequence[str]
    """What a question without a name names in code, where notes tell of others so named."""
    unstated: Slot | None
    """What is asked for by name and not stated."""
    of_else: int
    """The row of the first note if it `is_of_somebody_else`, else -1."""
    other_case: str
    """The case that is asked for, where the nearest notes tell of another: "staging"."""


def weigh(
    question: Question,
    ranking: Ranking,
    meaning: Mapping[str, float],
    ranked: Sequence[Ranked],
    *,
    own_names: frozenset[str] = OWNERS,
) -> Evidence:
    """Measure a ranking for its judgement; the arguments are those of `judge`."""
    corpus = ranking.corpus
    question = _without_thing(question, corpus)
    whole = corpus.whole  # else a note that is not here may be of the time that is asked for
    own, others = _sides(question, corpus)
    scores = ranking.without({"subject", "mentioned"})
    apart = bool(own.any() and others.any())
    best = corpus.rows[ranked[0].note_id]
    shown = [corpus.rows[one.note_id] for one in _as_found(ranked)[:STATING_NOTES]]
    order = [*shown, *ranking.order]
    untold = find_untold_codes(question, corpus, order)
    owners = _unknown_owners(question, corpus, [best, *shown])
    unknown = [*untold, *_unknown_names(question, corpus), *owners]
    cosines, held = in_rows(meaning, corpus)[0], _held_share(question, corpus, unknown)
    near = _nearness(question, corpus, cosines, held, own_names)
    rest, own_near = without_usual(corpus, cosines), near
    if apart:
        own_near, nearness = (_nearness_of(own, corpus, of, held) for of in (cosines, rest))
    else:
        nearness = _nearness(question, corpus, rest, held, own_names)
    later = whole and _is_of_later(question, corpus, best)
    timeless = later or (whole and _is_none_of_then(question, ranking))
    holding = named = holding_names(question, corpus, cosines)
    things = find_held_things(question, corpus, [best, *shown]) if named is None else ()
    if things:  # they are told apart by what is stated of them, not by nearness
        holding = holding_things(things, corpus)
    elses = is_of_somebody_else(question, corpus, best, own_names)
    anothers = elses or (question.subject != USER and _is_of_another(best, holding))
    if anothers and find_multi_hop(question.text):  # of whom it says only in what relation they are
        anothers = False
    other_case = _find_other_case(question, corpus, [best, *shown])
    unstated = find_unstated(
        question,
        corpus,
        cosines,
        order,
        holding=holding,
        anothers=anothers,
        own_names=own_names,
    )
    figures = read_figures(
        corpus,
        cosines,
        _best_told(cosines, corpus),
        nearness - UNKNOWN_NAME_PENALTY * bool(unknown),
        holding=named,
        unstated=bool(unstated or untold or other_case),
    )
    if elses and unstated:
        figures = replace(figures, named=-NAMED_GAP_MAX)
    answers = _is_of_both(question, ranking, named) or _states_plainly(
        question, corpus, best, named
    )
    if answers and not timeless:
        figures = replace(figures, nearness=max(figures.nearness, ANSWERING_NEAR), named=0.0)
    figures, near = _of_time_or_kind(question, ranking, figures, near, timeless=timeless)
    return Evidence(
        margin=_best(scores[own]) - _best(scores[others]) if apart else MARGIN_MAX,
        near=near,
        figures=figures,
        timeless=timeless,
        later=later,
        unknown=unknown,
        others=others & apart,
        others_near=own_near < near,
        holding=holding,
        things=things,
        of_else=best if elses else -1,
        unstated=unstated if figures.stated else None,
        other_case=other_case if figures.stated else "",
    )


def _without_thing(question: Question, corpus: Corpus) -> Question:
    """The question without a subject that is a thing: "home", "knee"; a name has a capital.

    Of a thing notes with other subjects tell as well, so it parts no notes into two sides. Of two
    months by somebody else 19 instead of 25 % of what is known is not `found`; in fifteen other
    sets nothing is worse (November 2026).
    """
    spelled = corpus.subjects.get(question.subject, "")
    if question.subject == USER or question.spelled or not spelled.islower():
        return question
    return replace(question, subject="", names=frozenset())


def _find_other_case(question: Question, corpus: Corpus, rows: Sequence[int]) -> str:
    """The case that a question names and no note tells of, though the first tells of another."""
    if question.is_passage:
        return ""
    texts = [as_told(corpus.outlines[row]) for row in dict.fromkeys(rows)]
    return find_other_case(question.text, texts)


def _is_of_another(row: int, holding: Flags | None) -> bool:
    """Whether a note is about none of the names of a question, and others are."""
    return holding is not None and bool(holding.any()) and not holding[row]


def _as_found(ranked: Sequence[Ranked]) -> list[Ranked]:
    """A ranking without what lifts notes that state such a thing: these would always be first."""
    return sorted(ranked, key=lambda one: -one.score_without(STATED_SIGNAL))


def _is_of_both(question: Question, ranking: Ranking, holding: Flags | None) -> bool:
    """Whether a note is of the name and of the time of a question; it is seldom of something else.

    `holding` is `holding_names` of the question. The notes about the user are too many to tell.
    """
    if question.subject == USER or holding is None:
        return False
    then = ranking.share("happened_then") + ranking.share("speaks_of_then")
    return bool((then[holding] > 0).any())


def _states_plainly(question: Question, corpus: Corpus, best: int, holding: Flags | None) -> bool:
    """Whether the first note states what is asked for by name of whom it is asked: a birthday."""
    # Ana's birthday is not her sister's.
    if question.is_passage or find_roles(question.text) or find_multi_hop(question.text):
        return False
    of_user = question.asks_self and bool(corpus.core[best])
    if not of_user and (holding is None or not holding[best]):
        return False
    told = as_told(corpus.outlines[best])
    slots = find_asked_slots(question.text)
    return any(slot.is_stated_plainly(told) for slot in slots)


def _of_time_or_kind(
    question: Question, ranking: Ranking, figures: Figures, near: float, *, timeless: bool
) -> tuple[Figures, float]:
    """The figures and the nearness where a time or a kind of notes is asked for."""
    whole = ranking.corpus.whole
    if timeless or not beginnings(question.text):  # or it has no word that tells anything
        figures = ABSENT
    of_then = question.only_when and bool(ranking.share("all_of_then").any())
    # A note about every Monday answers for one of them.
    if question.only_when and (of_then or (whole and not question.is_ahead)):
        near, figures = float(of_then), PRESENT if of_then else ABSENT
    elif question.only_when and whole:
        # Beside notes of other times, any note with its words stands out.
        figures = replace(figures, stands_out=0.0)
    of_sort = bool(question.sort or question.listed) and ranking.share("of_sort").any()
    if ranking.share("all_of_whom").any() or (question.only_sort and of_sort):
        near, figures = 1.0, PRESENT
    elif of_sort:
        near = max(near, SORT_NEAR)
        figures = replace(figures, nearness=max(figures.nearness, SORT_NEAR))
    return figures, near


def _reason(
    question: Question,
    corpus: Corpus,
    seen: Evidence,
    verdict: RecallVerdict,
    shown: Sequence[int],
) -> str:
    """Why notes are not sure to answer; nothing that the rows of the notes shown belie."""
    if verdict == "uncertain" and (of_others := _of_others(question, corpus, seen, shown)):
        return of_others
    if seen.timeless:
        what = "note of that time is sure to answer" if seen.later else "note is of that time"
    elif seen.unknown:
        what = f"note mentions {seen.unknown[0]}"
    elif seen.other_case:
        what = f"note is sure to tell that of {seen.other_case}"
    elif seen.unstated and not seen.unstated.orders_only:
        what = _unstated(question, corpus, seen, seen.unstated, shown)
    elif verdict == "nothing_relevant":
        what = "note comes near the question"
    elif shown and _is_of_another(shown[0], seen.holding):
        what = f"note about {_whom(question, corpus, seen.things)} is sure to answer"
    else:
        what = "note is sure to answer"
    return f"No {what}; these are the nearest."


def _of_others(question: Question, corpus: Corpus, seen: Evidence, shown: Sequence[int]) -> str:
    """That notes are about others than whom the question asks about; empty if they are not."""
    if seen.of_else >= 0 and seen.of_else in shown[:1]:
        whom = _whom(question, corpus) if question.spelled else "the user"
        return f"The closest note is about somebody else, not {whom}."
    estimated = not (corpus.conversation or seen.timeless or seen.unknown)
    anothers = seen.margin < 0 or (estimated and seen.others_near)
    other = next((row for row in shown if seen.others[row]), None) if anothers else None
    if other is None:
        return ""
    about = corpus.outlines[other].subject or "somebody else"
    whom = _whom(question, corpus)
    if other == shown[0]:
        return f"The closest notes are about {about}, not {whom}."
    return (
        f"Notes about {about} come nearer than those about {whom}." if corpus.conversation else ""
    )


def _unstated(
    question: Question, corpus: Corpus, seen: Evidence, slot: Slot, shown: Sequence[int]
) -> str:
    """Which notes do not state what is asked for by name, as far as those shown bear it out."""
    texts, holding = {row: as_told(corpus.outlines[row]) for row in shown}, seen.holding
    anothers = [row for row in shown if holding is not None and not holding[row]]
    about = f" about {_whom(question, corpus, seen.things)}"
    if not any(slot.is_stated(texts[row]) for row in anothers):
        about = ""
    may = any(slot.may_be_stated(text) for row, text in texts.items() if row not in anothers)
    return f"note{about}{' plainly' if may else ''} states the {slot.name}"


def _whom(question: Question, corpus: Corpus, things: Sequence[str] = ()) -> str:
    """Whom or what a question names, as it spells it."""
    if question.subject == USER:
        return "whom you asked about" if names_a_role(question.text) else "the user"
    names = [name for name in question.spelled if fold(name) in question.names]
    spelled = " or ".join((names or question.spelled or things)[:WHOM_MAX_NAMES])
    return corpus.subjects.get(question.subject) or spelled or "whom you asked about"


def _nearness_of(side: Flags, corpus: Corpus, cosines: Values, held: Values) -> float:
    """The nearness of the notes of one side."""
    nearest, most = (_best_told(np.where(side, of, 0.0), corpus) for of in (cosines, held))
    return max(nearest, COVERAGE_WEIGHT * most)


def _may_be_told(
    question: Question, corpus: Corpus, ranked: Sequence[Ranked], *, known: bool
) -> bool:
    """Whether notes may answer that are not near in words or meaning.

    They are in another language; the user asks about themselves and has a profile; the first states
    such a thing as is asked for by name, or, if it is `known` to be near at all and no such thing
    is asked for, is about what the question names; or one of the first speaks of somebody who is
    asked for by name and of whom few notes do.
    """
    if _speak_otherwise(question, corpus) or (question.asks_self and corpus.core.any()):
        return True
    if ranked[0].shares.get(STATED_SIGNAL):
        return True
    first = {corpus.rows[one.note_id] for one in ranked[:NAMING_NOTES]}
    about = terms(corpus.outlines[corpus.rows[ranked[0].note_id]].subject)
    if known and about and set(about).issubset(terms(question.text)):
        return True
    spoken = map(corpus.mentions.speak_of, map(fold, question.spelled))
    return any(len(rows) <= RARE_NAME_NOTES and not first.isdisjoint(rows) for rows in spoken)


def _speak_otherwise(question: Question, corpus: Corpus) -> bool:
    """Whether notes are in another language than the question, so that few of its words tell."""
    asked = find_language(question.text)
    return bool(asked) and bool(np.isin(corpus.usual.languages(), ("", asked), invert=True).any())


def _confidence(margin: float, near: float) -> float:
    closeness = min(max((near - NEARNESS_FAR) / (NEARNESS_NEAR - NEARNESS_FAR), 0.0), 1.0)
    sure = min(max(margin, MARGIN_MIN), MARGIN_MAX) + NEAR_WEIGHT * closeness + NEARER_WEIGHT * near
    return _logistic(CONFIDENCE_STEEPNESS * (sure - CONFIDENCE_MIDDLE))


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def _sides(question: Question, corpus: Corpus) -> tuple[Flags, Flags]:
    """Notes about the question's subject, and notes about others.

    A note that mentions the subject is about it. Notes of an assistant and notes without a subject
    are about nobody, except that the latter are about the user. Notes that ask are left out.
    """
    numbers = {subject: number for number, subject in enumerate(corpus.subjects)}
    number = numbers.get(question.subject)
    if number is None:
        return _speakers(question, corpus)
    somebody = (n for subject, n in numbers.items() if subject not in ASSISTANTS or n == number)
    own = corpus.subject_numbers == number
    if question.subject == USER:
        own |= corpus.subject_numbers < 0
    for name in question.names:
        own[corpus.mentions.speak_of(name)] = True
    return _without_questions(own, corpus), _without_questions(
        corpus.of_subjects(somebody) & ~own, corpus
    )


def _speakers(question: Question, corpus: Corpus) -> tuple[Flags, Flags]:
    """The two sides where nobody says who speaks; nobody unless the question names one person."""
    if len(question.names) != 1:
        nobody = np.zeros(len(corpus), np.bool_)
        return nobody, nobody
    (name,) = question.names
    own, others = find_speakers(name, corpus)
    own[corpus.mentions.speak_of(name)] = True
    return _without_questions(own, corpus), _without_questions(others & ~own, corpus)


def _without_questions(side: Flags, corpus: Corpus) -> Flags:
    """The notes of one side that do not end in a question; all if every one does."""
    told = side & ~corpus.asks
    return told if told.any() else side


def _nearness(
    question: Question,
    corpus: Corpus,
    cosines: Values,
    held: Values,
    own_names: frozenset[str],
) -> float:
    machines = (n for n, name in enumerate(corpus.subjects) if name in ASSISTANTS - {USER})
    by_assistant = corpus.of_subjects(machines)
    told = (cosines - ASSISTANT_PENALTY * by_assistant).astype(np.float64)
    nearest = _best_told(told, corpus, own_names)
    spoken = [row for name in question.names for row in corpus.mentions.speak_of(name)]
    if spoken and not question.subject:
        about = np.full(len(corpus), -np.inf)
        about[spoken] = told[spoken]
        named = _best_told(about, corpus, own_names, least=-ASSISTANT_PENALTY)
        nearest = NAMELESS_OFFSET + (nearest + named) / 2
    # The highest share of the question's words that one note holds.
    coverage = _best_told(np.where(by_assistant, 0.0, held), corpus, own_names)
    return max(nearest, COVERAGE_WEIGHT * coverage)


def _best_told(
    values: Values,
    corpus: Corpus,
    own_names: frozenset[str] = frozenset(),
    *,
    least: float = 0.0,
) -> float:
    """The highest value of a note that tells something, at least `least`.

    Lists count if a principal of `own_names` told them: the reader may ask for one of their own.
    """
    left = values.copy()
    while left.max(initial=least) > least:
        row = int(left.argmax())
        stuffing = corpus.stuffing_of(row)
        own = own_names and voice_of(corpus.outlines[row], own_names) == OWN
        if stuffing == Stuffing.TELLS or (stuffing == Stuffing.LISTS and own):
            return float(left[row])
        left[row] = least
    return least


def _unknown_names(question: Question, corpus: Corpus) -> list[str]:
    """The names in a question that no note holds, as it spells them."""
    told = {word for subject in corpus.subjects for word in plain_name(subject).split()}
    count, known = corpus.mentions.count, corpus.mentions.known
    spelled = (name for name in question.spelled if plain_name(name) not in told)
    return [name for name in spelled if not any(count(known(one)) for one in names_called(name))]


def _unknown_owners(question: Question, corpus: Corpus, rows: Sequence[int]) -> list[str]:
    """Of whom or what a question asks, in small letters, and no note speaks: "bob's phone number".

    A name, or what somebody is to somebody, unless one of the first notes (`rows`) has it as well:
    another word may be told in other ones ("the kid's school", "the children go to school").
    Of 1,600 questions of sixteen months two have such a word, and what they ask nobody told
    (November 2026).
    """
    if question.is_passage or corpus.conversation or _speak_otherwise(question, corpus):
        return []
    of_time = {word for words in question.time_words for word in words}
    owners = [found[1] for found in _OWNER.finditer(question.text)]
    told = [as_told(corpus.outlines[row]) for row in rows] if any(map(find_roles, owners)) else []
    roles = frozenset[str]().union(*map(find_roles, told))
    return [
        owner
        for owner in owners
        if (asked := stems(owner))
        and (find_roles(owner) - roles or not (find_roles(owner) or is_ordinary_english(owner)))
        and asked.isdisjoint(of_time | {word[:STEM_CHARACTERS] for word in of_time})
        and not any(corpus.usual.said.holding(stem).any() for stem in asked)
    ]


def _is_none_of_then(question: Question, ranking: Ranking) -> bool:
    """Whether a question asks for a time that no note is from.

    A question that asks for more than what happened then is also answered by a note that only
    spells the time: evolution may not have read it yet.
    """
    if question.only_when:
        return not (question.is_ahead or ranking.share("all_of_then").any())
    corpus = ranking.corpus
    if not (question.times and question.asks_what_was) or is_of_then(question, corpus):
        return False
    return not any(_all_held(words, corpus).any() for words in question.time_words)


def _is_of_later(question: Question, corpus: Corpus, row: int) -> bool:
    """Whether a note was told long after the times of a question for the past, and tells of none.

    Its value is then of its own day. Long is more than the length of the time: last week is still
    told of this week. A note that names an earlier day may state a value since then, and talk
    between people refers to past days without a date.
    """
    if corpus.conversation or question.only_when or not question.asks_what_was:
        return False
    if not question.times or any(_all_held(words, corpus)[row] for words in question.time_words):
        return False
    told, spoken = corpus.happened[row], corpus.spoken[corpus.spoken[:, 0] == row, 1]
    later = all(told >= end + (end - start) for start, end in question.times)
    return later and bool((spoken >= max(end for _, end in question.times)).all())


def _all_held(words: Iterable[str], corpus: Corpus) -> Flags:
    """Which notes hold all of the terms."""
    there = [corpus.said.holding(word[:STEM_CHARACTERS]) for word in words]
    return np.logical_and.reduce(there) if there else np.zeros(len(corpus), np.bool_)


def _best(scores: Values) -> float:
    best = min(MARGIN_NOTES, len(scores))
    return float(np.partition(scores, -best)[-best:].mean())


def _held_share(question: Question, corpus: Corpus, unknown: Sequence[str]) -> Values:
    """The share of the question's words that each note holds, weighted by rarity.

    An unknown name is held by no note, even by one with a word that begins like it.
    """
    held, total = np.zeros(len(corpus)), 0.0
    unknown_stems = stems(" ".join(unknown))
    asked = beginnings(question.topic)
    asked = [stem for stem in asked if not (question.order and stem in _ORDER)]
    for stem in dict.fromkeys(asked):
        known = stem[:STEM_CHARACTERS] not in unknown_stems
        there, usual = (of.said.holding(stem) & known for of in (corpus, corpus.usual))
        weight = float(np.log1p((np.count_nonzero(~usual) + 0.5) / (usual.sum() + 0.5)))
        total += weight
        held += weight * there
    return held / total if total else held


def find_speakers(name: str, corpus: Corpus) -> tuple[Flags, Flags]:
    """The notes without a subject that somebody speaks, and those that the other one speaks.

    In a talk of two who take turns, every second note is the same person's, and whoever is
    addressed is the other one. A session tells something only if each of its notes that addresses
    the name is in the same turn. In LoCoMo's development half that names the speaker of 99 % of
    the turns and of none wrongly. Only a conversation has speakers.
    """
    nobody = np.zeros(len(corpus), np.bool_)
    rows = corpus.mentions.address(name) if corpus.conversation else []
    if not rows:
        return nobody, nobody
    turns = _turns(corpus)
    votes = np.where(turns, 1.0, -1.0)
    size = corpus.session_count
    addressed = sum_by(corpus.sessions[rows], votes[rows], size)
    count = sum_by(corpus.sessions[rows], np.ones(len(rows)), size)
    side = np.where(np.abs(addressed) == count, np.sign(addressed), 0.0)[corpus.sessions]
    side = np.where(corpus.subject_numbers < 0, side * votes, 0.0)
    return side < 0, side > 0


def _turns(corpus: Corpus) -> Flags:
    """Whether a note is at an odd place of its session."""
    together = np.argsort(corpus.sessions, kind="stable")
    sessions = corpus.sessions[together]
    places = np.arange(len(corpus)) - np.searchsorted(sessions, sessions)
    turns = np.zeros(len(corpus), np.bool_)
    turns[together] = places % 2 == 1
    return turns
