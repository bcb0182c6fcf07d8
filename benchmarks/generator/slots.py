"""What a person or a project is known for, and the many ways it is told and asked.

A question shares few words with the tellings of its answer, as agents ask and people talk.
"""

from dataclasses import dataclass

from benchmarks.generator import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One attribute. Every text has `{value}`; those about somebody have `{name}`."""

    name: str
    values: tuple[str, ...]
    """At least 40."""
    own: tuple[str, ...]
    """Told plainly by the person; nobody tells a project's."""
    about: tuple[str, ...]
    """Told plainly by somebody else, or as an item of a list."""
    asked: tuple[str, ...]
    """Questions about `{name}`."""
    aside: str = ""
    """Told by the person in passing, amid something else."""
    mine: tuple[str, ...] = ()
    """The same questions from the person; a project asks none."""
    then: str = ""
    """What held on the day `{day}`; empty where it never changes in this world."""
    then_mine: str = ""
    """The same from the person."""
    mentions: tuple[str, ...] = ()
    """Where else such a value turns up, saying nothing of anybody's slot."""


CITY = Slot(
    name="city",
    values=words.CITIES,
    own=(
        "I live in {value} now",
        "I've moved into a small flat in {value}",
    ),
    about=(
        "{name} lives near the old market of {value}",
        "{name} has moved to {value}",
        "{name} - address: {value}",
    ),
    asked=(
        "Where does {name} live?",
        "Which town is {name}'s home?",
        "Where should a parcel for {name} be sent?",
    ),
    aside="Sorry about the noise, the trams here in {value} pass right under my window",
    mine=("Where do I live?", "Which town is my home?", "Where should my parcels be sent?"),
    then="Where was {name}'s home on {day}?",
    then_mine="Where was my home on {day}?",
    mentions=(
        "There was a long piece on {value} in the paper",
        "The novel plays in {value}, I could not put it down",
        "A colleague's cousin honeymooned in {value}",
    ),
)
EMPLOYER = Slot(
    name="employer",
    values=words.EMPLOYERS,
    own=(
        "I work for {value} now",
        "I've signed a contract with {value}",
    ),
    about=(
        "{name} works at {value}",
        "{value} has hired {name}",
        "{name} - employer: {value}",
    ),
    asked=(
        "Which company does {name} work for?",
        "Who pays {name}'s salary?",
        "What firm is {name} with?",
    ),
    aside="Long day again, {value} keeps everybody until seven and I'm no exception",
    mine=("Which company do I work for?", "Who pays my salary?", "What firm am I with?"),
    then="Which company did {name} work for on {day}?",
    then_mine="Which company did I work for on {day}?",
    mentions=(
        "I read that {value} is building a new hall",
        "The van of {value} blocked the street again",
        "Somebody's uncle holds shares in {value}",
    ),
)
ROLE = Slot(
    name="role",
    values=words.ROLES,
    own=(
        "I work as a {value}",
        "I make a living as a {value}",
    ),
    about=(
        "{name} works as a {value}",
        "{name} found a position as a {value}",
        "{name} - occupation: {value}",
    ),
    asked=(
        "What is {name}'s job?",
        "What does {name} do for work?",
        "Which profession does {name} have?",
    ),
    aside="My hands hurt, being a {value} is harder than it looks",
    mine=("What is my job?", "What do I do for work?", "Which profession do I have?"),
    then="What was {name}'s job on {day}?",
    then_mine="What was my job on {day}?",
    mentions=(
        "We had to call a {value} out on a Sunday",
        "The film is about a {value} who inherits a castle",
        "The {value} in our street has retired",
    ),
)
DIET = Slot(
    name="diet",
    values=words.FOODS,
    own=(
        "I'm allergic to {value}",
        "I can't eat anything with {value}",
    ),
    about=(
        "{name} must not eat {value}",
        "Mind that {name} reacts badly to {value}",
        "{name} - avoids: {value}",
    ),
    asked=(
        "What should nobody cook for {name}?",
        "Which food is {name} allergic to?",
        "What dietary restriction does {name} have?",
    ),
    aside="The wedding was lovely, I only had to send the starter back because of the {value}",
    mine=(
        "What should nobody cook for me?",
        "Which food am I allergic to?",
        "What dietary restriction do I have?",
    ),
    mentions=(
        "The price of {value} has gone up again",
        "The recipe with {value} came out rather dry",
        "The shop on the corner had run out of {value}",
    ),
)
PET = Slot(
    name="pet",
    values=words.PETS,
    own=(
        "I have a {value} at home",
        "There's a {value} asleep on my lap",
    ),
    about=(
        "{name} keeps a {value}",
        "{name} spends a fortune at the vet on that {value}",
        "{name} - household: one {value}",
    ),
    asked=(
        "What animal does {name} keep?",
        "Which pet does {name} have?",
        "What kind of creature lives with {name}?",
    ),
    aside="I can't stay late, my {value} has not been fed since morning",
    mine=(
        "What animal do I keep?",
        "Which pet do I have?",
        "What kind of creature lives with me?",
    ),
    mentions=(
        "The children drew a {value} on the pavement",
        "There was a {value} in the advert, of all things",
        "I saw a {value} at the fair",
    ),
)
CAR = Slot(
    name="car",
    values=words.CARS,
    own=(
        "I drive a {value} now",
        "I've bought a {value}",
    ),
    about=(
        "{name} drives a {value}",
        "{name} has bought a {value}",
        "{name} - registered vehicle: {value}",
    ),
    asked=(
        "What car does {name} own?",
        "Which automobile belongs to {name}?",
        "What does {name} use to get around on the road?",
    ),
    aside="Took me an hour to park the {value}, that's why I was late",
    mine=(
        "What car do I own?",
        "Which automobile belongs to me?",
        "What do I use to get around on the road?",
    ),
    then="What car did {name} own on {day}?",
    then_mine="What car did I own on {day}?",
    mentions=(
        "They recalled the {value} because of the mirrors",
        "A {value} was on fire by the motorway",
        "The taxi was a {value}, quite roomy",
    ),
)
LANGUAGE = Slot(
    name="language",
    values=words.LANGUAGES,
    own=(
        "I'm learning {value}",
        "My {value} is good enough to order dinner",
    ),
    about=(
        "{name} is getting fluent in {value}",
        "{name} read us a letter in {value} without stumbling",
        "{name} - speaks: {value}",
    ),
    asked=(
        "Which foreign tongue does {name} know?",
        "What language is {name} learning?",
        "In what could {name} interpret for a guest?",
    ),
    aside="I've no time on Tuesdays, that's when my evening class in {value} meets",
    mine=(
        "Which foreign tongue do I know?",
        "What language am I learning?",
        "In what could I interpret for a guest?",
    ),
    mentions=(
        "The manual was in {value} only",
        "There's a {value} film at the cinema on Friday",
        "The waiter swore in {value}",
    ),
)
HOBBY = Slot(
    name="hobby",
    values=words.HOBBIES,
    own=(
        "I'm hooked on {value}",
        "I spent the whole Sunday on {value}",
    ),
    about=(
        "{name} has taken up {value}",
        "{name} won't shut up about {value}",
        "{name} - leisure: {value}",
    ),
    asked=(
        "What are all of {name}'s hobbies?",
        "Which pastimes does {name} enjoy?",
        "What does {name} like to do in free time?",
    ),
    aside="Nothing calms me down like {value} does",
    mine=(
        "What are all of my hobbies?",
        "Which pastimes do I enjoy?",
        "What do I like to do in free time?",
    ),
    mentions=(
        "The centre offers {value} for beginners",
        "There was a documentary about {value}",
        "The poster said something about {value}",
    ),
)
PERSONAL = (CITY, EMPLOYER, ROLE, DIET, PET, CAR, LANGUAGE)
"""One value at a time."""
CHANGING = (CITY, EMPLOYER, ROLE, CAR)
