"""What a question says about itself, read without an LLM."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SELF = re.compile(r"\b(i|me|my|mine|myself|we|us|our)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with the one subject it names, if it names exactly one."""

    text: str
    subject: str = ""
    """As notes carry it."""
    topic: str
    """The question without the subject's name: what to embed, or the name drowns the rest
    (+12 recall@10 on LoCoMo's turns)."""


def _mention(subject: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(subject)}(?:['’]s)?(?!\w)", re.IGNORECASE)


def read_question(text: str, subjects: Iterable[str]) -> Question:
    """Find which of the scope's subjects a question is about.

    Args:
        text: The question.
        subjects: Subjects that notes of the scope carry. A subject of several words is also known
            by its first one; `user` also by "I" and "my".
    """
    named = dict[str, str]()
    for subject in subjects:
        for spelled in {subject, subject.split()[0]} if subject.split() else ():
            if _mention(spelled).search(text):
                named[subject] = spelled
        if subject == "user" and _SELF.search(text):
            named[subject] = named.get(subject, "")
    if len(named) != 1:
        return Question(text=text, topic=text)
    [(subject, spelled)] = named.items()
    rest = " ".join(_mention(spelled).sub(" ", text).split()) if spelled else text
    return Question(text=text, subject=subject, topic=rest if re.search(r"\w", rest) else text)
