"""The signals of recall's ranking: pure functions that give each note a value in `[0, 1]`.

To add one: write the function, give it a row in `weights._TABLE` and a reason in `weights.REASONS`,
and call it in `fusion.question_values`, or in `signal_values` if it needs the arms' hits.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import regex as re

from zettel.storage.errors import ZettelError
from zettel.storage.notes import Kind, fold
from zettel.tools.language.dates import LATEST_S
from zettel.tools.language.languages import JOINED_LETTERS
from zettel.tools.language.question_words import Sort, is_tagged_as, sort_of_tag, without_next
from zettel.tools.language.terms import named_kind, score_bm25, stems, terms
from zettel.tools.ranking.corpus import Corpus, Flags, Values, sum_around, sum_by, take_rows
from zettel.tools.ranking.question import USER, Question

LONG_NOTE_WORDS = 40
"""Words from which a note counts as long (retrieval study, recipe H2)."""
PRECISE_TIME_MAX_DAYS = 62
"""Longest time in a note that counts as a date (retrieval study, recipe H2)."""
ORDER_MIN_NEARNESS_SHARE = 0.85
"""Least share of the best nearness at which a note answers about as well (set by hand; effect in
`benchmarks/RESULTS.md`)."""
COMING_MIN_SHARE = 0.5
"""Least share of the best nearness, or of the question's words, at which what comes answers a
question for the next one."""
LATER_VALUE = 0.15
"""What the latest of what comes loses against the soonest."""
SUBJECT_MAX_BITS = 3.0
"""Most that a subject tells: LoCoMo's development half, told among 38,000 notes about 40 people, is
found as well with 2 to 3 (`benchmarks/RESULTS.md`)."""
SUBJECT_FEW_NOTES = 32
"""Notes up to which a subject tells one bit, however rare it is (set by hand: the topics of two
months of agents' notes have 1 to 12, LoCoMo's speakers some 300)."""
PROFILE_VALUE = 0.5
"""Of a note of the profile beside those that tell who the user is."""
TAG_LIST_MAX_NOTES = 20
"""Notes with a tag up to which a list of its notes is asked for, and not of something about it."""
AMONG_SORT_VALUE = 0.4
"""Of a note of the kind that is asked for, where words and meaning tell which of them."""
LONGER_TIME_VALUE = 0.8
"""Of a note that speaks of a far longer time than is asked for: behind those of the very day."""
_DAY = 86_400.0


class NotFiniteError(ZettelError, ValueError):
    """A raw score is NaN or infinite."""

    def __init__(self, note_id: str) -> None:
        self.note_id = note_id
        super().__init__(
            f"The score of note {note_id!r} is not finite. Run `zettel evolve --once`."
        )


def over_best(scores: Values) -> Values:
    """Divide scores by the best one; negative scores count as 0."""
    best = scores.max(initial=0.0)
    return np.maximum(scores, 0.0) / best if best > 0 else np.zeros_like(scores)


def min_max(scores: Values, scored: Flags | None = None) -> Values:
    """Scale scores linearly to `[0, 1]`; equal scores all become 1.

    Args:
        scores: Finite.
        scored: Where there is a score; elsewhere the value is 0. None means everywhere.
    """
    scored = np.ones(len(scores), np.bool_) if scored is None else scored
    if not scored.any():
        return np.zeros_like(scores)
    low, high = scores[scored].min(), scores[scored].max()
    scaled = (scores - low) / (high - low) if high > low else np.ones_like(scores)
    return np.where(scored, scaled, 0.0)


def exchange(question: Question, corpus: Corpus) -> Values:
    """BM25 of each note with the two notes before and after it in its session.

    The question's words are often spread over an exchange.
    """

    def counted(of: Corpus) -> Iterator[Values]:
        return (sum_around(*of.said.postings(term), of.around) for term in asked)

    asked, usual = _held_terms(question, corpus), corpus.usual
    among = (counted(usual), usual.around_lengths) if corpus.statistics else None
    return over_best(score_bm25(counted(corpus), corpus.around_lengths, among))


def session_text(question: Question, corpus: Corpus) -> Values:
    """BM25 of each note's whole session, scaled over the sessions."""

    def counted(of: Corpus) -> Iterator[Values]:
        for rows, counts in map(of.said.postings, asked):
            yield sum_by(of.sessions[rows], counts, of.session_count)

    asked, usual = _held_terms(question, corpus), corpus.usual
    among = (counted(usual), usual.session_lengths) if corpus.statistics else None
    scores = score_bm25(counted(corpus), corpus.session_lengths, among)
    return _scale_over_sessions(scores, corpus)[corpus.sessions]


def _held_terms(question: Question, corpus: Corpus) -> list[str]:
    """The terms of the question that some note holds."""
    asked = dict.fromkeys(terms(question.words or question.text))
    return [term for term in asked if len(corpus.said.postings(term)[0])]


def answers(text: Values, corpus: Corpus) -> Values:
    """The text score of the previous note, where that is a question."""
    asked = np.where(corpus.before >= 0, corpus.asks[corpus.before], False)
    return np.where(asked, take_rows(text, corpus.before, 0), 0.0)


def session_meaning(meaning: Values, corpus: Corpus) -> Values:
    """The best meaning score of each note's session, scaled over the sessions."""
    best, near = np.zeros(corpus.session_count), np.flatnonzero(meaning)
    np.maximum.at(best, corpus.sessions[near], meaning[near])
    return _scale_over_sessions(best, corpus)[corpus.sessions]


def _scale_over_sessions(scores: Values, corpus: Corpus) -> Values:
    """Scale over the scope's sessions, of which those that are not here have 0.

    0 everywhere if all are equal.
    """
    low = scores.min(initial=np.inf if corpus.whole else 0.0)
    high = scores.max(initial=low)
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def about(question: Question, corpus: Corpus) -> Values:
    """1 for notes of the question's subject; the user has several if they are called by name."""
    return _of_subjects(_meant_subjects(question, corpus), corpus)


def _meant_subjects(question: Question, corpus: Corpus) -> frozenset[str]:
    named = frozenset({question.subject})
    return named | corpus.users if question.subject == USER and question.names_user else named


def of_subject(question: Question, corpus: Corpus) -> Values:
    """For notes of the question's subject: what it tells."""
    return about(question, corpus) * _told_by_subject(question, corpus)


def of_whom_others_tell(question: Question, corpus: Corpus) -> Values:
    """`mentioned` times what the subject tells: others tell of somebody as well as that person."""
    return mentioned(question, corpus) * _told_by_subject(question, corpus)


def _told_by_subject(question: Question, corpus: Corpus) -> float:
    """What the question's subject tells, as a share of `SUBJECT_MAX_BITS`.

    One bit between two people who talk; more the fewer of a scope's notes are of the subject, if
    they still are many: of a topic with a few notes, its words tell as much.
    """
    count = sum(map(corpus.count_of, _meant_subjects(question, corpus)))
    rarity = math.log2(max(corpus.size, 1) / max(count, 1))
    told = min(rarity, math.log2(1 + count / SUBJECT_FEW_NOTES))
    return float(np.clip(told, 1.0, SUBJECT_MAX_BITS) / SUBJECT_MAX_BITS)


def _of_subjects(meant: Collection[str], corpus: Corpus) -> Values:
    numbers = (number for number, subject in enumerate(corpus.subjects) if subject in meant)
    return corpus.of_subjects(numbers).astype(np.float64)


def mentioned(question: Question, corpus: Corpus) -> Values:
    """Share of the question's names that a note of another subject mentions."""
    found = np.zeros(len(corpus))
    for name in question.names:
        found[corpus.mentions.speak_of(name)] += 1 / len(question.names)
    return found


def asking(corpus: Corpus) -> Values:
    """1 for notes that end in a question."""
    return corpus.asks.astype(np.float64)


def length(corpus: Corpus) -> Values:
    """Number of words over `LONG_NOTE_WORDS`, at most 1: small talk is short."""
    return np.minimum(corpus.words, LONG_NOTE_WORDS) / LONG_NOTE_WORDS


def _where(flags: Flags, *, given: bool) -> Values:
    """1 where a flag is set; 0 everywhere unless `given`."""
    return flags.astype(np.float64) if given else np.zeros(len(flags))


def tells_when(question: Question, corpus: Corpus) -> Values:
    """1 for notes that mention a time, if the question asks for one."""
    return _where(corpus.timed, given=question.asks_when)


def tells_who(question: Question, corpus: Corpus) -> Values:
    """1 for notes that hold a name, if the question asks who, where or which."""
    return _where(corpus.names, given=question.asks_who)


def happened_then(question: Question, corpus: Corpus) -> Values:
    """1 for notes whose own date lies in a time that the question names."""
    found = np.zeros(len(corpus), np.bool_)
    for start, end in question.times:
        found |= (corpus.happened >= start) & (corpus.happened < end)
    return found.astype(np.float64)


def speaks_of_then(question: Question, corpus: Corpus) -> Values:
    """1 for notes with a date in their text that overlaps a time that the question names.

    Down to `LONGER_TIME_VALUE` for notes that speak of a longer time around it.
    """
    found, (rows, starts, ends) = np.zeros(len(corpus)), corpus.spoken.T
    precise = ends - starts <= PRECISE_TIME_MAX_DAYS * _DAY
    for start, end in question.times:
        there = np.flatnonzero(precise & (starts < end) & (ends > start))
        exact = np.minimum(1.0, (end - start) / np.maximum(ends - starts, 1.0)[there])
        values = LONGER_TIME_VALUE + (1 - LONGER_TIME_VALUE) * exact
        np.maximum.at(found, rows[there].astype(np.intp), values)
    return found


def all_of_then(question: Question, corpus: Corpus) -> Values:
    """1 for notes of the time, if the question asks only for what happened then, or for its events.

    For those that speak of it as much as in `speaks_of_then`; a quarter of that where it asks for
    what is new or has changed, which a plan told before has not. What was told in that time is no
    event of it if it is not dated ahead, and a quarter of one where the question has no other word.
    """
    events = question.events_then and not corpus.conversation
    if not (question.only_when or events):
        return np.zeros(len(corpus))
    happened, spoken = happened_then(question, corpus), speaks_of_then(question, corpus)
    if events:
        ahead = np.maximum(happened * (corpus.happened > question.now), spoken)
        return np.maximum(ahead, happened / 4) if question.only_when else ahead
    since = any(start <= question.now and end >= LATEST_S for start, end in question.times)
    return np.maximum(happened, spoken / 4 if since or question.sort == "changed" else spoken)


def is_of_then(question: Question, corpus: Corpus) -> bool:
    """Whether any note is from, or mentions, a time that the question names, however long."""
    _, starts, ends = corpus.spoken.T
    spoken = any(((starts < end) & (ends > start)).any() for start, end in question.times)
    return bool(spoken or happened_then(question, corpus).any())


def beside(question: Question, corpus: Corpus) -> Values:
    """1 for what happened right before or after the moment that a question names, as it asks.

    Falls towards 0.5 with the number of events in between (notes about the question's names,
    those that mention a time if any does); 0 on the moment's other side.
    """
    if question.beside is None:
        return np.zeros(len(corpus))
    side, moment = question.beside
    apart = (event_times(corpus) - moment) * (1 if side == "after" else -1)
    concerned = about(question, corpus) + mentioned(question, corpus) > 0
    events = (concerned if concerned.any() else True) & (apart > 0)
    events = events & corpus.timed if (events & corpus.timed).any() else events
    between = np.searchsorted(np.sort(apart[events]), apart)
    return np.where(apart > 0, 0.5 + 0.5 / (1 + between), 0.0)


def event_times(corpus: Corpus) -> Values:
    """When each note's event happened: the earliest date in its text, else its own; seconds."""
    times = corpus.happened.copy()
    rows, starts, ends = corpus.spoken[np.argsort(-corpus.spoken[:, 1])].T
    precise = ends - starts <= PRECISE_TIME_MAX_DAYS * _DAY
    times[rows[precise].astype(np.intp)] = starts[precise]
    return times


def in_order(question: Question, corpus: Corpus, near: Values) -> Values:
    """Rank by time of the notes that answer about as well, if the question asks for an order.

    `near` is how well each note answers, 0 and up.
    """
    found = np.zeros(len(corpus))
    if question.order not in ("first", "latest"):
        return found
    alike = np.flatnonzero((near > 0) & (near >= ORDER_MIN_NEARNESS_SHARE * near.max(initial=0.0)))
    moments, places = np.unique(event_times(corpus)[alike], return_inverse=True)
    if len(moments) > 1:
        late = places / (len(moments) - 1)
        found[alike] = late if question.order == "latest" else 1.0 - late
    return found


def coming(question: Question, corpus: Corpus, near: Values) -> Values:
    """1 for what has not happened yet, if "next" is asked for; a little less the later it is.

    Of the notes that answer at least half as well as the best, or hold half of the words: what is
    over may say more of them and does not answer.
    """
    found = np.zeros(len(corpus))
    if question.order != "next":
        return found
    starts = _next_times(corpus, question.now)
    alike = (near > 0) & (near >= COMING_MIN_SHARE * near.max(initial=0.0))
    asked = stems(without_next(question.topic))
    held = sum((corpus.said.holding(stem).astype(np.float64) for stem in asked), found)
    alike |= held >= max(1, COMING_MIN_SHARE * len(asked))
    ahead = np.flatnonzero(alike & np.isfinite(starts))
    if len(ahead):
        _, places = np.unique(starts[ahead], return_inverse=True)
        found[ahead] = 1.0 - LATER_VALUE * places / max(places.max(), 1)
    return found


def _next_times(corpus: Corpus, now: float) -> Values:
    """When each note's next event is, its own or one in its text; infinite if all are over."""
    rows, starts, ends = corpus.spoken.T
    ahead = (ends > now) & (ends - starts <= PRECISE_TIME_MAX_DAYS * _DAY)
    times = np.where(corpus.happened > now, corpus.happened, np.inf)
    np.minimum.at(times, rows[ahead].astype(np.intp), starts[ahead])
    return times


def standing(question: Question, corpus: Corpus) -> Values:
    """1 for instructions and the profile, if the question asks how to do something."""
    return _where(corpus.standing, given=question.asks_how_to)


def own(question: Question, corpus: Corpus) -> Values:
    """1 for the profile and notes about the user, if the question is about the asker."""
    if not question.asks_self:
        return np.zeros(len(corpus))
    found = np.maximum(corpus.core, _of_subjects({USER, *corpus.users}, corpus))
    for name in corpus.users:
        found[corpus.mentions.speak_of(name)] = 1.0
    return found


def all_of_whom(question: Question, corpus: Corpus) -> Values:
    """1 for notes about whom a question asks all of; the user's are the profile, too.

    Of who the user is, those that tell their name come before the rest of the profile.
    """
    named = _where(corpus.naming, given=question.asks_identity)
    if not question.all_of_whom:
        return named
    if question.asks_self and question.subject in ("", USER):
        of_user = np.maximum(corpus.core, _of_subjects({USER, *corpus.users}, corpus))
        return np.where(corpus.naming, 1.0, PROFILE_VALUE * of_user)
    found = about(question, corpus)
    for name in (*question.names, *map(fold, question.spelled)):
        found[corpus.mentions.speak_of(name)] = 1.0
    return found


KIND_OF_SORT: Mapping[Sort, Kind] = {"open": Kind.WORKING, "rules": Kind.PROCEDURAL}
"""The kind of all notes of a sort that questions ask for."""


def of_sort(question: Question, corpus: Corpus) -> Values:
    """1 for notes of the kind that the question asks for: open work, decisions, changes, rules.

    `AMONG_SORT_VALUE` if it asks for more than the kind.
    """
    if not (question.sort or question.listed):
        return np.zeros(len(corpus))
    value = 1.0 if question.only_sort else AMONG_SORT_VALUE
    if not question.sort:
        return value * _listed(question, corpus)
    said, outlines = np.zeros(len(corpus), np.bool_), corpus.outlines
    if question.sort != "rules":
        said = said | corpus.says_sort(question.sort)
    if question.sort != "changed":
        tagged = [is_tagged_as(question.sort, outline.tags) for outline in outlines]
        said = said | np.array(tagged, np.bool_)
    if kind := KIND_OF_SORT.get(question.sort):
        said = said | np.array([outline.kind is kind for outline in outlines], np.bool_)
    return value * said.astype(np.float64)


def _listed(question: Question, corpus: Corpus) -> Values:
    """1 for notes with the tag of which the question asks a list; of several tags the rarest."""
    named, found = dict[str, str](), defaultdict[str, list[int]](list)
    for row, outline in enumerate(corpus.outlines):
        for tag in outline.tags:
            if tag not in named:
                kind = named_kind(tag, question.listed)
                named[tag] = kind and (sort_of_tag(tag) or kind)
        for kind in {named[tag] for tag in outline.tags} - {""}:
            found[kind].append(row)
    rows = min(found.values(), key=len, default=list[int]())
    values = np.zeros(len(corpus))
    if len(rows) <= TAG_LIST_MAX_NOTES:
        values[rows] = 1.0
    return values


def core(corpus: Corpus) -> Values:
    """1 for notes of the profile."""
    return corpus.core.astype(np.float64)


_QUOTED = re.compile(r"[\"“„«「『]([^\"“”„«»「」『』]{2,80})[\"“”»」』]")
_EDGE = "\"'“”„‘’«»()[]{}<>「」『』,;:!?…。、，！？؟।"
_POSSESSIVE = re.compile(r"['’]s$")
_IDENTIFIER = re.compile(
    r"""
        .*[\p{L}\p{N}][_@:\\=#+][\p{L}\p{N}/]   # foo_bar, ana@example.org, https://, CS:GO
      | .*[\p{L}\p{N}]{2}\.[\p{L}\p{N}]{2}      # error.log, but not U.S.
      | [#/~].                                  # #482, /var, ~/notes
      | .*/.*/                                  # a/b/c, but not and/or
      | .*\p{Ll}\p{Lu}                          # getUserById
      | (?!\p{N}+\p{L}{1,2}$)(?=.*\p{L}).*\p{N} # E1234, v2.3.1, but not 8th, 5k, 10am
      | \p{N}+([.-]\p{N}+){2}                   # 10.0.0.12, 2026-05-01
      | (?:0\p{N}{2,}|\p{N}{5,})$               # device 0019, order 88213; no year
    """,
    re.VERBOSE,
)
_CODE = re.compile(
    r"(?=\p{L}|.{6})(?=.*\p{L})(?=.*\p{N}.*\p{N})[\p{L}\p{N}]+(?:[-_.#][\p{L}\p{N}]+)*"
    r"|[\p{L}\p{N}]+(?:_+[\p{L}\p{N}]+)+"
)
"""An identifier that nobody spells otherwise: of two digits, or with "_". Not "2h30", "m³"."""
_CODE_SCRIPTS = rf"(?:(?![{JOINED_LETTERS}])[\p{{L}}\p{{N}}])"
"""A letter or digit that may be part of a code."""
_NO_CODE = re.compile(rf"[{JOINED_LETTERS}，。、；：！？（）【】《》・…]+")
_RUN = re.compile(r"\p{L}+|\p{N}+")
"""Of letters or of digits."""
_BETWEEN_RUNS = r"[\W_]*"
CODE_WORD_MIN_CHARACTERS = 3
"""Fewest letters of a code that may stand without its number."""
_SPACED_WORD = re.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{N}_]++")
"""A word of a spaced script: an exact term holds whole words of these."""
JOINED_WORD_MAX_CHARACTERS = 8
"""Most characters of a lone word in a language without spaces, unless it is in Katakana: more are
rather a sentence. Of 37 changes whose older note is asked for by its whole text 27 had the newer
first, 34 since then (`benchmarks/RESULTS.md`)."""
_KATAKANA = re.compile(r"[\p{Katakana}ー]+")
EXACT_MAX_TERMS = 32
"""Most exact terms of a question: every note is searched for each."""


def find_exact_terms(query: str) -> tuple[str, ...]:
    """The exact terms of a question, folded; the whole question if it is one word.

    Of a language without spaces a short one, as a sentence looks like one word.

    At most `EXACT_MAX_TERMS`, the first ones.
    """
    quoted: list[str] = _QUOTED.findall(query)
    words = _unquoted_words(query)
    alone = len(words) == 1 and not quoted and not _is_sentence(words[0])
    meant = _identifiers(words) or (words if alone else [])
    return tuple(dict.fromkeys(fold(term) for term in (*quoted, *meant)))[:EXACT_MAX_TERMS]


def _is_sentence(word: str) -> bool:
    if len(word) <= JOINED_WORD_MAX_CHARACTERS or _KATAKANA.fullmatch(word):
        return False
    return _NO_CODE.search(word) is not None


def find_asked_codes(query: str) -> tuple[str, ...]:
    """The codes of a question, as it spells them: "RNK-412", "pool_size", "4be11d0", not "S3"."""
    words = _identifiers(_unquoted_words(query))
    return tuple(dict.fromkeys(word for word in words if is_code(word)))[:EXACT_MAX_TERMS]


def _identifiers(words: Sequence[str]) -> list[str]:
    """The words that are spelled like identifiers, without the letters beside them in "12月"."""
    parts = (part.strip(_EDGE).rstrip(".") for word in words for part in _NO_CODE.split(word))
    return [part for part in parts if _IDENTIFIER.match(part)]


def is_code(term: str) -> bool:
    """Whether an exact term is a code, which nobody tells in other words."""
    return _NO_CODE.search(term) is None and _CODE.fullmatch(term) is not None


def spelled_anyhow(code: str, *, alone: bool) -> re.Pattern[str]:
    """Where a code stands in a folded text, whatever is between its letters and its numbers.

    "RNK-412" stands in "rnk 412" and in "rnk412".

    With `alone`, a word with one number stands also without any: "Covid", but not "RNK 377".
    """
    runs = [re.escape(run) for run in _RUN.findall(fold(code))]
    forms = [rf"{_BETWEEN_RUNS.join(runs)}(?!\p{{N}})"]
    if alone and len(runs) == 2 and len(runs[0]) >= CODE_WORD_MIN_CHARACTERS:
        forms.append(rf"{runs[0]}(?!{_CODE_SCRIPTS}|{_BETWEEN_RUNS}\p{{N}})")
    return re.compile(rf"(?<!{_CODE_SCRIPTS})(?:{'|'.join(forms)})")


def _unquoted_words(query: str) -> list[str]:
    words = (word.strip(_EDGE).rstrip(".") for word in _QUOTED.sub(" ", query).split())
    return [told for word in words if (told := _POSSESSIVE.sub("", word))]


def exact_share(terms: Sequence[str], content: str) -> float:
    """Share of one or more terms that a note holds literally except for case, in `[0, 1]`."""
    folded = fold(content)
    return sum(_holds_whole(folded, term) for term in terms) / len(terms)


def _holds_whole(folded: str, term: str) -> bool:
    """Whether a text holds a term that does not begin or end within a word of a spaced script."""
    at = folded.find(term)
    while at >= 0:
        if _is_within_word(folded, at):
            # No other place in this word will do.
            word = _SPACED_WORD.match(folded, at)
            at = folded.find(term, word.end() if word else at + 1)
        elif _is_within_word(folded, at + len(term)):
            at = folded.find(term, at + 1)
        else:
            return True
    return False


def _is_within_word(text: str, at: int) -> bool:
    before, after = text[max(at - 1, 0) : at], text[at : at + 1]
    return bool(_SPACED_WORD.match(before) and _SPACED_WORD.match(after))
