"""What two texts about the same thing say of one quantity: its time, its price, its size.

By sort, so that other words may stand around it: "at 45 minutes", "fires at 20 minutes of lag". A
language is a file of `quantity_words`: adding one takes no code.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache, cached_property
from itertools import islice, product
from typing import NamedTuple

from pydantic import TypeAdapter

from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.names import words_of_names
from zettel.tools.language.numerals import small_numbers
from zettel.tools.language.ordered_lists import items
from zettel.tools.language.slots import SLOT_MAX_CHARACTERS, OtherValue, named_numbers
from zettel.tools.language.terms import telling_words
from zettel.tools.language.time_words import days_of, is_day_month_or_count, months_of
from zettel.tools.language.word_files import read_word_files

QUANTITY_MIN_WORDS, QUANTITY_MIN_SHARE = 2, 0.3
"""Fewest telling words that two texts share beside their quantities, and their least share of the
text with fewer. So 21 of 147 changes in seven months are seen, and 3 of their 584 notes, 2 of
300 that change nothing and 2 of LoCoMo dev's 2,960 turns are taken for changes (November 2026)."""

CLAUSE_MIN_WORDS = 1
"""The same of two clauses where no other text is as near. With it and with clauses 12 more of 100
changes told without a word of change are seen, and 3 of 168 in eight months; of 150 pairs on two
things, 300 notes that change nothing and LoCoMo dev's turns no further one is taken for a change,
of the months' 504 other notes one (November 2026)."""
FIGURES_MAX_NUMBER = 6
"""Most numbers of a text, or a clause, of which one is a quantity that another may tell
otherwise; one with more is a row of figures. No change of fourteen months of notes is lost by it;
in 334 notes of the work on Zettel 12 were taken for such a change, 44 before (November 2026)."""
EVENT_MIN_WORDS = 3
"""The same for days: one more of 196 changes is seen, no other note is taken for one."""
CLAUSE_MAX_NUMBER = 8
"""Clauses of a text that are compared."""
LIST_MIN_ITEMS, LIST_MAX_ITEMS = 2, 24
"""Items with one amount each that two texts share, of which one has another amount now, and most
items of a text that are read. Of 283 changes in fourteen months of notes two more are seen (price
lists), and none of 924 other notes is taken for one (November 2026)."""
SIZE_MAX_RATIO = 12
"""Most times that an amount grows or shrinks in a change: a price by the month, told by the year.
Of the changes seen in eight months, 100 pairs and 184 others none is lost by it (November 2026)."""
EVENT_SORTS = frozenset(("weekday", "date"))
"""Sorts that two events differ in: a rehearsal and a demonstration for one person."""
NEAR_SORTS = EVENT_SORTS | {"time_of_day"}
"""Sorts that tell when, which texts on anything may have. Without them, notes of a cosine from .40
to .50 show 3 more of 466 changes, and none of 3,901 other notes is taken for one; with them 2
further ones, and 6 others (months, changes, pairs, worlds, LoCoMo dev's turns, November 2026)."""
RANGE_ENDS = 2
"""Quantities of one sort that a text may have: a beginning and an end."""
CODE = "code"
"""The sort of a number of four to six digits. Inside a clause it rather names a thing: "Invoice
1045 is paid"."""
POINTS = frozenset((*NEAR_SORTS, "address", CODE))
"""Sorts of what is no amount."""

_TABLES: TypeAdapter[dict[str, list[str] | bool]] = TypeAdapter(dict[str, list[str] | bool])
_DIGIT = re.compile(r"\d")
_CLAUSE_END = re.compile(r"[;；]\s*")
_AMOUNT = re.compile(r"\d[\d.,'’ ]*\d|\d")
_THOUSANDS = re.compile(r"[.,'’ ](?=\d{3}(?!\d))")
_DAYS = re.compile(r"(day|tag|mittwoch|sonnabend)s$")
_DECLINED = re.compile(r"(tage|monate|meter|liter)n$")
_NUMBER = re.compile(r"\d+(?:[.:]\d+)*")
_UNSPACED = "unspaced_"
"""Before the name of a group of the languages without spaces, since a name stands for one group."""


class _Item(NamedTuple):
    """A part of a list with one amount: "Starter £29"."""

    sort: str
    amount: str
    words: frozenset[str]
    """The telling words beside it."""


class _Parted(NamedTuple):
    """A text and its quantities."""

    quantities: Mapping[str, set[str]]
    """By sort."""
    spelled: frozenset[str]
    """As they stand in the text."""
    rest: str
    """The text without them."""


class QuantityText:
    """A text with its subject; each part is read when it is first asked for, and once."""

    def __init__(self, content: str, subject: str = "") -> None:
        self._content, self._subject = content, subject
        self._text = f"{subject}: {content}"

    @cached_property
    def is_long(self) -> bool:
        """Whether it is a document."""
        return len(self._text) > SLOT_MAX_CHARACTERS

    @cached_property
    def is_figures(self) -> bool:
        """Whether it is a row of figures, in which one says nothing of another text's."""
        return len(_NUMBER.findall(self._text)) > FIGURES_MAX_NUMBER

    @cached_property
    def clauses(self) -> Sequence["QuantityText"]:
        """Its sentences and their parts with a quantity, of the first `CLAUSE_MAX_NUMBER`.

        Each has the subject.
        """
        sentences = (self._content[slice(*span)] for span in sentence_spans(self._content))
        parts = dict.fromkeys(p for one in sentences for p in (one, *_CLAUSE_END.split(one)))
        clauses = (QuantityText(part, self._subject) for part in islice(parts, CLAUSE_MAX_NUMBER))
        return [clause for clause in clauses if clause.holds_one_of(self._parted.spelled)]

    def holds_one_of(self, spelled: Collection[str]) -> bool:
        """Whether some of these quantities stand in it: not reading it for them saves most time."""
        text = " ".join(fold(self._text).split())
        return any(quantity in text for quantity in spelled)

    def ends_with(self, quantity: str) -> bool:
        """Whether it ends with a quantity, which is then told and names nothing."""
        return fold(self._content).rstrip(" .").endswith(quantity)

    def tells(self, quantity: str) -> bool:
        """Whether a quantity is one of its."""
        return any(quantity in told for told in self.quantities.values())

    def clause_with(self, quantity: str) -> "QuantityText | None":
        """The first clause that tells a quantity; None if none of those read does."""
        return next((clause for clause in self.clauses if clause.tells(quantity)), None)

    @cached_property
    def items(self) -> Sequence[_Item]:
        """Its items with one amount and a word, of the first `LIST_MAX_ITEMS`."""
        found = list[_Item]()
        for part in map(QuantityText, items(self._content)[:LIST_MAX_ITEMS]):
            told = [(sort, one) for sort, of in part.quantities.items() for one in of]
            amounts = [pair for pair in told if pair[0] not in POINTS]
            if len(amounts) == 1 and part.words:
                found.append(_Item(*amounts[0], frozenset(part.words)))
        return found

    @property
    def quantities(self) -> Mapping[str, set[str]]:
        """Sort -> the quantities, folded."""
        return self._parted.quantities

    @cached_property
    def words(self) -> set[str]:
        """The telling words beside the quantities."""
        words = telling_words(self._parted.rest)
        return {word for word in words if not (_DIGIT.search(word) or is_day_month_or_count(word))}

    @cached_property
    def names(self) -> set[str]:
        """The words of the names, folded."""
        return words_of_names(self._text)

    @cached_property
    def numbers(self) -> Mapping[str, set[str]]:
        """Name -> the numbers that it is given."""
        return named_numbers(self._text)

    @cached_property
    def _parted(self) -> "_Parted":
        text, found, end = fold(self._text), dict[str, set[str]](), 0
        spelled, rest = list[str](), list[str]()
        for match in _pattern().finditer(text):
            sort = str(match.lastgroup).removeprefix(_UNSPACED)
            quantity = " ".join(match[0].split())
            spelled.append(quantity)
            found.setdefault(sort, set()).add(_as_told(sort, quantity))
            rest.append(text[end : match.start()])
            end = match.end()
        return _Parted(found, frozenset(spelled), " ".join([*rest, text[end:]]))


def _as_told(sort: str, quantity: str) -> str:
    """A quantity with its number in digits, a weekday in the singular, German units undeclined."""
    if sort == "weekday":
        return _DAYS.sub(r"\1", quantity)
    number, _, unit = _DECLINED.sub(r"\1", quantity).partition(" ")
    return " ".join(filter(None, (str(_small_numbers().get(number, number)), unit)))


@cache
def _small_numbers() -> Mapping[str, int]:
    languages = map(small_numbers, read_word_files("quantity_words"))
    return {word: value for numbers in languages for word, value in numbers.items()}


def find_other_quantity(
    younger: QuantityText, older: QuantityText, *, meant: bool, near: bool = True
) -> OtherValue | None:
    """The quantity that a text tells otherwise than an older one about the same; None if none.

    Each text has one quantity of a sort, and they differ; the texts share words, and each has not
    names of its own alone. Else a clause of the one and a clause of the other, with more words in
    common for days: two days are rather two events. Else two lists of the same things. Texts that
    number what they tell of ("Experiment 14", "Experiment 15") are about two things.

    Args:
        younger: The later text.
        older: The earlier one.
        meant: Whether no other text is as near the younger, so that one word of a clause is enough.
        near: Whether they are near enough for days and times of day to be of one thing.
    """
    if younger.is_long or older.is_long:
        return None
    far = frozenset[str]() if near else NEAR_SORTS
    found = _find_other(younger, older, QUANTITY_MIN_WORDS, far)
    if found and _share_clause(younger, older, found):
        return found
    if not younger.quantities.keys() & older.quantities.keys() - far:
        return None
    least = CLAUSE_MIN_WORDS if meant else QUANTITY_MIN_WORDS
    for new, old in product(younger.clauses, older.clauses):
        if new.quantities.keys().isdisjoint(old.quantities):
            continue
        other = _find_other(new, old, least, EVENT_SORTS | far, of_clauses=True) or _find_other(
            new, old, EVENT_MIN_WORDS, far, of_clauses=True
        )
        if other and not (younger.tells(other.old) or older.tells(other.new)):
            return other
    return _find_in_list(younger, older)


def _find_in_list(younger: QuantityText, older: QuantityText) -> OtherValue | None:
    """An amount that a list of several things tells otherwise: "Starter £29, Growth £95"."""
    pairs = list[OtherValue]()
    if len(younger.items) < LIST_MIN_ITEMS or len(older.items) < LIST_MIN_ITEMS:
        return None
    for sort, before, words in older.items:
        same = [i.amount for i in younger.items if i.sort == sort and _share_word(i.words, words)]
        if len(same) == 1:
            pairs.append(OtherValue(before, same[0]))
    others = [pair for pair in pairs if pair.old != pair.new]
    if len(pairs) < LIST_MIN_ITEMS or not all(are_of_a_size(p.old, p.new) for p in others):
        return None
    return next(iter(others), None)


def _share_clause(younger: QuantityText, older: QuantityText, other: OtherValue) -> bool:
    """Whether the clauses with a quantity have a word in common.

    The rest of two texts may be about one thing, and their quantities of two ("44% name the
    portal"; "The portal is an extra. Yearly payers get 15%"). Of 37 other notes in fourteen months
    that were taken for a change 4 no longer are, and every change is seen as before (November
    2026).
    """
    new, old = younger.clause_with(other.new), older.clause_with(other.old)
    return new is None or old is None or _share_word(new.words, old.words)


def _share_word(some: Collection[str], others: Collection[str]) -> bool:
    return any(word in others or _begins_alike(word, others) for word in some)


def _find_other(
    younger: QuantityText,
    older: QuantityText,
    least: int,
    without: Collection[str],
    *,
    of_clauses: bool = False,
) -> OtherValue | None:
    """The quantity of another sort than `without` that two texts with `least` words share."""
    # The older text is read only where the younger has a quantity.
    others = (
        (sort, *values)
        for sort, told in younger.quantities.items()
        if (values := _told_otherwise(told, older.quantities.get(sort, set())))
    )
    sort, before, now = next((o for o in others if o[0] not in without), ("", "", ""))
    if not sort or younger.is_figures or older.is_figures:
        return None
    if of_clauses and sort == CODE and not (younger.ends_with(now) and older.ends_with(before)):
        return None
    if sort not in POINTS and not are_of_a_size(before, now):
        return None
    other = OtherValue(before, now)
    # The names last: they take longest to read.
    is_one = not _number_others(younger, older, other) and _are_of_one(younger, older, least)
    return other if is_one else None


def find_other_of_sort(younger: QuantityText, older: QuantityText) -> OtherValue | None:
    """The quantity of one sort that a text tells otherwise, whatever else they tell; None if none.

    Each text has one quantity of that sort. For texts that are known to be about the same.
    """
    if younger.is_long or older.is_long or younger.is_figures or older.is_figures:
        return None
    for sort, told in younger.quantities.items():
        values = _told_otherwise(told, older.quantities.get(sort, set()))
        if values and sort != CODE and (sort in POINTS or are_of_a_size(*values)):
            return OtherValue(*values)
    return None


def _told_otherwise(new: Collection[str], old: Collection[str]) -> tuple[str, str] | None:
    """What is told instead of what: of one quantity, or of one end of two ("8:00 to 14:00")."""
    before, now = set(old).difference(new), set(new).difference(old)
    both = len(new) == len(old) <= RANGE_ENDS and len(before) == len(now) == 1
    return (before.pop(), now.pop()) if both else None


def are_of_a_size(before: str, now: str) -> bool:
    """Whether one quantity may be the other after a change: not a price and a wage by the hour."""
    sizes = [_size(quantity) for quantity in (before, now)]
    least, most = min(sizes), max(sizes)
    return not least or most <= SIZE_MAX_RATIO * least


def _size(quantity: str) -> float:
    """Its first number without what parts thousands; 0 for one in words, and where it is unsure."""
    number = _AMOUNT.search(quantity)
    whole = _THOUSANDS.sub("", number[0]).replace(",", ".") if number else ""
    return float(whole) if whole.replace(".", "", 1).isdigit() else 0.0


def _are_of_one(younger: QuantityText, older: QuantityText, least: int) -> bool:
    """Whether two texts have enough in common beside their quantities to be about one thing."""
    new, old = younger.words, older.words
    shared = sum(word in old or _begins_alike(word, old) for word in new)
    if shared < max(least, QUANTITY_MIN_SHARE * min(len(new), len(old))):
        return False
    named, known = younger.names, older.names
    if not (named and known) or not named.isdisjoint(known):
        return True
    # A word that begins a sentence may look like a name: "Carrier calls stop".
    pairs = *product(named, old), *product(known, new)
    return any(name.startswith(word) for name, word in pairs)


def _begins_alike(word: str, others: Collection[str]) -> bool:
    """Whether a word begins one of these, or one of these it: "Lager", "Lagerschnittstelle"."""
    return any(word.startswith(other) or other.startswith(word) for other in others)


def _number_others(younger: QuantityText, older: QuantityText, other: OtherValue) -> bool:
    """Whether the texts give one name different numbers that are not the quantity."""
    quantity = {*_NUMBER.findall(other.new)}
    return any(
        told != older.numbers.get(name, told) and told.isdisjoint(quantity)
        for name, told in younger.numbers.items()
    )


@cache
def _pattern() -> re.Pattern[str]:
    """Every quantity, in a group named after its sort."""
    bounded, inside = dict[str, list[str]](), dict[str, list[str]]()
    for language, words in read_word_files("quantity_words").items():
        table = _TABLES.validate_python(words)
        spelled = inside if table.get("inside") is True else bounded
        day, month = (f"(?:{names(language)})" for names in (days_of, months_of))
        number = f"(?:{'|'.join(sorted(small_numbers(language)))})"
        for sort, patterns in table.items():
            for pattern in patterns if isinstance(patterns, list) else ():
                filled = pattern.replace("{day}", day).replace("{month}", month)
                filled = filled.replace("{number}", number)
                name = sort.replace(" ", "_")
                name = f"{_UNSPACED}{name}" if spelled is inside else name
                spelled.setdefault(name, []).append(filled)
    # Places are narrowed down first: trying all at every letter takes nearly three times as long.
    words_of = rf"(?<!\w)(?=[\w€$£¥])(?:{_groups(bounded)})(?!\w)"
    return re.compile(
        rf"{words_of}|(?=[\d\u3007\u4e00-\u9fff])(?:{_groups(inside)})", re.IGNORECASE
    )


def _groups(spelled: Mapping[str, list[str]]) -> str:
    return "|".join(f"(?P<{sort}>{'|'.join(patterns)})" for sort, patterns in spelled.items())
