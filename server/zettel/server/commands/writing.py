"""`zettel add`, `zettel edit` and `zettel link`: what a person tells, changes and connects."""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.output import Line, Output, block, line
from zettel.server.commands.short_ids import meant_ids, short_ids
from zettel.server.engine.ipc.handshake import Json
from zettel.storage.errors import (
    InvalidArgumentError,
    NotConfirmedError,
    NoteForgottenError,
    ZettelError,
)
from zettel.storage.notes import SAME_AS, SUPERSEDES
from zettel.tools.typed_tags import read_tags, typed_tags

if TYPE_CHECKING:
    from zettel.tools.answers import RememberAnswer, UpdateAnswer
    from zettel.tools.views.listing import StoredNote

FORM_FIELDS = ("subject", "tags", "kind", "happened_at", "valid_until", "context")
"""Fields that can be edited above the text."""
FENCE = "---"
"""Line before and behind them."""

Edit = Callable[[str], str]
"""Has the person edit a text."""
Agree = Callable[[Sequence[Line]], bool]
"""Shows a change and asks; whether the person agrees."""


def add_output(call: MemoryCall, content: str, **fields: Json) -> Output:
    """Store a note, and print its id and the notes that it may repeat or replace.

    Raises:
        ZettelError: It cannot be stored.
    """
    answer = cast("RememberAnswer", call("remember", content=content, **fields))
    near = answer.get("candidates", [])
    parts = answer.get("parts", [])
    note_id = answer["note_id"]
    short = short_ids(call, [note_id, *parts, *(other["note_id"] for other in near)])
    known = answer["status"] == "already_known"
    verb = "Known already, as" if known else "Stored as"
    lines = [line(f"{verb} ", (short[note_id], "id"), f" in {answer['namespace']}.")]
    if parts:
        lines.append(line(f"It was long and goes on in {len(parts)} more notes, linked to it."))
    lines += [
        line(f"{words!r} is understood as {day}.") for words, day in answer.get("times", {}).items()
    ]
    if cut := answer.get("cut"):
        named = ", ".join(f"{count} {kind}" for kind, count in cut.items())
        lines.append(line(f"Not kept, since it is secret: {named}.", indent=4))
    if differs := answer.get("differs"):
        where = " and ".join(differs)
        lines.append(line(f"Not kept, as it differs there: {where}. zettel edit {short[note_id]}"))
    if degraded := answer.get("degraded"):
        lines.append(line(f"{degraded[:1].upper()}{degraded[1:]}."))
    if near:
        lines += [line(), line("It may repeat or replace:")]
        for other in near:
            lead = line("  ", (short[other["note_id"]], "id"), "  ", indent=4)
            lines += block(other["content"], lead)
        lines += [line(said) for said in _settling(near[0]["settle"], note_id, short)]
    return Output.of(answer, lines)


_SETTLING_CALL = re.compile(
    r'update\(note_id="(?P<start>\w+)"(?:, happened_at="(?P<begins>[^"]+)")?,'
    r' links=\[\{"to": "(?P<end>\w+)", "relation": "(?P<by>\w+)"\}'
)


def _settling(settle: str, note_id: str, short: Mapping[str, str]) -> Iterator[str]:
    """The commands that settle a pair, in the order and direction of the calls for an agent."""
    for call in _SETTLING_CALL.finditer(settle):
        start, end, by, begins = call.group("start", "end", "by", "begins")
        if by == SAME_AS:
            yield f"If both say the same: zettel link {short[start]} {by} {short[end]}"
        elif by == SUPERSEDES:
            which = "it replaces the first" if start == note_id else "the first replaces it"
            then = f" --happened-at {begins[:10]}" if begins else ""
            yield f"If {which}: zettel link {short[start]} {by} {short[end]}{then}"


def edit_note(
    call: MemoryCall, typed: str, edit: Edit, agree: Agree, *, correction: bool, reason: str | None
) -> Output:
    """Have a person edit a note, show what would change, and store it as a new revision.

    `edit` opens an editor; `agree` asks whether the change shown is meant. With `correction`, the
    earlier text was never true.

    Raises:
        NotConfirmedError: The person did not agree; nothing was changed.
        OtherRevisionError: The note was changed meanwhile; what was written is kept in a file.
        ZettelError: The note cannot be found or changed.
    """
    (note_id,) = meant_ids(call, [typed])
    note = cast("StoredNote", call("note", note_id=note_id))["note"]
    short = short_ids(call, [note_id])[note_id]
    if note.get("state") == "forgotten":
        raise NoteForgottenError(short)
    before = form_of(note)
    written = edit(before)
    if written == before:
        return _unchanged(note_id, short, note)
    try:
        changes = read_form(note, written)
        if not changes:
            return _unchanged(note_id, short, note)
        if not agree(_shown_changes(note, changes, correction=correction)):
            raise NotConfirmedError("y", option="--yes")
        answer = cast(
            "UpdateAnswer",
            call(
                "update",
                note_id=note_id,
                expected_rev=cast("int", note["rev"]),
                correction=correction,
                reason=reason,
                **changes,
            ),
        )
    except ZettelError as error:
        error.add_note(f"What you wrote is in {_kept(written)}")
        raise
    return Output.of(answer, _saved(call, short, answer))


def _unchanged(note_id: str, short: str, note: Mapping[str, object]) -> Output:
    text = f"{short} is as it was: nothing was changed."
    return Output({"note_id": note_id, "rev": note["rev"], "changed": {}}, text)


def _saved(call: MemoryCall, short: str, answer: "UpdateAnswer") -> list[Line]:
    if successor := answer.get("successor"):
        new = short_ids(call, [successor])[successor]
        return [line("Stored as ", (new, "id"), f": it takes the place of {short} on its day.")]
    if not answer["changed"]:
        return [line(f"{short} is as it was: nothing was changed.")]
    return [line("Saved ", (short, "id"), f" as revision {answer['rev']}.")]


def _kept(text: str) -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="zettel-", suffix=".md", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return file.name


def form_of(note: Mapping[str, object]) -> str:
    """A note as an editor shows it: its fields between two fences, then its text."""
    fields = "".join(f"{name}: {_text(note, name)}".rstrip() + "\n" for name in FORM_FIELDS)
    return f"{FENCE}\n{fields}{FENCE}\n{note['content']}\n"


def _text(note: Mapping[str, object], name: str) -> str:
    value = note.get(name, "")
    text = typed_tags(cast("list[str]", value)) if isinstance(value, list) else str(value)
    return " ".join(text.split())


def read_form(note: Mapping[str, object], written: str) -> dict[str, Json]:
    """The arguments of `update` for what was changed in `form_of`.

    Raises:
        InvalidArgumentError: The fields cannot be read.
    """
    lines = written.replace("\r\n", "\n").split("\n")
    try:
        if lines[0].rstrip() != FENCE:
            raise ValueError
        end = next(at for at, text in enumerate(lines) if at and text.rstrip() == FENCE)
    except (ValueError, StopIteration):
        problem = f"the lines between {FENCE} and {FENCE} are gone"
        remedy = "Leave them at the beginning; an empty field is no field."
        raise InvalidArgumentError("fields", problem, remedy) from None
    given = dict[str, str]()
    for text in lines[1:end]:
        name, colon, value = text.partition(":")
        if text.strip() and (not colon or name.strip() not in FORM_FIELDS):
            remedy = f"The fields are {', '.join(FORM_FIELDS)}."
            raise InvalidArgumentError("fields", f"{text.strip()[:80]!r} is none", remedy)
        given[name.strip()] = value.strip()
    changes: dict[str, Json] = {
        name: given.get(name, "")
        for name in FORM_FIELDS
        if given.get(name, "") != _text(note, name)
    }
    if "tags" in changes:
        changes["tags"] = [*read_tags(given.get("tags", ""))]
    # Editors end a file with a line feed.
    content = "\n".join(lines[end + 1 :]).removesuffix("\n")
    if content != str(note["content"]).removesuffix("\n"):
        changes["content"] = content
    return changes


def _shown_changes(
    note: Mapping[str, object], changes: Mapping[str, Json], *, correction: bool
) -> list[Line]:
    lines = list[Line]()
    if "content" in changes and not correction and note.get("state") == "active":
        changes = {"happened_at": "now", **changes}
    for name, value in changes.items():
        if name == "content":
            continue
        new = typed_tags(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(line((f"{name}:", "strong")))
        if old := _text(note, name):
            lines.append(line("  ", (f"- {old}", "removed")))
        if new:
            lines.append(line("  ", (f"+ {new}", "added")))
    if "content" in changes:
        old, new = str(note["content"]).splitlines(), str(changes["content"]).splitlines()
        lines.append(line(("text:", "strong")))
        styles = {"+": "added", "-": "removed"}
        differing = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
        lines += [
            line("  ", (f"{each[:1]} {each[1:]}".expandtabs(), styles.get(each[:1], "")))
            for each in differing
            if not each.startswith("@@")
        ]
    return lines


def link_output(
    call: MemoryCall,
    start: str,
    relation: str,
    end: str,
    *,
    remove: bool,
    happened_at: str | None = None,
) -> Output:
    """Add a link from one note to another, or take it out.

    With `happened_at` the first note is of that time, and takes another's place then.

    Raises:
        NoteNotFoundError: One of them does not exist.
        InvalidArgumentError: Several notes are meant, or the relation cannot be used.
    """
    if not relation.strip():
        remedy = "Name one, as in: zettel link ID supersedes TO."
        raise InvalidArgumentError("RELATION", "it is empty", remedy)
    source, target = meant_ids(call, [start, end])
    short = short_ids(call, [source, target])
    link: dict[str, Json] = {"to": target, "relation": relation}
    if remove:
        link["remove"] = True
    then: dict[str, Json] = {"happened_at": happened_at} if happened_at else {}
    answer = cast("UpdateAnswer", call("update", note_id=source, links=[link], **then))
    ends = (short[source], "id"), f" {relation} ", (short[target], "id")
    if not answer["changed"]:
        already = "There is no such link" if remove else "That link was there"
        return Output.of(answer, [line(f"{already}, so nothing was changed: ", *ends)])
    verb = "Taken out: " if remove else "Linked: "
    return Output.of(answer, [line(verb, *ends)])


DEFAULT_EDITOR = "vi"
"""Every POSIX system has one (IEEE 1003.1, vi)."""


def edit_text(text: str) -> str:
    """Have a person edit a text in a private file; returns when the editor has ended.

    Raises:
        InvalidArgumentError: The editor cannot be started, or failed.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not editor and not sys.stdin.isatty():
        problem = "nobody is there to edit, and no program is named"
        raise InvalidArgumentError("EDITOR", problem, "Set EDITOR, or run this at a terminal.")
    editor = editor or DEFAULT_EDITOR
    with tempfile.TemporaryDirectory(prefix="zettel-") as folder:
        file = Path(folder, "note.md")
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)
            return file.read_text(encoding="utf-8")
        except subprocess.CalledProcessError as error:
            problem = f"{editor!r} ended with {error.returncode}, so nothing was taken from it"
            remedy = "Leave it without an error, or set EDITOR to another one."
            raise InvalidArgumentError("EDITOR", problem, remedy) from None
        except (OSError, ValueError) as error:
            problem = f"{editor!r} did not work ({error})"
            raise InvalidArgumentError("EDITOR", problem, "Set EDITOR to one that does.") from None
