"""The talk around the facts: small talk, questions, and an assistant's long answers."""

import re
from random import Random

from benchmarks.generator.slots import HOBBY, PERSONAL, Slot

_OPENERS = (
    "",
    "",
    "",
    "By the way. ",
    "Before I forget. ",
    "Oh well. ",
    "Listen. ",
    "Guess what. ",
)
_WHO = tuple(
    "the neighbour,my aunt,a man on the bus,the postwoman,our old teacher,the landlord,the choir,"
    "a child next door,the baker,my cousin,the caretaker,somebody at the pool,the dentist,"
    "the new tenant,a tourist,the fishmonger".split(",")
)
_DID = tuple(
    "complained about the rain,painted the fence,lost an umbrella,asked for directions,"
    "told the same joke,forgot the keys,laughed about the weather,dropped a tray of cups,"
    "hung up new curtains,missed the last bus,borrowed a ladder,argued about parking,"
    "left the lights on,sneezed all evening,counted the steps,praised the soup".split(",")
)
_WHEN = tuple(
    "again,as usual,for no reason,before breakfast,in the stairwell,at the corner,during the news,"
    "on the way back,in front of everybody,with a straight face,over the fence,in the queue,"
    "while it was pouring,after the match,on the landing,in a hurry".split(",")
)
_SMALL_QUESTIONS = (
    "How was your day?",
    "Did you sleep well?",
    "Have you got a minute?",
    "What was that noise just now?",
    "Shall we have another cup of tea?",
    "Isn't it cold for the season?",
    "Are you coming along on Sunday?",
    "Do you remember where we parked?",
)
_REQUESTS = (
    "could you draft a short thank-you card for me?",
    "can you suggest a good way to spend the weekend?",
    "what would you cook for six guests tonight?",
    "could you remind me how to get a wine stain out?",
    "can you make me a packing list?",
    "what is a polite way to say no to an invitation?",
)
_REPLIES = (
    "Happy to help with that.",
    "Thank you for telling me.",
    "That sounds like quite a change.",
    "Of course, here are a few thoughts.",
)
_ADVICE = {
    "city": "Many people who look for a place to live consider {a} or {b}, where rents vary.",
    "employer": "Companies such as {a} and {b} often come up when somebody looks for work.",
    "role": "A job as a {a} or a {b} can be rewarding, depending on the hours.",
    "diet": "Common food restrictions and allergies concern {a} as well as {b}.",
    "pet": "As an animal to keep at home, a {a} needs less room than a {b}.",
    "car": "Owners who compare a car like the {a} with the {b} look at fuel and parking first.",
    "language": "Learning a foreign language such as {a} or {b} takes about a year.",
    "hobby": "Popular hobbies for free time are {a} and {b}, and both are easy to begin.",
}
_CLOSINGS = (
    "Would you like me to go into detail?",
    "Let me know which of these you prefer.",
    "Shall I put this into a list?",
    "Take your time to think it over.",
)
_BEFORE_VOWEL = re.compile(r"\ba (?=[aeiouAEIOU])")
ELLIPTIC = (
    "{value}, since the spring.",
    "{value}, for better or worse.",
    "Still {value}, and no regrets.",
    "It's {value}, if you must know.",
)
"""Answers that say nothing without the question before them."""


def opened(rng: Random, sentence: str) -> str:
    """The sentence with a full stop, and often with an opening of small talk."""
    sentence = _BEFORE_VOWEL.sub("an ", f"{sentence[0].upper()}{sentence[1:]}.")
    return f"{rng.choice(_OPENERS)}{sentence}"


def small_talk(rng: Random, *, questions: bool) -> str:
    """A turn that says nothing of anybody's slots; one in five a question, where people talk."""
    if questions and rng.random() < 0.2:
        return f"{opened(rng, _remark(rng))} {rng.choice(_SMALL_QUESTIONS)}"
    return opened(rng, f"{_remark(rng)} and {_remark(rng)}")


def _remark(rng: Random) -> str:
    return f"{rng.choice(_WHO)} {rng.choice(_DID)} {rng.choice(_WHEN)}"


def mention(rng: Random, slot: Slot, value: str) -> str:
    """A value that somebody's slot has, in a turn that says nothing of that slot."""
    return opened(rng, f"{rng.choice(slot.mentions).format(value=value)}; {_remark(rng)}")


def request(rng: Random) -> str:
    """What a user wants of an assistant."""
    return rng.choice(_REQUESTS)


def reply(rng: Random, slot: Slot | None = None, *, without: str = "") -> str:
    """An assistant's long answer: values of the slot and of others, said of nobody.

    Args:
        rng: Decides.
        slot: What it is about; None for this and that.
        without: The one value that it must not name.
    """
    slots = [slot] if slot is not None and slot.name in _ADVICE else []
    slots += rng.sample((*PERSONAL, HOBBY), 2)
    sentences = [rng.choice(_REPLIES)]
    for each in slots:
        a, b = rng.sample([value for value in each.values if value != without], 2)
        sentences.append(_ADVICE[each.name].format(a=a, b=b))
    sentences.append(rng.choice(_CLOSINGS))
    return _BEFORE_VOWEL.sub("an ", " ".join(sentences))


def to_you(question: str) -> str:
    """A question in the first person, as somebody else asks it."""
    for own, yours in (("am I", "are you"), ("I", "you"), ("my", "your"), ("me", "you")):
        question = re.sub(rf"\b{own}\b", yours, question)
    return question
