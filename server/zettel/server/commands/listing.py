"""`zettel list` and `zettel show`: notes as they are stored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.output import Line, Output, Say, block, line
from zettel.server.commands.short_ids import meant_ids, short_ids
from zettel.server.engine.ipc.handshake import Json

if TYPE_CHECKING:
    from zettel.tools.views.listing import LinkedNote, NoteList, StoredNote

LIST_PAGE_NOTES = 1_000
"""Notes of one call."""
LIST_INDENT = 4
FIELD_CHARACTERS = 14
"""Room for a field's name before its value."""


def print_list(
    call: MemoryCall, say: Say, *, limit: int | None, **filters: Json
) -> tuple[int, int]:
    """Print the notes that fit the filters, newest first, each whole.

    `limit` is None for all; `filters` are of the call `list`.

    Returns:
        Notes that were printed, and that there are.

    Raises:
        ZettelError: A filter cannot be used, or the store cannot be read.
    """
    shown, after = 0, None
    while True:
        room = LIST_PAGE_NOTES if limit is None else min(limit - shown, LIST_PAGE_NOTES)
        page = cast("NoteList", call("list", **filters, after=after, limit=room))
        for note in page["notes"]:
            say(Output.of(note, _listed(note, page["short"])))
        shown += len(page["notes"])
        after = page.get("after")
        if after is None or shown == limit:
            return shown, page["total"]


def _listed(note: Mapping[str, object], short: Mapping[str, str]) -> list[Line]:
    state = str(note.get("state", ""))
    subject = f"{note['subject']}: " if note.get("subject") else ""
    lead = line(
        (short[str(note["note_id"])], "id"),
        (f"  {str(note.get('happened_at', ''))[:10]}  {note.get('kind', ''):<10}  ", "faint"),
        (f"({state}) " if state != "active" else "", "removed"),
        (subject, "strong"),
        indent=LIST_INDENT,
    )
    tags = note.get("tags")
    named = ", ".join(map(str, cast("list[object]", tags))) if tags else ""
    tail = [line(" " * LIST_INDENT, (f"#{named}", "faint"), indent=LIST_INDENT)] if named else []
    return [*block(str(note["content"]), lead), *tail]


def note_output(call: MemoryCall, typed: str) -> Output:
    """One note, in whatever state and namespace it is: the text, its fields, its links.

    Raises:
        NoteNotFoundError: There is none.
        InvalidArgumentError: Several are meant.
    """
    (note_id,) = meant_ids(call, [typed])
    stored = cast("StoredNote", call("note", note_id=note_id))
    note, links, back = stored["note"], stored["links"], stored["linked_from"]
    short = short_ids(call, [note_id, *(other["note_id"] for other in (*links, *back))])
    lines = block(str(note["content"]), line(indent=LIST_INDENT))
    premise = {"premise": stored["premise"]} if "premise" in stored else {}
    fields = _fields(note, short[note_id]) | premise
    lines += [line(), *(_field(name, text) for name, text in fields.items())]
    lines += [_link(False, link, short) for link in links]
    lines += [_link(True, link, short) for link in back]
    return Output.of({**note, **premise}, lines)


def _field(name: str, text: str) -> Line:
    lead = f"{name:<{FIELD_CHARACTERS}}  "
    return line((lead, "faint"), text, indent=len(lead))


def _fields(note: Mapping[str, object], short: str) -> dict[str, str]:
    """What a person wants to know of a note beside its text; `--json` has every field."""
    origin = cast("Mapping[str, str]", note.get("origin") or {})
    told_by = " through ".join(filter(None, (origin.get("principal"), origin.get("client"))))
    derived = cast("Mapping[str, str]", note.get("derived_by") or {})
    fields: dict[str, object] = {
        "id": f"{short}  ({note['note_id']})",
        "state": "" if note.get("state") == "active" else note.get("state", ""),
        "namespace": note.get("namespace", ""),
        **{name: note.get(name, "") for name in ("subject", "tags", "kind")},
        "happened": _moment(note, "happened_at"),
        "true until": _moment(note, "valid_until"),
        "context": "" if derived.get("context") == "rule" else note.get("context", ""),
        **{name: note.get(name, "") for name in ("session", "source", "keywords", "entities")},
        "summary": note.get("summary", ""),
        "told by": told_by,
        "trust": note["trust"] if note.get("trust") not in (None, 1.0) else "",
        "revision": f"{note['rev']}, {note.get('change')} by {note.get('changed_by')}"
        f" {_moment(note, 'known_from')}  (zettel history {short})",
    }
    shown = {name: _field_text(value) for name, value in fields.items()}
    return {name: text for name, text in shown.items() if text}


def _moment(note: Mapping[str, object], name: str) -> str:
    """A time to the minute, in UTC."""
    return str(note.get(name, ""))[:16].replace("T", " ")


def _field_text(value: object) -> str:
    return (
        ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    )


def _link(back: bool, link: "LinkedNote", short: Mapping[str, str]) -> Line:
    lead = f"{'linked from' if back else 'link':<{FIELD_CHARACTERS}}  "
    return line(
        (lead, "faint"),
        f"{link['relation']} ",
        (short[link["note_id"]], "id"),
        f"  {link['line']}",
        indent=len(lead),
    )
