"""What a text tells, and what it asks at its end.

One vector of "I have moved to Lyon. Can you find me a gym?" lies between the two, near to neither.
"""

from itertools import pairwise

import regex

from zettel.storage.passages import SENTENCE_END

TOLD_SHARE = 0.7
"""What is told counts for this much of a note's vector, what it asks at its end for the rest: it
must be found as well. Of what users tell an assistant in the generator's worlds (seeds 0, 3, 5 and
7) 94.8 instead of 87.5 % come among the first ten, and two steps find all in 69 instead of 59 %; on
LoCoMo's development half recall@10 of all rises from 84.6 to 84.9, of multi-hop from 58.2 to 59.6.
Between 0.5 and 1 it makes little difference."""

_WORD = regex.compile(r"\w")
_CLOSING = " \t\n\"'”’»)]*_"
_MARKS = ("?", "？", "؟")


def asks(text: str) -> bool:
    """Whether a text ends in a question."""
    return text.rstrip(_CLOSING).endswith(_MARKS)


def told_and_asked(text: str) -> tuple[str, str]:
    """Cut a text where it turns to asking.

    Returns:
        What is before the questions at its end, and these; the whole text and nothing where it
        does not end in a question, or says nothing else.
    """
    ends = [0, *(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    cut = len(text)
    for start, end in reversed(list(pairwise(ends))):
        sentence = text[start:end]
        if asks(sentence):
            cut = start
        elif sentence.rstrip(_CLOSING):
            break
    told, asked = text[:cut].strip(), text[cut:].strip()
    return (told, asked) if _WORD.search(told) and _WORD.search(asked) else (text, "")
