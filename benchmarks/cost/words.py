"""Invented notes of a real note's length, the same ones for the same seed."""

from dataclasses import dataclass
from random import Random

PEOPLE = (
    *("Ana", "Bo", "Caroline", "Dmitri", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas"),
    *("Kemi", "Lukas", "Mina", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tara"),
)
ACTS = (
    *("moved the deployment of", "wrote the first tests for", "asked twice about"),
    *("finally repaired", "lost the notes on", "signed the contract for", "painted"),
    *("cancelled the meeting about", "found a cheaper way to run", "translated", "measured"),
    *("gave a talk on", "borrowed a book about", "planned next year's budget for", "sold"),
)
THINGS = (
    *("the garden shed", "the billing service", "the choir's autumn concert", "an old bicycle"),
    *("the search index", "a kitchen in Lisbon", "the school's robotics club", "the night train"),
    *("a bakery near the station", "the mobile app", "the lighthouse museum", "three beehives"),
    *("the payroll import", "a greenhouse", "the climbing hall", "the family archive"),
)
PLACES = (
    *("in Lyon", "at the harbour office", "over the phone", "in the small workshop", "in Kyoto"),
    *("on the train to Oslo", "at home", "in the library's reading room", "at the clinic"),
)
REASONS = (
    *("because the old one kept failing on Mondays", "since the landlord had asked for it"),
    *("so that nobody has to wait for it again", "after a long talk with the neighbours"),
    *("although the doctor had advised against it", "while the others were on holiday"),
    *("before the prices go up in spring", "for the sake of the two new colleagues"),
)
FEELINGS = (
    *("and was proud of how it went", "and still doubts that it was right"),
    *("and wants to come back to it in June", "and told only the closest friends"),
    *("and will send the pictures next week", "and paid for it out of savings"),
)
MONTHS = ("January", "March", "April", "June", "August", "September", "November", "December")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one note says."""

    content: str
    """25 to 45 words; no two of one source are alike."""
    subject: str


class Words:
    """A source of notes.

    Args:
        seed: Equal seeds make equal notes.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._told = 0

    def telling(self) -> Telling:
        """The next note."""
        pick, person = self._random.choice, self._random.choice(PEOPLE)
        self._told += 1
        day = f"on {self._random.randint(1, 28)} {pick(MONTHS)}"
        first = f"{person} {pick(ACTS)} {pick(THINGS)} {pick(PLACES)} {day} {pick(REASONS)}"
        second = f"{pick(PEOPLE)} helped with ticket {self._told} {pick(FEELINGS)}"
        return Telling(content=f"{first}; {second}.", subject=person)

    def question(self) -> str:
        """A question about what some of the notes say."""
        pick = self._random.choice
        return f"When was it that {pick(PEOPLE)} {pick(ACTS)} {pick(THINGS)}?"
