"""The names a text holds: people, places, products, identifiers; by form alone."""

import regex as re

ASSISTANTS = frozenset(
    "ai assistant bot chatbot chatgpt claude codex copilot deepseek gemini gpt grok llm mistral"
    " model user".split()
)
"""Subjects of conversations with an assistant; `user` is the human side."""


_IDENTIFIER = re.compile(
    r"""(?<![\w/.])(?:
        [A-Za-z]+\d[A-Za-z0-9]*             # E1234, k8s, v2
      | [A-Za-z_][A-Za-z0-9]*_[A-Za-z0-9_]+ # foo_bar
      | [A-Z]{2}[A-Z0-9-]*                  # API, GDPR
      | [a-z]+[A-Z]\w*                      # camelCase
    )(?!\w)""",
    re.VERBOSE,
)
# No two repetitions in a row accept the same character: else a long word is read in n² ways.
_CAPITALISED = re.compile(
    r"(?<!\w)\p{Lu}[\w'’-]*[^\W_](?:\s+(?:of\s+|the\s+|de\s+|van\s+)?\p{Lu}[\w'’-]*[^\W_])*"
)
_SENTENCE_START = re.compile(r"(?:[.!?…:;\n\"“(\[])[ \t]*[\"“'(\[]*$")
SENTENCE_START_CHARACTERS = 8
"""Characters before a word that decide whether it opens a sentence."""
NAME_MAX_CHARACTERS = 256
"""Longest name, as long as a subject may be; searching for a name takes its length times the
text's."""
NOTE_MAX_NAMES = 12
"""Most names of one note."""
ORDINARY_WORDS = frozenset(
    "i i'm i've i'd i'll ok okay monday tuesday wednesday thursday friday saturday sunday january"
    " february march april may june july august september october november december mr mrs ms dr"
    " hey hi hello wow yeah yes no thanks thank congrats sounds good great".split()
)
"""Words that English capitalises without naming anything."""


def find_names(text: str) -> tuple[str, ...]:
    """Capitalised words inside sentences and identifiers, in order, each once.

    At most `NOTE_MAX_NAMES`, each of at most `NAME_MAX_CHARACTERS`.
    """
    found = dict[str, str]()
    for match in sorted(
        (*_CAPITALISED.finditer(text), *_IDENTIFIER.finditer(text)), key=lambda m: m.start()
    ):
        name = re.sub(r"['’]s$", "", match.group(0)).strip("'’-")
        start = max(0, match.start() - SENTENCE_START_CHARACTERS)
        before = ("…" if not start else "x") + text[start : match.start()]
        opens = _SENTENCE_START.search(before) is not None
        identifier = _IDENTIFIER.fullmatch(name) is not None
        named = 2 <= len(name) <= NAME_MAX_CHARACTERS and name.lower() not in ORDINARY_WORDS
        if not named or (opens and not identifier):
            continue
        found.setdefault(name.lower(), name)
        if len(found) == NOTE_MAX_NAMES:
            break
    return tuple(found.values())
