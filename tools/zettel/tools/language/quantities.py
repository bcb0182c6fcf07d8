"""What two texts about the same thing say of one quantity: its time, its price, its size.

By sort, so that other words may stand around it: "at 45 minutes", "fires at 20 minutes of lag". A
language is a file of `quantity_words`: adding one takes no code.
"""

from collections.abc import Mapping
from functools import cache, cached_property

import regex as re
from pydantic import TypeAdapter

from zettel.storage.notes import fold
from zettel.tools.language.names import find_names
from zettel.tools.language.slots import SLOT_MAX_CHARACTERS, OtherValue, named_numbers
from zettel.tools.language.terms import telling_words
from zettel.tools.language.time_words import days_of, is_day_month_or_count, months_of
from zettel.tools.language.word_files import read_word_files

QUANTITY_MIN_WORDS, QUANTITY_MIN_SHARE = 2, 0.3
"""Fewest telling words that two texts share beside their quantities, and their least share of the
text with fewer. So 21 of 147 changes in seven months are seen, and 3 of their 584 notes, 2 of
300 that change nothing and 2 of LoCoMo dev's 2,960 turns are taken for changes (November 2026)."""

_TABLES: TypeAdapter[dict[str, list[str] | bool]] = TypeAdapter(dict[str, list[str] | bool])
_DIGIT = re.compile(r"\p{N}")


class QuantityText:
    """A text with its subject; each part is read when it is first asked for, and once."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def is_long(self) -> bool:
        """Whether it is a document."""
        return len(self._text) > SLOT_MAX_CHARACTERS

    @property
    def quantities(self) -> Mapping[str, set[str]]:
        """Sort -> the quantities, folded."""
        return self._parted[0]

    @cached_property
    def words(self) -> set[str]:
        """The telling words beside the quantities."""
        words = telling_words(self._parted[1])
        return {word for word in words if not (_DIGIT.search(word) or is_day_month_or_count(word))}

    @cached_property
    def names(self) -> set[str]:
        """The words of the names, folded."""
        return {*fold(" ".join(find_names(self._text))).split()}

    @cached_property
    def numbers(self) -> Mapping[str, set[str]]:
        """Name -> the numbers that it is given."""
        return named_numbers(self._text)

    @cached_property
    def _parted(self) -> tuple[Mapping[str, set[str]], str]:
        """The quantities, and the text without them."""
        text, found, rest, end = fold(self._text), dict[str, set[str]](), list[str](), 0
        for match in _pattern().finditer(text):
            found.setdefault(str(match.lastgroup), set()).add(" ".join(match[0].split()))
            rest.append(text[end : match.start()])
            end = match.end()
        return found, " ".join([*rest, text[end:]])


def find_other_quantity(younger: QuantityText, older: QuantityText) -> OtherValue | None:
    """The quantity that a text tells otherwise than an older one about the same; None if none.

    Each text has one quantity of a sort, and they differ; the texts share words, and each has not
    names of its own alone. Texts that number what they tell of ("Experiment 14", "Experiment 15")
    are about two things.
    """
    if younger.is_long or older.is_long:
        return None
    new = {sort: told for sort, told in younger.quantities.items() if len(told) == 1}
    # The older text is read only where the younger has a quantity.
    sorts = (s for s in new if len(old := older.quantities.get(s, ())) == 1 and new[s] != old)
    sort = next(sorts, None)
    if sort is None:
        return None
    [before], [now] = older.quantities[sort], new[sort]
    other = OtherValue(before, now)
    # The names last: they take longest to read.
    is_one = not _number_others(younger, older, other) and _are_of_one(younger, older)
    return other if is_one else None


def _are_of_one(younger: QuantityText, older: QuantityText) -> bool:
    """Whether two texts have enough in common beside their quantities to be about one thing."""
    new, old = younger.words, older.words
    shared = len(new & old)
    if shared < max(QUANTITY_MIN_WORDS, QUANTITY_MIN_SHARE * min(len(new), len(old))):
        return False
    named, known = younger.names, older.names
    return not named.isdisjoint(known) or not (named and known)


def _number_others(younger: QuantityText, older: QuantityText, other: OtherValue) -> bool:
    """Whether the texts give one name different numbers that are not the quantity."""
    return any(
        told != older.numbers.get(name, told) and not any(n in other.new for n in told)
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
        for sort, patterns in table.items():
            for pattern in patterns if isinstance(patterns, list) else ():
                filled = pattern.replace("{day}", day).replace("{month}", month)
                spelled.setdefault(sort.replace(" ", "_"), []).append(filled)
    # Places are narrowed down first: trying all at every letter takes nearly three times as long.
    words_of = rf"(?<!\w)(?=[\w€$£¥])(?:{_groups(bounded)})(?!\w)"
    return re.compile(rf"{words_of}|(?=[\d\p{{Han}}])(?:{_groups(inside)})", re.IGNORECASE)


def _groups(spelled: Mapping[str, list[str]]) -> str:
    return "|".join(f"(?P<{sort}>{'|'.join(patterns)})" for sort, patterns in spelled.items())
