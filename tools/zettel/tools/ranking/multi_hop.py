"""Questions that take two steps: "Where does Ana's colleague live?" needs a name first.

Two notes are joined by a name: one ties it to its owner ("Ana shares an office with Ben"), one
answers the question about it ("Ben has moved to Lyon"). Neither need share a word with the
question, so every name near Ana is weighed by both.
"""

from dataclasses import dataclass
from itertools import chain, islice

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
"""Weight of a further look's ranking against the first (retrieval study, section 13); lower where
people talk with each other, who seldom ask in two steps."""
EVENT_SHARE = 1.05
"""Weight of what happened next to an event: more than the event, which is not asked for."""
TIE_SHARE = 0.95
"""Weight of a note that ties the name to its owner: it is evidence too."""
PLACE_FIRST_SHARE, PLACE_SHARE_STEP, PLACE_DELAY = 1.1, 0.02, 10.0
"""Where a person is unnamed and people do not talk with each other, notes of a second look count by
place: the first as 1.1 of the first look's best, each further one 0.02 less; a name that is a tenth
less likely starts one place later. Not for things: "Ana's home" takes one step."""
DIRECT_BEHIND, ANSWER_BEHIND, TIE_BEHIND, FIRST_LOOK_BEHIND = 0.0, 0.25, 0.5, 0.75
"""Places by which notes start later: those of the first look, and those that tie the name to its
owner, if the best of them speaks of "my sister" by this noun, and those of a second look if the
first had its best note too; the others of a second look; the other ties; the first look's others.
All on one place the newest led, and of 56 two-step questions of the generator's dialogues (seeds 0
and 3) 36 instead of 39 had a note first that is needed."""
STEP_MAX_NOTES = 20
"""Notes of each second look that are merged by place."""
FIRST_LOOK_NOTES = 2
"""Notes of the first look merged by place as well: "My sister is a nurse" needs one step."""

STEPPED = "stepped"
"""Share by which a second look raises or lowers a score to merge it; not a signal."""

_PEOPLE = frozenset(
    "accountant adviser advisor assistant aunt boss boy boyfriend brother child children"
    " client co-worker coach colleague cousin coworker customer dad daughter dentist doctor"
    " employee ex father fiance fiancee fiancé fiancée flatmate friend girl girlfriend"
    " granddaughter grandfather grandma grandmother grandpa grandson guy housemate husband kid"
    " landlord lawyer man manager mentor mom mother mum neighbor neighbour nephew niece parent"
    " partner people person pupil roommate sibling sister son spouse student supervisor"
    " teacher teammate tenant therapist trainer tutor twin uncle wife woman workmate".split()
)
"""Nouns for persons."""
_NAMED_THINGS = frozenset(
    "agency app application association band bank bird boat book branch brand business café"
    " cafe cat choir church city class clinic club cluster college company conference contractor"
    " country course database department district dog drug employer event festival film firm game"
    " garage group gym hamster home hometown horse hospital hotel initiative insurer institute"
    " library machine medication medicine module movie novel office orchestra organisation"
    " organization package parrot party pet play practice product program programme project"
    " provider publisher pub rabbit repo repository restaurant school server service ship shop show"
    " song squad startup store street supplier system team theatre ticket town undertaking"
    " university vendor venture village workplace".split()
)
"""Nouns for things that are called by a name of their own, by which other notes know them: a
project, a dog, and no bedroom."""
_NO_NOUNS = "to|of|in|on|at|for|by|with|and|or|from|is|was|are|were|as|than|that|who"
"""Words after a closing quotation mark that are not a possessed noun."""
_NAME = r"(?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*+(?:\s+\p{Lu}[\p{L}\p{M}\p{N}-]*+)*+)"
_NOUN = r"(?P<noun>\p{Ll}[\p{L}-]*)"
_RELATED = re.compile(
    rf"""(?:
        the\s+(?P<noun>{"|".join(sorted(_PEOPLE))})\s+of\s+{_NAME}
      | (?P<name>my)\s+{_NOUN}
      | the\s+{_NOUN}\s+of\s+{_NAME}(?!['’])
      | the\s+{_NOUN}\s+(?:that\s+|who\s+|whom\s+)?
            {_NAME}\s+\p{{Ll}}+(?:\s+(?:with|for|on|at|to|in)\b)?
    )(?![\p{{L}}-])""",
    re.VERBOSE,
)
"""Somebody or something named by its relation to a name: "the boss of Ana", "my project"."""
_NAMES = re.compile(_NAME)
"""Each run of capitalised words once, so that a long run is read once and not from each word."""
_POSSESSED = re.compile(
    rf"['’](?:s|(?P<plain>(?<=s['’])))\s+(?!(?:{_NO_NOUNS})\b){_NOUN}(?![\p{{L}}-])"
)
"""After a name: "'s project", and without an s of its own "' project" of "Silvas"."""
_UNQUOTED_WORD = re.compile(r"(?<!['’‘“\"])\b\p{Lu}")
_ASKED_WHO = re.compile(r"\b(?:who|what|which)(?:['’]s|\s+(?:is|are|was|were))$")
_ASKED_NO_MORE = re.compile(r"\s*(?:$|[?!.,;:]|(?:and|at|by|called|for|from|in|named|of|on)\b)")
"""Before and after the words that stand for a name, where the name itself is asked for."""
_WORD = re.compile(r"[\p{L}\p{M}\p{N}-]+")
_POSSESSIVE_END = re.compile(r"['’]s\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiHop:
    """Words of a question that stand for an unknown name."""

    words: str
    """ "Ana's colleague"."""
    rest: str
    """The question without them."""
    start: int
    end: int
    name: str
    """Name of the owner, folded."""
    noun: str
    """The relation to the owner: "colleague"."""
    is_person: bool

    def is_told_of(self, text: str) -> bool:
        """Whether a text speaks of whom the words stand for by their noun, not of what is theirs.

        "A colleague's cousin" is nobody's colleague.
        """
        return re.search(rf"(?<!\w){re.escape(self.noun)}(?!\w|['’]s?\s)", text.lower()) is not None

    def named(self, text: str, name: str) -> str:
        """The question with a name in place of the words."""
        spelled = f"{name[:1].upper()}{name[1:]}"  # so that "User's project" leads on
        return f"{text[: self.start]}{spelled}{text[self.end :]}"


def find_multi_hop(text: str) -> MultiHop | None:
    """Find the innermost words of a question that stand for a name.

    None if there are none, if they stand for what has no name ("Ana's bedroom"), or if nothing else
    is asked: "What is Ana's job?" and "Who is my doctor at the clinic?" take one step.
    """
    found = _first_unnamed(text)
    if found is None:
        return None
    start, end, name, noun = found
    rest, words = " ".join(f"{text[:start]} {text[end:]}".split()), text[start:end]
    if not terms(rest) or _is_asked_for(text, start, end):
        return None
    name, nouns = fold(name), frozenset[str](_singular(w) for w in _WORD.findall(fold(words)))
    if nouns.isdisjoint(_PEOPLE | _NAMED_THINGS):
        return None
    return MultiHop(
        words=words,
        rest=rest,
        start=start,
        end=end,
        name=USER if name in SELF_WORDS else name,
        noun=fold(noun),
        is_person=not _PEOPLE.isdisjoint(nouns),
    )


def _singular(word: str) -> str:
    return word.removesuffix("s") if word.removesuffix("s") in _PEOPLE | _NAMED_THINGS else word


def _is_asked_for(text: str, start: int, end: int) -> bool:
    """Whether the name for which words of a question stand is all it asks for."""
    before = _ASKED_WHO.search(fold(text[:start]))
    return before is not None and _ASKED_NO_MORE.match(fold(text[end:])) is not None


def _first_unnamed(text: str) -> tuple[int, int, str, str] | None:
    """Start and end of the first words that stand for a name, the owner's name, and the noun."""
    related = _RELATED.search(text)
    first = (*related.span(), related["name"], related["noun"]) if related else None
    for run in _NAMES.finditer(text):
        if first and run.start() > first[0]:
            break
        possessed = _POSSESSED.match(text, run.end())
        if possessed is None:
            continue
        # "Silvas' house" may begin inside a run: a quotation mark is no possessive.
        plain = possessed["plain"] is not None
        begins = _UNQUOTED_WORD.search(text, *run.span()) if plain else run
        if begins and not (first and begins.start() > first[0]):
            name = text[begins.start() : run.end()]
            return begins.start(), possessed.end(), name, possessed["noun"]
    return first


def step_share(corpus: Corpus) -> float:
    """Weight of a second look in a scope."""
    return STEP_SHARE_IN_TALK if corpus.conversation else STEP_SHARE


def beside_share(corpus: Corpus) -> float:
    """Weight of what happened next to a named event in a scope."""
    return STEP_SHARE_IN_TALK if corpus.conversation else EVENT_SHARE


def merge_by_score(first: Ranking, second: Ranking, share: float) -> Ranking:
    """Merge two rankings; each note keeps its better score.

    The first keeps its scale; the second's best note gets `share` of the first's best.
    """
    if not len(first.order) or not len(second.order):
        return first if len(first.order) else second
    scores, others = first.scores, second.scores
    scale = share * scores[first.order[0]] / others[second.order[0]]
    better = scale * others > scores
    better[np.setdiff1d(np.arange(len(better)), second.order)] = False
    parts = _parts(first, second, np.where(better, scale, 0.0))
    return rank_rows(first.corpus, parts, np.union1d(first.order, second.order))


def merge_by_place(
    first: Ranking, second: Ranking, rows: Rows, share: float, best: float, *, behind: float = 0.0
) -> Ranking:
    """Merge some notes of a second ranking by their place in it.

    Args:
        first: Its scale is kept.
        second: Of the same corpus; its signals explain the merged notes.
        rows: Rows of the notes, best first.
        share: Likelihood of the notes' name against the likeliest one, in `(0, 1]`.
        best: Best score of the first look.
        behind: Places by which they start later.
    """
    others = second.scores[rows]
    places = np.arange(len(rows)) + PLACE_DELAY * (1 - share) + behind
    aims = best * (PLACE_FIRST_SHARE - PLACE_SHARE_STEP * places)
    better = (others > 0) & (aims > first.scores[rows])
    lift = np.zeros(len(first.corpus))
    lift[rows[better]] = aims[better] / others[better]
    return rank_rows(first.corpus, _parts(first, second, lift), np.union1d(first.order, rows))


def place_first_look(first: Ranking, unnamed: MultiHop) -> Ranking:
    """Give the best notes of a first look their places among those of the second looks."""
    rows, best = first.order[:FIRST_LOOK_NOTES], first.scores.max(initial=0.0)
    behind = _places_behind(first, rows, unnamed, FIRST_LOOK_BEHIND)
    return merge_by_place(first, first, rows, 1.0, best, behind=behind)


def place_second_look(
    ranking: Ranking,
    found: Ranking,
    tying: Ranking,
    *,
    first: Ranking,
    unnamed: MultiHop,
    share: float,
) -> Ranking:
    """Merge what was found of a name by place, and the notes that tie it to its owner.

    Args:
        ranking: What is merged so far.
        found: Ranking for the question with the name.
        tying: The ties.
        first: Ranking of the first look.
        unnamed: The words that stand for the name.
        share: Likelihood of the name against the likeliest one, in `(0, 1]`.
    """
    best = first.scores.max(initial=0.0)
    agreed = np.isin(found.order[:1], first.order[:FIRST_LOOK_NOTES]).any()
    rows, behind = found.order[:STEP_MAX_NOTES], DIRECT_BEHIND if agreed else ANSWER_BEHIND
    ranking = merge_by_place(ranking, found, rows, share, best, behind=behind)
    rows = tying.order[:STEP_MAX_NOTES]
    behind = _places_behind(tying, rows, unnamed, TIE_BEHIND)
    return merge_by_place(ranking, tying, rows, share, best, behind=behind)


def _places_behind(of: Ranking, rows: Rows, unnamed: MultiHop, otherwise: float) -> float:
    best = of.corpus.outlines[int(rows[0])].content if len(rows) else ""
    return DIRECT_BEHIND if unnamed.is_told_of(best) else otherwise


def _parts(first: Ranking, second: Ranking, scale: Values) -> dict[str, tuple[float, Values]]:
    """Shares of merged notes, with `STEPPED` for the change of the score.

    Those with scale 0 are ranked by the first; of others it is the factor of the second's score.
    """
    names = dict.fromkeys((*first.parts, *second.parts, STEPPED))
    parts = {name: np.where(scale > 0, _of(second, name), _of(first, name)) for name in names}
    parts[STEPPED] += np.where(scale > 0, (scale - 1.0) * second.scores, 0.0)
    return {name: (1.0, values) for name, values in parts.items()}


def _of(ranking: Ranking, name: str) -> Values:
    return ranking.share(name) if name in ranking.parts else np.zeros(len(ranking.corpus))


NAMING_MAX_NOTES = 500
"""Most notes about the owner that are read for names, the nearest first."""
BRIDGE_MAX_NAMES = 2
"""Most names that are followed (retrieval study, section 13)."""
NOTE_MAX_BRIDGE_NAMES, BRIDGE_MAX_CANDIDATES = 64, 500
"""Most names of one note, and of one question, that are weighed: a turn of LoCoMo has at most 11, a
whole conversation 308. Each is looked up in every note."""
NOTE_MAX_RUNS = 500
"""Most runs of capitalised words of one note that are read; 32 KB of "Ab." have 11,000."""
BRIDGE_NAME_MAX_CHARACTERS = 64
"""Longest name; LoCoMo's longest has 25. A longer run of capitalised words is a headline."""
WRONG_KIND_WEIGHT = 0.3
"""Factor of a name that is not a person where one is asked for, or the reverse (generator)."""

EXCLUSIVE_NAME_WEIGHT = 0.5
"""Weight of the share of a name's notes that are about the owner, such as of the owner's project;
names of places and languages are common (generator). Not used in talk."""
SUBJECT_SAMPLE_NOTES, FIRST_PERSON_MIN_SHARE = 100, 0.05
"""Notes of a subject that are sampled, and the share of them in the first person above which
subjects are speakers."""

_CAPITALISED = re.compile(
    r"(?<!\w)\p{Lu}[\p{L}\p{M}\p{N}-]*[\p{L}\p{N}](?:\s+\p{Lu}[\p{L}\p{M}\p{N}-]*[\p{L}\p{N}])*"
)
_SENTENCE_END = ".!?…\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeEntity:
    """A name that `MultiHop.words` may stand for."""

    name: str
    """As the notes spell it."""
    share: float
    """Likelihood against the likeliest name, in `(0, 1]`."""
    rows: tuple[int, ...]
    """Rows of the notes that tie it to the owner."""


def find_bridge_entities(unnamed: MultiHop, about: Ranking, asked: Ranking) -> list[BridgeEntity]:
    """Find the likeliest names, at most `BRIDGE_MAX_NAMES`, the best first.

    `about` ranks for these words alone, `asked` for the question without them.
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
            if name in beside or len(beside) < BRIDGE_MAX_CANDIDATES:
                beside.setdefault(name, []).append(row)
    weights, ties, texts = dict[str, float](), dict[str, list[int]](), _Texts(corpus)
    for name, there in beside.items():
        answering = _elsewhere(name, unnamed.name, texts, told, spoken=spoken)
        if answering is not None and _is_name(name, corpus):
            said = (fold(name), unnamed.name)
            ties[name] = [r for r in there if _ties(r, texts, *said, spoken=spoken)]
            tie = tied[ties[name]].max(initial=0.0)
            called = any(unnamed.noun in texts.words_beside(fold(name), r) for r in ties[name])
            fits = (
                1.0
                if called or _is_person(name, corpus) == unnamed.is_person
                else WRONG_KIND_WEIGHT
            )
            exclusive = alone * len(there) / len({*there, *_holding(fold(name), corpus)})
            weights[name] = fits * float(tie + told[answering] + exclusive)
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
    """Scores as shares of the best one, without the signals of names."""
    scores = np.maximum(ranking.without({"subject", "mentioned"}), 0.0)
    return scores / max(float(scores.max(initial=0.0)), 1e-9)


def _about(name: str, corpus: Corpus) -> Rows:
    """Rows of the notes by or about the owner."""
    own = _of_subject(name, corpus)
    if name == USER and not len(own):
        own = [row for row, o in enumerate(corpus.outlines) if USER in _words(o.content)]
    return np.union1d(own, corpus.mentions.speak_of(name)).astype(np.intp)


def _is_spoken(name: str, corpus: Corpus) -> bool:
    """Whether a note's subject is its speaker, not its topic."""
    if corpus.conversation or not ASSISTANTS.isdisjoint(corpus.subjects):
        return True
    own = _of_subject(name, corpus)[:SUBJECT_SAMPLE_NOTES]
    return sum(
        USER in _words(corpus.outlines[row].content) for row in own
    ) > FIRST_PERSON_MIN_SHARE * len(own)


def _holding(name: str, corpus: Corpus) -> list[int]:
    """Rows of the notes by or about a folded name."""
    return sorted({*_of_subject(name, corpus), *corpus.mentions.speak_of(name)})


def _of_subject(name: str, corpus: Corpus) -> list[int]:
    numbers = (n for n, subject in enumerate(corpus.subjects) if subject == name)
    return np.flatnonzero(corpus.of_subjects(numbers)).tolist()


def _names(outline: Outline, *, spoken: bool) -> list[str]:
    """The names that a note mentions, its subject first, without those only addressed.

    At most `NOTE_MAX_BRIDGE_NAMES`, each of at most `BRIDGE_NAME_MAX_CHARACTERS`.

    `spoken` is whether the subject is the speaker, whom only the first person mentions.
    """
    text = outline.content
    means_subject = outline.subject and (not spoken or USER in _words(text))
    runs = islice(_CAPITALISED.finditer(text), NOTE_MAX_RUNS)
    spelled = (m for m in runs if not is_addressed(text, *m.span()))
    names = (name for m in spelled for name in _readings(m.group()))
    found = chain([outline.subject] if means_subject else [], names)
    by_folded = dict[str, str]()
    for name in found:
        if len(name) <= BRIDGE_NAME_MAX_CHARACTERS:
            if len(by_folded) == NOTE_MAX_BRIDGE_NAMES and fold(name) not in by_folded:
                break
            by_folded[fold(name)] = name
    return list(by_folded.values())


def _readings(run: str) -> list[str]:
    """The names that a run of capitalised words may hold: "With Ben I" may hold Ben."""
    words = run.split()
    while words and fold(words[-1]) in ORDINARY_WORDS:
        words.pop()
    return [
        " ".join(words[first:])
        for first in (0, 1)
        if words[first:] and fold(words[first]) not in ORDINARY_WORDS
    ]


class _Texts:
    """The sentences of a corpus's notes and their words, each note read once."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._read = dict[int, list[tuple[str, set[str]]]]()

    def words_beside(self, name: str, row: int) -> set[str]:
        """The words of a note's sentences with a folded name; of all if none has it."""
        sentences = self._sentences(row)
        beside = [words for sentence, words in sentences if name in sentence]
        return set[str]().union(*(beside or (words for _, words in sentences)))

    def _sentences(self, row: int) -> list[tuple[str, set[str]]]:
        """Each sentence, folded, with its words."""
        if row not in self._read:
            text = self.corpus.outlines[row].content
            parts = (text[slice(*span)] for span in sentence_spans(text))
            self._read[row] = [(fold(part), _words(part)) for part in parts if part.strip()]
        return self._read[row]


def _elsewhere(name: str, owner: str, texts: _Texts, told: Values, *, spoken: bool) -> int | None:
    """Row of the best-scored note about a name that is not about its owner."""
    folded, corpus = fold(name), texts.corpus
    speaks = folded in corpus.subjects
    if folded == owner or (owner == USER and speaks and folded in ASSISTANTS):
        return None
    rows = np.array(_holding(folded, corpus), np.intp)
    best: list[int] = rows[np.argsort(-told[rows], kind="stable")].tolist()
    return next((row for row in best if _is_apart(row, texts, folded, owner, spoken=spoken)), None)


def _is_apart(row: int, texts: _Texts, name: str, owner: str, *, spoken: bool) -> bool:
    """Whether the note's statement about `name` excludes `owner`."""
    if spoken:  # "The client wants Umbra in May. Can you help me?"
        return owner not in texts.words_beside(name, row)
    outline = texts.corpus.outlines[row]
    return fold(outline.subject) != owner and owner not in texts.words_beside("", row)


def _ties(row: int, texts: _Texts, name: str, owner: str, *, spoken: bool) -> bool:
    """Whether one sentence of a note holds a folded name and its owner, perhaps as "my"."""
    words, subject = texts.words_beside(name, row), texts.corpus.outlines[row].subject
    return owner in words or (fold(subject) == owner and (not spoken or USER in words))


def _is_name(name: str, corpus: Corpus) -> bool:
    """Whether notes spell it so inside a sentence."""
    folded = fold(name)
    if folded in corpus.subjects:
        return True
    spelled = re.compile(rf"(?<!\p{{Lu}}[\w-]*\s)(?<!\w){re.escape(name)}(?!\w)")
    texts = (corpus.outlines[row].content for row in corpus.mentions.speak_of(folded))
    before = (_last_before(text, m.start()) for text in texts for m in spelled.finditer(text))
    return any(character and character not in _SENTENCE_END for character in before)


def _last_before(text: str, at: int) -> str:
    """The last character before `at` that is not a space; empty if there is none."""
    while at and text[at - 1] == " ":
        at -= 1
    return text[at - 1] if at else ""


def _is_person(name: str, corpus: Corpus) -> bool:
    """Whether a name is a subject or, in a scope without people as subjects, common."""
    folded = fold(name)
    people = corpus.subjects.keys() - ASSISTANTS
    return folded in corpus.subjects or (not people and corpus.is_common(folded))


def _words(text: str) -> set[str]:
    found = set[str](_WORD.findall(_POSSESSIVE_END.sub("", fold(text))))
    return found | {USER} if found & SELF_WORDS else found
