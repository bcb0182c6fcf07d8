"""Detection of text that reads like instructions to the agent: evolution does not quote it.

A composed note would repeat an injected instruction under a trusted name (arXiv 2607.29167).
"""

import regex as re

from zettel.storage.notes import fold

_WHO = r"(?:ai|assistant|agent|model|bot|chatbot|claude|chatgpt|gemini|copilot|llm)"
_PATTERNS = (
    # "Ignore all previous instructions", "disregard the rules above"
    r"(?<!never |not |n't )\b(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,40}"
    r"\b(?:instructions?|prompts?|rules|guidelines|directions|guardrails)\b",
    # What only a prompt speaks of, and the marks of chat templates.
    r"\b(?:system|developer) (?:prompt|message|instructions?)\b",
    r"<\|[a-z_]+\|>|\[/?inst\]|<</?sys>>|</?(?:system|instructions?)>",
    r"(?:^|\s)#+ ?(?:system|instructions?)\b|^(?:system|developer) ?:",
    # "You must always ...", "you are to never ..."
    r"\byou (?:must|shall|should|have to|need to|are to|will)(?: now)? (?:always|never|not|only)\b",
    # "From now on, answer ...", "from now on you ..."
    r"\bfrom now on,? (?:you|always|never|only|answer|respond|reply|act|pretend|ignore)\b",
    # "As the assistant, ...", "assistant: please send ..."
    rf"\bas (?:the|an|your) (?:\w+ ){{0,2}}?{_WHO}\b,",
    rf"(?:^|[.!?] ){_WHO} ?[,:] ?(?:please |you )?[a-z]+",
    rf"\b(?:you are now|act as|pretend (?:to be|you are)) (?:an? |the )?(?:\w+ ){{0,3}}?{_WHO}\b",
    # "Do not tell the user", "never reveal this"
    r"\b(?:do not|don't|never) (?:tell|inform|alert|warn|reveal|mention)\b[^.!?]{0,40}"
    r"\b(?:users?|humans?|operators?|anyone|this (?:prompt|instruction))\b",
    # "Call the forget tool", "run the following command"
    r"\b(?:call|use|invoke) the \w+ (?:tool|function)\b",
    r"\b(?:run|execute) (?:the following|this) (?:command|code|script)\b",
)
_INSTRUCTION = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
_UNSEEN = re.compile(r"\p{Cf}+")
"""Invisible characters, which could hide a word from a pattern."""


def reads_like_instructions(text: str) -> bool:
    """Whether a text addresses the agent that reads it.

    English only and by form: it lowers the risk but is no guarantee. The note itself is unchanged.
    """
    return _INSTRUCTION.search(fold(_UNSEEN.sub("", text)).replace("’", "'")) is not None
