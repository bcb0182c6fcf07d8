"""The names a text holds: people, places, products, identifiers; by form and by other texts.

A capital alone tells a name inside a sentence, and in German not even there. At the beginning of a
sentence, and in German, a name is known by its title, by a second name, by what only somebody
does ("Miriam called"), in English as a word of no list before a verb, or from other notes. Code,
tables and logs name nobody.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice, pairwise

import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.vocabulary import (
    CAPITALISED_NOUNS,
    is_ordinary_english,
    is_ordinary_word,
)
from zettel.tools.language.name_words import (
    NameWords,
    name_words,
    names_nobody,
    read_language,
    short_forms,
    titles,
)
from zettel.tools.language.prose import without_code

ASSISTANTS = frozenset(
    "ai assistant bot chatbot chatgpt claude codex copilot deepseek gemini gpt grok llm mistral"
    " model user".split()
)
"""Subjects of conversations with an assistant; `user` is the human side."""
ROLES = frozenset("user users assistant assistants".split())
"""The speakers of a talk with an assistant; they are no names."""
ORDINARY_WORDS = frozenset(
    "i i'm i've i'd i'll ok okay monday tuesday wednesday thursday friday saturday sunday january"
    " february march april may june july august september october november december mr mrs ms dr"
    " hey hi hello wow yeah yes no thanks thank congrats sounds good great".split()
)
"""Words that English capitalises without naming anything."""
_COMMON_ACRONYMS = frozenset(
    "EUR USD GBP CHF JPY CNY RMB SEK NOK DKK PLN CZK HUF TRY INR KRW BTC UTC GMT CET CEST BST EST"
    " EDT CST CDT MST MDT PST PDT JST IST AEST MEZ MESZ API APIS URL URLS URI CSV PDF PDFS XML JSON"
    " YAML TOML HTML CSS SQL DDL CRUD HTTP HTTPS SSH SSL TLS TCP UDP DNS FTP SMTP SMS CPU GPU RAM"
    " SSD HDD USB SDK CLI GUI IDE ORM TTL BOM EOF UTF ASCII UUID ENV DEV PROD TODO FIXME WIP TBD"
    " ASAP FYI FAQ NULL TRUE FALSE AND NOT FOR THE GET PUT POST PATCH HEAD DELETE SELECT UPDATE"
    " INSERT FROM WHERE JOIN VACUUM NAME TAG INFO WARN ERROR DEBUG SKIP LOCKED LISTEN NOTIFY ETA QA"
    " HR LKW PKW DBA WAL SHA MIT VAT TVA IVA MWST UTF-8 UTF-16 SHA-1 SHA-256 SHA-512".split()
)
"""Currencies, time zones and terms of the trade: two notes with one need have nothing in common."""

_PLACES = frozenset("UK US EU UN UAE LA DC NZ".split())
"""Words of capitals alone that are names, though as short as those that are none."""

_IDENTIFIER = re.compile(
    r"""(?<![\w/.@#$=-])(?:
        [A-Z]{2}[A-Z0-9]*+-\d++                    # LAN-212
      | [A-Za-z]++\d*+_[A-Za-z0-9_]*+(?<!_)     # foo_bar
      | [A-Z]{1,4}\d{3,}                          # E1234
      | (?P<acronym>\p{Lu}{3,5})                  # GDPR
      | (?<!\d[ ])(?:\p{Lu}\p{Ll}++|\p{Ll}++)(?:\p{Lu}\p{Ll}*+)++  # camelCase, not "38 kHz"
    )(?![\w-])""",
    re.VERBOSE,
)
AFTER_ELISION = r"(?:(?<!['’])|(?<=(?<!\w)[dl]['’])|(?<=qu['’]))"
"""Before a name: no apostrophe but that of a word without its vowel ("d'Irène", "qu'Yves")."""
_UNMISTAKABLE = re.compile(
    r"""(?<![\p{L}\p{N}/.@#$=&_-])(?:
        \p{Lu}{2,}\p{N}*+-\p{N}++                       # LAN-212
      | \#\p{N}{2,5}+                                   # of an issue
      | \p{L}[\p{L}\p{N}]*+(?:_[\p{L}\p{N}]++)++         # foo_bar
      | (?:[\p{L}\p{N}_-]++/)++[\p{L}\p{N}_-]++\.\p{Ll}{1,5}+  # reports/weekly.typ
    )(?![\p{L}\p{N}/_-])""",
    re.VERBOSE,
)
"""What only names in code, of files and tickets look like; a path has a folder and an ending."""
# No two repetitions in a row accept the same character: else a long word is read in n² ways.
_WORD = r"\p{Lu}(?:[\p{L}\p{M}\p{N}'’-]*[\p{L}\p{M}\p{N}])?"
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_SENTENCE_START = re.compile(r"(?:\A|[.!?…:;\n\"“„«»(\[•|–—])[ \t]*[-*\d.)]*[ \t]*[\"“„«'(\[]*$")
_BEFORE = re.compile(r"(?P<word>[\p{L}\p{M}]+)(?P<sign>[.'’]?)\s*$")
_AFTER = re.compile(r"\s+(?P<word>[\p{L}\p{M}]+(?:['’][\p{L}]+)?)")
_NEXT_WORDS = re.compile(r"[ \t]+(\p{Ll}[\p{L}'’]*)(?:[ \t]+(\p{Ll}[\p{L}'’]*))?")
_NOUN_BEHIND = re.compile(r"[ \t]+\p{Lu}")
_SPACED = re.compile(r"\S+")
_POSSESSIVE = re.compile(r"['’]s?$")
_TICKET = re.compile(r"\p{Lu}[\p{Lu}\p{N}]+-\p{N}+")
_ELIDED = re.compile(r"\p{Lu}u?['’]\p{Ll}")
"""A small word without its vowel that opens a sentence: "L'institutrice", no "D'Angelo"."""
_GENITIVE = re.compile(r"\p{Lu}[\p{L}\p{M}-]+[^aeiouyäöüsxzß]s")
"""Behind a vowel, "s" is as often the name's own ("Thomas") as a genitive's ("Klaras")."""
_SPELLED = re.compile(r"\p{L}[\p{L}\p{M}'’-]*")
SENTENCE_START_CHARACTERS = 8
"""Characters before a word that decide whether it opens a sentence."""
INTRODUCTION_MAX_CHARACTERS = 30
"""Most characters before a name in a text that begins with who it is."""
UNLISTED_MIN_CHARACTERS = 3
"""Fewest of a name that no list knows and that opens a sentence; two are often an abbreviation."""
WORD_BEFORE_CHARACTERS = 24
"""Characters before a word in which the word before it is looked for."""
_POLITE_NAME = r"(?<!\p{Han})\p{Han}{1,5}|(?<!\p{Katakana})[\p{Katakana}ー]{2,8}"
NAME_MAX_CHARACTERS = 256
"""Longest name, as long as a subject may be; searching for a name takes its length times the
text's."""
NOTE_MAX_NAMES = 12
"""Most names of one note."""
NAMED_MAX_CHARACTERS = 8_000
"""Characters of a text that are read for names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spellings:
    """How the notes of a namespace spell words."""

    known: frozenset[str] = frozenset()
    """Words that notes use as names, in small letters."""
    alone: frozenset[str] = frozenset()
    """Those of them that are a whole name."""
    repeated: frozenset[str] = frozenset()
    """Names of several words that two notes use or more, in small letters."""
    common: frozenset[str] = frozenset()
    """Words that notes write in lower case more often than with a capital, or, where every
    noun has one, behind an article."""


NO_SPELLINGS = Spellings()


def read_spellings(notes: Iterable[tuple[str, Sequence[str]]]) -> Spellings:
    """How the notes of one namespace spell words.

    Args:
        notes: Of each its text and the names known of it, its subject included. Each word of a name
            counts as one, but not where every noun has a capital ("Kurstag Modul").
    """
    lower, capital = Counter[str](), Counter[str]()
    known, nouns, holders = set[str](), set[str](), Counter[str]()
    for text, names in notes:
        prose = without_code(text[:NAMED_MAX_CHARACTERS])
        spelled: list[str] = _SPELLED.findall(prose)
        for word in spelled:
            (lower if word[0].islower() else capital)[word.lower()] += 1
        language = read_language(prose)
        words = [] if language.capitalised_nouns else [w for name in names for w in name.split()]
        known |= {word.lower() for word in (*names, *words) if word[:1].isupper()}
        holders.update({name.lower() for name in names})
        if language.capitalised_nouns:
            beside = pairwise(map(str.lower, spelled))
            nouns |= {word for before, word in beside if before in language.determiners}
    common = {word for word, count in lower.items() if count > capital[word]}
    return Spellings(
        known=frozenset(known - ASSISTANTS - titles()),
        alone=frozenset(name for name in holders if name in known and " " not in name),
        repeated=frozenset(name for name, count in holders.items() if count > 1 and " " in name),
        common=frozenset(common | nouns),
    )


def find_names(text: str, spellings: Spellings = NO_SPELLINGS) -> tuple[str, ...]:
    """The names of a text in order, each once.

    At most `NOTE_MAX_NAMES`, each of at most `NAME_MAX_CHARACTERS`.
    """
    prose = without_code(text[:NAMED_MAX_CHARACTERS])
    spoken = _INLINE_CODE.sub(lambda code: " " * len(code[0]), prose)
    places = [*_capitalised(spoken, spellings), *_identifiers(prose), *_unspaced(spoken)]
    names = dict[str, str]()
    for _, name in sorted(places):
        if 2 <= len(name) <= NAME_MAX_CHARACTERS:
            if name.lower() not in ROLES:
                names.setdefault(name.lower(), name)
    inside = {word for name in names for word in name.split() if word != name}
    return tuple(islice((name for key, name in names.items() if key not in inside), NOTE_MAX_NAMES))


def words_of_names(*texts: str) -> set[str]:
    """The words of the names in some texts, folded."""
    return {*fold(" ".join(name for text in texts for name in find_names(text))).split()}


def find_identifiers(text: str) -> tuple[str, ...]:
    """Tickets, paths of files and names in code, each once, as spelled; in code and logs, too."""
    told = (match.group() for match in _UNMISTAKABLE.finditer(text[:NAMED_MAX_CHARACTERS]))
    return tuple(islice(dict.fromkeys(filter(is_telling, told)), NOTE_MAX_NAMES))


def introduces(text: str, name: str) -> bool:
    """Whether a text begins with who or what a name is: "Ana is our vet", "Our vet Ana"."""
    if name not in text[: len(name) + INTRODUCTION_MAX_CHARACTERS]:
        return False
    told = (form.replace("{a}", re.escape(name)) for form in read_language(text).introductions)
    return any(re.match(form, text) for form in told)


def is_telling(name: str) -> bool:
    """Whether notes that hold a name have something in common: not an assistant's, not "EUR"."""
    return name.lower() not in ASSISTANTS and name not in _COMMON_ACRONYMS


def is_common_acronym(word: str) -> bool:
    """Whether a word is a currency, a time zone or a term of the trade."""
    return word in _COMMON_ACRONYMS


def _identifiers(text: str) -> Iterator[tuple[int, str]]:
    for match in _IDENTIFIER.finditer(text):
        if not (match["acronym"] and match["acronym"] in _COMMON_ACRONYMS):
            yield match.start(), match.group()


@dataclass(slots=True)
class _Group:
    """Capitalised words in a row."""

    opens: bool
    """Whether it opens a sentence."""
    titled: bool
    """Whether a title stands before it."""
    determined: bool
    """Whether an article stands before it."""
    words: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def _capitalised(text: str, spellings: Spellings) -> Iterator[tuple[int, str]]:
    words = read_language(text)
    for run in _capitalised_rows().finditer(text):
        for group in _groups(run, words, spellings):
            if name := _named(group, text, words, spellings):
                yield group.words[0][0], name


@cache
def _capitalised_rows() -> re.Pattern[str]:
    short = "|".join(form.capitalize() for form in sorted(short_forms()))
    stop = rf"(?:\p{{Lu}}|{short})\.(?=[ \t]\p{{Lu}})"
    return re.compile(
        rf"(?<![\w-]){AFTER_ELISION}(?:(?:{short})\.(?=[ \t]\p{{Lu}})|{_WORD})"
        rf"(?:[ \t]+(?:(?:of|de|van|do|&)[ \t]+)?(?:{stop}|{_WORD}))*"
    )


def _groups(run: re.Match[str], words: NameWords, spellings: Spellings) -> list[_Group]:
    """The capitalised words of a run, parted by those that name nobody."""
    text, start = run.string, run.start()
    near = _BEFORE.search(text, max(0, start - WORD_BEFORE_CHARACTERS), start)
    before = near["word"].lower() if near else ""
    opening = max(0, start - SENTENCE_START_CHARACTERS)
    opens = _SENTENCE_START.search(text, opening, start) is not None
    titled = before in titles() and near is not None and near["sign"] in ("", ".")
    placed = False
    groups = [_Group(opens and not titled, titled, before in words.determiners)]
    for match in _SPACED.finditer(text, start, run.end()):
        word = match.group()
        folded = _POSSESSIVE.sub("", word).lower().replace("’", "'")
        if (word[0].isupper() and word not in _PLACES) and (
            folded in titles()
            or names_nobody(folded, words)
            or is_common_acronym(word)
            or _ELIDED.match(word)
            or _is_plain_noun(folded, words)
            or _only_opens(folded, match, opens, words)
        ):
            groups.append(_Group(False, folded in titles(), folded in words.determiners))
            placed = match.start() == start and folded in words.prepositions
            continue
        if folded in words.relatives and _is_related(groups[-1], words, spellings):
            groups.append(_Group(False, True, False))
            continue
        if placed and len(groups[-1].words) == 1 and _are_two(groups[-1], match, words, spellings):
            groups.append(_Group(False, False, False))
        groups[-1].words.append((match.start(), word))
        if _POSSESSIVE.search(word) and not _is_short(groups[-1]):
            groups.append(_Group(False, False, False))
    return [group for group in groups if group.words]


def _are_two(
    group: _Group, second: re.Match[str], language: NameWords, spellings: Spellings
) -> bool:
    """Whether a place and who does something there stand in a row: "In Bilbao Iñaki slept"."""
    after = _NEXT_WORDS.match(second.string, second.end())
    pair = (group.words[0][1].lower(), second[0].lower())
    if after is None or after[1] in language.function_words or " ".join(pair) in spellings.repeated:
        return False
    return spellings.alone.issuperset(pair)


def _is_related(group: _Group, language: NameWords, spellings: Spellings) -> bool:
    """Whether the group before a relative tells whose it is; then it is left as a name."""
    if not group.words:
        return group.determined
    at, word = group.words[-1]
    known = {word.lower(), word.lower().removesuffix("s")} & spellings.known
    plain = not known and word.lower() not in language.names_in_s and _GENITIVE.fullmatch(word)
    if len(group.words) == 1 and (plain or _owner([(at, word)], spellings)):
        group.words[-1] = at, word.removesuffix("s")
        group.titled = True
        return True
    return False


def _is_short(group: _Group) -> bool:
    """Whether a group begins with a short form: "St. Anne's"."""
    first = group.words[0][1]
    return first.endswith(".") and first[:-1].lower() in short_forms()


def _is_plain_noun(word: str, language: NameWords) -> bool:
    return bool(language.nouns and re.fullmatch(language.nouns, word))


def _only_opens(word: str, match: re.Match[str], opens: bool, language: NameWords) -> bool:
    """Whether a word has its capital for opening the sentence: "Ask Ana"."""
    if not opens or match.start() != match.pos or match.end() >= match.endpos:
        return False
    if word in language.openers:
        return True
    behind = _SPACED.search(match.string, match.end(), match.endpos)
    unlisted = behind is not None and not is_ordinary_english(behind[0].lower())
    return word in language.greetings and unlisted


def _named(group: _Group, text: str, language: NameWords, spellings: Spellings) -> str:
    """The name that a group of capitalised words tells; empty if none."""
    words = group.words
    while len(words) > 1 and not group.titled and _opens_only(group, spellings):
        group.opens, words[:] = False, words[1:]
    while words and (len(words[-1][1]) < 2 or not words[-1][1][0].isupper()):
        words.pop()
    while words and not words[0][1][0].isupper():
        words.pop(0)
    if not words:
        return ""
    name = " ".join(word for _, word in words)
    name = name if _is_short(group) else _POSSESSIVE.sub("", name)
    if language.capitalised_nouns and (owner := _owner(words, spellings)):
        return owner
    if group.titled:
        return name
    if len(words) > 1:
        adjective = language.adjectives and re.fullmatch(language.adjectives, words[0][1].lower())
        return "" if name.isupper() or (group.opens and adjective) else name
    folded = name.lower()
    nobody = name.isupper() or folded in spellings.common
    if name not in _PLACES and (nobody or (language.capitalised_nouns and group.determined)):
        return ""
    if folded in spellings.known or not (group.opens or language.capitalised_nouns):
        return name
    return name if _is_told(group, name, text, language) else ""


def _is_told(group: _Group, name: str, text: str, language: NameWords) -> bool:
    """Whether what stands around a word that may open a sentence tells that it is a name."""
    at, last = group.words[-1]
    owns = last != name and not language.capitalised_nouns
    acts = name.lower() not in language.openers and _acts(name, text, at + len(last), language)
    if group.opens and (owns or acts):
        return True
    return _stands_as_name(name, text, group.words[0][0], language)


def _opens_only(group: _Group, spellings: Spellings) -> bool:
    """Whether the first of several words is no part of the name: "Postmortem of INC-41"."""
    first, second, *_ = (word for _, word in group.words)
    if first.lower() in spellings.common:
        return True
    if not group.opens or first.lower() in spellings.known:
        return False
    last = group.words[-1][1]
    joined = second[0].islower() and last.lower() in spellings.known
    return joined or _TICKET.fullmatch(last) is not None


def _owner(words: Sequence[tuple[int, str]], spellings: Spellings) -> str:
    """The known name of which the first word is the genitive: "Mareks Werkstatt"."""
    first = words[0][1]
    owner = first.removesuffix("s")
    known = first.lower() not in spellings.known and owner.lower() in spellings.known
    return owner if known and owner != first else ""


def _acts(name: str, text: str, end: int, language: NameWords) -> bool:
    """Whether words follow that tell what only somebody does or is, or what a name does."""
    after = _AFTER.match(text, end)
    if after is not None and after["word"].lower().replace("’", "'") in language.verbs:
        return True
    pattern = _states(language.states)
    if pattern is not None and pattern.match(text, end):
        return True
    return _is_unlisted(name, text, end, language)


def _stands_as_name(name: str, text: str, start: int, language: NameWords) -> bool:
    """Whether a noun that no list knows has no article where every other noun has one.

    In languages that write every noun with a capital: behind a preposition ("mit Elias", "in
    Lyss"), before a verb at the beginning or behind "und" ("Elias hat"), and between a verb and
    what is done ("Gestern hat Elias den Ofen repariert").
    """
    if not language.capitalised_nouns or len(name) < UNLISTED_MIN_CHARACTERS or not name.isalpha():
        return False
    end = start + len(name)
    near = _BEFORE.search(text, max(0, start - WORD_BEFORE_CHARACTERS), start)
    before = near["word"].lower() if near and not near["sign"] else ""
    after = _NEXT_WORDS.match(text, end)
    behind, object_ = (after[1], after[2] or "") if after else ("", "")
    does = language.singular_verbs | language.verbs
    placed = before in language.before_names and _NOUN_BEHIND.match(text, end) is None
    verb = behind in does or (behind.endswith("t") and object_ in language.objects)
    acts = verb and (not before or before in language.conjunctions)
    acted = before in does and behind in language.objects
    return (placed or acts or acted) and not any(
        is_ordinary_word(name.lower(), code) for code in CAPITALISED_NOUNS
    )


def _is_unlisted(name: str, text: str, end: int, language: NameWords) -> bool:
    """Whether a word is none of the language, and a verb behind it tells something of one."""
    spelled = language.singular_verbs and not language.capitalised_nouns
    after = _NEXT_WORDS.match(text, end) if spelled else None
    if after is None or len(name) < UNLISTED_MIN_CHARACTERS or not name.isalpha():
        return False
    verb, behind = after[1], after[2] or ""
    acts = verb in language.singular_verbs and behind not in language.plural_verbs
    # "Sunflowers mean", "Sentinel errors of": several, and a noun before another one.
    if not acts and not name.endswith("s") and behind in language.objects:
        regular = verb.endswith(("s", "ed")) and is_ordinary_english(verb)
        acts = verb in language.verb_forms or regular
    return acts and not is_ordinary_english(name.lower())


@cache
def _states(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile(rf"\s?(?:{'|'.join(phrases)})") if phrases else None


def _unspaced(text: str) -> Iterator[tuple[int, str]]:
    """Names in scripts without spaces: in quotation marks, before "-san", behind a surname."""
    for pattern in _unspaced_patterns():
        for match in pattern.finditer(text):
            yield match.start("name"), match["name"]


@cache
def _unspaced_patterns() -> tuple[re.Pattern[str], ...]:
    found = [re.compile(r"[「『](?P<name>[\p{Han}\p{Hiragana}\p{Katakana}]{2,8})[」』]")]
    for words in name_words().values():
        if words.honorifics:
            polite = "|".join(map(re.escape, words.honorifics))
            bare = rf"[{words.surnames}]" if words.surnames else _POLITE_NAME
            found.append(re.compile(rf"(?P<name>{bare})(?:{polite})"))
        if words.surnames:
            other = "|".join(sorted(words.no_names))
            name = rf"(?!{other})[{words.surnames}]\p{{Han}}{{1,2}}?"
            found.append(
                re.compile(
                    rf"(?<=^|[\s，。；：、！？,.;:!?{words.before_name}])"
                    rf"(?P<name>{name})(?=[{words.behind_name}])"
                    rf"|(?<=[{words.calls}])(?P<name>{name})(?=[^\p{{Han}}]|$)"
                )
            )
    return tuple(found)
