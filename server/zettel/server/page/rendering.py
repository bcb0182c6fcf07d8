"""Templates, and how texts of notes are shown: escaped, and nothing in them hidden."""

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import groupby
from typing import cast

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from zettel.server.page.entrance import TOKEN_FIELD, visit_of
from zettel.tools.printable import printable_lines
from zettel.tools.render import DAY_CHARACTERS, MINUTE_CHARACTERS

DIFF_MAX_WORDS = 3_000
"""Words of both texts together up to which they are compared: difflib takes the square."""
DIFF_CONTEXT_WORDS = 12
"""Unchanged words shown around a change."""

SAID = {
    "saved": "Saved. The earlier version is in the history.",
    "unchanged": "Nothing was different, so nothing was changed.",
    "already": "The note says so already, so nothing was changed.",
    "changed_since": "It was changed since you opened it, so nothing was done. This is it now.",
    "planned": "Saved: the new text takes the place of the old one on its day.",
    "forgotten": "Forgotten. It can be brought back below.",
    "restored": "Brought back.",
    "settled": "Settled.",
    "settled_before": "This was settled already, so nothing was changed.",
    "undone": "The run was undone. The undo is a run of its own, and can be undone too.",
    "in": "You are logged in.",
}
"""Message shown after a form, by its name in the address."""


def visible(value: object) -> object:
    """A value for a template: in a text, what a browser would hide or reorder is written out."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable_lines(value.replace("\r\n", "\n").replace("\t", "    "))
    return value


def verbatim(text: str) -> Markup:
    """A text for a field that is edited, where nothing may be written otherwise."""
    return escape(text)


def as_json(value: object) -> str:
    """A value as an agent gets it, indented."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def compact(number: int) -> str:
    """A number of bytes in the largest unit that leaves a whole number."""
    for unit in ("bytes", "KB", "MB"):
        if number < 10_000:
            return f"{number:,} {unit}"
        number //= 1_000
    return f"{number:,} GB"


def counted(number: int, noun: str) -> str:
    """A number of things, as "1 note" and "1,200 notes"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short_time(text: str) -> str:
    """A time of an answer for a person: the day at midnight, else to the minute, in UTC."""
    day, clock = text[:DAY_CHARACTERS], text[DAY_CHARACTERS + 1 : MINUTE_CHARACTERS]
    return day if clock in ("", "00:00") else f"{day} {clock}"


def by_day(notes: Sequence[Mapping[str, str]]) -> list[tuple[str, list[Mapping[str, str]]]]:
    """The notes of each day, in their order."""
    days = groupby(notes, key=lambda note: note["happened_at"][:DAY_CHARACTERS])
    return [(day, list(of_day)) for day, of_day in days]


def differing_words(old: str, new: str) -> list[tuple[str, str]]:
    """Two texts compared by words: (`kept`, `gone`, `come` or `skipped`, words), in order."""
    before, after = old.split(), new.split()
    if len(before) + len(after) > DIFF_MAX_WORDS:
        return [("gone", old), ("come", new)]
    parts = list[tuple[str, str]]()
    for how, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if how == "equal":
            parts += _around(before[i:j], first=i == 0, last=j == len(before))
            continue
        parts += [("gone", " ".join(before[i:j]))] if j > i else []
        parts += [("come", " ".join(after[k:m]))] if m > k else []
    return parts


def _around(words: Sequence[str], *, first: bool, last: bool) -> list[tuple[str, str]]:
    head, tail = (0 if first else DIFF_CONTEXT_WORDS), (0 if last else DIFF_CONTEXT_WORDS)
    if len(words) <= head + tail + DIFF_CONTEXT_WORDS:
        return [("kept", " ".join(words))]
    parts = [("kept", " ".join(words[:head])), ("skipped", f"{len(words) - head - tail} words")]
    parts.append(("kept", " ".join(words[len(words) - tail :])))
    return [part for part in parts if part[1]]


def field_changes(
    changed: Mapping[str, Sequence[object]], lines: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Field -> its change: parts of a text, or of a list what went and came.

    `lines` are by note id: how a link names the note.
    """
    return [(name, _change(old, new, lines)) for name, (old, new) in changed.items()]


def _change(old: object, new: object, lines: Mapping[str, str]) -> list[tuple[str, str]]:
    if isinstance(old, list) and isinstance(new, list):
        before, after = (
            [_item(value, lines) for value in values]
            for values in cast("tuple[list[object], list[object]]", (old, new))
        )
        gone = [("gone", one) for one in before if one not in after]
        return [*gone, *(("come", one) for one in after if one not in before)]
    before, after = cast("tuple[object, object]", (old, new))
    return differing_words(_item(before, lines), _item(after, lines))


def _item(value: object, lines: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        link = cast("dict[str, str]", value)
        until = f", until {short_time(link['until'])}" if link.get("until") else ""
        relation = link["relation"].replace("_", " ")
        return f"{relation}: {lines.get(link['to'], link['to'])}{until}"
    return "" if value is None else str(value)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("zettel.server.page"),
        autoescape=True,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


HELPERS: Mapping[str, object] = {
    "verbatim": verbatim,
    "as_json": as_json,
    "by_day": by_day,
    "compact": compact,
    "counted": counted,
    "field_changes": field_changes,
    "short_time": short_time,
}
"""Functions for the templates."""


def render(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page.

    `template` is the file's name without its ending.
    """
    visit = visit_of(request)
    text = (
        _environment()
        .get_template(f"{template}.html")
        .render(
            {**HELPERS, **values},
            who=visit.bearer.known.name if visit.bearer else "",
            token_field=TOKEN_FIELD,
            form_token=visit.form_token,
            said=SAID.get(request.query_params.get("said", ""), ""),
            path=request.url.path,
        )
    )
    return HTMLResponse(text, status)


def render_login(*, to: str, problem: str = "") -> Response:
    """The login, which is rendered for nobody yet."""
    text = _environment().get_template("login.html").render(to=to, problem=problem)
    return HTMLResponse(text, 401 if problem else 200)
