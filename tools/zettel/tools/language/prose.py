"""The prose of a text: without code, queries, tables and logs, which name nobody."""

import regex as re

_FENCED = re.compile(r"^[ \t]*(?P<fence>```|~~~).*?(?:^[ \t]*(?P=fence)[^\n]*$|\Z)", re.M | re.S)
_TAG = re.compile(r"<[/\p{L}][^<>\n]{0,200}>")
_SQL = (
    "SELECT|FROM|WHERE|(?:LEFT|RIGHT|INNER|OUTER|CROSS) JOIN|JOIN|INSERT INTO|UPDATE|DELETE FROM"
    "|CREATE (?:TABLE|INDEX|VIEW)|ALTER TABLE|DROP TABLE|ORDER BY|GROUP BY|HAVING|LIMIT|UNION|WITH"
)
_CODE_LINES = (
    rf"\s*(?:{_SQL})\b.*",
    r".*\b(?:NOT NULL|PRIMARY KEY|IS NULL|FOREIGN KEY|DEFAULT now)\b.*",
    r"\s*\|.*\|\s*",  # a row of a table
    r".*\S[ ]\|[ ].*[ ]\|[ ].*",  # three columns
    r".*\S {2,}\S.* {2,}\S.* {2,}\S.*",  # output in columns
    r"\W{0,2}\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*",  # a line of a log
    r"\W{0,2}\d\d:\d\d:\d\d[.,]\d+.*",
    r"\S{1,40} {0,8}\| (?:\W|[A-Z]+:).*",  # of a container's
    r"\W?(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL|TRACE)\b[\]:].*",
    r"\s+at [\w$.<>]+\(.*",  # of a stack trace
    r"\s*File \".*\", line \d+.*",
    r"\s*Traceback \(most.*",
    r"\s*(?:\w+\.)*\w+(?:Error|Exception)\b:.*",
    r"\s*[$%] \S.*",  # of a shell
    r"\s*# \w+(?: \w+)*: \[.*",
    r"\s*[\[{(]+[\"'].*",  # JSON
    r"\s*[\w.]+ ?[-+*/|]?= ?\S.*[\w)\]\"']",  # an assignment
    r"\s*=[A-Z]+\(.*",  # a formula
    r".*[;{}]\s*",
    r"\s*[)\]}]+[;,]?\s*",
    r"\s*(?:def|class|async def|fn|func|function|export|import|from|return|const|let|var|public"
    r"|private|package|@\w+)\b.*[:({\])=;,]\s*",
)
_CODE_LINE = re.compile("|".join(f"(?:{line})" for line in _CODE_LINES))
CODE_LINE_MAX_CHARACTERS = 400
"""A longer line is a paragraph: a table's row or a log's line is shorter."""


def without_code(text: str) -> str:
    """The text with code, queries, tables, logs and tags left out.

    Code within a sentence (`` `tg flags` ``) stays.
    """
    spoken = _FENCED.sub("\n", text)
    lines = (line for line in spoken.split("\n") if not _is_code(line))
    return _TAG.sub(" ", "\n".join(lines))


def _is_code(line: str) -> bool:
    return len(line) <= CODE_LINE_MAX_CHARACTERS and _CODE_LINE.fullmatch(line) is not None
