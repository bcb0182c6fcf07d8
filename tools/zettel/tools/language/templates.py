"""Marks of chat templates, of tool calls and of commands that destroy: only a prompt has them."""

import re

_MARKS = re.compile(
    r"<\|[a-z_ ]{2,24}\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>"
    r"|</?(?:system|assistant|instructions?|system[-_](?:reminder|message|prompt|note)|tool[-_]?(?:call|calls|result|results|response|use|output)"
    r"|function[-_](?:calls?|results?|response)|antml:\w{1,20}|invoke name=[^<>]{1,80})(?:\s[^<>]{0,200})?>"
    r"|\[/?(?:system|developer|admin)(?:\s{1,3}(?:message|prompt|override|note|update|instructions?|command|alert)s?)?(?:\s{0,2}[-:(][^\[\]\n]{0,80})?\]"
    r"|^[ \t]{0,8}#{2,6}[ \t]{0,4}(?:system|assistant|human|instruction|response|new instructions?)[ \t]{0,4}:"
    r"|^[ \t]{0,8}```(?:system|assistant|instructions?)\b"
    r"|^[ \t]{0,8}(?:system|developer|admin)[ \t]{0,2}(?:\([^()\n]{0,40}\))?[ \t]{0,2}:[ \t]{0,4}(?:\n[ \t]{0,4})?(?:the user|the assistant|the agent|you|your|user|users|ignore|new|all |from now|override|raise|"
    r"grant|enable|disable|comply|answer|forget|do not|never|always|maintenance|delete|send|reveal|trust|treat|this is|approve|skip|access)"
    r"|^[ \t]{0,8}(?:tool|function)[ _](?:result|output|response|call)s?[ \t]{0,2}:|^[ \t]{0,8}action[ _]input[ \t]{0,2}:"
    r"|\"(?:tool|tool_name|function|recipient_name|name)\"\s{0,4}:\s{0,4}\"[^\"\n]{1,80}\"\s{0,4},\s{0,4}\"(?:arguments|parameters|args|input|tool_input|params)\"\s{0,4}:"
    r"|\brm\s{1,3}-[a-z-]{0,20}r[a-z -]{0,30}\s(?:/|~/?|\$home/?)(?:\s|$|\*|\")",
    re.MULTILINE,
)
_DIALOGUE = re.compile(r"^[ \t]{0,8}human[ \t]{0,2}:", re.MULTILINE)
_TURN = re.compile(r"^[ \t]{0,8}assistant[ \t]{0,2}:", re.MULTILINE)
_SHELL = re.compile(r"\|\s{0,4}(?:sudo\s{1,4})?(?:ba|z|da)?sh\b")
_FETCH = re.compile(
    r"\b(?:curl|wget)\b[^\n|]{0,120}(?:http://|ftp://|\d{1,3}\.\d{1,3}\.\d{1,3}\.)|base64\s{1,4}(?:-d|--decode)"
)


def holds_template(simple: str) -> bool:
    """Whether a text in its simple form holds what only a prompt or an attack has."""
    if _MARKS.search(simple):
        return True
    if _DIALOGUE.search(simple) and _TURN.search(simple):
        return True
    return bool(_SHELL.search(simple)) and any(
        _SHELL.search(line) and _FETCH.search(line) for line in simple.split("\n")
    )
