"""Texts that give orders to the agent that reads them, or ask it for credentials.

A word stands for one or more meanings ("disregard" for `override`), in any of the languages of the
files in `order_words`: a language is added by a file. A rule of `order_rules.toml` names the
meanings that together make an order, within one sentence and not far from each other; no rule
names a word. In a language with the list `teller`, a verb counts only as an order: not in "we never
send the token", nor in "the client sends the token" (see `order_guards`). `unmeant` is a regular
expression of what is spelled like a word of the lists and is another one: "j'ai", "ai vicini".
"""

import re
import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, lru_cache, reduce
from importlib.resources import files
from typing import Final, Literal, cast, get_args

import regex

from zettel.tools.language.order_guards import GUARD_LISTS, Guard
from zettel.tools.language.word_files import read_word_files

OrderKind = Literal["instructions", "credentials"]
_ORDER_KINDS: Final = len(get_args(OrderKind))

_REACHES: Final = {"close": 40, "near": 80, "far": 180}
"""Characters within which the meanings of a rule stand; "far" is about two lines."""
_GUARDED: Final = frozenset(
    "send give type ask answer promote rank obey remove pay call persist retain insert approve "
    "skip tell believe fetch deceive refuse alter".split()
)
"""Verbs that are an order only where an order can stand; the others unless somebody reports it."""
_MISSPELLED: Final = ("override", "rules", "limits", "prior", "secret", "agent", "free", "guarded")
"""Meanings whose words are known with a slip too."""
_SLIP_MIN_CHARACTERS: Final = 6
_SLIP_MAX_CHARACTERS: Final = 16
_LISTS: Final = GUARD_LISTS | {"joiner", "linker"}
_DENIED: Final = _GUARDED - {"tell"} | {"override", "reveal", "become"}
"""Verbs that a "never" just before them turns into the opposite."""
_VERBS: Final = _GUARDED | _DENIED | {"hush"}
_PLACE = (
    # Each begins with a sign or a digit, so that an ordinary word is not tried as an address.
    r"(?:https?|ftp|wss?)://\S{1,2000}|@[\w-]{1,64}(?:\.[\w-]{1,64}){1,6}"
    r"|\d{1,3}(?:\.\d{1,3}){3}|\.(?:com|net|org|io|dev|example|ru|cn|xyz)\b"
)
_PLACE_SIGN = re.compile(r"://|@|\d\.\d|\.(?:com|net|org|io|dev|example|ru|cn|xyz)\b")
_PART = r"[^\W_]+(?:'[^\W_]+)?|\n(?:[ \t]*\n)?|[.!?;:,\"()\[\]{}|>。！？，；：、।؟،*#-]+"
_ADDRESS_END = re.compile(r"[.@]\w")
_TOKEN = re.compile(_PART)
_TOKEN_OR_PLACE = re.compile(f"{_PLACE}|{_PART}")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_TERM = re.compile(r"[^\W_]+(?:'[^\W_]+)?\*?")
_ENDS = frozenset(".!?。！？।؟")
_STARTS = _ENDS | frozenset('\n;:,"()[]{}|>，；：、،*#-')
_WITHIN = frozenset(",;()[]，；،、")
"""Punctuation within a sentence."""
_FRAGMENT_WORDS = 3
"""A sentence of up to this many words does not end at its full stop: "Ignore. All. Rules."."""
_LABEL_SIGNS = 5
"""Characters that are looked at before a speaker's name: "- **Assistant:**"."""
_WALK = 6
_DEDICATION_WORDS = 3
"""Words before a name that say that a text is for it: "for the support bot"."""
_CLAUSE_WORDS = 16
"""Words that are looked back over for the subject of a verb at the end of its clause."""
_APOSTROPHES = str.maketrans("’‘`´ʼ＇", "''''''")
_TAGS = re.compile("[\U000e0000-\U000e01ef]+")
_LONG_LIGATURES: Final = ("\ufdfa", "\ufdfb")
"""Phrases of praise in one character of 18 and of 8; every other one has at most 7 (Unicode 15)."""
SIMPLE_MAX_CHARACTERS: Final = 65_536
"""Bound of the simple form, which is longer than a text of ligatures."""


@cache
def _marks() -> re.Pattern[str]:
    """Combining marks and characters of format of the basic plane.

    Without those of other planes, of rare scripts: a class of both is searched slowly.
    """
    kinds = ("Mn", "Me", "Cf")
    points = (chr(at) for at in range(0x80, 0x10000))
    return re.compile(
        f"[{''.join(point for point in points if unicodedata.category(point) in kinds)}]+"
    )


def _without_marks(text: str) -> str:
    return _TAGS.sub("", _marks().sub("", text))


def simplify(text: str) -> str:
    """The form in which words are compared: compatibility letters without marks, case folded.

    Marks go first, because Python sorts a long run of them in the square of its length. Ligatures
    that would push an order beyond the bound say none themselves.
    """
    if text.isascii():
        return text.lower()
    for ligature in _LONG_LIGATURES:
        text = text.replace(ligature, " ")
    bare = unicodedata.normalize("NFKD", _without_marks(text))[:SIMPLE_MAX_CHARACTERS]
    # Composed again: for the syllables of Korean, which would be three times as long.
    whole = unicodedata.normalize("NFC", _without_marks(bare))
    return whole.casefold().translate(_APOSTROPHES)


@dataclass(frozen=True, slots=True)
class _Rule:
    finding: OrderKind
    reach: int
    needs: tuple[int, ...]
    """One of the meanings of each mask must be there."""

    def holds(self, union: int) -> bool:
        """Whether all that the rule needs is there."""
        for need in self.needs:  # `all` takes twice as long, and a text is held against each rule
            if not union & need:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of all languages and the meanings they have, as masks of `bits`."""

    bits: dict[str, int]
    weak: int
    """The verbs of `_GUARDED`, as a mask."""
    denied: int
    verbs: int
    misspelled: int
    words: dict[str, int] = field(default_factory=dict[str, int])
    stems: dict[str, list[tuple[str, int]]] = field(
        default_factory=dict[str, list[tuple[str, int]]]
    )
    """Words that may have any ending, by their first `_STEM_CHARACTERS`."""
    phrases: dict[str, dict[str, list[tuple[tuple[str, ...], int]]]] = field(
        default_factory=dict[str, dict[str, list[tuple[tuple[str, ...], int]]]]
    )
    """First word -> second word -> the words after them, and the meanings.

    Under "" the phrases whose second word may have any ending, with that word.
    """
    inside: dict[str, int] = field(default_factory=dict[str, int])
    """Terms of languages that write without spaces, or with affixes on both sides."""
    beginnings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The terms of `inside` by their first two characters."""
    slips: dict[str, int] = field(default_factory=dict[str, int])
    """Words with a letter left out, and keys of words whose inner letters changed places."""
    lists: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in _LISTS})
    """The lists of all languages together."""
    unmeant: re.Pattern[str] | None = None
    """Words of another meaning with the same spelling: French "j'ai" is no AI."""
    guards: list[Guard] = field(default_factory=list[Guard])

    def possible(self, words: set[str]) -> int:
        """The meanings of the phrases that words could make up."""
        union = 0
        for word in words & self.phrases.keys():
            for second, endings in self.phrases[word].items():
                if not second or second in words:
                    for _, mask in endings:
                        union |= mask
        return union

    def look_up(self, word: str) -> int:
        """The meanings of one simplified word, or of the word that it is a slip of."""
        found = self.words.get(word, 0)
        if not found and _SLIP_MIN_CHARACTERS <= len(word) + 1 <= _SLIP_MAX_CHARACTERS:
            found = self.slips.get(word, 0) | self.slips.get(_jumbled(word), 0)
        for stem, mask in self.stems.get(word[:_STEM_CHARACTERS], ()):
            if word.startswith(stem):
                found |= mask
        if "'" in word:
            found |= self.words.get(word.partition("'")[2], 0)
        return found


_STEM_CHARACTERS = 3
_HERE = files("zettel.tools.language")
_AFFIXED = regex.compile(
    r"[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff]"
)
"""Letters of the scripts whose terms are looked for inside words."""


@cache
def load_vocabulary(spell: Callable[[str], str] = simplify) -> Vocabulary:
    """The vocabulary of all languages, made once for each way to spell their terms."""
    return make_vocabulary(_read_tables(), spell)


@cache
def _read_tables() -> Mapping[str, Mapping[str, object]]:
    """Language -> its table."""
    return read_word_files("order_words")


def make_vocabulary(
    tables: Mapping[str, Mapping[str, object]], spell: Callable[[str], str] = simplify
) -> Vocabulary:
    """The vocabulary of some languages' tables, as they stand in a file of `order_words`."""
    used = {name for *_, needs in _read_rules() for need in needs for name in need}
    bits = {
        name: 1 << at for at, name in enumerate(sorted(used | _VERBS | {"guarded", "vocative"}))
    }
    guards = {
        language: Guard.of(1 << len(bits) + at, table, spell)
        for at, (language, table) in enumerate(tables.items())
        if "teller" in table
    }
    unmeant = [str(table["unmeant"]) for table in tables.values() if "unmeant" in table]
    vocabulary = Vocabulary(
        bits,
        weak=_union(bits, _GUARDED),
        denied=_union(bits, _DENIED),
        verbs=_union(bits, _VERBS),
        misspelled=_union(bits, _MISSPELLED) | sum(guard.bit for guard in guards.values()),
        guards=list(guards.values()),
        unmeant=re.compile("|".join(unmeant)) if unmeant else None,
    )
    for language, table in tables.items():
        guard = bits["guarded"] | guards[language].bit if language in guards else 0
        for name, terms in table.items():
            if not isinstance(terms, list):
                continue
            for term in cast("list[str]", terms):
                if name in _LISTS:
                    vocabulary.lists[name].add(spell(term))
                else:
                    mask = vocabulary.bits[name] | (guard if name in _VERBS else 0)
                    _add(vocabulary, spell(term), mask, inside=bool(table.get("inside")))
    return vocabulary


def _add(vocabulary: Vocabulary, term: str, mask: int, *, inside: bool) -> None:
    if inside:
        if term not in vocabulary.inside and len(term) > 1:
            vocabulary.beginnings.setdefault(term[:2], []).append(term)
        vocabulary.inside[term] = vocabulary.inside.get(term, 0) | mask
        return
    first, *rest = _TERM.findall(term)
    if rest:
        second = "" if rest[0].endswith("*") else rest[0]
        endings = vocabulary.phrases.setdefault(first, {}).setdefault(second, [])
        endings.append((tuple(rest if not second else rest[1:]), mask))
        return
    word = first.removesuffix("*")
    if word != first:
        vocabulary.stems.setdefault(word[:_STEM_CHARACTERS], []).append((word, mask))
        return
    vocabulary.words[word] = vocabulary.words.get(word, 0) | mask
    slip = mask & vocabulary.misspelled
    if slip and len(word) >= _SLIP_MIN_CHARACTERS and word.isascii():
        for key in (_jumbled(word), *(word[:at] + word[at + 1 :] for at in range(1, len(word)))):
            vocabulary.slips[key] = vocabulary.slips.get(key, 0) | slip


def _jumbled(word: str) -> str:
    """The same for words that differ in the order of their inner letters: "ignroe", "ignore"."""
    return f"{word[0]}{''.join(sorted(word[1:-1]))}{word[-1]}."


def find_orders(simple: str, vocabulary: Vocabulary | None = None) -> frozenset[OrderKind]:
    """Orders to the reader, and requests for credentials, in a text in its simple form.

    Args:
        simple: As `simplify` returns it, or the function with which the vocabulary was made.
        vocabulary: All languages where None.
    """
    vocabulary = vocabulary or load_vocabulary()
    plain = set(_WORD.findall(simple))
    known = {word: mask for word in plain if (mask := vocabulary.look_up(word))}
    inside = list[tuple[int, int]]()
    if vocabulary.inside and not simple.isascii() and _AFFIXED.search(simple):
        inside += _inside_events(simple, vocabulary)
    union = vocabulary.possible(plain) | vocabulary.bits["place"] | vocabulary.bits["vocative"]
    for mask in (*known.values(), *{mask for _, mask in inside}):
        union |= mask
    if not any(rule.holds(union) for rule in _all_rules()):
        return frozenset()
    if vocabulary.unmeant:  # not sooner: most texts are done with
        simple = vocabulary.unmeant.sub(lambda words: " " * len(words[0]), simple)
    words = _Words.of(simple, vocabulary.lists["joiner"])
    events = list(_word_events(words, known, vocabulary))
    if inside:
        events = sorted([*events, *_inside_events(simple, vocabulary)])
    return _apply_rules(events, words.breaks)


def holds_order_verb(simple: str, vocabulary: Vocabulary) -> bool:
    """Whether a text in its simple form has a verb of an order where an order can stand."""
    known = {word: vocabulary.look_up(word) for word in set(_WORD.findall(simple))}
    events = list(_word_events(_Words.of(simple, vocabulary.lists["joiner"]), known, vocabulary))
    if vocabulary.inside and not simple.isascii():
        events += _inside_events(simple, vocabulary)
    return any(mask & vocabulary.verbs for _, mask in events)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text; the lists are parallel but for `breaks`."""

    words: list[str] = field(default_factory=list[str])
    at: list[int] = field(default_factory=list[int])
    opens: list[bool] = field(default_factory=list[bool])
    """Whether punctuation or a line's end stands before the word."""
    begins: list[bool] = field(default_factory=list[bool])
    """Whether it is the first of its sentence, line or quotation."""
    labels: list[bool] = field(default_factory=list[bool])
    """Whether the word is the first of its line, as who speaks is in a transcript."""
    colons: list[bool] = field(default_factory=list[bool])
    """Whether a colon stands before the word."""
    breaks: list[int] = field(default_factory=list[int])
    """Where sentences end."""

    @classmethod
    def of(cls, simple: str, joiners: Set[str] = frozenset()) -> "_Words":
        self, opens, begins, colon, since = cls(), True, True, False, 0
        lines = f"\n{simple}"
        tokens = _TOKEN_OR_PLACE if _PLACE_SIGN.search(simple) else _TOKEN
        for token in tokens.finditer(simple):
            word = token.group()
            if word[0] in _STARTS and not _ADDRESS_END.match(word):
                begins = begins or word[0] not in _WITHIN or (not opens and word[-1] not in _WITHIN)
                opens, colon = True, colon or word[0] == ":"
                ends = word[0] in _ENDS or word[-1] in _ENDS or (word[0] == "\n" and len(word) > 1)
                if ends and since > _FRAGMENT_WORDS:
                    self.breaks.append(token.start())
                    since = 0
                continue
            if since == 0 and word in joiners and self.breaks:
                self.breaks.pop()
            self.words.append(word)
            self.at.append(token.start())
            self.opens.append(opens)
            self.begins.append(begins)
            before = lines[max(0, token.start() + 1 - _LABEL_SIGNS) : token.start() + 1]
            self.labels.append(before.rstrip(" *_>-").endswith("\n"))
            self.colons.append(colon)
            opens = begins = colon = False
            since += 1 if word.isascii() else 1 + len(word) // 4
        return self


def _word_events(
    words: _Words, known: Mapping[str, int], vocabulary: Vocabulary
) -> Iterator[tuple[int, int]]:
    """Where words and phrases with a meaning stand, less what their surroundings deny."""
    bits = vocabulary.bits
    agent, guarded, negators = bits["agent"], bits["guarded"], vocabulary.lists["negator"]
    for at, word in enumerate(words.words):
        mask = known.get(word, 0) if word.isalnum() else _not_a_word(word, known, bits["place"])
        phrases, last = _phrases_at(words.words, at, vocabulary)
        mask |= phrases
        if mask & guarded:
            mask &= ~_denied(words, at, last, mask, known, vocabulary)
        if mask & bits["unasked"] and not negators.isdisjoint(_clause_before(words, at)):
            mask &= ~bits["unasked"]  # "no longer send mail without asking"
        if mask & agent and _is_addressed(words, at, last + 1, known, vocabulary):
            mask |= bits["vocative"]
        elif _is_label(words, at, last + 1):
            asked = known.get(words.words[last + 1], 0) & bits["must"]  # "Assistant: please …"
            mask &= ~bits["user"] & (-1 if asked else ~agent)
        if mask:
            yield words.at[at], mask


def _phrases_at(words: Sequence[str], at: int, vocabulary: Vocabulary) -> tuple[int, int]:
    """The meanings of the phrases that begin here, and where the longest of them ends."""
    mask, last = 0, at
    seconds = vocabulary.phrases.get(words[at])
    if seconds and at + 1 < len(words):
        for rest, meaning in seconds.get(words[at + 1], ()):
            if not rest or _continues(words, at + 2, rest):
                mask |= meaning
                last = max(last, at + 1 + len(rest))
        for rest, meaning in seconds.get("", ()):
            if _continues(words, at + 1, rest):
                mask |= meaning
                last = max(last, at + len(rest))
    return mask, last


def _not_a_word(word: str, known: Mapping[str, int], place: int) -> int:
    return place if "." in word or "@" in word else known.get(word, 0)


def _inside_events(simple: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int]]:
    """Where terms stand that are looked for within words, by their first two characters."""
    beginnings, inside = vocabulary.beginnings, vocabulary.inside
    for at, character in enumerate(simple):
        terms = beginnings.get(simple[at : at + 2], ())
        for term in (character, *terms) if character in inside else terms:
            if simple.startswith(term, at):
                if character.isascii() and _within_word(simple, at, at + len(term)):
                    continue
                mask = inside[term]
                if mask & vocabulary.weak:
                    mask &= ~_denied_inside(simple, at, at + len(term), mask, vocabulary)
                yield at, mask


def _within_word(simple: str, at: int, end: int) -> bool:
    """Whether a term in Latin letters is a part of a longer word: "AI" in "main"."""
    around = (simple[at - 1 : at] if at else "", simple[end : end + 1])
    return any(sign.isascii() and sign.isalnum() for sign in around)


def _continues(words: Sequence[str], at: int, rest: tuple[str, ...]) -> bool:
    if len(words) < at + len(rest):
        return False
    return all(
        word.startswith(part[:-1]) if part.endswith("*") else word == part
        for word, part in zip(words[at : at + len(rest)], rest, strict=True)
    )


def _is_addressed(
    words: _Words, at: int, after: int, known: Mapping[str, int], vocabulary: Vocabulary
) -> bool:
    """Whether a name of an agent stands by itself between punctuation: "Assistant, please".

    With a colon it is who speaks in a transcript, unless what follows begins as an order does.
    """
    if after >= len(words.opens) or not words.opens[after]:
        return False
    if not words.begins[at] and words.words[at - 1] not in vocabulary.lists["opener"]:
        addressing = vocabulary.lists["addressing"]
        named = words.colons[after] and _is_dedicated(words, at, addressing)
        return named and _begins_order(words, after, known, vocabulary)
    if not _is_label(words, at, after):
        return True
    return _begins_order(words, after, known, vocabulary)


def _begins_order(
    words: _Words, after: int, known: Mapping[str, int], vocabulary: Vocabulary
) -> bool:
    """Whether the words behind a name begin as an order does."""
    skipped, bits = vocabulary.lists["between"] | vocabulary.lists["opener"], vocabulary.bits
    said = (
        known.get(word, 0)
        for word in words.words[after : after + _WALK]
        if word not in skipped and not known.get(word, 0) & bits["must"]
    )
    return bool(next(said, 0) & (vocabulary.verbs | bits["persist"] | bits["tell"]))


def _is_dedicated(words: _Words, at: int, addressing: Set[str]) -> bool:
    """Whether the words before a name say that a text is for it: "PS for the support bot:"."""
    return not addressing.isdisjoint(_clause_before(words, at)[-_DEDICATION_WORDS:])


def _is_label(words: _Words, at: int, after: int) -> bool:
    """Whether words are the label of a line, as who speaks is in a transcript."""
    return words.labels[at] and after < len(words.colons) and words.colons[after]


def _denied_inside(simple: str, at: int, end: int, mask: int, vocabulary: Vocabulary) -> int:
    """The meanings that a verb within a run of characters does not have where it stands."""
    guards = [guard for guard in vocabulary.guards if mask & guard.bit]
    if any(guard.forbids_inside(simple, at, end) for guard in guards):
        return vocabulary.denied
    reports = any(guard.reports_inside(simple, at, end) for guard in guards)
    return vocabulary.weak if reports else 0


def _denied(
    words: _Words,
    at: int,
    last: int,
    mask: int,
    known: Mapping[str, int],
    vocabulary: Vocabulary,
) -> int:
    """The meanings that a verb, up to the word `last`, does not have where it stands.

    A word of several languages is read in those that know what stands before it.
    """
    guards = [guard for guard in vocabulary.guards if mask & guard.bit]
    verb, clause = words.words[at], _clause_before(words, at)
    after = "" if last + 1 >= len(words.words) or words.opens[last + 1] else words.words[last + 1]
    asks = _union(vocabulary.bits, ("must", "agent", "your"))
    asked = not clause or known.get(clause[-1], 0) & asks
    if not asked and any(guard.is_report(verb, after) for guard in guards):
        return vocabulary.weak
    readings = [_denied_in(guard, verb, clause, known, vocabulary) for guard in guards]
    denied = [reading for reading in readings if reading is not None]
    if denied:
        return reduce(int.__and__, denied)
    wary = reduce(int.__or__, (_union(vocabulary.bits, guard.lists["wary"]) for guard in guards))
    if any(known.get(word, 0) & wary for word in clause):
        return 0
    asks |= _union(vocabulary.bits, ("you", "user"))
    told = not any(known.get(word, 0) & asks for word in clause)
    told = told and any(guard.has_subject(clause) for guard in guards)
    return vocabulary.verbs if told else vocabulary.weak


def _clause_before(words: _Words, at: int) -> list[str]:
    """The last words before a word in its clause."""
    first = at
    while not words.opens[first] and at - first < _CLAUSE_WORDS:
        first -= 1
    return words.words[first:at]


def _denied_in(
    guard: Guard,
    verb: str,
    clause: Sequence[str],
    known: Mapping[str, int],
    vocabulary: Vocabulary,
) -> int | None:
    """The meanings denied in one language; None if it knows nobody who reports.

    Looks back over the words that may stand between a verb and its subject.
    """
    bits, lists = vocabulary.bits, guard.lists
    if clause and clause[-1] in lists["before_noun"]:
        return vocabulary.weak | bits["reveal"]
    if verb.endswith(tuple(lists["final"])):
        return _denied_last(guard, clause, known, vocabulary)
    elided, apostrophe, _ = verb.partition("'")
    if apostrophe and elided + apostrophe in lists["teller"]:
        return vocabulary.verbs
    negated, steps = False, 0
    left = ["", "", *clause]
    while len(left) > 2 and steps < _WALK and guard.is_between(left[-1], left[-2]):
        negated |= bool(known.get(left.pop(), 0) & bits["not"])
        steps += 1
    *_, before, subject = left
    denied = vocabulary.denied if negated else 0
    if subject in lists["teller"]:
        return denied | vocabulary.verbs
    addressed = known.get(subject, 0) & (bits["you"] | bits["agent"])
    if not subject or addressed or guard.opens(subject, before) or guard.must_be_told(verb):
        return denied
    return None


def _denied_last(
    guard: Guard, clause: Sequence[str], known: Mapping[str, int], vocabulary: Vocabulary
) -> int:
    """The meanings that the last verb of a clause does not have: those of an order, if it tells."""
    helpers, bits = guard.lists["helper"], vocabulary.bits
    asks = bits["you"] | bits["must"] | _union(bits, guard.lists["wary"])
    asked = any(known.get(word, 0) & asks for word in clause if word not in helpers)
    return vocabulary.weak if not asked and not helpers.isdisjoint(clause) else 0


class _Window:
    """The union of the masks within the last characters; two stacks, so linear in all."""

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self.clear()

    def clear(self) -> None:
        self._old: list[tuple[int, int]] = []
        self._new: list[tuple[int, int]] = []
        self._newest = 0

    def add(self, at: int, mask: int) -> int:
        """The union with the mask that stands here."""
        self._new.append((at, mask))
        self._newest |= mask
        least = at - self._reach
        if not self._old and self._new[0][0] < least:
            union = 0
            for entry in reversed(self._new):
                union |= entry[1]
                self._old.append((entry[0], union))
            self._new, self._newest = [], 0
        while self._old and self._old[-1][0] < least:
            self._old.pop()
        return self._newest | (self._old[-1][1] if self._old else 0)


def _apply_rules(events: Sequence[tuple[int, int]], breaks: Sequence[int]) -> frozenset[OrderKind]:
    """Which rules find their meanings close together within one sentence."""
    found = set[OrderKind]()
    windows = {reach: _Window(reach) for reach in _REACHES.values()}
    seen = set[tuple[int, ...]]()
    ends = iter((*breaks, sys.maxsize))
    end = next(ends)
    for at, mask in events:
        if at > end:
            for window in windows.values():
                window.clear()
            while at > end:
                end = next(ends)
        unions = {reach: window.add(at, mask) for reach, window in windows.items()}
        case = (mask, *unions.values())
        if case in seen:
            continue
        seen.add(case)
        for rule in _rules_of(mask):
            if rule.finding not in found and rule.holds(unions[rule.reach]):
                found.add(rule.finding)
        if len(found) == _ORDER_KINDS:
            break
    return frozenset(found)


@lru_cache(maxsize=4096)
def _rules_of(mask: int) -> tuple[_Rule, ...]:
    """The rules that a word of these meanings can complete."""
    return tuple(rule for rule in _all_rules() if any(mask & need for need in rule.needs))


@cache
def _all_rules() -> tuple[_Rule, ...]:
    bits = load_vocabulary().bits
    return tuple(
        _Rule(finding, reach, tuple(_union(bits, need) for need in needs))
        for finding, reach, needs in _read_rules()
    )


@cache
def _read_rules() -> tuple[tuple[OrderKind, int, tuple[tuple[str, ...], ...]], ...]:
    """What each rule finds, its reach in characters, and the meanings that it needs one of."""
    table = tomllib.loads((_HERE / "order_rules.toml").read_text(encoding="utf-8"))
    groups = table["groups"]
    return tuple(
        (
            finding,
            _REACHES[reach],
            tuple(
                tuple(
                    name
                    for part in need.split("|")
                    for name in (groups[part[1:]].split("|") if part[0] == "@" else (part,))
                )
                for need in rule.split()
            ),
        )
        for finding in get_args(OrderKind)
        for reach, rules in table[finding].items()
        for rule in rules
    )


def _union(bits: Mapping[str, int], names: Iterable[str]) -> int:
    union = 0
    for name in names:
        union |= bits[name]
    return union
